"""The listed rows of a job, and how its answers are matched to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from include.export.batch import Batch
from include.export.bulk.results import JobResults
from include.export.ledger import JobBatch, Listing
from include.export.positions import Position
from include.export.run import RunContext, plan_page
from include.export.source import SourceListings


@dataclass(frozen=True)
class ListedRows:
    """The manifest of a job: it has the key, the external id and the version of each row."""

    run: RunContext
    batch: JobBatch
    kept: str = "their errors stay open"

    @property
    def listing(self) -> Listing:
        """Return the manifest."""
        return Listing(self.run.connection, self.batch.id)

    @property
    def is_answer(self) -> sql.Composed:
        """Return the condition that an answer belongs to a row."""
        return SourceListings(self.run.source).is_answer(self.run.form.identity)

    def place(self, results: JobResults) -> int:
        """Find the rows of the rejected records; returns how many have none."""
        statement = SourceListings(self.run.source).place(self.run.form)
        self.listing.place_rejected(statement, self.run.stream.name)
        return results.count_unplaced()

    def plan_again(self, external_ids: Sequence[str]) -> Batch | None:
        """Plan the rows of external ids as a batch of a small request, None when they all have changed."""
        page = SourceListings(self.run.source).page(self.run.form.identity)
        return plan_page(self.run, page, external_ids=list(external_ids), batch=self.batch.id)

    def find_unanswered(self, results: JobResults) -> Position | None:
        """Return the version of the first row that has no answer."""
        return self.listing.find_unanswered(self.is_answer)

    def find_rejected_before(self) -> Position | None:
        """Return None: the stream never stops at a listed row."""
        return None
