import type { Preview } from "../api/contract";
import { list, number, t } from "../language";

/** Explains what will happen, to how many records, and which runs it starts. */
export function PreviewText({ preview }: { preview: Preview }) {
  if (preview.selected > preview.limit) {
    return <p>{t("action.too_many", { value: number(preview.selected), limit: number(preview.limit) })}</p>;
  }
  if (!preview.changes) return <p>{t(preview.selected ? "action.nothing_to_do" : "failure.nothing_selected")}</p>;
  return (
    <>
      <p>{t(`action.${preview.kind}.will`, { count: preview.changes })}</p>
      <ul>
        {preview.streams.length > 0 && <li>{t("action.in_streams", { names: list(preview.streams) })}</li>}
        {preview.dags.map(({ dag_id, records }) => (
          <li key={dag_id}>
            {t("action.starts", { dag: dag_id, count: records })}
            {dag_id === "CRMExport" && ` ${t("action.starts_all")}`}
          </li>
        ))}
        {preview.ends_holds.length > 0 && (
          <li>{t(preview.kind === "retry" ? "action.tried_first" : "action.ends_holds", { names: list(preview.ends_holds) })}</li>
        )}
        {preview.skipped > 0 && <li>{t("action.skipped", { count: preview.skipped, value: number(preview.skipped) })}</li>}
      </ul>
      <p class="muted">{t("action.noted")}</p>
    </>
  );
}
