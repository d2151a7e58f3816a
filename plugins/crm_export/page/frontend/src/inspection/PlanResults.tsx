import type { Plan, PlannedRow } from "../api/contract";
import { list, t } from "../language";
import { Badge } from "../parts/Badge";
import { Notice, type Tone } from "../parts/Notice";

const ACTION: Record<string, Tone> = { create: "good", update: "info", delete: "warning", absent: "quiet" };

/** What the next run would do: rows, requests and API calls, and the first rows as they would be sent. */
export function PlanResults({ plan }: { plan: Plan }) {
  const parts = ([["creates", plan.creates], ["updates", plan.updates], ["deletes", plan.deletes], ["absent", plan.absent], ["rejected", plan.rejected_count]] as const)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => t(`plan.${name}`, { count }));
  const size = plan.jobs ? t("resend.jobs", { count: plan.jobs }) : t("resend.requests", { count: plan.requests });
  const several = plan.rows_waiting === "1" ? 1 : 2;
  return (
    <div class="plan">
      <h4>{t("plan.title", { stream: plan.stream })}</h4>
      {plan.held_at !== null && <Notice tone="warning"><p>{t("plan.held", { key: plan.held_at })}</p></Notice>}
      {plan.sampled === 0
        ? <p>{t("plan.nothing")}</p>
        : (
          <dl class="facts-list">
            <dt>{t("streams.waiting")}</dt><dd>{t("plan.waiting", { count: several, rows: plan.rows_waiting })}</dd>
            <dt>{t("plan.takes")}</dt><dd>{size}, {t("resend.calls", { count: plan.api_calls })}</dd>
            <dt>{t("plan.sampled", { count: plan.sampled })}</dt><dd>{list(parts)}</dd>
          </dl>
        )}
      {plan.rows === null ? <p class="muted">{t("plan.no_values")}</p> : plan.sampled > 0 && <p class="muted">{t("plan.noted")}</p>}
      {plan.rows && plan.rows.length > 0 && <Rows title={t("plan.rows")} rows={plan.rows} plan={plan} />}
      {plan.rejected && plan.rejected.length > 0 && <Rejected rows={plan.rejected} />}
      <p>{t("plan.nothing_sent")}</p>
    </div>
  );
}

function Rows({ title, rows, plan }: { title: string; rows: PlannedRow[]; plan: Plan }) {
  return (
    <>
      <h4>{title}</h4>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table class="planned">
          <thead>
            <tr><th scope="col">{plan.external_id}</th><th scope="col">{t("plan.action")}</th><th scope="col">{t("plan.record")}</th></tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                <th scope="row" class="key">{row.external_id ?? row.key}</th>
                <td data-label={t("plan.action")}><Badge tone={ACTION[row.action] ?? "quiet"}>{nameAction(row.action)}</Badge></td>
                <td data-label={t("plan.record")}>{row.record ? <code class="exact">{row.record}</code> : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Rejected({ rows }: { rows: PlannedRow[] }) {
  return (
    <section aria-label={t("plan.rejected_rows")}>
      <h4>{t("plan.rejected_rows")}</h4>
      <ul class="results">
        {rows.map((row) => <li key={row.key}><span class="key">{row.key}</span> <small class="exact" lang="en">{row.verdict}</small></li>)}
      </ul>
    </section>
  );
}

function nameAction(action: string): string {
  const known = (["create", "update", "delete", "absent"] as const).find((one) => one === action);
  return known ? t(`plan.action_is.${known}`) : action;
}
