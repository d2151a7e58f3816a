"""Statements over listed rows: the manifest of a job that sends the rows of export errors instead of a window."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from include.export.positions import Position
from include.export.record_sql import CsvForm, ExternalIdForm, RecordForm
from include.export.source.source import Source
from include.export.source.windows import SourceWindows


@dataclass(frozen=True)
class SourceListings:
    """Composes the statements."""

    source: Source

    def list_errors(self, form: RecordForm, needs_collections: sql.Composed, watermark: Position) -> sql.Composed:
        """Return the statement that lists the current rows of due errors, without those that a job cannot carry."""
        parts = {"external_id": form.external_id, "needs_collections": needs_collections}
        return self.source.compose("source/listing", watermark, **parts)

    def copy(self, form: CsvForm) -> sql.Composed:
        """Return the statement that writes the listed rows as CSV."""
        order = SourceWindows(self.source).order_of_job(by_parent=True)
        return self.source.compose("source/listing_copy", None, columns=form.columns, order=order)

    def take_out_changed(self) -> sql.Composed:
        """Return the statement that removes rows that have changed since they were listed."""
        return self.source.compose("source/listing_changed", None)

    def place(self, form: RecordForm) -> sql.Composed:
        """Return the statement that finds the listed rows of rejected records."""
        parts = {"payload": form.payload, "is_answer": self.is_answer(form.identity)}
        return self.source.compose("source/results_place_listed", None, **parts)

    def page(self, identity: ExternalIdForm) -> sql.Composed:
        """Return a page of the listed rows with given external ids."""
        is_given = _same(identity, "given.external_id")
        return self.source.compose("source/page_listed", None, is_given_id=is_given)

    def is_answer(self, identity: ExternalIdForm) -> sql.Composed:
        """Return the condition that an answer `r` belongs to a listed row `m`."""
        return _same(identity, "r.external_id")


def _same(identity: ExternalIdForm, text: str) -> sql.Composed:
    parts = {"one": identity.fold(sql.SQL(text)), "other": identity.fold_listed}
    return sql.SQL('({one} collate "C") = ({other} collate "C")').format(**parts)
