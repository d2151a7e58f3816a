import { useState } from "preact/hooks";
import { read } from "../api/client";
import type { Activity } from "../api/contract";
import { useLive } from "../api/live";
import { useResource } from "../api/resource";
import { number, t } from "../language";
import { Blank, FailureNotice, Loading } from "../parts/Notice";
import { Unreachable } from "../parts/Unreachable";
import { AgeChart, ApiCallsChart, RowsChart } from "./charts";

const DAYS = ["1", "7", "30"] as const;
const A_DAY_IN_SECONDS = 86_400;

/** Rows exported and rejected, API calls, and the age of the oldest unexported change, over time. */
export function ActivityPage() {
  const { streams } = useLive();
  const [days, setDays] = useState<(typeof DAYS)[number]>("1");
  const [stream, setStream] = useState("");
  const history = useResource<Activity>(`history ${days} ${stream}`, () => read("api/history", { days, stream }), 60);
  return (
    <>
      <div class="filters">
        <fieldset class="choice">
          <legend>{t("activity.period")}</legend>
          {DAYS.map((one) => (
            <label key={one}>
              <input type="radio" name="days" checked={days === one} onChange={() => setDays(one)} />
              <span>{t(`activity.days_${one}`)}</span>
            </label>
          ))}
        </fieldset>
        <label>
          {t("filter.stream")}
          <select value={stream} onChange={(event) => setStream(event.currentTarget.value)}>
            <option value="">{t("filter.all_streams")}</option>
            {streams.data?.streams.map(({ name }) => <option key={name}>{name}</option>)}
          </select>
        </label>
      </div>
      {history.failure && <FailureNotice failure={history.failure} retry={history.reload} />}
      {!history.data && !history.failure && <Loading lines={8} />}
      {history.data && <Unreachable databases={history.data.unreachable} />}
      {history.data && <Charts history={history.data} wholeDays={days !== "1"} />}
    </>
  );
}

function Charts({ history, wholeDays }: { history: Activity; wholeDays: boolean }) {
  if (!history.points.some((point) => point.exported || point.rejected || point.api_calls)) {
    return <Blank icon="clock" title={t("activity.none")}><p>{t("activity.none_means")}</p></Blank>;
  }
  const { api_calls_last_24h: calls, api_limit: limit } = history;
  return (
    <div class="charts">
      <RowsChart history={history} wholeDays={wholeDays} />
      <AgeChart history={history} wholeDays={wholeDays} />
      <ApiCallsChart history={history} wholeDays={wholeDays} />
      <section class="card" aria-labelledby="budget">
        <h2 id="budget">{t("activity.budget")}</h2>
        <p class="large-figure">{number(calls)} <span class="muted">{t("activity.of_limit", { limit: number(limit) })}</span></p>
        <meter class="budget" min={0} max={limit} high={limit * 0.75} value={calls} aria-labelledby="budget" />
        <p class="muted">{t("activity.budget_means")}</p>
        <p class="muted">{t("activity.buckets", { count: Math.round(history.bucket_seconds / (history.bucket_seconds < A_DAY_IN_SECONDS / 24 ? 60 : 3600)),
          context: history.bucket_seconds < A_DAY_IN_SECONDS / 24 ? "minutes" : "hours" })}</p>
      </section>
    </div>
  );
}
