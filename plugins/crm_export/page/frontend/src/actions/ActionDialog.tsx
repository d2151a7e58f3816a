import { useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import type { ActionAnswer, ActionBody, ActionKind, ChosenErrors, Preview } from "../api/contract";
import { asFailure, useResource } from "../api/resource";
import { t } from "../language";
import { Dialog } from "../parts/Dialog";
import { FailureNotice, Loading } from "../parts/Notice";
import { ActionResult } from "./ActionResult";
import { IgnoreFields, ReasonField, type Decision } from "./Decision";
import { PreviewText } from "./PreviewText";

interface Props {
  kind: ActionKind;
  selection: ChosenErrors;
  about: string;
  onClose: (changed: boolean) => void;
}

/** Shows what the action will do and, once confirmed, the result for each record. */
export function ActionDialog({ kind, selection, about, onClose }: Props) {
  const [decision, setDecision] = useState<Decision>({ reason: "", until: "" });
  const [action, setAction] = useState<ActionAnswer | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [sending, setSending] = useState(false);
  const body = compose(kind, selection, decision);
  const key = JSON.stringify([kind, selection]);
  const preview = useResource<Preview>(key, () => write("POST", "api/actions/preview", preliminary(body)));
  const confirm = (): void => {
    setSending(true);
    setFailure(null);
    write<ActionAnswer>("POST", "api/actions", body)
      .then(setAction, (thrown: unknown) => setFailure(asFailure(thrown)))
      .finally(() => setSending(false));
  };
  const incomplete = kind === "ignore" && (!decision.reason.trim() || !decision.until);
  const nothing = !preview.data?.changes || preview.data.selected > preview.data.limit;
  return (
    <Dialog title={`${t(`action.${kind}.confirm`)}: ${about}`} onClose={() => onClose(action !== null)} foot={
      action
        ? <button type="button" class="primary" onClick={() => onClose(true)}>{t("close")}</button>
        : (
          <>
            <button type="button" onClick={() => onClose(false)}>{t("cancel")}</button>
            <button type="button" class="primary" disabled={nothing || incomplete || sending} onClick={confirm}>
              {t(`action.${kind}.confirm`)}
            </button>
          </>
        )
    }>
      {action
        ? <ActionResult started={action} />
        : (
          <>
            {preview.data ? <PreviewText preview={preview.data} /> : !preview.failure && <Loading lines={3} />}
            {preview.failure && <FailureNotice failure={preview.failure} retry={preview.reload} />}
            {preview.data && !nothing && kind === "ignore" && <IgnoreFields decision={decision} decide={setDecision} />}
            {preview.data && !nothing && kind !== "ignore" && <ReasonField decision={decision} decide={setDecision} />}
            {failure && <FailureNotice failure={failure} />}
          </>
        )}
    </Dialog>
  );
}

function compose(kind: ActionKind, selection: ChosenErrors, decision: Decision): ActionBody {
  const reason = decision.reason.trim();
  const until = kind === "ignore" && decision.until ? new Date(`${decision.until}T23:59:59`).toISOString() : "";
  return { kind, selection, ...(reason ? { reason } : {}), ...(until ? { until } : {}) };
}

/** The preview of an ignore comes before its reason and end are given; the server asks for both. */
function preliminary(body: ActionBody): ActionBody {
  if (body.kind !== "ignore") return body;
  return { ...body, reason: "-", until: new Date(Date.now() + 86_400_000).toISOString() };
}
