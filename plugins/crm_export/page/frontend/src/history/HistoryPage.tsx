import { useEffect, useState } from "preact/hooks";
import { read, type Failure } from "../api/client";
import type { AuditEntry, AuditPage } from "../api/contract";
import { asFailure, useResource } from "../api/resource";
import { list, t } from "../language";
import { Blank, FailureNotice, Loading } from "../parts/Notice";
import { Ago, Moment } from "../parts/Time";

const PAGE_SIZE = 50;

/** Who did what on this page, newest first. */
export function HistoryPage() {
  const first = useResource<AuditPage>("audit", () => read("api/audit", { limit: PAGE_SIZE }), 15);
  const [more, setMore] = useState<AuditEntry[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    if (!more.length) setNext(first.data?.next ?? null);
  }, [first.data]);
  if (!first.data) return first.failure ? <FailureNotice failure={first.failure} retry={first.reload} /> : <Loading lines={6} />;
  if (!first.data.entries.length) return <Blank icon="clock" title={t("history.none")}><p>{t("history.none_means")}</p></Blank>;
  const loadMore = (): void => {
    read<AuditPage>("api/audit", { limit: PAGE_SIZE, before: next }).then(
      (page) => {
        setMore([...more, ...page.entries]);
        setNext(page.next);
        setFailure(null);
      },
      (thrown: unknown) => setFailure(asFailure(thrown)),
    );
  };
  const entries = new Map([...first.data.entries, ...more].map((entry) => [entry.id, entry]));
  return (
    <section aria-labelledby="history">
      <h2 id="history">{t("history.title")}</h2>
      <ol class="card history">{[...entries.values()].map((entry) => <Entry key={entry.id} entry={entry} />)}</ol>
      {(failure ?? first.failure) && <FailureNotice failure={(failure ?? first.failure)!} />}
      {next && <p class="more"><button type="button" onClick={loadMore}>{t("load_more")}</button></p>}
    </section>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  return (
    <li>
      <p>
        <strong>{entry.actor}</strong> {describe(entry)} <span class="muted"><Ago at={entry.at} /></span>
      </p>
      {entry.streams.length > 0 && <p class="muted">{t("action.in_streams", { names: list(entry.streams) })}</p>}
      {entry.reason && <p>{t("history.reason")} <q class="exact">{entry.reason}</q></p>}
      {entry.until && <p>{t("errors.ignored_until")}: <Moment at={entry.until} /></p>}
      {entry.acknowledgement && (
        <details>
          <summary>{t("history.acknowledged")}</summary>
          <p class="exact">{entry.acknowledgement}</p>
        </details>
      )}
    </li>
  );
}

function describe(entry: AuditEntry): string {
  if (entry.action !== "set_setting") return t(`history.${entry.action}`, { count: entry.records });
  return t("history.set_setting", { setting: entry.setting ?? "?", from: entry.from_value ?? t("history.unset"), to: entry.to_value ?? "?" });
}
