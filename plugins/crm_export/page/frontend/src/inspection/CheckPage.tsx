import type { CheckResult } from "../api/contract";
import { useLive } from "../api/live";
import { t } from "../language";
import { Heading } from "../parts/Heading";
import { FailureNotice, Loading } from "../parts/Notice";
import { href } from "../route";
import { CheckResults } from "./CheckResults";
import { useAsked } from "./asked";

/** Checks all streams, the alert channels and the pool, without sending anything. */
export function CheckPage() {
  const { session } = useLive();
  const check = useAsked<CheckResult>("api/check", {});
  const may = session.data?.may.change_settings ?? false;
  return (
    <>
      <Heading title={t("check.title")} back={{ to: href("overview"), label: t("tabs.overview") }} />
      <p class="muted prose">{t(may ? "check.means" : "check.not_you")}</p>
      <p class="start">
        <button type="button" class="primary" disabled={!may || check.busy} onClick={check.ask}>{t(check.found ? "check.again" : "check.all")}</button>
      </p>
      <div aria-live="polite">
        {check.busy && <><p class="muted">{t("check.running")}</p><Loading lines={4} /></>}
        {check.failure && <FailureNotice failure={check.failure} />}
        {check.found && !check.busy && <CheckResults found={check.found} />}
      </div>
    </>
  );
}
