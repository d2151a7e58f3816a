// Work done by a DAG run, polled every two seconds until it has ended.
import { useEffect, useState } from "preact/hooks";
import type { Failure } from "../api/client";
import type { WorkState } from "../api/words";
import { asFailure } from "../api/resource";

const EVERY_MS = 2000;

export function useFollowed<T extends { state: WorkState }>(started: T, look: () => Promise<T>): { found: T; failure: Failure | null } {
  const [found, setFound] = useState(started);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [looks, setLooks] = useState(0);
  const ended = found.state === "done" || found.state === "failed";
  useEffect(() => {
    if (ended || failure?.code === "not_found") return undefined;
    const timer = window.setTimeout(() => {
      look()
        .then(
          (answer) => {
            setFound(answer);
            setFailure(null);
          },
          (thrown: unknown) => setFailure(asFailure(thrown)),
        )
        .finally(() => setLooks(looks + 1));
    }, EVERY_MS);
    return () => window.clearTimeout(timer);
  }, [looks, ended]);
  return { found, failure };
}
