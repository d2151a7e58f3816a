import { useState } from "preact/hooks";
import { read } from "../api/client";
import type { Acknowledgement } from "../api/contract";
import { useResource } from "../api/resource";
import { capped, t } from "../language";
import { Dialog } from "../parts/Dialog";
import { FailureNotice, Loading, Notice } from "../parts/Notice";

interface Props {
  close: () => void;
  /** Returns whether the setting is off now. */
  turnOff: (acknowledged: string) => Promise<boolean>;
}

/** Close leaves Pause on Export Errors on; Ok turns it off and records who, when and this text. */
export function AcknowledgementDialog({ close, turnOff }: Props) {
  const now = useResource<Acknowledgement>("acknowledgement", () => read("api/acknowledgement"));
  const [failed, setFailed] = useState(false);
  const [saving, setSaving] = useState(false);
  const will = [t("ack.passed_over"), t("ack.missing"), t("ack.tried_daily")];
  const situation = now.data ? describe(now.data) : [];
  const confirm = async (): Promise<void> => {
    setSaving(true);
    const off = await turnOff([t("ack.title"), ...will, ...situation, t("ack.noted")].join("\n"));
    setSaving(false);
    if (off) close();
    else setFailed(true);
  };
  return (
    <Dialog title={t("ack.title")} onClose={close} foot={
      <>
        <button type="button" data-focus onClick={close}>{t("close")}</button>
        <button type="button" class="danger" disabled={!now.data || saving} onClick={() => void confirm()}>{t("ok")}</button>
      </>
    }>
      {will.map((sentence) => <p key={sentence}>{sentence}</p>)}
      {!now.data && !now.failure && <Loading lines={2} />}
      {now.failure && <FailureNotice failure={now.failure} retry={now.reload} />}
      {situation.length > 0 && <ul class="situation">{situation.map((sentence) => <li key={sentence}>{sentence}</li>)}</ul>}
      <p class="muted">{t("ack.noted")}</p>
      {failed && <Notice tone="bad"><p>{t("ack.failed")}</p></Notice>}
    </Dialog>
  );
}

function describe({ unresolved, holds }: Acknowledgement): string[] {
  const rows = holds.map((hold) => {
    const about = { stream: hold.stream, key: hold.record_key };
    if (!hold.rows_waiting) return t("ack.hold", about);
    return t("ack.hold_rows", { ...about, count: hold.rows_waiting, rows: capped(hold.rows_waiting, hold.capped) });
  });
  return [t("ack.rejected_now", { count: unresolved }), ...rows];
}
