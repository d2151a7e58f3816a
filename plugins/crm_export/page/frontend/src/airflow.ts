// Airflow around the page: its window, its time zone, and the way out of its frame.

/** Return the window of Airflow's UI when this page is framed by it, else null. */
export function airflowWindow(): Window | null {
  try {
    return window.parent !== window && window.parent.document ? window.parent : null;
  } catch {
    return null; // the window belongs to another site
  }
}

/** Return the time zone chosen in Airflow's UI, or undefined for the browser's own. */
export function timeZone(): string | undefined {
  try {
    const chosen: unknown = JSON.parse(localStorage.getItem("timezone") ?? "null");
    return typeof chosen === "string" && Intl.DateTimeFormat(undefined, { timeZone: chosen }) ? chosen : undefined;
  } catch {
    return undefined; // unreadable, or a zone that the browser does not know
  }
}

/** Follow a link out of the frame. Airflow's frame forbids its content to do that, so Airflow's own page does it. */
export function leave(event: MouseEvent): void {
  const airflow = airflowWindow();
  const link = event.currentTarget as HTMLAnchorElement;
  if (!airflow) return;
  event.preventDefault();
  const copy = airflow.document.createElement("a");
  copy.href = link.href;
  copy.target = link.target === "_top" && !event.ctrlKey && !event.metaKey ? "_self" : "_blank";
  copy.rel = "noopener";
  airflow.document.body.append(copy);
  copy.click();
  copy.remove();
}
