"""The upload of a job of listed rows."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from include.export.bulk.upload import UploadBody
from include.export.ledger import JobBatch, Listing
from include.export.record_sql import CsvForm
from include.export.source import SourceListings


@dataclass
class ListedUpload(UploadBody):
    """The rows of a manifest in the listed versions; those changed since are removed from it, in the same snapshot."""

    batch: JobBatch
    listed: int
    scan_texts: bool

    def _read(self) -> Generator[bytes]:
        source, form = self.run.source, CsvForm(self.run.form)
        listings = SourceListings(source)
        yield form.header
        with self._readers.open_snapshot(rows=self.listed) as reader:
            copy, values = listings.copy(form), {"batch": self.batch.id}
            yield from self._stream(reader, copy, values, scan_texts=self.scan_texts)
            if self.rows != self.listed:
                Listing(reader, self.batch.id).take_out_changed(listings.take_out_changed())
