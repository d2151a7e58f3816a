// A request that a button starts and that takes a while.
import { useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import { asFailure } from "../api/resource";

interface Asked<T> {
  found: T | null;
  failure: Failure | null;
  busy: boolean;
  ask: () => void;
}

export function useAsked<T>(path: string, body: object): Asked<T> {
  const [found, setFound] = useState<T | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const ask = (): void => {
    setBusy(true);
    setFailure(null);
    write<T>("POST", path, body)
      .then(setFound, (thrown: unknown) => setFailure(asFailure(thrown)))
      .finally(() => setBusy(false));
  };
  return { found, failure, busy, ask };
}
