import type { ActionKind, ChosenErrors } from "../api/contract";
import { ActionButton } from "../actions/ActionButton";
import { capped, t } from "../language";
import type { Filter } from "./filter";
import { elsewhere } from "./places";

const UNRESOLVED = ["open", "waiting", "set_aside", "ignored"] as const;
const KINDS: ActionKind[] = ["retry", "set_aside", "ignore", "reopen"];

interface Props {
  database: string;
  chosen: ReadonlySet<number>;
  filter: Filter;
  total: number | null;
  totalCapped: boolean;
  clear: () => void;
  changed: () => void;
}

/** The actions on the selected records, or on all records of the list. */
export function SelectionBar({ database, chosen, filter, total, totalCapped, clear, changed }: Props) {
  const whole = wholeGroup(filter);
  const selection: ChosenErrors | null = chosen.size ? { errors: [...chosen] } : whole;
  if (!selection || (!chosen.size && !total)) return null;
  const about = chosen.size ? t("errors.chosen", { count: chosen.size }) : t("errors.all_of_these", { count: total ?? 0, value: capped(total ?? 0, totalCapped) });
  return (
    <div class="selection" role="group" aria-label={t("errors.actions")}>
      <strong role="status">{about}</strong>
      {KINDS.map((kind) => <ActionButton key={kind} kind={kind} selection={selection} database={elsewhere(database)} about={about} done={changed} />)}
      {chosen.size > 0 && <button type="button" class="quiet" onClick={clear}>{t("errors.choose_none")}</button>}
    </div>
  );
}

/** Return all records of the list as a group; null when a filter is set that groups do not have. */
function wholeGroup({ stream, status, code, cause, holding, search, error_class }: Filter): ChosenErrors | null {
  if (holding || search || error_class || status === "resolved") return null;
  const unresolved = UNRESOLVED.find((one) => one === status);
  return {
    ...(stream ? { stream } : {}),
    ...(unresolved ? { status: unresolved } : {}),
    ...(code ? { code } : {}),
    ...(cause ? { cause } : {}),
    ...(stream || unresolved || code || cause ? {} : { all: true }),
  };
}
