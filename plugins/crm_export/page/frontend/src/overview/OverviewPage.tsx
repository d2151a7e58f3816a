import { useLive } from "../api/live";
import { CauseLines } from "../errors/CauseList";
import { t } from "../language";
import { Blank, FailureNotice, Loading, Notice } from "../parts/Notice";
import { Unreachable } from "../parts/Unreachable";
import { href } from "../route";
import { SettingsPanel } from "../settings/SettingsPanel";
import { FindingList } from "./FindingList";
import { Holds } from "./Holds";
import { StreamTable } from "./StreamTable";
import { Troubles } from "./Troubles";

const CAUSES_SHOWN = 6;

/** The overview, from top to bottom: what is stopped, why, and the state of each stream; the settings next to it. */
export function OverviewPage() {
  const { streams, causes } = useLive();
  const all = causes.data?.causes ?? [];
  const broken = streams.data?.streams.filter((stream) => stream.broken) ?? [];
  return (
    <div class="overview">
      <div class="main">
        {broken.map((stream) => (
          <Notice key={stream.name} tone="bad"><p><strong>{stream.name}</strong> <span class="exact">{stream.broken}</span></p></Notice>
        ))}
        {!streams.data && !streams.failure && <Loading lines={6} />}
        {!streams.data && streams.failure && <Blank icon="table" title={t("nothing_to_show")}><p>{t("nothing_to_show_means")}</p></Blank>}
        {streams.data && <Unreachable databases={streams.data.unreachable} />}
        <Troubles />
        <Holds />
        <FindingList />
        {all.length > 0 && (
          <section aria-labelledby="causes">
            <header class="row">
              <h2 id="causes">{t("causes.title")}</h2>
              <a href={href("errors")}>{t("causes.all", { count: all.length })}</a>
            </header>
            <CauseLines causes={all.slice(0, CAUSES_SHOWN)} />
          </section>
        )}
        {causes.failure && !streams.failure && <FailureNotice failure={causes.failure} retry={causes.reload} />}
        <StreamTable />
      </div>
      <SettingsPanel />
    </div>
  );
}
