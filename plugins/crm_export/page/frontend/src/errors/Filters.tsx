import { useEffect, useState } from "preact/hooks";
import { useLive } from "../api/live";
import { t } from "../language";
import { Icon } from "../parts/icons";
import { go as goTo, href } from "../route";
import { findDatabase } from "./places";
import { isFiltered, STATUSES, withFilter, type Filter } from "./filter";

const SEARCH_LENGTH = 100;

export function Filters({ filter }: { filter: Filter }) {
  const { streams, causes } = useLive();
  const go = (change: Partial<Filter>): void => goTo(withFilter(filter, change));
  const places = streams.data?.databases ?? [];
  const codes = [...new Set(causes.data?.causes.map((cause) => cause.code) ?? [])].sort();
  const cause = causes.data?.causes.find((one) => one.cause === filter.cause);
  return (
    <div class="filters" role="search">
      <SearchField key={filter.search} value={filter.search} search={(search) => go({ search })} />
      {places.length > 1 && (
        <Choice label={t("databases.one")} value={filter.database || (places[0] ?? "")} options={places.map((name) => [name, name])}
          choose={(database) => go({ database, stream: "", cause: "" })} />
      )}
      <Choice label={t("filter.stream")} all={t("filter.all_streams")} value={filter.stream}
        options={streams.data?.streams.map((one) => [one.name, one.name]) ?? []} choose={(stream) => go({ stream, ...(stream ? { database: findDatabase(streams.data?.streams, stream) ?? "" } : {}) })} />
      <Choice label={t("filter.status")} all={t("filter.unresolved")} value={filter.status}
        options={STATUSES.map((status) => [status, t(`status.${status}`)])} choose={(status) => go({ status })} />
      <Choice label={t("filter.code")} all={t("filter.all_codes")} value={filter.code}
        options={codes.map((code) => [code, code])} choose={(code) => go({ code })} />
      <label class="check">
        <input type="checkbox" checked={filter.holding === "true"}
          onChange={(event) => go({ holding: event.currentTarget.checked ? "true" : "" })} />
        {t("filter.holding")}
      </label>
      {filter.cause && (
        <button type="button" class="chip" onClick={() => go({ cause: "" })}>
          {t("filter.cause")} {cause ? `${cause.name}: ${cause.message}` : filter.cause} <Icon name="close" />
          <span class="unseen">{t("filter.remove")}</span>
        </button>
      )}
      {isFiltered(filter) && <a class="button quiet" href={href("errors", "records")}>{t("filter.clear")}</a>}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  /** The text of the empty choice, if there is one. */
  all?: string;
  value: string;
  options: (readonly [string, string])[];
  choose: (value: string) => void;
}

function Choice({ label, all, value, options, choose }: ChoiceProps) {
  const known = !value || options.some(([option]) => option === value);
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {all && <option value="">{all}</option>}
        {!known && <option value={value}>{value}</option>}
        {options.map(([option, text]) => <option key={option} value={option}>{text}</option>)}
      </select>
    </label>
  );
}

/** Searches when the user stops typing, or presses Enter. */
function SearchField({ value, search }: { value: string; search: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = window.setTimeout(() => search(text), 600);
    return () => window.clearTimeout(timer);
  }, [text]);
  return (
    <form class="search" onSubmit={(event) => {
      event.preventDefault();
      search(text);
    }}>
      <label>
        {t("filter.search")}
        <span>
          <Icon name="search" />
          <input type="search" value={text} maxLength={SEARCH_LENGTH} placeholder={t("filter.search_hint")}
            onInput={(event) => setText(event.currentTarget.value)} />
        </span>
      </label>
    </form>
  );
}
