import type { ActionKind, ChosenErrors } from "../api/contract";
import { ActionButton } from "../actions/ActionButton";
import { t } from "../language";
import type { Filter } from "./filter";

const KINDS: ActionKind[] = ["retry", "set_aside", "ignore", "reopen"];

interface Props {
  chosen: ReadonlySet<number>;
  filter: Filter;
  total: number | null;
  clear: () => void;
  changed: () => void;
}

/** What can be done with the chosen records, or with all of one cause or code when the list shows exactly those. */
export function SelectionBar({ chosen, filter, total, clear, changed }: Props) {
  const whole = wholeGroup(filter);
  const selection: ChosenErrors | null = chosen.size ? { errors: [...chosen] } : whole;
  if (!selection) return null;
  const about = chosen.size ? t("errors.chosen", { count: chosen.size }) : t("errors.all_of_these", { count: total ?? 0 });
  return (
    <div class="selection" role="group" aria-label={t("errors.actions")}>
      <strong role="status">{about}</strong>
      {KINDS.map((kind) => <ActionButton key={kind} kind={kind} selection={selection} about={about} done={changed} />)}
      {chosen.size > 0 && <button type="button" class="quiet" onClick={clear}>{t("errors.choose_none")}</button>}
    </div>
  );
}

function wholeGroup(filter: Filter): ChosenErrors | null {
  if (filter.stream || filter.status || filter.holding || filter.search || filter.error_class) return null;
  if (filter.cause && !filter.code) return { cause: filter.cause };
  return filter.code && !filter.cause ? { code: filter.code } : null;
}
