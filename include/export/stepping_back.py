"""A database that is not the one of before: a promoted standby, a restored backup, which lost the newest transactions."""

from __future__ import annotations

import logging

from psycopg import errors

from include.export.failures import ConfigurationFailure
from include.export.findings import STEPPED_BACK, ExportFindings
from include.export.listing import Listing
from include.export.positions import Position
from include.export.statements import load_statement
from include.export.workbench import Workbench

log = logging.getLogger(__name__)


def find_step_back(bench: Workbench, witness: Position | None) -> str | None:
    """Return what to tell when the database is not the one that the stream was last checked in, or has stepped back.

    A promoted standby and a recovered backup have another timeline, another cluster has another identifier. A
    snapshot of the disk has neither: `witness`, the watermark as published outside of this database, lies beyond the
    watermark then.
    """
    identity = _read_identity(bench)
    known = bench.state.database_identity
    changed = known is not None and known != identity
    behind = bench.state.watermark is None or (witness and bench.source.is_beyond(witness, bench.state.watermark))
    if not changed and not (witness and behind):
        _keep_identity(bench, identity)
        return None
    reason = f"it was {known} and is {identity}" if changed else f"the published watermark is {witness}"
    told = f"database changed: stepped back to {bench.state.watermark or 'the beginning'} ({reason})"
    log.warning("Stream %s: %s. What Salesforce got from its lost part is sent again.", bench.stream.name, told)
    return told


def find_lost_keys(bench: Workbench) -> list[str]:
    """Return the keys of the rows that Salesforce may have in a version which the database has lost.

    These are the rows of all records that were changed in Salesforce since this database settled its last batch.
    """
    row = bench.connection.execute(load_statement("batch_last_settled"), {"stream": bench.stream.name}).fetchone()
    listing = Listing(bench.stream, bench.connection, bench.client)
    listing.fetch(since=row[0] if row else None)
    return listing.find_keys(bench.source)


def note_step_back(bench: Workbench, told: str) -> None:
    """Note that the step back has been handled; from here on this database is the one that is known."""
    identity = _read_identity(bench)
    with bench.lease.transaction():
        findings = ExportFindings(bench.connection, bench.stream.name, bench.run.id)
        findings.note(STEPPED_BACK, [(identity, told)])
        bench.lease.keep_identity(identity)


def _keep_identity(bench: Workbench, identity: str) -> None:
    if bench.state.database_identity != identity:
        with bench.lease.transaction():
            bench.lease.keep_identity(identity)


def _read_identity(bench: Workbench) -> str:
    try:
        row = bench.connection.execute(load_statement("database_identity")).fetchone()
    except errors.InsufficientPrivilege as refused:
        raise ConfigurationFailure(
            f"Role {bench.connection.info.user} may not call crm_export.database_identity(), which tells a restored "
            "database. Run as the schema's owner: grant execute on function crm_export.database_identity() to the role."
        ) from refused
    return str(row[0]) if row else ""
