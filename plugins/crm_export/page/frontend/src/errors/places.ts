// Export errors are numbered per database; addresses leave out that of postgres_default.
import type { StreamView } from "../api/contract";
import { href } from "../route";

const MAIN = "postgres_default";

/** Return the address of an export error. */
export function linkError(id: number, database: string | null): string {
  return href("errors", id, { database: elsewhere(database) });
}

/** Return a database for an address or a request; undefined for the main one. */
export function elsewhere(database: string | null | undefined): string | undefined {
  return database && database !== MAIN ? database : undefined;
}

/** Return the database of a stream. */
export function findDatabase(streams: StreamView[] | undefined, name: string): string | undefined {
  return elsewhere(streams?.find((stream) => stream.name === name)?.database);
}
