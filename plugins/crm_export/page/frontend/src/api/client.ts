// Requests to the page's own API, below the page's address.
import { ROOT } from "../place";
import type { ErrorCode } from "./words";

/** Why a request failed: a code of the API, or `unreachable` without an answer. */
export class Failure extends Error {
  constructor(
    readonly code: ErrorCode | "unreachable",
    message = "",
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** How long to wait before a request that was rejected as one too many is sent again. */
const BUSY_MS = 1500;

export const SESSION = "api/session";

let signedOut: () => void = () => undefined;

/** Call `listener` when any request but the one for the session is answered with "not signed in". */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/** Return the address of a route with its query; empty values are left out, lists are repeated. */
export function address(path: string, query: Query = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    for (const one of Array.isArray(value) ? value : [value]) words.append(name, String(one));
  }
  return `${ROOT}${path}${words.size ? `?${words}` : ""}`;
}

export function read<T>(path: string, query?: Query): Promise<T> {
  return request<T>(address(path, query), { method: "GET" });
}

export function write<T>(method: "PUT" | "POST", path: string, body: unknown, query?: Query): Promise<T> {
  const headers = { "Content-Type": "application/json", "X-CRM-Export": "1" };
  return request<T>(address(path, query), { method, headers, body: JSON.stringify(body) });
}

async function request<T>(url: string, how: RequestInit, tries = 3): Promise<T> {
  const answer = await fetch(url, { ...how, credentials: "same-origin", cache: "no-store" }).catch(() => null);
  if (answer === null) throw new Failure("unreachable");
  if (answer.status === 429 && tries > 1) {
    await new Promise((resolve) => setTimeout(resolve, BUSY_MS * (1 + Math.random())));
    return request<T>(url, how, tries - 1); // the server did not begin it
  }
  const body: unknown = await answer.json().catch(() => null);
  if (answer.ok && body !== null) return body as T;
  const failure = explain(body, answer.status);
  if (failure.code === "not_signed_in" && url !== address(SESSION)) signedOut();
  throw failure;
}

function explain(body: unknown, status: number): Failure {
  const error = (body as { error?: { code?: ErrorCode; message?: string } } | null)?.error;
  if (error?.code) return new Failure(error.code, error.message);
  if (status === 401) return new Failure("not_signed_in");
  return new Failure(status === 502 || status === 504 ? "unreachable" : "failed");
}
