import type { ErrorLine } from "../api/contract";
import { number, t } from "../language";
import { StatusBadge } from "../parts/Badge";
import { Icon } from "../parts/icons";
import { Ago } from "../parts/Time";
import { linkError } from "./places";
import { withFilter, type Filter, type Sort } from "./filter";

/** At most this many errors are listed in one action; larger groups are selected by cause or code. */
export const MAX_CHOSEN = 200;

interface Props {
  database: string;
  lines: ErrorLine[];
  filter: Filter;
  chosen: ReadonlySet<number>;
  choose: (ids: ReadonlySet<number>) => void;
}

export function RecordTable({ database, lines, filter, chosen, choose }: Props) {
  const choosable = lines.filter((line) => line.status !== "resolved").slice(0, MAX_CHOSEN);
  const allChosen = choosable.length > 0 && choosable.every((line) => chosen.has(line.id));
  const chooseAll = (): void => choose(new Set(allChosen ? [] : choosable.map((line) => line.id)));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("errors.records")}>
      <table class="records">
        <thead>
          <tr>
            <th scope="col" class="tick">
              <input type="checkbox" checked={allChosen} onChange={chooseAll} aria-label={t("errors.choose_all")} />
            </th>
            <th scope="col">{t("errors.record")}</th>
            <th scope="col">{t("errors.reason")}</th>
            <th scope="col">{t("filter.status")}</th>
            <SortHead sort="attempts" filter={filter} label={t("errors.attempts")} figure />
            <SortHead sort="first_seen_at" filter={filter} label={t("errors.first_seen")} />
            <SortHead sort="last_seen_at" filter={filter} label={t("errors.last_seen")} />
          </tr>
        </thead>
        <tbody>{lines.map((line) => <Row key={line.id} database={database} line={line} chosen={chosen} choose={choose} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ database, line, chosen, choose }: { line: ErrorLine } & Pick<Props, "database" | "chosen" | "choose">) {
  const toggle = (): void => {
    const ids = new Set(chosen);
    if (!ids.delete(line.id)) ids.add(line.id);
    choose(ids);
  };
  const isChosen = chosen.has(line.id);
  const full = chosen.size >= MAX_CHOSEN && !isChosen;
  return (
    <tr class={isChosen ? "chosen" : undefined}>
      <td class="tick">
        <input type="checkbox" checked={isChosen} disabled={line.status === "resolved" || full} onChange={toggle}
          aria-label={t("errors.choose", { key: line.record_key })} />
      </td>
      <th scope="row">
        <a class="key" href={linkError(line.id, database)}>{line.record_key}</a>
        <small>{line.stream}</small>
      </th>
      <td data-label={t("errors.reason")}><p class="said clipped"><code>{line.code}</code> {line.message}</p></td>
      <td data-label={t("filter.status")}><StatusBadge status={line.status} holding={line.holding} /></td>
      <td data-label={t("errors.attempts")} class="figure">{number(line.attempts)}</td>
      <td data-label={t("errors.first_seen")}><Ago at={line.first_seen_at} /></td>
      <td data-label={t("errors.last_seen")}><Ago at={line.last_seen_at} /></td>
    </tr>
  );
}

function SortHead({ sort, filter, label, figure }: { sort: Sort; filter: Filter; label: string; figure?: boolean }) {
  const sorted = (filter.sort || "last_seen_at") === sort;
  const ascending = filter.direction === "asc";
  const to = withFilter(filter, { sort, direction: sorted && !ascending ? "asc" : "desc" });
  return (
    <th scope="col" class={figure ? "figure" : undefined} aria-sort={sorted ? (ascending ? "ascending" : "descending") : undefined}>
      <a class="sort" href={to}>{label} {sorted && <Icon name={ascending ? "up" : "down"} />}</a>
    </th>
  );
}
