// Banners, and the empty, loading and failed states of a view.
import type { ComponentChildren } from "preact";
import { Failure } from "../api/client";
import { t } from "../language";
import { Icon, type IconName } from "./icons";

export type Tone = "good" | "warning" | "bad" | "info" | "quiet";

const SIGNS: Record<Tone, IconName> = { good: "check", warning: "alert", bad: "alert", info: "info", quiet: "info" };

export function Notice({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon name={SIGNS[tone]} />
      <div>{children}</div>
    </div>
  );
}

/** Shown in place of an empty view. */
export function Blank({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="blank">
      <Icon name={icon} />
      <h2>{title}</h2>
      <div>{children}</div>
    </div>
  );
}

/** Placeholder lines while a view is loading. */
export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="unseen">{t("loading")}</span>
      {Array.from({ length: lines }, (_, line) => <span key={line} class="bone" />)}
    </div>
  );
}

/** Return why a request failed, translated if the code has a translation. */
export function explain(failure: Failure): string {
  if (failure.code === "invalid" || failure.code === "already_requested" || failure.code === "misconfigured") return failure.message;
  return t(`failure.${failure.code}`);
}

export function FailureNotice({ failure, retry }: { failure: Failure; retry?: () => void }) {
  return (
    <Notice tone="bad">
      <p>{explain(failure)}</p>
      {retry && <button type="button" class="small" onClick={retry}>{t("try_again")}</button>}
    </Notice>
  );
}
