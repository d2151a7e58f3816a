import type { ComponentChildren } from "preact";
import type { ErrorView } from "../api/contract";
import { number, t } from "../language";
import { Out } from "../parts/Out";
import { Ago, Moment } from "../parts/Time";
import { href } from "../route";

/** When the record is sent again, and by which DAG. */
function NextAttempt({ error }: { error: ErrorView }) {
  if (error.status === "waiting") return <>{t("errors.next_parent")}</>;
  if (!error.next_attempt) return null;
  const { dag_id: dag, at } = error.next_attempt;
  return at ? <><Moment at={at} /> {t("errors.next_by", { dag })}</> : <>{t("errors.next_paused", { dag })}</>;
}

export function ErrorFacts({ error }: { error: ErrorView }) {
  const facts: [string, ComponentChildren][] = [
    [t("filter.stream"), <a href={href("streams", error.stream)}>{error.stream}</a>],
    [t("errors.object"), <code>{error.object}</code>],
    [t("errors.operation"), error.operation],
    [t("errors.external_id"), error.external_id && <code>{error.external_id}</code>],
    [t("errors.fields"), error.fields.join(", ")],
    [t("errors.salesforce"), error.salesforce_id && <Out salesforce={error.salesforce_url}>{error.salesforce_id}</Out>],
    [t("errors.changed_at"), error.record_changed_at && <Moment at={error.record_changed_at} />],
    [t("errors.first_seen"), <Ago at={error.first_seen_at} />],
    [t("errors.last_seen"), <Ago at={error.last_seen_at} />],
    [t("errors.attempts"), number(error.attempts)],
    [t("errors.next_attempt"), <NextAttempt error={error} />],
    [t("errors.resolved"), error.resolved_at && <><Ago at={error.resolved_at} />, {error.resolved_by}</>],
    [t("errors.ignored_until"), error.ignored_until && <Moment at={error.ignored_until} />],
    [t("errors.ignored_reason"), error.ignored_reason],
    [t("errors.log"), <Out airflow={error.airflow_path}>{t("task_log")}</Out>],
    ...Object.entries(error.payload ?? {}).map(([field, value]): [string, ComponentChildren] => [field, value]),
  ];
  return (
    <dl class="card facts-list">
      {facts.filter(([, value]) => value).map(([name, value]) => <><dt>{name}</dt><dd>{value}</dd></>)}
    </dl>
  );
}
