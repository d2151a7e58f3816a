// What every view needs: the session, the settings, and the state of the streams, refreshed in one place.
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect } from "preact/hooks";
import { onSignedOut, read, SESSION } from "./client";
import { language } from "../language";
import type { Alerts, CauseList, Session, Settings, Streams } from "./contract";
import { useResource, type Resource } from "./resource";

export interface Live {
  session: Resource<Session>;
  settings: Resource<Settings>;
  streams: Resource<Streams>;
  causes: Resource<CauseList>;
  alerts: Resource<Alerts>;
  /** Reload everything, after a change. */
  refresh: () => void;
}

const Context = createContext<Live | null>(null);

export function LiveProvider({ children }: { children: ComponentChildren }) {
  const session = useResource<Session>("session", () => read(SESSION), 20);
  const settings = useResource<Settings>("settings", () => read("api/settings"), 15);
  const streams = useResource<Streams>("streams", () => read("api/streams"), 10);
  const causes = useResource<CauseList>("causes", () => read("api/causes"), 15);
  const alerts = useResource<Alerts>("alerts", () => read("api/alerts", { language }), 15);
  useEffect(() => onSignedOut(session.reload), []);
  const refresh = (): void => [session, settings, streams, causes, alerts].forEach((resource) => resource.reload());
  return <Context.Provider value={{ session, settings, streams, causes, alerts, refresh }}>{children}</Context.Provider>;
}

export function useLive(): Live {
  const live = useContext(Context);
  if (!live) throw new Error("useLive outside of LiveProvider");
  return live;
}
