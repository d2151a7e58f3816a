// One sentence that answers: is everything in Salesforce? "Good" only when nothing contradicts it.
import type { DagState, Headline, Session, Streams, Summary } from "../api/contract";
import { capped, duration, list, t } from "../language";
import type { Tone } from "../parts/Notice";

export interface Verdict {
  tone: Tone;
  title: string;
  /** What is missing, and what that blocks. */
  facts: string[];
}

/** All that the sentence depends on. */
export interface Standing {
  summary: Summary;
  dags: DagState[];
  exporting: boolean;
  /** Failed streams of CRMExport, and failed tasks that belong to no stream. */
  failed: string[];
  /** Failed tasks of the other DAGs. */
  othersFailed: string[];
  blocked: boolean;
  children: string[];
}

const EXPORT = "CRMExport";

export function standOf(session: Session, { summary, streams, failed_tasks, blockers }: Streams): Standing {
  const ofExport = failed_tasks.filter((task) => task.dag_id === EXPORT).map((task) => task.stream ?? task.task_id);
  const behind = streams.filter((stream) => stream.held).flatMap((stream) => stream.children);
  return {
    summary,
    dags: session.dags,
    exporting: session.export_to_crm,
    failed: unique([...summary.failed, ...ofExport]),
    othersFailed: unique(failed_tasks.filter((task) => task.dag_id !== EXPORT).map((task) => task.dag_id)),
    blocked: blockers.length > 0 && summary.waiting_rows > 0,
    children: unique(behind),
  };
}

export function standOfHeadline({ summary, dags, export_to_crm, failed_tasks, blockers }: Headline): Standing {
  return {
    summary,
    dags,
    exporting: export_to_crm,
    failed: summary.failed,
    othersFailed: failed_tasks ? [EXPORT] : [],
    blocked: blockers > 0 && summary.waiting_rows > 0,
    children: [],
  };
}

export function judge(standing: Standing): Verdict {
  return { ...choose(standing), facts: describe(standing) };
}

function choose(standing: Standing): Pick<Verdict, "tone" | "title"> {
  const { summary, dags, failed } = standing;
  const { held, broken } = summary;
  const main = dags.find((dag) => dag.dag_id === EXPORT);
  if (!standing.exporting) return { tone: "quiet", title: t("verdict.off") };
  if (broken.length) return { tone: "bad", title: t("verdict.broken", { count: broken.length }) };
  if (held.length) return { tone: "bad", title: t("verdict.held", { count: held.length, names: list(held) }) };
  if (failed.length) return { tone: "bad", title: t("verdict.failed", { count: failed.length, names: list(failed) }) };
  if (!main?.exists) return { tone: "bad", title: t("verdict.dag_missing", { dag: EXPORT }) };
  if (main.paused) return { tone: "bad", title: t("verdict.dag_paused") };
  return judgeRecords(standing);
}

function judgeRecords({ summary, dags, othersFailed, blocked }: Standing): Pick<Verdict, "tone" | "title"> {
  const stopped = dags.filter((dag) => dag.dag_id !== EXPORT && (dag.paused || !dag.exists)).map((dag) => dag.dag_id);
  if (summary.unresolved) return { tone: "warning", title: t("verdict.unresolved", { count: summary.unresolved }) };
  if (summary.findings) return { tone: "warning", title: t("verdict.findings", { count: summary.findings }) };
  if (othersFailed.length) return { tone: "warning", title: t("verdict.task_failed", { names: list(othersFailed) }) };
  if (summary.uncounted.length) return { tone: "warning", title: t("verdict.unknown") };
  if (summary.waiting_for_credits.length) return { tone: "warning", title: t("verdict.credits") };
  if (blocked) return { tone: "warning", title: t("verdict.blocked") };
  if (stopped.length) return { tone: "warning", title: t("verdict.daily_paused", { names: list(stopped) }) };
  if (summary.never_run) return { tone: "info", title: t("verdict.never") };
  if (summary.waiting_rows) return { tone: "info", title: t("verdict.next_run") };
  return { tone: "good", title: t("verdict.complete") };
}

function describe({ summary, children }: Standing): string[] {
  const facts: string[] = [];
  const { open, waiting, set_aside, ignored } = summary.errors;
  const parts = [
    ...(open ? [t("streams.count_open", { count: open })] : []),
    ...(waiting ? [t("streams.count_waiting", { count: waiting })] : []),
    ...(set_aside ? [t("streams.count_set_aside", { count: set_aside })] : []),
    ...(ignored ? [t("streams.count_ignored", { count: ignored })] : []),
  ];
  if (summary.unresolved) facts.push(t("verdict.fact_unresolved", { count: summary.unresolved, parts: parts.join(", ") }));
  if (summary.findings) facts.push(t("verdict.fact_findings", { count: summary.findings }));
  if (summary.waiting_rows) {
    const rows = capped(summary.waiting_rows, summary.waiting_rows_capped);
    facts.push(t("verdict.fact_rows", { count: summary.waiting_rows, rows }));
  }
  if (summary.oldest_age_seconds) facts.push(t("verdict.fact_age", { age: duration(summary.oldest_age_seconds) }));
  if (children.length) facts.push(t("verdict.fact_children", { names: list(children) }));
  return facts;
}

function unique(words: string[]): string[] {
  return [...new Set(words)];
}
