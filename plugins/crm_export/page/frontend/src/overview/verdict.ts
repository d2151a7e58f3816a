// One sentence that answers: is everything in Salesforce?
import type { Session, StreamView, Streams } from "../api/contract";
import { capped, duration, list, t } from "../language";
import type { Tone } from "../parts/Notice";

export interface Verdict {
  tone: Tone;
  title: string;
  /** What is missing and what it blocks. */
  facts: string[];
}

export function judge(session: Session | null, { streams, summary }: Streams): Verdict {
  const facts = describe(streams, summary);
  if (session && !session.export_to_crm) return { tone: "quiet", title: t("verdict.off"), facts };
  const held = streams.filter((stream) => stream.held).map((stream) => stream.name);
  if (summary.broken) return { tone: "bad", title: t("verdict.broken", { count: summary.broken }), facts };
  if (held.length) return { tone: "bad", title: t("verdict.held", { count: held.length, names: list(held) }), facts };
  const failed = streams.filter((stream) => stream.last_run?.outcome === "failed").map((stream) => stream.name);
  if (failed.length) return { tone: "bad", title: t("verdict.failed", { count: failed.length, names: list(failed) }), facts };
  if (session?.dags.some((dag) => dag.dag_id === "CRMExport" && dag.exists && dag.paused)) {
    return { tone: "warning", title: t("verdict.dag_paused"), facts };
  }
  if (summary.refused) return { tone: "warning", title: t("verdict.refused", { count: summary.refused }), facts };
  return { ...judgeRest(streams, summary), facts };
}

function judgeRest(streams: StreamView[], summary: Streams["summary"]): Pick<Verdict, "tone" | "title"> {
  if (streams.some((stream) => stream.problem)) return { tone: "warning", title: t("verdict.unknown") };
  if (streams.some((stream) => stream.last_run?.outcome === "waiting_for_credits")) {
    return { tone: "warning", title: t("verdict.credits") };
  }
  if (streams.every((stream) => !stream.watermark && !stream.last_run)) return { tone: "info", title: t("verdict.never") };
  if (summary.waiting_rows) return { tone: "info", title: t("verdict.next_run") };
  return { tone: "good", title: t("verdict.complete") };
}

function describe(streams: StreamView[], summary: Streams["summary"]): string[] {
  const facts: string[] = [];
  const behind = streams.filter((stream) => stream.held && stream.children.length);
  const children = [...new Set(behind.flatMap((stream) => stream.children))];
  if (summary.refused) facts.push(t("verdict.fact_refused", { count: summary.refused }));
  if (summary.waiting_rows) {
    const rows = capped(summary.waiting_rows, summary.waiting_rows_capped);
    facts.push(t("verdict.fact_rows", { count: summary.waiting_rows, rows }));
  }
  if (summary.oldest_age_seconds) facts.push(t("verdict.fact_age", { age: duration(summary.oldest_age_seconds) }));
  if (children.length) facts.push(t("verdict.fact_children", { names: list(children) }));
  return facts;
}
