import { useState } from "preact/hooks";
import { useLive } from "../api/live";
import { number, t } from "../language";
import { Dialog } from "../parts/Dialog";
import { Icon } from "../parts/icons";
import { Blank, FailureNotice, Loading } from "../parts/Notice";
import { href } from "../route";
import { AlertItem } from "./AlertItem";
import { Unreachable } from "../parts/Unreachable";
import { useReading } from "./reading";

/** The bell on top of every view: the number of unread alerts; it opens the list of open ones. */
export function AlertBell() {
  const { alerts } = useLive();
  const [open, setOpen] = useState(false);
  const { unread = 0, critical = 0 } = alerts.data ?? {};
  return (
    <>
      <button type="button" class="bell" aria-haspopup="dialog" aria-label={t("alerts.bell", { count: unread })} onClick={() => setOpen(true)}>
        <Icon name="bell" />
        {unread > 0 && <span class={`bubble${critical ? "" : " mild"}`} aria-hidden="true">{number(unread)}</span>}
      </button>
      {open && <Panel close={() => setOpen(false)} />}
    </>
  );
}

function Panel({ close }: { close: () => void }) {
  const { alerts } = useLive();
  const reading = useReading(alerts.reload);
  const found = alerts.data;
  const leave = (event: MouseEvent): void => {
    if ((event.target as Element).closest("a")) close();
  };
  return (
    <Dialog title={t("alerts.title")} side onClose={close} foot={
      <>
        <a class="button" href={href("alerts")} onClick={close}>{t("alerts.view_all")}</a>
        <button type="button" class="primary" onClick={close}>{t("close")}</button>
      </>
    }>
      {reading.failure && <FailureNotice failure={reading.failure} />}
      {!found && (alerts.failure ? <FailureNotice failure={alerts.failure} retry={alerts.reload} /> : <Loading />)}
      {found && <Unreachable databases={found.unreachable} />}
      {found && found.unread > 0 && reading.all && (
        <p><button type="button" class="small" disabled={reading.busy} onClick={() => reading.all?.(found)}>{t("alerts.read_all")}</button></p>
      )}
      {found && found.alerts.length === 0 && <Blank icon="bell" title={t("alerts.none")}><p>{t("alerts.none_means")}</p></Blank>}
      <div class="alerts" onClick={leave}>
        {found?.alerts.map((alert) => <AlertItem key={`${alert.database} ${alert.id}`} alert={alert} read={reading.one} />)}
      </div>
      {found?.next && <p class="muted">{t("alerts.only_newest")}</p>}
    </Dialog>
  );
}
