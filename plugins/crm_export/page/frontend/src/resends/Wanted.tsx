import type { ResendBody } from "../api/contract";
import { t } from "../language";

const KINDS = ["whole", "range", "keys"] as const;
const REASON_LENGTH = 500;
const KEYS_AT_ONCE = 50;

export interface Choice {
  kind: (typeof KINDS)[number];
  /** Times in UTC, as the browser's fields return them. */
  from: string;
  to: string;
  keys: string;
  reason: string;
}

export const WHOLE: Choice = { kind: "whole", from: "", to: "", keys: "", reason: "" };

/** Return the body of the request, null while something is missing or invalid. */
export function compose(choice: Choice): ResendBody | null {
  if (choice.kind === "whole") return {};
  if (choice.kind === "keys") {
    const keys = split(choice.keys);
    return keys.length && keys.length <= KEYS_AT_ONCE ? { keys } : null;
  }
  if (!(choice.from || choice.to) || isBackward(choice)) return null;
  return { ...(choice.from ? { from_at: `${choice.from}Z` } : {}), ...(choice.to ? { to_at: `${choice.to}Z` } : {}) };
}

function isBackward({ from, to }: Choice): boolean {
  return Boolean(from && to && from > to);
}

function split(keys: string): string[] {
  return [...new Set(keys.split("\n").map((key) => key.trim()).filter(Boolean))];
}

/** The form for what to send again: all, a range of change times, or records by their keys. */
export function Wanted({ choice, choose }: { choice: Choice; choose: (choice: Choice) => void }) {
  return (
    <>
      <fieldset class="choice">
        <legend>{t("resend.what")}</legend>
        {KINDS.map((kind) => (
          <label key={kind}>
            <input type="radio" name="what" checked={choice.kind === kind} onChange={() => choose({ ...choice, kind })} />
            <span>{t(`resend.${kind}`)}</span>
          </label>
        ))}
      </fieldset>
      {choice.kind === "range" && <Range choice={choice} choose={choose} />}
      {choice.kind === "keys" && <Keys choice={choice} choose={choose} />}
      <label class="field">
        {t("resend.reason")}
        <input type="text" value={choice.reason} maxLength={REASON_LENGTH} onInput={(event) => choose({ ...choice, reason: event.currentTarget.value })} />
      </label>
    </>
  );
}

function Range({ choice, choose }: { choice: Choice; choose: (choice: Choice) => void }) {
  const wrong = isBackward(choice);
  return (
    <div class="span">
      <label class="field">
        {t("resend.from")}
        <input type="datetime-local" value={choice.from} step={1} onInput={(event) => choose({ ...choice, from: event.currentTarget.value })} />
      </label>
      <label class="field">
        {t("resend.to")}
        <input type="datetime-local" value={choice.to} step={1} aria-invalid={wrong} onInput={(event) => choose({ ...choice, to: event.currentTarget.value })} />
      </label>
      <p class={wrong ? "wrong" : "muted"} role={wrong ? "alert" : undefined}>{t(wrong ? "resend.range_wrong" : "resend.range_hint")}</p>
    </div>
  );
}

function Keys({ choice, choose }: { choice: Choice; choose: (choice: Choice) => void }) {
  const many = split(choice.keys).length > KEYS_AT_ONCE;
  return (
    <>
      <label class="field">
        {t("resend.keys_label")}
        <textarea rows={4} value={choice.keys} aria-invalid={many} onInput={(event) => choose({ ...choice, keys: event.currentTarget.value })} />
      </label>
      {many && <p class="wrong" role="alert">{t("resend.keys_many", { limit: KEYS_AT_ONCE })}</p>}
    </>
  );
}
