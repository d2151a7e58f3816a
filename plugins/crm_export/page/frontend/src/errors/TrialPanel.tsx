import { useState } from "preact/hooks";
import { read, write, type Failure } from "../api/client";
import type { ErrorView, TrialAnswer } from "../api/contract";
import { useLive } from "../api/live";
import { asFailure } from "../api/resource";
import { useFollowed } from "../actions/followed";
import { t } from "../language";
import { elsewhere } from "./places";
import { Badge } from "../parts/Badge";
import { Dialog } from "../parts/Dialog";
import { FailureNotice, Notice } from "../parts/Notice";
import { Out } from "../parts/Out";

/** Send the one record now and see the exact request and answer. */
export function TrialPanel({ error }: { error: ErrorView }) {
  const { session } = useLive();
  const [asking, setAsking] = useState(false);
  const [started, setStarted] = useState<TrialAnswer | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const may = (session.data?.may.see_values ?? false) && !elsewhere(error.database);
  const start = (): void => {
    setAsking(false);
    setFailure(null);
    write<TrialAnswer>("POST", "api/trials", { error_id: error.id }).then(setStarted, (thrown: unknown) => setFailure(asFailure(thrown)));
  };
  return (
    <section class="card" aria-labelledby="trial">
      <h3 id="trial">{t("trial.title")}</h3>
      <p class="muted">{t(elsewhere(error.database) ? "failure.other_database" : may ? "trial.means" : "source_row.not_you")}</p>
      {failure && <FailureNotice failure={failure} />}
      <button type="button" disabled={!may || error.status === "resolved"} onClick={() => setAsking(true)}>{t("trial.start")}</button>
      <div aria-live="polite">{started && <Result key={started.id} started={started} />}</div>
      {asking && (
        <Dialog title={t("trial.confirm", { key: error.record_key })} onClose={() => setAsking(false)} foot={
          <>
            <button type="button" onClick={() => setAsking(false)}>{t("cancel")}</button>
            <button type="button" class="primary" onClick={start}>{t("trial.send")}</button>
          </>
        }>
          <p>{t("trial.warning")}</p>
          <p>{t("trial.unchanged")}</p>
        </Dialog>
      )}
    </section>
  );
}

function Result({ started }: { started: TrialAnswer }) {
  const { found: trial, failure } = useFollowed(started, () => read<TrialAnswer>(`api/trials/${started.id}`));
  const running = trial.state === "queued" || trial.state === "running";
  return (
    <>
      <p>
        <Badge tone={running ? "info" : trial.accepted ? "good" : "bad"}>
          {running ? t("trial.running") : t(trial.accepted ? "trial.accepted" : "trial.rejected")}
        </Badge>{" "}
        <Out airflow={trial.airflow_path}>{t("task_log")}</Out>
      </p>
      {failure && <FailureNotice failure={failure} />}
      {trial.message && <Notice tone={trial.accepted ? "good" : "warning"}><p class="exact">{trial.message}</p></Notice>}
      {trial.request !== null && <><h4>{t("trial.request")}</h4><pre tabIndex={0}>{trial.request}</pre></>}
      {trial.answer !== null && <><h4>{t("trial.answer")}</h4><pre tabIndex={0}>{trial.answer}</pre></>}
    </>
  );
}
