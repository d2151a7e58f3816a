import { read } from "../api/client";
import type { ActionKind, ErrorView } from "../api/contract";
import { ActionButton } from "../actions/ActionButton";
import { useResource } from "../api/resource";
import { advice, t } from "../language";
import { ClassBadge, StatusBadge } from "../parts/Badge";
import { Heading } from "../parts/Heading";
import { Blank, FailureNotice, Loading, Notice } from "../parts/Notice";
import { href } from "../route";
import { Attempts } from "./Attempts";
import { elsewhere, linkError } from "./places";
import { ErrorFacts } from "./ErrorFacts";
import { SourceRowPanel } from "./SourceRowPanel";
import { TrialPanel } from "./TrialPanel";

/** One rejected record: Salesforce's message, what it stops, each attempt, and the actions for it. */
export function ErrorPage({ id, database }: { id: number; database: string | null }) {
  const error = useResource<ErrorView>(`error ${database} ${id}`, () => read(`api/errors/${id}`, { database }), 10);
  const back = { to: href("errors", "records", { database: database ?? undefined }), label: t("errors.records") };
  if (!error.data) {
    if (!error.failure) return <Loading lines={6} />;
    if (error.failure.code !== "not_found") return <FailureNotice failure={error.failure} retry={error.reload} />;
    return <Blank icon="search" title={t("errors.unknown")}><a href={back.to}>{t("errors.back")}</a></Blank>;
  }
  const found = error.data;
  return (
    <>
      <Heading title={found.record_key} back={back} aside={<StatusBadge status={found.status} holding={found.holding} />} />
      {error.failure && <FailureNotice failure={error.failure} retry={error.reload} />}
      <Consequence error={found} />
      <section class="card" aria-labelledby="reason">
        <h3 id="reason">{found.name} <ClassBadge of={found.error_class} /></h3>
        <p class="said"><code>{found.code}</code></p>
        <blockquote class="exact">{found.message}</blockquote>
        <p class="advice"><strong>{t("what_to_do")}</strong> {advice(found.advice)}</p>
        <footer>
          {offered(found).map((kind) => (
            <ActionButton key={kind} kind={kind} primary={kind === "retry"} selection={{ errors: [found.id] }} database={elsewhere(found.database)} about={found.record_key}
              done={error.reload} />
          ))}
        </footer>
      </section>
      <ErrorFacts error={found} />
      <Attempts attempts={found.attempts_made} />
      <div class="pair">
        <SourceRowPanel key={`row ${id}`} error={found} />
        <TrialPanel key={`trial ${id}`} error={found} />
      </div>
    </>
  );
}

function Consequence({ error }: { error: ErrorView }) {
  const waiting = error.waiting_for;
  return (
    <>
      {error.stops_stream && (
        <Notice tone="bad"><p>{t("errors.stops")} <a href={href("streams", error.stream)}>{error.stream}</a>.</p></Notice>
      )}
      {waiting && error.status === "waiting" && (
        <Notice tone="warning">
          <p>{t("errors.waits_for")} <a href={linkError(waiting.error_id, error.database)}>{waiting.stream}: {waiting.record_key}</a>.</p>
        </Notice>
      )}
      {error.children_waiting > 0 && (
        <Notice tone="warning"><p>{t("causes.children", { count: error.children_waiting })}</p></Notice>
      )}
    </>
  );
}

function offered({ status }: ErrorView): ActionKind[] {
  if (status === "resolved") return [];
  if (status === "ignored") return ["retry", "reopen"];
  return status === "set_aside" ? ["retry", "ignore", "reopen"] : ["retry", "set_aside", "ignore"];
}
