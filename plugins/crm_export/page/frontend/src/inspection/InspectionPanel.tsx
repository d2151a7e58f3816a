import { useState } from "preact/hooks";
import type { CheckResult, Plan } from "../api/contract";
import { useLive } from "../api/live";
import { t } from "../language";
import { FailureNotice, Loading } from "../parts/Notice";
import { CheckResults } from "./CheckResults";
import { PlanResults } from "./PlanResults";
import { useAsked } from "./asked";

/** Check and plan of a stream, without sending: problems, and what its next run would do. */
export function InspectionPanel({ stream, broken }: { stream: string; broken: boolean }) {
  const { session } = useLive();
  const [shown, setShown] = useState<"check" | "plan" | null>(null);
  const check = useAsked<CheckResult>("api/check", { stream });
  const plan = useAsked<Plan>(`api/streams/${stream}/plan`, {});
  const may = session.data?.may.change_settings ?? false;
  const current = shown === "check" ? check : plan;
  const ask = (what: "check" | "plan"): void => {
    setShown(what);
    (what === "check" ? check : plan).ask();
  };
  return (
    <section class="card panel" aria-labelledby="inspection">
      <h3 id="inspection">{t("check.title")}</h3>
      <p class="muted">{t(may ? "check.means_stream" : "check.not_you")}</p>
      <p class="buttons">
        <button type="button" disabled={!may || check.busy} onClick={() => ask("check")}>{t("check.one")}</button>
        <button type="button" disabled={!may || plan.busy || broken} onClick={() => ask("plan")}>{t("check.plan")}</button>
      </p>
      <div aria-live="polite">
        {shown && current.busy && <><p class="muted">{t(shown === "check" ? "check.running" : "check.planning")}</p><Loading lines={3} /></>}
        {shown && current.failure && <FailureNotice failure={current.failure} />}
        {shown === "check" && check.found && !check.busy && <CheckResults found={check.found} />}
        {shown === "plan" && plan.found && !plan.busy && <PlanResults plan={plan.found} />}
      </div>
    </section>
  );
}
