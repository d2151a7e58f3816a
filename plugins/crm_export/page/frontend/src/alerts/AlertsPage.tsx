import { useEffect, useState } from "preact/hooks";
import { read, type Failure } from "../api/client";
import type { Alerts, AlertView } from "../api/contract";
import { useLive } from "../api/live";
import { asFailure, useResource } from "../api/resource";
import { language, t } from "../language";
import { Blank, FailureNotice, Loading } from "../parts/Notice";
import { Unreachable } from "../parts/Unreachable";
import { href } from "../route";
import { AlertItem } from "./AlertItem";
import { useReading } from "./reading";

/** The open alerts, or with `all` those that have ended too. */
export function AlertsPage({ all }: { all: boolean }) {
  const { alerts: live } = useLive();
  const [more, setMore] = useState<AlertView[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const first = useResource<Alerts>(`alerts ${all}`, () => read("api/alerts", { cleared: all, language }), 15);
  const reload = (): void => {
    setMore([]);
    first.reload();
    live.reload();
  };
  const reading = useReading(reload);
  useEffect(() => setMore([]), [all]);
  useEffect(() => {
    if (!more.length) setNext(first.data?.next ?? null);
  }, [first.data]);
  const loadMore = (): void => {
    read<Alerts>("api/alerts", { cleared: all, language, before: next }).then(
      (page) => {
        setMore([...more, ...page.alerts]);
        setNext(page.next);
        setFailure(null);
      },
      (thrown: unknown) => setFailure(asFailure(thrown)),
    );
  };
  const listed = new Map([...(first.data?.alerts ?? []), ...more].map((alert) => [`${alert.database} ${alert.id}`, alert]));
  const failed = failure ?? first.failure ?? reading.failure;
  return (
    <section aria-labelledby="alerts">
      <header class="row">
        <h2 id="alerts">{t("alerts.title")}</h2>
        {first.data && first.data.unread > 0 && reading.all && (
          <button type="button" class="small" disabled={reading.busy} onClick={() => first.data && reading.all?.(first.data)}>{t("alerts.read_all")}</button>
        )}
      </header>
      <nav class="subtabs" aria-label={t("alerts.which")}>
        <a href={href("alerts")} aria-current={all ? undefined : "page"}>{t("alerts.open")}</a>
        <a href={href("alerts", "all")} aria-current={all ? "page" : undefined}>{t("alerts.all")}</a>
      </nav>
      {failed && <FailureNotice failure={failed} retry={first.reload} />}
      {!first.data && !first.failure && <Loading lines={6} />}
      {first.data && <Unreachable databases={first.data.unreachable} />}
      {first.data && !listed.size && (
        <Blank icon="bell" title={t(all ? "alerts.none_ever" : "alerts.none")}><p>{t("alerts.none_means")}</p></Blank>
      )}
      {listed.size > 0 && (
        <div class="card alerts">{[...listed].map(([key, alert]) => <AlertItem key={key} alert={alert} read={reading.one} />)}</div>
      )}
      {next && <p class="more"><button type="button" onClick={loadMore}>{t("load_more")}</button></p>}
    </section>
  );
}
