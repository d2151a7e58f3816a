// Marking alerts as read. The mark counts for everybody, so only users who may change settings can set it.
import { useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import type { Alerts, AlertsRead, AlertView } from "../api/contract";
import { useLive } from "../api/live";
import { asFailure } from "../api/resource";

interface Reading {
  /** Null for users who may not. */
  one: ((alert: AlertView) => void) | null;
  all: ((shown: Alerts) => void) | null;
  busy: boolean;
  failure: Failure | null;
}

export function useReading(reload: () => void): Reading {
  const { session } = useLive();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const send = (body: object): void => {
    setBusy(true);
    setFailure(null);
    write<AlertsRead>("POST", "api/alerts/read", body)
      .then(reload, (thrown: unknown) => setFailure(asFailure(thrown)))
      .finally(() => setBusy(false));
  };
  const may = session.data?.may.change_settings ?? false;
  return {
    one: may ? ({ database, id }) => send({ alerts: [{ database, id }] }) : null,
    // alerts raised after the list was loaded stay unread
    all: may ? ({ alerts }) => send({ until: alerts[0]?.raised_at }) : null,
    busy,
    failure,
  };
}
