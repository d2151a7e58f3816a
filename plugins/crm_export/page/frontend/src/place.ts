// The page's address, derived from the address of this file, so that Airflow may be served below any path.

/** The path of the page, with a slash at its end; this file is served from static/ in it. */
export const ROOT = new URL("../", import.meta.url).pathname;

/** The path of Airflow's UI, with a slash at its end. */
export const AIRFLOW = new URL("../", new URL(ROOT, location.origin)).pathname;
