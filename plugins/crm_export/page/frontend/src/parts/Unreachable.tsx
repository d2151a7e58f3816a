import type { DatabaseProblem } from "../api/contract";
import { t } from "../language";
import { Notice } from "./Notice";

/** Names the databases that did not answer, whose data is therefore missing. */
export function Unreachable({ databases }: { databases: DatabaseProblem[] }) {
  return (
    <>
      {databases.map(({ database, message }) => (
        <Notice key={database} tone="bad">
          <p>{t("databases.unreachable", { name: database })}<small class="exact" lang="en">{message}</small></p>
        </Notice>
      ))}
    </>
  );
}
