"""A database that is not the one of before: a promoted standby, a restored backup that lacks the newest changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from psycopg import errors

from include.export.failures import ConfigurationFailure
from include.export.ledger.findings import STEPPED_BACK, ExportFindings
from include.export.positions import Position
from include.export.reconcile.org_listing import Listing
from include.export.run.context import Workbench
from include.export.source.comparison_sql import SourceChecks
from include.sql import load_statement

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepBack:
    """A step back that was noticed: the database as it is now, what tells it, and a sentence about it."""

    identity: str
    sign: str
    told: str


def find_step_back(bench: Workbench, witness: Position | None) -> StepBack | None:
    """Return the step back when the database is not the one that the stream was last checked in.

    A promoted standby and a recovered backup have another timeline, another cluster has another identifier. A
    snapshot of the disk has neither: `witness`, the watermark as published outside of this database, lies beyond the
    watermark then. A step back that an earlier run has handled is not returned again.
    """
    identity = _read_identity(bench)
    known = bench.state.database_identity
    if known is None:  # never checked, or an operator let the stream begin anew
        with bench.lease.transaction():
            bench.lease.keep_identity(identity)
        return None
    if known != identity:
        return _tell(bench, identity, identity, f"it was {known} and is {identity}")
    if witness and _is_behind(bench, witness) and not _findings(bench).have(STEPPED_BACK, str(witness)):
        return _tell(bench, identity, str(witness), f"the published watermark is {witness}")
    return None


def find_lost_keys(bench: Workbench) -> list[str]:
    """Return the keys of the rows that Salesforce may have in a version which the database has lost.

    These are the rows of all records that were changed in Salesforce since this database settled its last batch.
    """
    row = bench.connection.execute(
        load_statement("ledger/batch_last_settled"), {"stream": bench.stream.name}
    ).fetchone()
    listing = Listing(bench.stream, bench.connection, bench.client)
    listing.fetch(since=row[0] if row else None)
    return listing.find_keys(bench.source)


def note_step_back(bench: Workbench, step: StepBack) -> None:
    """Note that the step back has been handled; from here on this database is the one that is known."""
    with bench.lease.transaction():
        _findings(bench).note(STEPPED_BACK, [(step.sign, step.told)])
        bench.lease.keep_identity(step.identity)


def _tell(bench: Workbench, identity: str, sign: str, reason: str) -> StepBack:
    told = f"database changed: stepped back to {bench.state.watermark or 'the beginning'} ({reason})"
    log.warning("Stream %s: %s. What Salesforce got from its lost part is sent again.", bench.stream.name, told)
    return StepBack(identity, sign, told)


def _is_behind(bench: Workbench, witness: Position) -> bool:
    return bench.state.watermark is None or SourceChecks(bench.source).is_beyond(witness, bench.state.watermark)


def _findings(bench: Workbench) -> ExportFindings:
    return ExportFindings(bench.connection, bench.stream.name, bench.run.id)


def _read_identity(bench: Workbench) -> str:
    try:
        row = bench.connection.execute(load_statement("source/database_identity")).fetchone()
    except errors.InsufficientPrivilege as refused:
        raise ConfigurationFailure(
            f"Role {bench.connection.info.user} may not call crm_export.database_identity(), which tells a restored "
            "database. Run as the schema's owner: grant execute on function crm_export.database_identity() to the role."
        ) from refused
    return str(row[0]) if row else ""
