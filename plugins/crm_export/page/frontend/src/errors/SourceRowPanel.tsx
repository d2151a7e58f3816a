import { useState } from "preact/hooks";
import { write, type Failure } from "../api/client";
import type { CurrentRow, ErrorView } from "../api/contract";
import { useLive } from "../api/live";
import { asFailure } from "../api/resource";
import { t } from "../language";
import { FailureNotice } from "../parts/Notice";
import { Out } from "../parts/Out";
import { Moment } from "../parts/Time";

/** The current source row: personal data, so it is shown on request only, and viewing is audited. */
export function SourceRowPanel({ error }: { error: ErrorView }) {
  const { session } = useLive();
  const [row, setRow] = useState<CurrentRow | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [asking, setAsking] = useState(false);
  const may = session.data?.may.see_values ?? false;
  const ask = (): void => {
    setAsking(true);
    write<CurrentRow>("POST", `api/errors/${error.id}/source-row`, {}, { database: error.database })
      .then(setRow, (thrown: unknown) => setFailure(asFailure(thrown)))
      .finally(() => setAsking(false));
  };
  return (
    <section class="card" aria-labelledby="source-row">
      <h3 id="source-row">{t("source_row.title")}</h3>
      <p class="muted">{t(may ? "source_row.noted" : "source_row.not_you")}</p>
      {failure && <FailureNotice failure={failure} />}
      <button type="button" disabled={!may || asking} onClick={ask}>{t(row ? "source_row.again" : "source_row.show")}</button>
      <div aria-live="polite">{row && <Values found={row} named={error.fields} />}</div>
    </section>
  );
}

function Values({ found, named }: { found: CurrentRow; named: string[] }) {
  if (!found.row) return <p>{t("source_row.gone")}</p>;
  const links = new Map(found.parents.map((parent) => [parent.field, parent.url]));
  return (
    <>
      {found.changed_at && <p>{t("errors.changed_at")}: <Moment at={found.changed_at} /></p>}
      <table class="values">
        <thead>
          <tr>
            <th scope="col">{t("source_row.field")}</th>
            <th scope="col">{t("source_row.column")}</th>
            <th scope="col">{t("source_row.value")}</th>
          </tr>
        </thead>
        <tbody>
          {found.row.map(({ field, column, value }) => (
            <tr key={field} class={named.includes(field) ? "named" : undefined}>
              <th scope="row"><code>{field}</code>{named.includes(field) && <small class="bad-text">{t("source_row.named")}</small>}</th>
              <td data-label={t("source_row.column")}><code>{column}</code></td>
              <td data-label={t("source_row.value")} class="exact">
                {value === null ? <em class="muted">NULL</em> : <Out salesforce={links.get(field)}>{value}</Out>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
