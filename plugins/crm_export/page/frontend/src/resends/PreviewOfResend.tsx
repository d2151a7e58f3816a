import { useEffect, useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import type { ResendBody, ResendPreview } from "../api/contract";
import { asFailure } from "../api/resource";
import { duration, list, number, t } from "../language";
import { FailureNotice, Loading, Notice } from "../parts/Notice";

const TYPING_MS = 500;

interface Props {
  stream: string;
  dag: string;
  body: ResendBody;
  found: (preview: ResendPreview) => void;
}

/** What a resend will do, requested when the user pauses typing. */
export function PreviewOfResend({ stream, dag, body, found }: Props) {
  const [preview, setPreview] = useState<ResendPreview | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    let current = true;
    const ask = (): void => {
      write<ResendPreview>("POST", `api/streams/${stream}/resends/preview`, body).then(
        (answer) => {
          if (!current) return;
          setPreview(answer);
          found(answer);
        },
        (thrown: unknown) => current && setFailure(asFailure(thrown)),
      );
    };
    const timer = window.setTimeout(ask, TYPING_MS);
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, []);
  if (failure) return <FailureNotice failure={failure} />;
  return <div role="status">{preview ? <Size preview={preview} dag={dag} /> : <Loading lines={3} />}</div>;
}

function Size({ preview, dag }: { preview: ResendPreview; dag: string }) {
  if (preview.missing.length) {
    return <Notice tone="warning"><p>{t("resend.missing", { count: preview.missing.length, names: list(preview.missing) })}</p></Notice>;
  }
  if (!preview.rows) return <p>{t("resend.nothing")}</p>;
  const rows = t(preview.exact ? "resend.rows" : "resend.rows_about", { count: preview.rows, rows: number(preview.rows) });
  const sent = preview.jobs ? t("resend.jobs", { count: preview.jobs }) : t("resend.requests", { count: preview.requests });
  return (
    <>
      <p><strong>{rows}</strong></p>
      <ul class="terms">
        <li>{sent}, {t("resend.calls", { count: preview.api_calls })}</li>
        <li>{preview.seconds === null ? t("resend.takes_unknown") : t("resend.takes", { time: duration(preview.seconds) })}</li>
        <li>{t("resend.run", { dag })}</li>
        <li>{t("resend.overwrites")}</li>
        <li>{t("resend.rejections")}</li>
      </ul>
      <p class="muted">{t("action.noted")}</p>
    </>
  );
}
