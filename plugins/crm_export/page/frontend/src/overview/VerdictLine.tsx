import type { Failure } from "../api/client";
import { useLive } from "../api/live";
import { Icon, type IconName } from "../parts/icons";
import { explain, Loading, type Tone } from "../parts/Notice";
import { Ago, Moment } from "../parts/Time";
import { t } from "../language";
import { judge, standOf, type Verdict } from "./verdict";

const SIGNS: Record<Tone, IconName> = { good: "check", bad: "pause", warning: "alert", info: "clock", quiet: "off" };

/** The line on top of every view. It reports success only when both Airflow and the database have answered. */
export function VerdictLine({ brief }: { brief: boolean }) {
  const { session, streams } = useLive();
  if (!streams.data || !session.data) {
    const failure = streams.failure ?? session.failure;
    return failure ? <Unknown failure={failure} /> : <div class="verdict"><Loading lines={2} /></div>;
  }
  if (streams.failure) return <Unknown failure={streams.failure} />;
  const newest = streams.data.streams
    .map((stream) => stream.last_run?.started_at)
    .filter((at) => at !== undefined)
    .sort()
    .at(-1);
  const next = session.data.dags.find((dag) => dag.dag_id === "CRMExport")?.next_run_at;
  return <Line verdict={judge(standOf(session.data, streams.data))} newest={newest} next={next} brief={brief} />;
}

interface LineProps {
  verdict: Verdict;
  newest?: string | undefined;
  next?: string | null | undefined;
  /** Only the sentence on a phone. */
  brief?: boolean;
}

export function Line({ verdict, newest, next, brief = false }: LineProps) {
  return (
    <section class={`verdict ${verdict.tone}${brief ? " brief" : ""}`} aria-label={t("verdict.label")}>
      <span class="sign"><Icon name={SIGNS[verdict.tone]} /></span>
      <div>
        <p class="title" aria-live="polite">{verdict.title}</p>
        <ul class="facts">
          {verdict.facts.map((fact) => <li key={fact}>{fact}</li>)}
          {newest && <li>{t("verdict.last_run")} <Ago at={newest} /></li>}
          {next && <li>{t("verdict.fact_next")} <Moment at={next} /></li>}
        </ul>
      </div>
    </section>
  );
}

function Unknown({ failure }: { failure: Failure }) {
  const { refresh } = useLive();
  return (
    <section class="verdict bad" aria-label={t("verdict.label")}>
      <span class="sign"><Icon name="alert" /></span>
      <div role="alert">
        <p class="title">{t("verdict.down")}</p>
        <p>{explain(failure)}</p>
      </div>
      <button type="button" onClick={refresh}>{t("try_again")}</button>
    </section>
  );
}
