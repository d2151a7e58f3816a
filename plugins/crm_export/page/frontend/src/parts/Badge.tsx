import type { ErrorKind, ErrorStatus, RecordResult, RunOutcome } from "../api/words";
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

export function ClassBadge({ of }: { of: ErrorKind }) {
  return <span class="badge plain" title={t(`class_means.${of}`)}>{t(`class.${of}`)}</span>;
}

const OUTCOME: Record<RunOutcome, Tone> = {
  complete: "good",
  held: "bad",
  failed: "bad",
  waiting_for_credits: "warning",
  waiting_for_job: "info",
  running: "info",
};

export function OutcomeBadge({ outcome }: { outcome: RunOutcome }) {
  return <Badge tone={OUTCOME[outcome]}>{t(`outcome.${outcome}`)}</Badge>;
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
