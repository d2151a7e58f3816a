import { useState } from "preact/hooks";
import { read } from "../api/client";
import type { Resends } from "../api/contract";
import { useLive } from "../api/live";
import { useResource } from "../api/resource";
import { list, t } from "../language";
import { FailureNotice, Notice } from "../parts/Notice";
import { ResendDialog } from "./ResendDialog";
import { ResendList } from "./ResendList";

const SLOW_SECONDS = 30;

/** Resends of a stream: the fields that are new, the button, and the progress of each resend. */
export function ResendPanel({ stream }: { stream: string }) {
  const { session } = useLive();
  const [asking, setAsking] = useState(false);
  const resends = useResource<Resends>(`resends ${stream}`, () => read(`api/streams/${stream}/resends`), SLOW_SECONDS);
  const may = session.data?.may.act ?? false;
  const off = session.data?.export_to_crm === false;
  const fields = resends.data?.new_fields ?? [];
  const why = may ? (off ? t("failure.export_off") : undefined) : t("action.not_you");
  const close = (): void => {
    setAsking(false);
    resends.reload();
  };
  return (
    <section class="card panel" aria-labelledby="resend">
      <h3 id="resend">{t("resend.title")}</h3>
      {fields.length > 0 && <Notice tone="warning"><p>{t("resend.new_fields", { count: fields.length, names: list(fields) })}</p></Notice>}
      <p class="muted">{t("resend.means")}</p>
      <p>
        <button type="button" class={fields.length ? "primary" : undefined} disabled={!may || off} title={why} aria-haspopup="dialog" onClick={() => setAsking(true)}>
          {t("resend.start")}
        </button>
      </p>
      {why && <p class="muted">{why}</p>}
      {resends.failure && <FailureNotice failure={resends.failure} retry={resends.reload} />}
      {resends.data && <ResendList found={resends.data} replace={resends.replace} />}
      {asking && <ResendDialog stream={stream} dag={resends.data?.dag_id ?? "CRMExport"} started={resends.replace} close={close} />}
    </section>
  );
}
