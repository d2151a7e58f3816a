import { useEffect, useState } from "preact/hooks";
import { address, read, type Failure } from "../api/client";
import type { ErrorLine, ErrorList } from "../api/contract";
import { asFailure, useResource } from "../api/resource";
import { capped, t } from "../language";
import { Icon } from "../parts/icons";
import { Blank, FailureNotice, Loading } from "../parts/Notice";
import { href } from "../route";
import { asQuery, isFiltered, readFilter, type Filter } from "./filter";
import { Filters } from "./Filters";
import { RecordTable } from "./RecordTable";
import { SelectionBar } from "./SelectionBar";

const PAGE_SIZE = 100;

/** The list of rejected records: filter, search, sort, pages, and actions on chosen ones. */
export function RecordsPage({ query }: { query: URLSearchParams }) {
  const filter = readFilter(query);
  const key = JSON.stringify(filter);
  const page = useResource<ErrorList>(key, () => read("api/errors", { ...asQuery(filter), limit: PAGE_SIZE }));
  return (
    <>
      <h2 class="unseen">{t("errors.records")}</h2>
      <Filters filter={filter} />
      {page.failure && <FailureNotice failure={page.failure} retry={page.reload} />}
      {!page.data && !page.failure && <Loading lines={8} />}
      {page.data && <Records key={key} first={page.data} filter={filter} changed={page.reload} />}
    </>
  );
}

function Records({ first, filter, changed }: { first: ErrorList; filter: Filter; changed: () => void }) {
  const [more, setMore] = useState<ErrorLine[]>([]);
  const [next, setNext] = useState(first.next);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    setMore([]);
    setNext(first.next);
    setChosen(new Set());
  }, [first]);

  const lines = [...first.errors, ...more];
  if (!lines.length) return <Nothing filter={filter} />;
  const loadMore = (): void => {
    read<ErrorList>("api/errors", { ...asQuery(filter), limit: PAGE_SIZE, after: next }).then(
      (page) => {
        setMore([...more, ...page.errors]);
        setNext(page.next);
        setFailure(null);
      },
      (thrown: unknown) => setFailure(asFailure(thrown)),
    );
  };
  return (
    <>
      <div class="row">
        <p class="muted" role="status">
          {first.total !== null && t("errors.total", { count: first.total, value: capped(first.total, first.total_capped) })}
        </p>
        <a class="button quiet" href={address("api/errors.csv", asQuery(filter))} download>
          <Icon name="table" /> {t("errors.csv")}
        </a>
      </div>
      <SelectionBar database={first.database} chosen={chosen} filter={filter} total={first.total} totalCapped={first.total_capped} clear={() => setChosen(new Set())} changed={changed} />
      <RecordTable database={first.database} lines={lines} filter={filter} chosen={chosen} choose={setChosen} />
      {failure && <FailureNotice failure={failure} retry={loadMore} />}
      {next && <p class="more"><button type="button" onClick={loadMore}>{t("load_more")}</button></p>}
    </>
  );
}

function Nothing({ filter }: { filter: Filter }) {
  if (!isFiltered(filter)) return <Blank icon="check" title={t("errors.none")}><p>{t("errors.none_means")}</p></Blank>;
  return (
    <Blank icon="search" title={t("errors.none_found")}>
      <a class="button" href={href("errors", "records")}>{t("filter.clear")}</a>
    </Blank>
  );
}
