import type { CheckLine, CheckResult } from "../api/contract";
import { t } from "../language";
import { Badge } from "../parts/Badge";
import { Notice, type Tone } from "../parts/Notice";

const LEVEL: Record<CheckLine["level"], Tone> = { ok: "good", warn: "warning", fail: "bad" };
const ORDER: CheckLine["level"][] = ["fail", "warn"];

/** The lines of a check by subject: problems and warnings first, passed checks collapsed. */
export function CheckResults({ found }: { found: CheckResult }) {
  const subjects = [...new Set(found.lines.map((line) => line.subject))];
  return (
    <div class="checks">
      <Summary found={found} />
      {subjects.map((subject) => <Subject key={subject} subject={subject} lines={found.lines.filter((line) => line.subject === subject)} />)}
    </div>
  );
}

function Summary({ found }: { found: CheckResult }) {
  const tone: Tone = found.fail ? "bad" : found.warn ? "warning" : "good";
  const parts = [
    ...(found.fail ? [t("check.summary_fail", { count: found.fail })] : [t("check.well")]),
    ...(found.warn ? [t("check.summary_warn", { count: found.warn })] : []),
    ...(found.ok ? [t("check.summary_ok", { count: found.ok })] : []),
  ];
  return <Notice tone={tone}><p><strong>{parts.join(" · ")}</strong></p></Notice>;
}

function Subject({ subject, lines }: { subject: string; lines: CheckLine[] }) {
  const urgent = ORDER.flatMap((level) => lines.filter((line) => line.level === level));
  const well = lines.filter((line) => line.level === "ok");
  return (
    <section class="card subject" aria-label={subject}>
      <h3>{subject}</h3>
      {urgent.length > 0 && <Lines lines={urgent} />}
      {well.length > 0 && (
        <details>
          <summary>{t("check.summary_ok", { count: well.length })}</summary>
          <Lines lines={well} />
        </details>
      )}
    </section>
  );
}

function Lines({ lines }: { lines: CheckLine[] }) {
  return (
    <ul>
      {lines.map((line) => (
        <li key={`${line.check} ${line.message}`}>
          <Badge tone={LEVEL[line.level]}>{t(`check.level.${line.level}`)}</Badge>
          <span lang="en"><strong>{line.check}</strong> {line.message}</span>
        </li>
      ))}
    </ul>
  );
}
