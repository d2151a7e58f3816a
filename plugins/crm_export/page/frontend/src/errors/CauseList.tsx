import type { ActionKind, CauseView } from "../api/contract";
import { ActionButton } from "../actions/ActionButton";
import { advice, list, number, t } from "../language";
import { Badge, ClassBadge } from "../parts/Badge";
import { Ago } from "../parts/Time";
import { href } from "../route";
import { elsewhere } from "./places";

/** Errors by cause, most records first: 500 rejections by one rule are one line. */
export function CauseList({ causes }: { causes: CauseView[] }) {
  return <ul class="causes">{causes.map((cause) => <Line key={`${cause.database} ${cause.cause}`} cause={cause} />)}</ul>;
}

/** The causes in one line each, for the overview; each links to its records and actions. */
export function CauseLines({ causes }: { causes: CauseView[] }) {
  return (
    <ul class="card cause-lines">
      {causes.map((cause) => (
        <li key={`${cause.database} ${cause.cause}`}>
          <a href={href("errors", "records", { cause: cause.cause, database: elsewhere(cause.database) })}>
            <strong>{number(cause.count)}</strong>
            <span class="unseen">{t("causes.records", { count: cause.count })}</span>
            <span class="name">{cause.name}</span>
            <span class="message">{cause.message}</span>
            {cause.holds.length > 0 && <Badge tone="bad">{t("causes.holds", { names: list(cause.holds) })}</Badge>}
            {cause.children_waiting > 0 && <Badge tone="warning">{t("causes.children", { count: cause.children_waiting })}</Badge>}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Line({ cause }: { cause: CauseView }) {
  const records = href("errors", "records", { cause: cause.cause, database: elsewhere(cause.database) });
  return (
    <li class="card cause">
      <a class="count" href={records}>
        <strong>{number(cause.count)}</strong> {t("causes.records", { count: cause.count })}
      </a>
      <div class="body">
        <h3>
          {cause.name} <ClassBadge of={cause.error_class} />
          {cause.holds.length > 0 && <Badge tone="bad">{t("causes.holds", { names: list(cause.holds) })}</Badge>}
        </h3>
        <p class="said"><code>{cause.code}</code> {cause.message}</p>
        <p class="advice"><strong>{t("what_to_do")}</strong> {advice(cause.advice)}</p>
        <CauseFacts cause={cause} />
        <footer>
          <CauseActions cause={cause} />
          <a class="button quiet" href={records}>{t("causes.see")}</a>
        </footer>
      </div>
    </li>
  );
}

function CauseFacts({ cause }: { cause: CauseView }) {
  return (
    <ul class="facts">
      {elsewhere(cause.database) && <li>{cause.database}</li>}
      <li>{cause.object}{cause.fields.length > 0 && `: ${cause.fields.join(", ")}`}</li>
      {cause.waiting > 0 && <li>{t("streams.count_waiting", { count: cause.waiting })}</li>}
      {cause.set_aside > 0 && <li>{t("streams.count_set_aside", { count: cause.set_aside })}</li>}
      {cause.ignored > 0 && <li>{t("streams.count_ignored", { count: cause.ignored })}</li>}
      {cause.children_waiting > 0 && <li>{t("causes.children", { count: cause.children_waiting })}</li>}
      <li>{t("causes.first_seen")} <Ago at={cause.first_seen_at} /></li>
      <li>{t("causes.last_seen")} <Ago at={cause.last_seen_at} /></li>
    </ul>
  );
}

/** The buttons that apply to the cause. */
function CauseActions({ cause }: { cause: CauseView }) {
  const about = t("causes.about", { count: cause.count, name: cause.name });
  const kinds: ActionKind[] = ["retry"];
  if (cause.open + cause.waiting > 0) kinds.push("set_aside", "ignore");
  if (cause.set_aside + cause.ignored > 0) kinds.push("reopen");
  return (
    <>
      {kinds.map((kind) => <ActionButton key={kind} kind={kind} selection={{ cause: cause.cause }} database={elsewhere(cause.database)} about={about} />)}
    </>
  );
}
