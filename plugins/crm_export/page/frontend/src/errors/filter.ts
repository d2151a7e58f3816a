// The filter, search and sort of the list of records, kept in the page's address.
import type { Query } from "../api/client";
import { href } from "../route";

export const STATUSES = ["open", "waiting", "set_aside", "ignored", "resolved"] as const;
export const SORTS = ["last_seen_at", "first_seen_at", "attempts", "id"] as const;
export type Sort = (typeof SORTS)[number];

export interface Filter {
  database: string;
  stream: string;
  status: string;
  code: string;
  error_class: string;
  cause: string;
  holding: string;
  search: string;
  sort: string;
  direction: string;
}

const NAMES = ["database", "stream", "status", "code", "error_class", "cause", "holding", "search", "sort", "direction"] as const;

export function readFilter(words: URLSearchParams): Filter {
  return Object.fromEntries(NAMES.map((name) => [name, words.get(name) ?? ""])) as unknown as Filter;
}

/** Return the address of the list with some of the filter changed. */
export function withFilter(filter: Filter, change: Partial<Filter>): string {
  return href("errors", "records", { ...filter, ...change });
}

export function asQuery(filter: Filter): Query {
  return { ...filter };
}

export function isFiltered(filter: Filter): boolean {
  return NAMES.some((name) => name !== "sort" && name !== "direction" && filter[name] !== "");
}
