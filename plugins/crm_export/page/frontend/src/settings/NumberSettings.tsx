import { useEffect, useState } from "preact/hooks";
import type { NumberSetting } from "../api/contract";
import { useLive } from "../api/live";
import { t } from "../language";
import { Icon } from "../parts/icons";
import { FailureNotice } from "../parts/Notice";
import { lockedBecause, useChange } from "./change";

const BATCH_SIZES = [200, 100, 50, 25];

interface Props {
  batch: NumberSetting;
  limit: NumberSetting;
  available: boolean;
}

export function NumberSettings({ batch, limit, available }: Props) {
  return (
    <div class="card">
      <NumberField setting={batch} available={available} label={t("settings.batch")} hint={t("settings.batch_means")} choices={BATCH_SIZES} />
      <NumberField setting={limit} available={available} label={t("settings.limit")} hint={t("settings.limit_means")}
        />
    </div>
  );
}

interface FieldProps {
  setting: NumberSetting;
  available: boolean;
  label: string;
  hint: string;
  choices?: number[];
  least?: number;
}

function NumberField({ setting, available, label, hint, choices, least = 1 }: FieldProps) {
  const { session } = useLive();
  const { change, saving, failure, saved } = useChange(setting.key);
  const [text, setText] = useState(String(setting.value));
  useEffect(() => setText(String(setting.value)), [setting.value]);
  const locked = lockedBecause(setting, session.data?.may.change_settings, available);
  const value = Number(text);
  const wrong = !/^\d{1,9}$/.test(text) || value < least;
  const dirty = text !== String(setting.value);
  const id = setting.key;
  const field = { id, value: text, disabled: locked !== null, "aria-describedby": `${id}-hint` };
  return (
    <form class="setting" onSubmit={(event) => {
      event.preventDefault();
      if (!wrong) void change(value);
    }}>
      <label for={id}>{label}</label>
      <div class="row">
        {choices
          ? <select {...field} onChange={(event) => setText(event.currentTarget.value)}>{choices.map((one) => <option key={one}>{one}</option>)}</select>
          : <input {...field} type="text" inputMode="numeric" aria-invalid={dirty && wrong} onInput={(event) => setText(event.currentTarget.value.trim())} />}
        {dirty && <button type="submit" class="primary" disabled={wrong || saving}>{t("save")}</button>}
        {dirty && <button type="button" class="quiet" onClick={() => setText(String(setting.value))}>{t("cancel")}</button>}
        <span class="saved" role="status">{saved && !dirty && t("saved")}</span>
      </div>
      <small id={`${id}-hint`} class={dirty && wrong ? "wrong" : "muted"}>{locked ? <><Icon name="lock" /> {locked}</> : hint}</small>
      {failure && <FailureNotice failure={failure} />}
    </form>
  );
}
