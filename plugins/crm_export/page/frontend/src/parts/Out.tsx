import type { ComponentChildren } from "preact";
import { leave } from "../airflow";
import { t } from "../language";
import { AIRFLOW } from "../place";
import { Icon } from "./icons";

interface Props {
  /** An address within Airflow's UI, without a leading slash. */
  airflow?: string | null | undefined;
  /** An address in Salesforce. */
  salesforce?: string | null | undefined;
  class?: string;
  children: ComponentChildren;
}

/** A link out of the page's frame; plain text without an address. */
export function Out({ airflow, salesforce, class: style, children }: Props) {
  if (typeof airflow === "string") {
    return <a class={style} href={`${AIRFLOW}${airflow}`} target="_top" onClick={leave}>{children}</a>;
  }
  if (!salesforce?.startsWith("https://")) return <>{children}</>;
  return (
    <a class={style} href={salesforce} target="_blank" rel="noopener noreferrer" onClick={leave}>
      {children} <Icon name="out" />
      <span class="unseen">{t("new_tab")}</span>
    </a>
  );
}
