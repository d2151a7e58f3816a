import type { AttemptView } from "../api/contract";
import { t } from "../language";
import { Badge } from "../parts/Badge";
import type { Tone } from "../parts/Notice";
import { Out } from "../parts/Out";
import { Moment } from "../parts/Time";

const TONES: Record<AttemptView["outcome"], Tone> = { refused: "bad", accepted: "good", gone: "quiet" };

export function Attempts({ attempts }: { attempts: AttemptView[] }) {
  return (
    <section aria-labelledby="attempts">
      <h3 id="attempts">{t("errors.each_attempt")}</h3>
      <ol class="card attempts" reversed>
        {attempts.map((attempt) => (
          <li key={attempt.at}>
            <p>
              <Moment at={attempt.at} /> <Badge tone={TONES[attempt.outcome]}>{t(`result_of_attempt.${attempt.outcome}`)}</Badge>
              {attempt.dag_id && <span class="muted"> {attempt.dag_id}</span>}
              {attempt.actor && <span class="muted"> {t("errors.asked_by", { actor: attempt.actor })}</span>}
              {attempt.airflow_path && <> <Out airflow={attempt.airflow_path}>{t("task_log")}</Out></>}
            </p>
            {attempt.code && <p class="said"><code>{attempt.code}</code> {attempt.message}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
