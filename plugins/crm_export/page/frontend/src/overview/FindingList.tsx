import { read } from "../api/client";
import type { Findings, FindingView } from "../api/contract";
import { useLive } from "../api/live";
import { useResource } from "../api/resource";
import { number, t } from "../language";
import { Badge } from "../parts/Badge";
import { FailureNotice } from "../parts/Notice";
import { Ago } from "../parts/Time";
import { href } from "../route";

/** The open findings of CRMExport_Reconcile, one line for each stream and kind. */
export function FindingList() {
  const { streams } = useLive();
  const count = streams.data?.summary.findings ?? 0;
  if (!count) return null;
  return <Found count={count} />;
}

function Found({ count }: { count: number }) {
  const findings = useResource<Findings>("findings", () => read("api/findings"), 60);
  const groups = group(findings.data?.findings ?? []);
  return (
    <section aria-labelledby="findings">
      <header class="row"><h2 id="findings">{t("findings.title")}</h2><Badge tone="warning">{number(count)}</Badge></header>
      <p class="muted">{t("findings.means")}</p>
      {findings.failure && <FailureNotice failure={findings.failure} retry={findings.reload} />}
      <ul class="card findings">
        {groups.map((found) => found[0] && <li key={`${found[0].database} ${found[0].id}`}><Group first={found[0]} group={found} /></li>)}
      </ul>
      {findings.data?.more && <p class="muted">{t("findings.more", { value: number(findings.data.findings.length) })}</p>}
    </section>
  );
}

/** Return the findings grouped by stream and kind. */
function group(findings: FindingView[]): FindingView[][] {
  const groups = new Map<string, FindingView[]>();
  for (const finding of findings) {
    const name = `${finding.database} ${finding.stream} ${finding.kind}`;
    groups.set(name, [...(groups.get(name) ?? []), finding]);
  }
  return [...groups.values()];
}

function Group({ first, group }: { first: FindingView; group: FindingView[] }) {
  return (
    <details>
      <summary>
        <strong>{number(group.length)}</strong> {nameKind(first.kind, group.length)}{" "}
        <span class="muted">{first.stream} · {t("findings.since")} <Ago at={first.first_seen_at} /></span>
      </summary>
      <ul>
        {group.map((finding) => <li key={finding.id}><code>{finding.subject}</code> <span class="exact">{finding.told}</span></li>)}
      </ul>
      <p><a href={href("streams", first.stream)}>{first.stream}</a></p>
    </details>
  );
}

const KINDS = [
  "late_row", "no_source_row", "stepped_back", "org_right", "org_external_id", "org_field", "org_required", "org_type",
  "org_length", "org_picklist",
] as const;

function nameKind(kind: string, count: number): string {
  const known = KINDS.find((one) => one === kind.replace(/^org:/, "org_"));
  return known ? t(`findings.${known}`, { count }) : t("findings.check", { count, name: kind.replace(/^check:/, "") });
}
