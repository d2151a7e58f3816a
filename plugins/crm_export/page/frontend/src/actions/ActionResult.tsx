import { useState } from "preact/hooks";
import { read, type Failure } from "../api/client";
import type { ActionAnswer } from "../api/contract";
import type { RecordResult } from "../api/words";
import { asFailure } from "../api/resource";
import { number, t } from "../language";
import { Badge, ResultBadge } from "../parts/Badge";
import { FailureNotice } from "../parts/Notice";
import { Out } from "../parts/Out";
import { href } from "../route";
import { useFollowed } from "./followed";

const RESULTS: RecordResult[] = [
  "done", "exported", "refused", "waiting", "gone", "unchanged", "pending", "not_tried",
];

/** The result of an action for each record, updated while its runs continue. */
export function ActionResult({ started }: { started: ActionAnswer }) {
  const [more, setMore] = useState<ActionAnswer["records"]>([]);
  const [next, setNext] = useState<number | null | undefined>(undefined);
  const [broken, setBroken] = useState<Failure | null>(null);
  const { found: action, failure } = useFollowed(started, () => read<ActionAnswer>(`api/actions/${started.id}`));
  const following = next === undefined ? action.next : next;
  const ended = action.state === "done" || action.state === "failed";
  const loadMore = (): void => {
    read<ActionAnswer>(`api/actions/${started.id}`, { after: following }).then(
      (page) => {
        setMore([...more, ...page.records]);
        setNext(page.next);
        setBroken(null);
      },
      (thrown: unknown) => setBroken(asFailure(thrown)),
    );
  };
  return (
    <>
      <p role="status">
        {ended ? t(action.state === "done" ? "action.ended" : "action.failed") : t("action.under_way")}{" "}
        {action.runs.map((run) => <Out key={run.run_id} airflow={run.airflow_path}>{run.dag_id}</Out>)}
      </p>
      <p class="counts" role="status">
        {RESULTS.filter((result) => action.counts[result]).map((result) => (
          <span key={result}><strong>{number(action.counts[result] ?? 0)}</strong> <ResultBadge result={result} /></span>
        ))}
      </p>
      {(broken ?? failure) && <FailureNotice failure={(broken ?? failure)!} />}
      <ul class="results">
        {[...action.records, ...more].map((record) => (
          <li key={record.error_id}>
            <a class="key" href={href("errors", record.error_id)}>{record.record_key}</a> <span class="muted">{record.stream}</span>{" "}
            <ResultBadge result={record.result} />
            {record.message && <small class="exact">{record.message}</small>}
          </li>
        ))}
      </ul>
      {following !== null && ended && <button type="button" onClick={loadMore}>{t("load_more")}</button>}
      {!ended && <p class="muted"><Badge tone="info">{t("outcome.running")}</Badge> {t("action.may_close")}</p>}
    </>
  );
}
