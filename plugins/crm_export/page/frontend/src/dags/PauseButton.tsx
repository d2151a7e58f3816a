import { useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import type { DagState } from "../api/contract";
import { useLive } from "../api/live";
import { asFailure } from "../api/resource";
import { t } from "../language";
import { FailureNotice } from "../parts/Notice";

/** Pauses or unpauses a DAG, for users who may do that in Airflow. */
export function PauseButton({ dag }: { dag: DagState }) {
  const { session } = useLive();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  if (!dag.exists || !session.data?.may.pause.includes(dag.dag_id)) return null;
  const flip = (): void => {
    setBusy(true);
    setFailure(null);
    write<DagState>("PUT", `api/dags/${dag.dag_id}`, { paused: !dag.paused })
      .then(session.reload, (thrown: unknown) => setFailure(asFailure(thrown)))
      .finally(() => setBusy(false));
  };
  const label = t(dag.paused ? "dags.unpause" : "dags.pause");
  return (
    <>
      <button type="button" class="small" disabled={busy} aria-label={`${label}: ${dag.dag_id}`} onClick={flip}>{label}</button>
      {failure && <FailureNotice failure={failure} />}
    </>
  );
}
