import { useState } from "preact/hooks";
import type { SwitchSetting } from "../api/contract";
import { useLive } from "../api/live";
import { ago, t } from "../language";
import { Icon } from "../parts/icons";
import { FailureNotice } from "../parts/Notice";
import { Ago, useServerTime } from "../parts/Time";
import { AcknowledgementDialog } from "./AcknowledgementDialog";
import { lockedBecause, useChange } from "./change";

export function PauseSwitch({ setting, available }: { setting: SwitchSetting; available: boolean }) {
  const { session } = useLive();
  const { change, saving, failure, saved } = useChange("pause_on_export_errors");
  const [asking, setAsking] = useState(false);
  const on = setting.value;
  const locked = lockedBecause(setting, session.data?.may.change_settings, available);
  const flip = (): void => {
    if (on) setAsking(true);
    else void change(true);
  };
  return (
    <div class="card">
      <div class="switch-row">
        <h3 id="pause">{t("settings.pause")}</h3>
        <button type="button" role="switch" aria-checked={on} aria-labelledby="pause" aria-describedby="pause-state pause-locked"
          class="switch" disabled={locked !== null || saving} onClick={flip}>
          <span class="knob" />
        </button>
      </div>
      <p id="pause-state"><strong>{t(on ? "settings.on" : "settings.turned_off")}</strong> {t(on ? "settings.on_means" : "settings.off_means")}</p>
      <p id="pause-locked" class={locked ? "locked" : "unseen"}>{locked && <><Icon name="lock" /> {locked}</>}</p>
      {available && <Story setting={setting} />}
      {failure && <FailureNotice failure={failure} />}
      <p class="unseen" role="status">{saved && t(on ? "settings.saved_on" : "settings.saved_off")}</p>
      {asking && <AcknowledgementDialog close={() => setAsking(false)} turnOff={(text) => change(false, text)} />}
    </div>
  );
}

/** Who changed it, when, and what the last run used. */
function Story({ setting }: { setting: SwitchSetting }) {
  const now = useServerTime();
  const { last_change: changed, last_seen: seen, changed_elsewhere } = setting;
  return (
    <ul class="story">
      {changed && (
        <li>
          {t(isOn(changed.to_value) ? "settings.changed_on" : "settings.changed_off", { actor: changed.actor })} <Ago at={changed.at} />
        </li>
      )}
      {!changed && <li>{t("settings.never_changed")}</li>}
      {changed_elsewhere && <li>{t("settings.changed_elsewhere")}</li>}
      {seen && (
        <li>
          {t(seen.value ? "settings.saw_on" : "settings.saw_off", { stream: seen.stream, ago: ago(seen.at, now) })}
          {seen.value !== setting.value && ` ${t("settings.next_run")}`}
        </li>
      )}
    </ul>
  );
}

function isOn(value: string): boolean {
  return ["true", "on", "yes", "1"].includes(value.toLowerCase());
}
