// Where the reader is: a view and its filters in the fragment of the address, so that links and "back" work.
import { useEffect, useState } from "preact/hooks";

export const VIEWS = ["overview", "errors", "activity", "history"] as const;
export type View = (typeof VIEWS)[number] | "streams";

export interface Route {
  view: View;
  /** An error's id, a stream's name, or "records" for the list of errors. */
  item: string | null;
  query: URLSearchParams;
}

export function parse(fragment: string): Route {
  const [path = "", words = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [first = "", second] = path.split("/", 2).map(decode);
  const view = [...VIEWS, "streams" as const].find((known) => known === first) ?? "overview";
  return { view, item: second || null, query: new URLSearchParams(words) };
}

export function href(view: View, item?: string | number | null, query?: Record<string, string | undefined>): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value) words.set(name, value);
  const path = item === undefined || item === null ? view : `${view}/${encodeURIComponent(item)}`;
  return `#/${path}${words.size ? `?${words}` : ""}`;
}

/** Go to what the links from Airflow ask for: `?error=`, `?stream=`, `?dag=`. */
export function enter(): void {
  if (location.hash.length > 2) return;
  const asked = new URLSearchParams(location.search);
  const error = asked.get("error");
  const stream = asked.get("stream");
  if (error) location.replace(href("errors", error));
  else if (stream) location.replace(href("streams", stream));
  else if (asked.get("dag") === "CRMExport_ExportError") location.replace(href("errors"));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const follow = (): void => setRoute(parse(location.hash));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return route;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
