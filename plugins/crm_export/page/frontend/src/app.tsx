import { useEffect } from "preact/hooks";
import { AlertBell } from "./alerts/AlertBell";
import { AlertsPage } from "./alerts/AlertsPage";
import { ActivityPage } from "./activity/ActivityPage";
import { useLive } from "./api/live";
import { Forbidden } from "./Forbidden";
import { ErrorsPage } from "./errors/ErrorsPage";
import { ActionPage } from "./history/ActionPage";
import { HistoryPage } from "./history/HistoryPage";
import { CheckPage } from "./inspection/CheckPage";
import { number, t } from "./language";
import { OverviewPage } from "./overview/OverviewPage";
import { StreamPage } from "./overview/StreamPage";
import { VerdictLine } from "./overview/VerdictLine";
import { Blank, FailureNotice } from "./parts/Notice";
import { Out } from "./parts/Out";
import { href, useRoute, VIEWS, type Route } from "./route";

/** The page: checks access and setup, then shows the requested view. */
export function App() {
  const route = useRoute();
  const { session, streams } = useLive();
  useEffect(() => {
    const view = route.view === "streams" ? "overview" : route.view;
    const item = route.item === "records" ? t("errors.records") : route.item === "all" ? t("alerts.all") : route.item;
    document.title = `${item ?? t(`tabs.${view}`)} · CRM Export`;
  }, [route]);
  if (session.failure?.code === "not_signed_in") return <SignedOut />;
  if (session.failure?.code === "forbidden") return <Forbidden />;
  if (session.failure && !session.data) {
    return <main><FailureNotice failure={session.failure} retry={session.reload} /></main>;
  }
  if (streams.failure?.code === "not_installed") return <NotInstalled />;
  return (
    <>
      <Top route={route} />
      <main id="main">
        {streams.failure && streams.data && <FailureNotice failure={streams.failure} retry={streams.reload} />}
        <View route={route} />
      </main>
    </>
  );
}

function Top({ route }: { route: Route }) {
  const { streams } = useLive();
  const unresolved = streams.data?.summary.unresolved ?? 0;
  const current = route.view === "streams" ? "overview" : route.view;
  return (
    <header class="top">
      <h1 class="unseen">CRM Export</h1>
      <VerdictLine brief={route.view !== "overview"} />
      <div class="bar">
        <nav class="tabs" aria-label={t("tabs.label")}>
          {VIEWS.map((view) => (
            <a key={view} href={href(view)} aria-current={view === current ? "page" : undefined}>
              {t(`tabs.${view}`)}
              {view === "errors" && unresolved > 0 && <span class="bubble">{number(unresolved)}</span>}
            </a>
          ))}
        </nav>
        <AlertBell />
      </div>
    </header>
  );
}

function View({ route }: { route: Route }) {
  switch (route.view) {
    case "errors":
      return <ErrorsPage route={route} />;
    case "activity":
      return <ActivityPage />;
    case "history":
      return route.item === null ? <HistoryPage database={route.query.get("database")} /> : <ActionPage id={route.item} />;
    case "alerts":
      return <AlertsPage all={route.item === "all"} />;
    case "check":
      return <CheckPage />;
    case "streams":
      return route.item === null ? <OverviewPage /> : <StreamPage name={route.item} />;
    default:
      return <OverviewPage />;
  }
}

function SignedOut() {
  return (
    <main>
      <h1 class="unseen">CRM Export</h1>
      <Blank icon="lock" title={t("signed_out.title")}>
        <p>{t("signed_out.means")}</p>
        <p><Out class="button primary" airflow="auth/login">{t("signed_out.again")}</Out></p>
      </Blank>
    </main>
  );
}

function NotInstalled() {
  const { refresh } = useLive();
  return (
    <main>
      <h1 class="unseen">CRM Export</h1>
      <Blank icon="table" title={t("not_installed.title")}>
        <p>{t("not_installed.means")}</p>
        <p>
          <Out class="button primary" airflow="dags/CRMExport">{t("not_installed.go")}</Out>{" "}
          <button type="button" onClick={refresh}>{t("try_again")}</button>
        </p>
      </Blank>
    </main>
  );
}
