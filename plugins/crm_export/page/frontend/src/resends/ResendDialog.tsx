import { useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import type { ResendBody, ResendPreview, Resends } from "../api/contract";
import { asFailure } from "../api/resource";
import { t } from "../language";
import { Dialog } from "../parts/Dialog";
import { FailureNotice } from "../parts/Notice";
import { PreviewOfResend } from "./PreviewOfResend";
import { ResendList } from "./ResendList";
import { compose, Wanted, WHOLE, type Choice } from "./Wanted";

interface Props {
  stream: string;
  dag: string;
  started: (found: Resends) => void;
  close: () => void;
}

/** What to send again, what that takes, and, once confirmed, its progress. */
export function ResendDialog({ stream, dag, started, close }: Props) {
  const [choice, setChoice] = useState<Choice>(WHOLE);
  const [preview, setPreview] = useState<ResendPreview | null>(null);
  const [found, setFound] = useState<Resends | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [sending, setSending] = useState(false);
  const body = compose(choice);
  const choose = (wanted: Choice): void => {
    if (JSON.stringify(compose(wanted)) !== JSON.stringify(body)) setPreview(null); // the reason does not affect the preview
    setChoice(wanted);
  };
  const show = (resends: Resends): void => {
    setFound(resends);
    started(resends);
  };
  const confirm = (): void => {
    setSending(true);
    setFailure(null);
    const reason = choice.reason.trim();
    write<Resends>("POST", `api/streams/${stream}/resends`, { ...body, ...(reason ? { reason } : {}) } satisfies ResendBody)
      .then(show, (thrown: unknown) => setFailure(asFailure(thrown)))
      .finally(() => setSending(false));
  };
  const ready = body !== null && preview !== null && preview.rows > 0 && !preview.missing.length;
  return (
    <Dialog title={t("resend.dialog", { stream })} onClose={close} foot={
      found
        ? <button type="button" class="primary" onClick={close}>{t("close")}</button>
        : (
          <>
            <button type="button" onClick={close}>{t("cancel")}</button>
            <button type="button" class="primary" disabled={!ready || sending} onClick={confirm}>{t("resend.confirm")}</button>
          </>
        )
    }>
      {found
        ? <><p role="status">{t("resend.started")} {t("action.may_close")}</p><ResendList found={found} replace={show} limit={Math.max(1, body?.keys?.length ?? 1)} /></>
        : (
          <>
            <Wanted choice={choice} choose={choose} />
            {body && <PreviewOfResend key={JSON.stringify(body)} stream={stream} dag={dag} body={body} found={setPreview} />}
            {failure && <FailureNotice failure={failure} />}
          </>
        )}
    </Dialog>
  );
}
