import { useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import type { DagState, RunState } from "../api/contract";
import { useLive } from "../api/live";
import { asFailure } from "../api/resource";
import { t } from "../language";
import { Badge } from "../parts/Badge";
import { FailureNotice } from "../parts/Notice";
import { Out } from "../parts/Out";
import { Moment } from "../parts/Time";
import { PauseButton } from "./PauseButton";

/** The DAGs: when each runs next, and starting or pausing it. */
export function DagPanel() {
  const { session } = useLive();
  return (
    <section class="card dags" aria-labelledby="runs">
      <h3 id="runs">{t("dags.title")}</h3>
      <ul>{session.data?.dags.map((dag) => <li key={dag.dag_id}><Dag dag={dag} /></li>)}</ul>
    </section>
  );
}

function Dag({ dag }: { dag: DagState }) {
  return (
    <>
      <p>
        <Out airflow={`dags/${dag.dag_id}`}>{dag.dag_id}</Out> <When dag={dag} />
        <small class="muted">{t(`dags.${dag.dag_id as "CRMExport"}`)}</small>
      </p>
      {dag.exists && <p class="row"><RunButton dag={dag} /><PauseButton dag={dag} /></p>}
    </>
  );
}

function When({ dag }: { dag: DagState }) {
  if (!dag.exists) return <Badge tone="warning">{t("dags.missing")}</Badge>;
  if (dag.paused) return <Badge tone="warning">{t("dags.paused")}</Badge>;
  if (dag.running) return <Badge tone="info">{t("dags.running")}</Badge>;
  if (!dag.next_run_at) return <span class="muted">{t("dags.none")}</span>;
  return <span class="muted">{t("dags.next")} <Moment at={dag.next_run_at} /></span>;
}

function RunButton({ dag }: { dag: DagState }) {
  const { session, streams } = useLive();
  const [run, setRun] = useState<RunState | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  if (!session.data?.may.run.includes(dag.dag_id)) return null;
  const off = dag.paused || !session.data.export_to_crm || streams.failure !== null;
  const start = (): void => {
    setBusy(true);
    setFailure(null);
    write<RunState>("POST", `api/dags/${dag.dag_id}/runs`, {})
      .then(
        (started) => {
          setRun(started);
          session.reload();
        },
        (thrown: unknown) => setFailure(asFailure(thrown)),
      )
      .finally(() => setBusy(false));
  };
  return (
    <>
      <button type="button" class="small" disabled={off || busy} aria-label={`${t("dags.run")}: ${dag.dag_id}`} onClick={start}>
        {t("dags.run")}
      </button>
      <span role="status">{run && <>{t("dags.started")} <Out airflow={run.airflow_path}>{t("dags.open")}</Out></>}</span>
      {failure && <FailureNotice failure={failure} />}
    </>
  );
}
