import type { StreamView } from "../api/contract";
import { useLive } from "../api/live";
import { elsewhere } from "../errors/places";
import { capped, duration, list, number, t } from "../language";
import { Badge, OutcomeBadge } from "../parts/Badge";
import { RunBars } from "../parts/RunBars";
import { Ago } from "../parts/Time";
import { href } from "../route";

/** The state of each stream, parents before children. */
export function StreamTable() {
  const { streams } = useLive();
  if (!streams.data) return null;
  return (
    <section>
      <header class="row"><h2 id="streams">{t("streams.title")}</h2><a href={href("check")}>{t("check.all_link")}</a></header>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="streams">
        <table class="streams">
          <thead>
            <tr>
              <th scope="col">{t("streams.stream")}</th>
              <th scope="col">{t("streams.state")}</th>
              <th scope="col">{t("streams.complete_to")}</th>
              <th scope="col" class="figure">{t("streams.waiting")}</th>
              <th scope="col">{t("streams.lag")}</th>
              <th scope="col" class="figure">{t("streams.errors")}</th>
              <th scope="col">{t("streams.runs")}</th>
              <th scope="col">{t("streams.last_run")}</th>
            </tr>
          </thead>
          <tbody>{streams.data.streams.map((stream) => <Row key={stream.name} stream={stream} />)}</tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ stream }: { stream: StreamView }) {
  return (
    <tr>
      <th scope="row">
        <a href={href("streams", stream.name)}>{stream.name}</a>
        <small>{stream.parents.length ? t("streams.after", { names: list(stream.parents) }) : stream.object}</small>
        {elsewhere(stream.database) && <small>{stream.database}</small>}
      </th>
      <td data-label={t("streams.state")}><StateBadge stream={stream} /></td>
      <td data-label={t("streams.complete_to")}><Watermark stream={stream} /></td>
      <td data-label={t("streams.waiting")} class="figure"><Waiting stream={stream} /></td>
      <td data-label={t("streams.lag")} class="whole"><Lag stream={stream} /></td>
      <td data-label={t("streams.errors")} class="figure"><ErrorCount stream={stream} /></td>
      <td data-label={t("streams.runs")}><RunBars runs={stream.recent_runs} stream={stream.name} /></td>
      <td data-label={t("streams.last_run")}>{stream.last_run ? <Ago at={stream.last_run.started_at} /> : "–"}</td>
    </tr>
  );
}

export function StateBadge({ stream }: { stream: StreamView }) {
  if (stream.broken) return <Badge tone="bad">{t("streams.broken")}</Badge>;
  if (stream.running) return <Badge tone="info">{t("outcome.running")}</Badge>;
  if (stream.held) return <Badge tone="bad">{t("outcome.held")}</Badge>;
  if (!stream.last_run) return <Badge tone="quiet">{t("streams.never")}</Badge>;
  const unresolved = countErrors(stream);
  if (stream.last_run.outcome === "complete" && unresolved) return <Badge tone="warning">{t("streams.unresolved", { count: unresolved })}</Badge>;
  return <OutcomeBadge outcome={stream.last_run.outcome} />;
}

export function Watermark({ stream }: { stream: StreamView }) {
  if (!stream.watermark) return <>–</>;
  if (stream.rows_waiting === 0) return <>{t("streams.up_to_date")}<small class="key">{stream.watermark.record_key}</small></>;
  return <><Ago at={stream.watermark.changed_at} /><small class="key">{stream.watermark.record_key}</small></>;
}

export function Waiting({ stream }: { stream: StreamView }) {
  if (stream.rows_waiting === null) return <span title={stream.problem ?? undefined}>?</span>;
  return <>{capped(stream.rows_waiting, stream.rows_waiting_capped)}</>;
}

export function Lag({ stream }: { stream: StreamView }) {
  if (stream.oldest_age_seconds === null) return <>?</>;
  return <>{stream.oldest_age_seconds ? duration(stream.oldest_age_seconds) : t("streams.no_lag")}</>;
}

function countErrors({ errors }: StreamView): number {
  return errors.open + errors.waiting + errors.set_aside + errors.ignored;
}

export function ErrorCount({ stream }: { stream: StreamView }) {
  const { open, waiting, set_aside, ignored } = stream.errors;
  const all = countErrors(stream);
  if (!all) return <>0</>;
  const parts = [
    t("streams.count_open", { count: open }),
    ...(waiting ? [t("streams.count_waiting", { count: waiting })] : []),
    ...(set_aside ? [t("streams.count_set_aside", { count: set_aside })] : []),
    ...(ignored ? [t("streams.count_ignored", { count: ignored })] : []),
  ];
  return (
    <a href={href("errors", "records", { stream: stream.name, database: elsewhere(stream.database) })}>
      {number(all)}
      <span class="unseen"> ({list(parts)})</span>
      {waiting > 0 && <small aria-hidden="true">{t("streams.count_waiting", { count: waiting })}</small>}
    </a>
  );
}
