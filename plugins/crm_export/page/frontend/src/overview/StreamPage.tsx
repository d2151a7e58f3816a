import type { StreamView } from "../api/contract";
import { useLive } from "../api/live";
import { CauseList } from "../errors/CauseList";
import { list, t } from "../language";
import { InspectionPanel } from "../inspection/InspectionPanel";
import { OutcomeBadge } from "../parts/Badge";
import { Heading } from "../parts/Heading";
import { Blank, Loading, Notice } from "../parts/Notice";
import { Out } from "../parts/Out";
import { RunBars } from "../parts/RunBars";
import { Ago } from "../parts/Time";
import { ResendPanel } from "../resends/ResendPanel";
import { href } from "../route";
import { Hold } from "./Holds";
import { ErrorCount, Lag, StateBadge, Waiting, Watermark } from "./StreamTable";

/** One stream: its state, its parents and children, its last run and its errors. */
export function StreamPage({ name }: { name: string }) {
  const { streams, causes } = useLive();
  if (!streams.data) return streams.failure ? null : <Loading />;
  const stream = streams.data.streams.find((one) => one.name === name);
  if (!stream) return <Blank icon="search" title={t("streams.unknown", { name })}><a href={href("overview")}>{t("back_to_overview")}</a></Blank>;
  const mine = causes.data?.causes.filter((cause) => cause.streams.includes(name)) ?? [];
  return (
    <>
      <Heading title={name} back={{ to: href("overview"), label: t("tabs.overview") }} aside={<StateBadge stream={stream} />} />
      {stream.broken && <Notice tone="bad"><p class="exact">{stream.broken}</p></Notice>}
      {stream.problem && <Notice tone="warning"><p class="exact">{stream.problem}</p></Notice>}
      {stream.held && <Hold stream={stream} held={stream.held} />}
      {!stream.broken && <Facts stream={stream} />}
      <div class="pair">
        {!stream.broken && <ResendPanel stream={name} />}
        <InspectionPanel stream={name} broken={stream.broken !== null} />
      </div>
      {mine.length > 0 && <section aria-labelledby="causes"><h2 id="causes">{t("causes.title")}</h2><CauseList causes={mine} /></section>}
    </>
  );
}

function Facts({ stream }: { stream: StreamView }) {
  return (
    <dl class="card facts-list">
      <dt>{t("streams.exports")}</dt>
      <dd><code>{stream.source}</code> → <code>{stream.object}</code> ({stream.operation})</dd>
      <dt>{t("streams.complete_to")}</dt><dd><Watermark stream={stream} /></dd>
      <dt>{t("streams.waiting")}</dt><dd><Waiting stream={stream} /></dd>
      <dt>{t("streams.lag")}</dt><dd><Lag stream={stream} /></dd>
      <dt>{t("streams.errors")}</dt><dd><ErrorCount stream={stream} /></dd>
      <dt>{t("streams.parents")}</dt><dd><Family names={stream.parents} /></dd>
      <dt>{t("streams.children")}</dt><dd><Family names={stream.children} /></dd>
      <dt>{t("streams.runs")}</dt><dd><RunBars runs={stream.recent_runs} stream={stream.name} large /></dd>
      <dt>{t("streams.last_run")}</dt><dd><LastRun stream={stream} /></dd>
    </dl>
  );
}

function Family({ names }: { names: string[] }) {
  if (!names.length) return <>–</>;
  return <ul class="inline">{names.map((name) => <li key={name}><a href={href("streams", name)}>{name}</a></li>)}</ul>;
}

function LastRun({ stream }: { stream: StreamView }) {
  const run = stream.last_run;
  if (!run) return <>{t("streams.never")}</>;
  const counts = [
    t("streams.run_sent", { count: run.rows_sent }),
    t("streams.run_accepted", { count: run.accepted }),
    t("streams.run_rejected", { count: run.rejected }),
    t("streams.run_calls", { count: run.api_calls }),
  ];
  return (
    <>
      <p><OutcomeBadge outcome={run.outcome} /> <Ago at={run.started_at} />: {list(counts)}.</p>
      {run.message && <p class="exact">{run.message}</p>}
      <p>
        {t(run.paused_on_errors ? "streams.run_saw_on" : "streams.run_saw_off")}{" "}
        <Out airflow={run.airflow_path}>{t("task_log")}</Out>
      </p>
    </>
  );
}
