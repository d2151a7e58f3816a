import { useLive } from "../api/live";
import { ago, exactly, moment } from "../language";

/** How long ago a moment was, by the server's clock; the tooltip shows the exact time. */
export function Ago({ at }: { at: string }) {
  return <time dateTime={at} title={exactly(at)}>{ago(at, useServerTime())}</time>;
}

export function Moment({ at }: { at: string }) {
  return <time dateTime={at} title={exactly(at)}>{moment(at)}</time>;
}

/** The server's time: ages must not depend on the user's clock. */
export function useServerTime(): number {
  const { streams, session } = useLive();
  return Date.parse(streams.data?.at ?? session.data?.now ?? "") || Date.now();
}
