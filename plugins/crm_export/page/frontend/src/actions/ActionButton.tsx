import { useState } from "preact/hooks";
import type { ActionKind, ChosenErrors } from "../api/contract";
import { useLive } from "../api/live";
import { t } from "../language";
import { ActionDialog } from "./ActionDialog";

interface Props {
  kind: ActionKind;
  selection: ChosenErrors;
  /** The records' database, if it is not the main one: they cannot be changed here. */
  database?: string | undefined;
  /** What the action is about, for the dialog and for screen readers. */
  about: string;
  primary?: boolean;
  done?: () => void;
}

/** A button that opens a dialog before it acts. Disabled, with the reason, when it cannot work. */
export function ActionButton({ kind, selection, database, about, primary, done }: Props) {
  const { session, streams, refresh } = useLive();
  const [asking, setAsking] = useState(false);
  const why = database ? t("failure.other_database") : rejection(kind, session.data?.may.act, session.data?.export_to_crm, streams.failure?.code);
  const close = (changed: boolean): void => {
    setAsking(false);
    if (!changed) return;
    refresh();
    done?.();
  };
  return (
    <>
      <button type="button" class={primary ? "primary" : undefined} disabled={why !== null} title={why ?? t(`action.${kind}.means`)}
        aria-label={`${t(`action.${kind}.button`)}: ${about}`} aria-haspopup="dialog" onClick={() => setAsking(true)}>
        {t(`action.${kind}.button`)}
      </button>
      {asking && <ActionDialog kind={kind} selection={selection} about={about} onClose={close} />}
    </>
  );
}

function rejection(kind: ActionKind, may: boolean | undefined, on: boolean | undefined, failed: string | undefined): string | null {
  if (failed === "database_down") return t("failure.database_down");
  if (may === false) return t("action.not_you");
  return kind === "retry" && on === false ? t("failure.export_off") : null;
}
