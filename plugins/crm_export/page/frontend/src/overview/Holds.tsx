import type { Held, StreamView } from "../api/contract";
import { useLive } from "../api/live";
import { ActionButton } from "../actions/ActionButton";
import { elsewhere, linkError } from "../errors/places";
import { advice, capped, duration, list, t } from "../language";
import { ClassBadge } from "../parts/Badge";
import { Moment, useServerTime } from "../parts/Time";
import { href } from "../route";

/** The records that streams are stopped at: why, what waits behind them, what to do. */
export function Holds() {
  const { streams } = useLive();
  const held = streams.data?.streams.filter((stream) => stream.held) ?? [];
  if (!held.length) return null;
  return (
    <section aria-labelledby="holds">
      <h2 id="holds">{t("holds.title")}</h2>
      <div class="holds">
        {held.map((stream) => stream.held && <Hold key={stream.name} stream={stream} held={stream.held} />)}
      </div>
    </section>
  );
}

export function Hold({ stream, held }: { stream: StreamView; held: Held }) {
  return (
    <article class="card hold">
      <header>
        <h3>
          <a href={href("streams", stream.name)}>{stream.name}</a>{" "}
          <span class="muted">{t("holds.stopped_at")}</span>{" "}
          <a class="key" href={linkError(held.error_id, stream.database)}>{held.record_key}</a>
        </h3>
        <ClassBadge of={held.error_class} />
      </header>
      <p class="said"><code>{held.code}</code> {held.message}</p>
      <p class="advice"><strong>{t("what_to_do")}</strong> {advice(held.advice)}</p>
      {held.parent && (
        <p>
          {t("holds.parent")}{" "}
          <a href={linkError(held.parent.error_id, stream.database)}>{held.parent.stream}: {held.parent.record_key}</a>
        </p>
      )}
      <Blocked stream={stream} held={held} />
      <footer>
        <ActionButton kind="retry" primary={!held.parent} selection={{ errors: [held.error_id] }} database={elsewhere(stream.database)} about={held.record_key} />
        <ActionButton kind="set_aside" selection={{ errors: [held.error_id] }} database={elsewhere(stream.database)} about={held.record_key} />
        <a class="button quiet" href={linkError(held.error_id, stream.database)}>{t("holds.see")}</a>
      </footer>
    </article>
  );
}

function Blocked({ stream, held }: { stream: StreamView; held: Held }) {
  const now = useServerTime();
  const { session } = useLive();
  const next = session.data?.dags.find((dag) => dag.dag_id === "CRMExport")?.next_run_at;
  const rejections = Object.entries(held.rejected_behind).map(([code, count]) => `${count} ${code}`);
  const rows = held.rows_behind === null ? null : capped(held.rows_behind, held.rows_behind_capped);
  return (
    <ul class="facts">
      {held.since && <li>{t("holds.since", { age: duration((now - Date.parse(held.since)) / 1000) })}</li>}
      <li>{t("attempts", { count: held.attempts })}</li>
      {rows !== null && held.rows_behind !== 0 && <li>{t("holds.rows", { count: held.rows_behind ?? 0, rows })}</li>}
      {held.arrived_behind > 0 && <li>{t("holds.arrived", { count: held.arrived_behind })}</li>}
      {rejections.length > 0 && <li>{t("holds.rejected", { codes: rejections.join(", ") })}</li>}
      {next && <li>{t("holds.next")} <Moment at={next} /></li>}
      {stream.children.length > 0 && <li>{t("holds.children", { names: list(stream.children) })}</li>}
    </ul>
  );
}
