import type { AlertView } from "../api/contract";
import { linkError } from "../errors/places";
import { advice, t } from "../language";
import { Badge } from "../parts/Badge";
import type { Tone } from "../parts/Notice";
import { Out } from "../parts/Out";
import { Ago } from "../parts/Time";
import { href } from "../route";

const SEVERITY: Record<AlertView["severity"], Tone> = { critical: "bad", warning: "warning", info: "info" };

interface Props {
  alert: AlertView;
  /** Null for users who may not mark alerts as read. */
  read: ((alert: AlertView) => void) | null;
}

/** One alert: its severity, age, the text that is sent, and links to act on it. */
export function AlertItem({ alert, read }: Props) {
  const over = alert.cleared_at !== null;
  const unread = !over && alert.read_at === null;
  return (
    <article class={`alert${unread ? " unread" : ""}`} aria-label={`${t(`alert_kind.${alert.kind}`)} ${alert.stream ?? ""}`}>
      <header>
        <Badge tone={over ? "quiet" : SEVERITY[alert.severity]}>{t(`severity.${alert.severity}`)}</Badge>{" "}
        <strong>{t(`alert_kind.${alert.kind}`)}</strong>
        {alert.stream && <> <a href={href("streams", alert.stream)}>{alert.stream}</a></>}
        {unread && <span class="unseen"> ({t("alerts.unread")})</span>}
      </header>
      <p class="exact">{alert.sentence}</p>
      {alert.adobe_line && <p class="said small">{alert.adobe_line}</p>}
      {alert.advice && <p><strong>{t("what_to_do")}</strong> {advice(alert.advice)}</p>}
      <Facts alert={alert} />
      <footer>
        {alert.error !== null && <a class="button small" href={linkError(alert.error, alert.database)}>{t("alerts.view_record")}</a>}
        {alert.error === null && alert.stream && (
          <a class="button small" href={href("streams", alert.stream)}>{t(alert.kind === "new_field" ? "alerts.resend" : "alerts.view_stream")}</a>
        )}
        {alert.record_url && <Out class="button small quiet" salesforce={alert.record_url}>{t("alerts.in_salesforce")}</Out>}
        {unread && read && (
          <button type="button" class="small quiet" aria-label={t("alerts.read_this", { about: alert.sentence })} onClick={() => read(alert)}>
            {t("alerts.read")}
          </button>
        )}
      </footer>
    </article>
  );
}

function Facts({ alert }: { alert: AlertView }) {
  return (
    <ul class="facts">
      <li>{t("alerts.since")} <Ago at={alert.raised_at} /></li>
      {alert.cleared_at && <li>{t("alerts.over")} <Ago at={alert.cleared_at} /></li>}
      {alert.times > 1 && <li>{t("alerts.times", { count: alert.times })}</li>}
      <li>{t(alert.sent_at ? "alerts.sent" : "alerts.unsent")}</li>
      {alert.read_by && <li>{t("alerts.read_by", { actor: alert.read_by })}</li>}
    </ul>
  );
}
