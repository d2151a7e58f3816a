// Changing a setting: the server answers with the current values of all.
import { useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import type { NumberSetting, Settings, SwitchSetting } from "../api/contract";
import type { SettingKey } from "../api/words";
import { useLive } from "../api/live";
import { asFailure } from "../api/resource";
import { t } from "../language";

export interface Change {
  change: (value: boolean | number, acknowledgement?: string) => Promise<boolean>;
  saving: boolean;
  failure: Failure | null;
  /** True once a change was saved. */
  saved: boolean;
}

export function useChange(key: SettingKey): Change {
  const { settings } = useLive();
  const [saving, setSaving] = useState(false);
  const [saved, setSaved] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const change = async (value: boolean | number, acknowledgement?: string): Promise<boolean> => {
    setSaving(true);
    setFailure(null);
    setSaved(false);
    try {
      const body = acknowledgement === undefined ? { value } : { value, acknowledgement };
      settings.replace(await write<Settings>("PUT", `api/settings/${key}`, body));
      setSaved(true);
      return true;
    } catch (thrown) {
      setFailure(asFailure(thrown));
      return false;
    } finally {
      setSaving(false);
    }
  };
  return { change, saving, failure, saved };
}

/** Return why a setting cannot be changed here, or null. */
export function lockedBecause(setting: NumberSetting | SwitchSetting, may: boolean | undefined, available: boolean): string | null {
  const by = setting.locked_by;
  if (by) return t(setting.source === "environment" ? "settings.locked_environment" : "settings.locked_backend", { by });
  if (may === false) return t("settings.not_you");
  return available && setting.changeable ? null : t("settings.no_database");
}
