import { useEffect, useState } from "preact/hooks";
import { read, type Failure } from "../api/client";
import type { AuditEntry, AuditPage } from "../api/contract";
import { useLive } from "../api/live";
import { asFailure, useResource } from "../api/resource";
import { list, t } from "../language";
import { Blank, FailureNotice, Loading } from "../parts/Notice";
import { Out } from "../parts/Out";
import { elsewhere } from "../errors/places";
import { Ago, Moment } from "../parts/Time";
import { go, href } from "../route";

const PAGE_SIZE = 50;

/** Who did what on this page, newest first. */
export function HistoryPage({ database }: { database: string | null }) {
  const { streams } = useLive();
  const places = streams.data?.databases ?? [];
  return (
    <>
      {places.length > 1 && (
        <div class="filters">
          <label>
            {t("databases.one")}
            <select value={database ?? places[0]} onChange={(event) => go(href("history", null, { database: event.currentTarget.value }))}>
              {places.map((name) => <option key={name}>{name}</option>)}
            </select>
          </label>
        </div>
      )}
      <Entries key={database} database={database} />
    </>
  );
}

function Entries({ database }: { database: string | null }) {
  const first = useResource<AuditPage>(`audit ${database}`, () => read("api/audit", { limit: PAGE_SIZE, database }), 15);
  const [more, setMore] = useState<AuditEntry[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    if (!more.length) setNext(first.data?.next ?? null);
  }, [first.data]);
  if (!first.data) return first.failure ? <FailureNotice failure={first.failure} retry={first.reload} /> : <Loading lines={6} />;
  if (!first.data.entries.length) return <Blank icon="clock" title={t("history.none")}><p>{t("history.none_means")}</p></Blank>;
  const loadMore = (): void => {
    read<AuditPage>("api/audit", { limit: PAGE_SIZE, before: next, database }).then(
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
      <ol class="card history">{[...entries.values()].map((entry) => <Entry key={entry.id} entry={entry} database={database} />)}</ol>
      {(failure ?? first.failure) && <FailureNotice failure={(failure ?? first.failure)!} />}
      {next && <p class="more"><button type="button" onClick={loadMore}>{t("load_more")}</button></p>}
    </section>
  );
}

function Entry({ entry, database }: { entry: AuditEntry; database: string | null }) {
  return (
    <li>
      <p>
        <strong>{entry.actor}</strong> {describe(entry)} <span class="muted"><Ago at={entry.at} /></span>{" "}
        {WITH_RESULTS.has(entry.action) && !elsewhere(database) && <a href={href("history", entry.id)}>{t("history.result")}</a>}
        {entry.action === "run_now" && entry.selection && (
          <Out airflow={`dags/${entry.selection}/runs/page__${entry.id}`}>{t("history.open_run")}</Out>
        )}
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

const WITH_RESULTS = new Set<AuditEntry["action"]>(["retry", "set_aside", "ignore", "reopen"]);

function describe({ action, records, selection, setting, from_value, to_value }: AuditEntry): string {
  switch (action) {
    case "set_setting":
      return t("history.set_setting", { setting: setting ?? "?", from: from_value ?? t("history.unset"), to: to_value ?? "?" });
    case "download":
    case "run_now":
    case "pause_dag":
    case "unpause_dag":
    case "resend":
    case "see_plan":
      return t(`history.${action}`, { selection: selection ?? "?" });
    default:
      return t(`history.${action}`, { count: records });
  }
}
