import type { ErrorClass, ErrorStatus, RecordResult } from "../api/contract";
import { t } from "../language";
import type { Tone } from "./Notice";

export function Badge({ tone, children, title }: { tone: Tone; children: string; title?: string }) {
  return <span class={`badge ${tone}`} title={title}>{children}</span>;
}

const STATUS: Record<ErrorStatus, Tone> = {
  open: "bad",
  waiting: "warning",
  set_aside: "info",
  ignored: "quiet",
  resolved: "good",
};

export function StatusBadge({ status, holding }: { status: ErrorStatus; holding?: boolean }) {
  if (holding) return <Badge tone="bad" title={t("holding_means")}>{t("holding")}</Badge>;
  return <Badge tone={STATUS[status]} title={t(`status_means.${status}`)}>{t(`status.${status}`)}</Badge>;
}

export function ClassBadge({ of }: { of: ErrorClass }) {
  return <span class="badge plain" title={t(`class_means.${of}`)}>{t(`class.${of}`)}</span>;
}

const OUTCOME: Record<string, Tone> = {
  complete: "good",
  held: "bad",
  failed: "bad",
  waiting_for_credits: "warning",
  running: "info",
};

export function OutcomeBadge({ outcome }: { outcome: string }) {
  const known = ["complete", "held", "failed", "waiting_for_credits", "running"] as const;
  const name = known.find((one) => one === outcome);
  return <Badge tone={OUTCOME[outcome] ?? "quiet"}>{name ? t(`outcome.${name}`) : outcome}</Badge>;
}

const RESULT: Record<RecordResult, Tone> = {
  done: "good",
  exported: "good",
  gone: "quiet",
  unchanged: "quiet",
  pending: "info",
  refused: "bad",
  waiting: "warning",
  not_tried: "warning",
};

export function ResultBadge({ result }: { result: RecordResult }) {
  return <Badge tone={RESULT[result]}>{t(`result.${result}`)}</Badge>;
}
