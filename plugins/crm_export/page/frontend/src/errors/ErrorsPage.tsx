import { read } from "../api/client";
import type { CauseList as Found } from "../api/contract";
import { useLive } from "../api/live";
import { useResource } from "../api/resource";
import { number, t } from "../language";
import { Blank, FailureNotice, Loading, Notice } from "../parts/Notice";
import { Unreachable } from "../parts/Unreachable";
import { go, href, type Route } from "../route";
import { CauseList } from "./CauseList";
import { ErrorPage } from "./ErrorPage";
import { RecordsPage } from "./RecordsPage";

export function ErrorsPage({ route }: { route: Route }) {
  if (route.item !== null && /^\d+$/.test(route.item)) return <ErrorPage id={Number(route.item)} database={route.query.get("database")} />;
  const records = route.item === "records";
  return (
    <>
      <nav class="subtabs" aria-label={t("errors.how")}>
        <a href={href("errors")} aria-current={records ? undefined : "page"}>{t("errors.by_cause")}</a>
        <a href={href("errors", "records")} aria-current={records ? "page" : undefined}>{t("errors.records")}</a>
      </nav>
      {records ? <RecordsPage query={route.query} /> : <CausesPage stream={route.query.get("stream")} />}
    </>
  );
}

function CausesPage({ stream }: { stream: string | null }) {
  const { streams } = useLive();
  const causes = useResource<Found>(`causes ${stream}`, () => read("api/causes", { stream }), 15);
  if (!causes.data) return causes.failure ? <FailureNotice failure={causes.failure} retry={causes.reload} /> : <Loading lines={6} />;
  const names = streams.data?.streams.map((one) => one.name) ?? [];
  return (
    <>
      <h2 class="unseen">{t("causes.title")}</h2>
      <div class="filters">
        <label>
          {t("filter.stream")}
          <select value={stream ?? ""} onChange={(event) => go(href("errors", null, { stream: event.currentTarget.value }))}>
            <option value="">{t("filter.all_streams")}</option>
            {names.map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
      </div>
      {causes.failure && <FailureNotice failure={causes.failure} retry={causes.reload} />}
      <Unreachable databases={causes.data.unreachable} />
      {causes.data.more && <Notice tone="info"><p>{t("causes.more", { value: number(causes.data.causes.length) })}</p></Notice>}
      {causes.data.causes.length
        ? <CauseList causes={causes.data.causes} />
        : <Blank icon="check" title={t("errors.none")}><p>{t("errors.none_means")}</p></Blank>}
    </>
  );
}
