import { useEffect } from "preact/hooks";
import { read } from "../api/client";
import type { Resends, ResendView } from "../api/contract";
import { moment, number, t } from "../language";
import { Badge } from "../parts/Badge";
import type { Tone } from "../parts/Notice";
import { Out } from "../parts/Out";
import { Ago } from "../parts/Time";

const EVERY_MS = 2000;
const STATE: Record<ResendView["state"], Tone> = { queued: "info", running: "info", waiting: "warning", held: "warning", done: "good" };

interface Props {
  found: Resends;
  replace: (found: Resends) => void;
  /** Show only the newest one. */
  limit?: number;
}

/** The resends of a stream, polled every two seconds while one of them is not done. */
export function ResendList({ found, replace, limit = 20 }: Props) {
  const going = found.resends.some((resend) => resend.state !== "done");
  useEffect(() => {
    if (!going) return undefined;
    const timer = window.setTimeout(() => {
      // a failed poll is ignored here: the panel's own request reports it
      read<Resends>(`api/streams/${found.stream}/resends`).then(replace, () => replace({ ...found }));
    }, EVERY_MS);
    return () => window.clearTimeout(timer);
  }, [found]);
  if (!found.resends.length) return <p class="muted">{t("resend.none")}</p>;
  return (
    <>
      <h4>{t("resend.recent")}</h4>
      <ul class="resends" aria-live="polite">
        {found.resends.slice(0, limit).map((resend) => <li key={resend.id}><Progress resend={resend} /></li>)}
      </ul>
    </>
  );
}

function Progress({ resend }: { resend: ResendView }) {
  const { rows_total: total, rows_sent: sent } = resend;
  const failed = resend.state !== "done" && resend.run?.state === "failed";
  return (
    <>
      <p>
        <Badge tone={STATE[resend.state]}>{t(`resend.state.${resend.state}`)}</Badge> {describe(resend)}
      </p>
      {total !== null && total > 1 && (
        <progress value={resend.state === "done" ? total : Math.min(sent, total)} max={total} aria-label={t("resend.progress_label", { id: resend.id })} />
      )}
      <ul class="facts">
        <li>
          {total === null
            ? t("resend.progress_open", { count: sent, sent: number(sent) })
            : t("resend.progress", { sent: number(Math.min(sent, total)), total: number(total) })}
        </li>
        <li>{t("resend.asked_by", { actor: resend.asked_by })} <Ago at={resend.asked_at} /></li>
        <li class="exact">{resend.reason}</li>
        {resend.run && <li><Out airflow={resend.run.airflow_path}>{t("resend.open_run")}</Out></li>}
      </ul>
      {failed && <p class="wrong">{t("resend.run_failed")}</p>}
    </>
  );
}

function describe({ key, from_at, to_at }: ResendView): string {
  if (key !== null) return t("resend.of_key", { key });
  if (from_at && to_at) return t("resend.of_range", { from: moment(from_at), to: moment(to_at) });
  if (from_at) return t("resend.of_from", { from: moment(from_at) });
  return to_at ? t("resend.of_to", { to: moment(to_at) }) : t("resend.of_whole");
}
