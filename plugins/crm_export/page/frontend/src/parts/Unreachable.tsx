import type { DatabaseProblem } from "../api/contract";
import { t } from "../language";
import { Notice } from "./Notice";

/** Names the databases that did not answer, so that what is missing is not taken for what is not there. */
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
