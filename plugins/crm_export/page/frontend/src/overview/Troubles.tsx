import type { Blocker, FailedTask } from "../api/contract";
import { useLive } from "../api/live";
import { PauseButton } from "../dags/PauseButton";
import { capped, duration, list, t } from "../language";
import { Badge } from "../parts/Badge";
import { Notice } from "../parts/Notice";
import { Out } from "../parts/Out";
import { Ago, Moment } from "../parts/Time";
import { href } from "../route";

/** What prevents runs or makes them fail: paused DAGs, failed tasks, sessions with old transactions. */
export function Troubles() {
  const { session, streams } = useLive();
  const stopped = session.data?.dags.filter((dag) => dag.paused || !dag.exists) ?? [];
  const failed = streams.data?.failed_tasks ?? [];
  return (
    <>
      {stopped.map((dag) => (
        <Notice key={dag.dag_id} tone="warning">
          <p>
            {!dag.exists && `${t("troubles.dag_missing")} `}
            <Out airflow={dag.exists ? `dags/${dag.dag_id}` : "dags"}>{dag.dag_id}</Out>
            {dag.exists && ` ${t("troubles.dag_paused")} `}
            {dag.exists && <PauseButton dag={dag} />}
          </p>
        </Notice>
      ))}
      {streams.data?.blockers.map((blocker) => <Holding key={blocker.pid} blocker={blocker} />)}
      {failed.length > 0 && (
        <section aria-labelledby="failed">
          <h2 id="failed">{t("troubles.title")}</h2>
          <div class="holds">{failed.map((task) => <Failed key={`${task.dag_id} ${task.task_id}`} task={task} />)}</div>
        </section>
      )}
    </>
  );
}

function Failed({ task }: { task: FailedTask }) {
  const { session, streams } = useLive();
  const known = streams.data?.streams.some((stream) => stream.name === task.stream);
  const next = session.data?.dags.find((dag) => dag.dag_id === task.dag_id)?.next_run_at;
  const retrying = task.state === "up_for_retry";
  return (
    <article class="card hold">
      <header>
        <h3>
          {known && task.stream ? <a href={href("streams", task.stream)}>{task.stream}</a> : task.task_id}{" "}
          <span class="muted">{task.dag_id}</span>
        </h3>
        <Badge tone={retrying ? "warning" : "bad"}>{t(retrying ? "troubles.retries" : "troubles.failed")}</Badge>
      </header>
      <p class="exact">{task.reason ?? t("troubles.no_reason")}</p>
      <ul class="facts">
        {task.ended_at && <li><Ago at={task.ended_at} /></li>}
        {task.retry_at && <li>{t("troubles.retry_at")} <Moment at={task.retry_at} /></li>}
        {!retrying && next && <li>{t("troubles.next_run")} <Moment at={next} /></li>}
        <li><Out airflow={task.airflow_path}>{t("task_log")}</Out></li>
      </ul>
    </article>
  );
}

function Holding({ blocker }: { blocker: Blocker }) {
  const { streams } = useLive();
  const held = streams.data?.streams.filter((stream) => blocker.streams.includes(stream.name) && stream.rows_waiting) ?? [];
  const count = held.reduce((sum, stream) => sum + (stream.rows_waiting ?? 0), 0);
  const rows = capped(count, held.some((stream) => stream.rows_waiting_capped));
  const application = blocker.application || t("troubles.no_application");
  return (
    <Notice tone="warning">
      <p><strong>{t("troubles.blocker_title")}</strong></p>
      <p>
        {t("troubles.blocker", { pid: blocker.pid, application, age: duration(blocker.age_seconds) })}{" "}
        {count > 0 && t("troubles.blocker_rows", { count, rows, names: list(held.map((stream) => stream.name)) })}
      </p>
      <p class="muted">{t("troubles.blocker_do", { pid: blocker.pid })}</p>
    </Notice>
  );
}
