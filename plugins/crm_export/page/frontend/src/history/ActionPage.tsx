import { read } from "../api/client";
import type { ActionAnswer } from "../api/contract";
import { useResource } from "../api/resource";
import { ActionResult } from "../actions/ActionResult";
import { t } from "../language";
import { Heading } from "../parts/Heading";
import { Blank, FailureNotice, Loading } from "../parts/Notice";
import { href } from "../route";

/** The result of an action, after its dialog was closed. */
export function ActionPage({ id }: { id: string }) {
  const action = useResource<ActionAnswer>(`action ${id}`, () => read(`api/actions/${encodeURIComponent(id)}`));
  const back = { to: href("history"), label: t("tabs.history") };
  if (!action.data && !action.failure) return <Loading lines={6} />;
  if (action.failure?.code === "not_found" || action.failure?.code === "invalid") {
    return <Blank icon="search" title={t("history.unknown")}><a href={back.to}>{back.label}</a></Blank>;
  }
  return (
    <>
      <Heading title={t("history.result_of", { id })} back={back} />
      {action.failure && <FailureNotice failure={action.failure} retry={action.reload} />}
      {action.data && <section class="card"><ActionResult started={action.data} /></section>}
    </>
  );
}
