import { read } from "./api/client";
import type { Headline } from "./api/contract";
import { useResource } from "./api/resource";
import { number, t } from "./language";
import { Line } from "./overview/VerdictLine";
import { judge, standOfHeadline } from "./overview/verdict";
import { Blank, Loading, Notice } from "./parts/Notice";

/** The view of users who may see the DAGs but no records: the headline and counts. */
export function Forbidden() {
  const headline = useResource<Headline>("headline", () => read("api/headline"), 30);
  if (headline.failure && !headline.data) {
    return <main><h1 class="unseen">CRM Export</h1><Blank icon="lock" title={t("forbidden.title")}><p>{t("forbidden.means")}</p></Blank></main>;
  }
  if (!headline.data) return <main><Loading /></main>;
  const { errors } = headline.data.summary;
  const counts = (["open", "waiting", "set_aside", "ignored"] as const).filter((status) => errors[status]);
  return (
    <main>
      <h1 class="unseen">CRM Export</h1>
      <Line verdict={judge(standOfHeadline(headline.data))} />
      {headline.data.alerts > 0 && <Notice tone="warning"><p>{t("alerts.count", { count: headline.data.alerts })}</p></Notice>}
      {counts.length > 0 && (
        <dl class="card facts-list">
          {counts.map((status) => <><dt>{t(`status.${status}`)}</dt><dd>{number(errors[status])}</dd></>)}
        </dl>
      )}
      <Notice tone="info"><p>{t("forbidden.counts")}</p></Notice>
    </main>
  );
}
