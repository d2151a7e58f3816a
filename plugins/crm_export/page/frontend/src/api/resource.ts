// Data of the API that a view shows: loaded once, or repeatedly while the page is visible.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "./client";

export interface Resource<T> {
  /** The last good answer; kept while later requests fail. */
  data: T | null;
  /** Why the last request failed, or null. */
  failure: Failure | null;
  reload: () => void;
  /** Use the answer of another request. */
  replace: (data: T) => void;
}

interface State<T> {
  key: string;
  data: T | null;
  failure: Failure | null;
}

/** Load what `key` names; `load` is called again whenever the key changes, and every `seconds`. */
export function useResource<T>(key: string, load: () => Promise<T>, seconds?: number): Resource<T> {
  const [state, setState] = useState<State<T>>({ key, data: null, failure: null });
  const [asked, setAsked] = useState(0);
  const loader = useRef(load);
  loader.current = load;

  useEffect(() => {
    let current = true;
    let timer: number | undefined;
    const settle = (change: Partial<State<T>>): void => {
      if (!current) return;
      setState((before) => ({ ...(before.key === key ? before : { data: null, failure: null }), ...change, key }) as State<T>);
      if (seconds) timer = window.setTimeout(ask, seconds * 1000);
    };
    const ask = (): void => {
      if (timer !== undefined && document.hidden) return;
      window.clearTimeout(timer);
      loader.current().then(
        (data) => settle({ data, failure: null }),
        (failure: unknown) => settle({ failure: asFailure(failure) }),
      );
    };
    const look = (): void => {
      if (seconds && !document.hidden) ask();
    };
    ask();
    document.addEventListener("visibilitychange", look);
    return () => {
      current = false;
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [key, seconds, asked]);

  const reload = useCallback(() => setAsked((times) => times + 1), []);
  const replace = useCallback((data: T) => setState({ key, data, failure: null }), [key]);
  const mine = state.key === key;
  return { data: mine ? state.data : null, failure: mine ? state.failure : null, reload, replace };
}

export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  throw thrown;
}
