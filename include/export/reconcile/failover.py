"""A database that is not the one of before: a promoted standby, a restored backup that lacks the newest changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from include.export.ledger import FAILOVER, ExportFindings
from include.export.positions import Position
from include.export.postgres import UNKNOWN, read_database_identity
from include.export.reconcile.org_listing import Listing
from include.export.run import RunContext
from include.export.source import SourceChecks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failover:
    """A failover that was noticed: the database as it is now, the sign of it, and a sentence about it."""

    identity: str
    sign: str
    message: str


def find_failover(run: RunContext, published_watermark: Position | None) -> Failover | None:
    """Return the failover when the database is not the one that the stream was last checked in.

    A promoted standby and a recovered backup have another timeline, another cluster has another identifier. A
    snapshot of the disk has neither: then `published_watermark`, the watermark as published outside of this
    database, lies beyond the watermark. A failover that an earlier run has handled is not returned again.
    """
    identity = read_database_identity(run.connection)
    known = run.state.database_identity
    if known is None or (known == UNKNOWN and identity != UNKNOWN):
        with run.lease.transaction():
            run.lease.keep_identity(identity)
        if known is None:  # never checked, or an operator let the stream start again
            return None
    elif known != identity and identity != UNKNOWN:
        return _note_sign(run, identity, identity, f"it was {known} and is {identity}")
    if (
        published_watermark
        and _is_behind(run, published_watermark)
        and not _findings(run).have(FAILOVER, str(published_watermark))
    ):
        return _note_sign(run, identity, str(published_watermark), f"the published watermark is {published_watermark}")
    return None


def find_lost_keys(run: RunContext) -> list[str]:
    """Return the keys of the rows that Salesforce may have in a version which the database has lost.

    These are the rows of all records that were changed in Salesforce since this database settled its last batch.
    """
    listing = Listing(run.stream, run.connection, run.client)
    listing.fetch(since=run.batches.read_last_settled(run.stream.name))
    return listing.find_keys(run.source, run.form.identity)


def note_failover(run: RunContext, step: Failover) -> None:
    """Note that the failover has been handled; from here on this database is the one that is known."""
    with run.lease.transaction():
        _findings(run).note(FAILOVER, [(step.sign, step.message)])
        if step.identity != UNKNOWN:
            run.lease.keep_identity(step.identity)


def _note_sign(run: RunContext, identity: str, sign: str, reason: str) -> Failover:
    message = f"database changed: back at {run.state.watermark or 'the beginning'} ({reason})"
    log.warning("Stream %s: %s. What Salesforce got from its lost part is sent again.", run.stream.name, message)
    return Failover(identity, sign, message)


def _is_behind(run: RunContext, published_watermark: Position) -> bool:
    return run.state.watermark is None or SourceChecks(run.source).is_beyond(published_watermark, run.state.watermark)


def _findings(run: RunContext) -> ExportFindings:
    return ExportFindings(run.connection, run.stream.name, run.entry.id)
