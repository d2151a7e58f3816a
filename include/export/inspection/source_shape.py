"""Checks the kind of relation of a source, its key, its indexes, and what keeps rows from being read."""

from __future__ import annotations

from include.export.inspection.checklist import Checklist
from include.export.source import Source, find_blocking_transaction, may_hide_rows, read_now, warn_without_index


def check_shape(source: Source, checks: Checklist) -> None:
    """Check what Postgres's catalogue says of the source; raises psycopg.Error if the role may not read it."""
    _check_relation(source, checks)
    _check_policies(source, checks)
    _check_indexes(source, checks)


def check_transactions(source: Source, checks: Checklist) -> None:
    """Report the transaction that has kept rows from being read for more than ten minutes."""
    blocking = find_blocking_transaction(source)
    if blocking:
        checks.warn("transactions", str(blocking))


def _check_relation(source: Source, checks: Checklist) -> None:
    """The key of a table was checked when the columns were read."""
    stream, relation = source.stream, source.relation
    if relation.is_provable:
        checks.ok("key", f"A unique index covers {stream.key}.")
    if relation.why_late and stream.look_back is None:
        checks.warn(
            "relation",
            f"{stream.source} is {relation.why_late}. Rows that arrive below the watermark are found by "
            f"CRMExport_Reconcile once a day; export the underlying table, or set look_back in {stream.name}.yaml.",
        )


def _check_policies(source: Source, checks: Checklist) -> None:
    """Without row_security, a policy that would hide rows makes reads fail, which is reported elsewhere."""
    if source.stream.row_security and may_hide_rows(source):
        checks.warn(
            "row security",
            "Policies choose the rows that are exported (row_security: true). If a policy starts to hide a row, its "
            "record stays in Salesforce.",
        )


def _check_indexes(source: Source, checks: Checklist) -> None:
    found: list[str] = []
    warn_without_index(source, None, read_now(source.connection), lambda text, *values: found.append(text % values))
    for text in found:
        checks.warn("index", text)
    if not found:
        checks.ok("index", f"Finding rows by {source.stream.cursor} and {source.stream.key} is cheap.")
