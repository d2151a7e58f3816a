// The current view: a path below the page's address, mirrored in Airflow's, so that reload, "back" and links work.
import { useEffect, useState } from "preact/hooks";
import { airflowWindow } from "./airflow";
import { AIRFLOW, ROOT } from "./place";

export const VIEWS = ["overview", "errors", "activity", "history"] as const;
const OTHER_VIEWS = ["streams", "alerts", "check"] as const;
export type View = (typeof VIEWS)[number] | (typeof OTHER_VIEWS)[number];

export interface Route {
  view: View;
  /** An error's or an action's id, a stream's name, "records" for the list of errors, or "all" for that of alerts. */
  item: string | null;
  query: URLSearchParams;
}

/** Where Airflow shows the page in a frame: what follows is the page's own path. */
const FRAME = `${AIRFLOW}plugin/crm_export`;
const DAG_TAB = "/plugin/crm_export_dag";
const MOVED = "crm-export-moved";

function parse(): Route {
  const [first = "", second] = location.pathname.slice(ROOT.length).split("/", 2).map(decode);
  const view = [...VIEWS, ...OTHER_VIEWS].find((known) => known === first) ?? "overview";
  return { view, item: second || null, query: new URLSearchParams(location.search) };
}

function compose(view: View, item?: string | number | null, query?: Record<string, string | undefined>): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value) words.set(name, value);
  const path = item === undefined || item === null ? view : `${view}/${encodeURIComponent(item)}`;
  return `${ROOT}${path}${words.size ? `?${words}` : ""}`;
}

/** Return the address of a view: inside Airflow if the page is, so that a new tab keeps Airflow's navigation. */
export function href(view: View, item?: string | number | null, query?: Record<string, string | undefined>): string {
  return `${airflowWindow() ? FRAME : ""}${compose(view, item, query)}`;
}

/** Go to an address that `href` returned. */
export function go(to: string): void {
  const own = toOwn(new URL(to, location.href)) ?? to;
  const airflow = airflowWindow();
  const shown = airflow && toShown(own, airflow);
  if (airflow && shown) {
    // the history entries are Airflow's: those of a frame are lost when it is reloaded
    history.replaceState(null, "", own);
    airflow.history.pushState(advance(airflow.history.state), "", shown);
  } else history.pushState(null, "", own);
  window.scrollTo(0, 0);
  window.dispatchEvent(new Event(MOVED));
}

/** Return the state of the next entry of Airflow's router, which counts them. */
function advance(state: { idx?: number } | null): object {
  return { ...state, idx: (state?.idx ?? 0) + 1, key: Math.random().toString(36).slice(2, 10) };
}

/** Return the page's own path of an address of the page, inside Airflow or not; null for any other address. */
function toOwn(url: URL): string | null {
  if (url.origin !== location.origin) return null;
  const path = url.pathname.startsWith(`${FRAME}/`) ? url.pathname.slice(FRAME.length) : url.pathname;
  const isView = path.startsWith(ROOT) && !/^(api|static)\//.test(path.slice(ROOT.length));
  return isView ? `${path}${url.search}` : null;
}

/** Follow links to views without reloading the page. */
function follow(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button || link.target) return;
  if (link.hasAttribute("download") || !toOwn(new URL(link.href))) return;
  event.preventDefault();
  if (event.ctrlKey || event.metaKey || event.shiftKey) (airflowWindow() ?? window).open(link.href, "_blank", "noopener");
  else go(link.href);
}

/** Return the address of Airflow around the frame for a path of the page: its path, or behind "#" in a tab of a DAG. */
function toShown(own: string, { location: { pathname, search } }: Window): string | null {
  if (pathname.includes(DAG_TAB)) return `${pathname}${search}#${own.slice(ROOT.length)}`;
  return pathname.startsWith(FRAME) ? `${FRAME}${own}` : null;
}

/** Return the path of the page that the address of Airflow around the frame shows. */
function readShown({ location: { pathname, search, hash } }: Window): string | null {
  if (pathname.includes(DAG_TAB)) return `${ROOT}${hash.slice(1)}`;
  const own = pathname.startsWith(FRAME) ? `${pathname.slice(FRAME.length)}${search}` : "";
  return own.startsWith(ROOT) ? own : null;
}

/** Go to what a link from Airflow asks for, and keep both addresses in step from then on. */
export function enter(): void {
  const asked = findAsked(new URLSearchParams(location.search));
  if (asked) history.replaceState(null, "", asked);
  document.addEventListener("click", follow);
  const airflow = airflowWindow();
  if (!airflow) return;
  const shown = toShown(`${location.pathname}${location.search}`, airflow);
  if (shown) airflow.history.replaceState(airflow.history.state, "", shown);
  const back = (): void => {
    const own = readShown(airflow);
    if (!own || own === `${location.pathname}${location.search}`) return;
    history.replaceState(null, "", own);
    window.dispatchEvent(new Event(MOVED));
  };
  airflow.addEventListener("popstate", back);
  window.addEventListener("pagehide", () => airflow.removeEventListener("popstate", back));
}

function findAsked(words: URLSearchParams): string | null {
  const airflow = airflowWindow();
  const fragment = location.hash || (airflow?.location.pathname.includes(DAG_TAB) ? airflow.location.hash : "");
  const [error, stream] = [words.get("error"), words.get("stream")];
  if (fragment.length > 2) return `${ROOT}${fragment.replace(/^#\/?/, "")}`;
  if (location.pathname !== ROOT) return null;
  if (error) return compose("errors", error);
  if (stream) return compose("streams", stream);
  return words.get("dag") === "CRMExport_ExportError" ? compose("errors") : null;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(parse);
  useEffect(() => {
    const look = (): void => setRoute(parse());
    window.addEventListener("popstate", look);
    window.addEventListener(MOVED, look);
    return () => {
      window.removeEventListener("popstate", look);
      window.removeEventListener(MOVED, look);
    };
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
