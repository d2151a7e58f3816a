import { t } from "../language";

export interface Decision {
  reason: string;
  /** A day, as the browser's date field gives it. */
  until: string;
}

interface Props {
  decision: Decision;
  decide: (decision: Decision) => void;
}

const REASON_LENGTH = 500;
const FURTHEST_YEARS = 5;

export function ReasonField({ decision, decide }: Props) {
  return (
    <label class="field">
      {t("action.reason_optional")}
      <input type="text" value={decision.reason} maxLength={REASON_LENGTH}
        onInput={(event) => decide({ ...decision, reason: event.currentTarget.value })} />
    </label>
  );
}

export function IgnoreFields({ decision, decide }: Props) {
  return (
    <>
      <label class="field">
        {t("action.reason")}
        <textarea required value={decision.reason} maxLength={REASON_LENGTH} rows={2}
          onInput={(event) => decide({ ...decision, reason: event.currentTarget.value })} />
      </label>
      <label class="field">
        {t("action.until")}
        <input type="date" required value={decision.until} min={day(0)} max={day(FURTHEST_YEARS)}
          onInput={(event) => decide({ ...decision, until: event.currentTarget.value })} />
      </label>
    </>
  );
}

function day(yearsAhead: number): string {
  const date = new Date();
  date.setFullYear(date.getFullYear() + yearsAhead, date.getMonth(), date.getDate() - (yearsAhead ? 1 : 0));
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
}
