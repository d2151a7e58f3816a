import { useLive } from "../api/live";
import { DagPanel } from "../dags/DagPanel";
import { t } from "../language";
import { FailureNotice, Loading, Notice } from "../parts/Notice";
import { NumberSettings } from "./NumberSettings";
import { PauseSwitch } from "./PauseSwitch";

/** The settings that a run reads, shown only while exporting is on, and the DAGs. */
export function SettingsPanel() {
  const { settings } = useLive();
  const { data, failure } = settings;
  return (
    <aside class="settings" aria-labelledby="settings">
      <h2 id="settings">{t("settings.title")}</h2>
      {failure && <FailureNotice failure={failure} retry={settings.reload} />}
      {!data && !failure && <Loading />}
      {data?.problems.map((problem) => (
        <Notice key={problem.key} tone="warning">
          <p>{t(`settings.${problem.code}`, { name: problem.key, shown: problem.shown, used: problem.used })}</p>
        </Notice>
      ))}
      {data && !data.export_to_crm && <Notice tone="info"><p>{t("settings.off")}</p></Notice>}
      {data?.export_to_crm && !data.history_available && <Notice tone="warning"><p>{t("settings.no_history")}</p></Notice>}
      {data?.pause_on_export_errors && <PauseSwitch setting={data.pause_on_export_errors} available={data.history_available} />}
      {data?.crm_export_batch_size && data.daily_crm_api_limit && (
        <NumberSettings batch={data.crm_export_batch_size} limit={data.daily_crm_api_limit} available={data.history_available} />
      )}
      <DagPanel />
    </aside>
  );
}
