"""Checks the first 25,000 rows of a source for missing and shared keys and external ids."""

from __future__ import annotations

from include.export.inspection.checklist import Checklist
from include.export.source import ROWS_LOOKED_AT, RowFacts, Source, TooSlow, read_row_facts


def check_rows(source: Source, checks: Checklist) -> RowFacts | None:
    """Check the first rows and return the counts, None if that took longer than two seconds."""
    try:
        found = read_row_facts(source)
    except TooSlow:
        checks.warn("rows", "Reading rows took longer than 2 s, so values were not checked. If the source is a "
                    "costly view, export a table with its rows instead.")  # fmt: skip
        return None
    _check_keys(source, found, checks)
    _check_ids(source, found, checks)
    without, future = source.count_unreadable()
    if without or future:
        checks.warn(
            "change times",
            f"{without:,} rows have no {source.stream.cursor} and {future:,} have one in the future (up to 1,000 are "
            f"counted): they are not exported. Let every write set {source.stream.cursor} to the time of its "
            "transaction.",
        )
    return found


def _check_keys(source: Source, found: RowFacts, checks: Checklist) -> None:
    stream = source.stream
    if found.without_key or found.shared_keys:
        checks.fail(
            "key",
            f"{found.without_key:,} rows have no {stream.key}, and {found.shared_keys:,} share theirs with another "
            f"row, among {_looked_at(found)}: they would never be sent. Name a column in {stream.name}.yaml that is "
            "unique and never NULL.",
        )


def _check_ids(source: Source, found: RowFacts, checks: Checklist) -> None:
    stream, column = source.stream, source.stream.external_id_column
    if found.blank_ids:
        checks.fail(
            "external ids",
            f"{found.blank_ids:,} rows have no {column}, the external id, among {_looked_at(found)}: each is rejected "
            f"before it is sent. Fill it, or export a view without those rows.",
        )
    if found.shared_ids:
        checks.fail(
            "external ids",
            f"{found.shared_ids:,} rows share their {column}, the external id, with another row, among "
            f"{_looked_at(found)}: each is rejected before it is sent. Make it unique, or name another external_id in "
            f"{stream.name}.yaml.",
        )
    if not found.blank_ids and not found.shared_ids:
        checks.ok("external ids", f"{column} is filled and unique in {_looked_at(found)}.")


def _looked_at(found: RowFacts) -> str:
    return f"the first {found.rows:,} rows" if found.rows >= ROWS_LOOKED_AT else f"all {found.rows:,} rows"
