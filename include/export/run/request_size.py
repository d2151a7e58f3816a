"""The size of requests: fewer rows after one was too much for Salesforce, then more again step by step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from include.export.batch import Row

log = logging.getLogger(__name__)
BYTES_OF_A_REQUEST = 5_000_000
CLEAN_REQUESTS_TO_GROW = 8
BATCH_REQUESTS = 4  # as many requests' bytes are planned at a time, since the rows of a batch are held in memory


@dataclass
class RequestSize:
    """The rows of a stream's requests: currently `rows`, at most `most`; `keep` stores the size for the next runs.

    `keep` is called with None when only the setting crm_export_batch_size limits them.
    """

    stream: str
    most: int
    rows: int
    keep: Callable[[int | None], None]
    _clean: int = field(default=0, init=False)
    _failed: int | None = field(default=None, init=False)  # rows of the smallest request that failed in this run
    _unproven: bool = field(default=False, init=False)  # `rows` was reduced, and no request of that size succeeded yet
    _row_bytes: float = field(default=0.0, init=False)

    @classmethod
    def start(cls, stream: str, most: int, kept: int | None, keep: Callable[[int | None], None]) -> RequestSize:
        """Return the size with which a run begins; `kept` is the size that earlier runs stored, if any."""
        return cls(stream, most, min(kept or most, most), keep)

    @property
    def planned(self) -> int:
        """Return the maximum of rows that a batch should have, by the bytes of rows so far."""
        return max(int(BATCH_REQUESTS * BYTES_OF_A_REQUEST / max(self._row_bytes, 1.0)), 1)

    def take(self, rows: Sequence[Row]) -> int:
        """Return how many of the rows, from the first one on, the next request contains."""
        held = 0
        for count, row in enumerate(rows[: self.rows]):
            held += _measure(row)
            if count and held > BYTES_OF_A_REQUEST:
                return count
        return min(self.rows, len(rows))

    def note(self, rows: Sequence[Row]) -> None:
        """Learn the bytes per row from a batch."""
        if rows:
            self._row_bytes = max(self._row_bytes, sum(_measure(row) for row in rows) / len(rows))

    def shrink(self, rows: int, reason: str, *, certain: bool) -> None:
        """Give the next requests half of the rows of one that was too much.

        `certain` means that its size was the cause; otherwise a smaller one must succeed before its size is stored.
        """
        self._failed, self._clean = min(self._failed or rows, rows), 0
        smaller = max(rows // 2, 1)
        if smaller >= self.rows:
            return
        self.rows, self._unproven = smaller, not certain
        if certain:
            self.keep(smaller)
        log.warning(
            "Stream %s: a request of %d records was too much for Salesforce (%s). They are sent again in requests of "
            "%d, and the next runs begin with that size. Lower crm_export_batch_size, or ask your Salesforce admin to "
            "make the object's automation faster.", self.stream, rows, reason, smaller,
        )  # fmt: skip

    def grow(self, rows: int) -> None:
        """Note a request that Salesforce accepted; after several of full size the next ones have twice as many rows."""
        if rows > self.rows:
            self._set(rows)  # a part of a failed request: the cause was in the other part
        elif self._unproven:
            self._unproven = False
            self.keep(self.rows)
        elif rows == self.rows < self.most:
            self._clean += 1
            if self._clean >= CLEAN_REQUESTS_TO_GROW and (self._failed is None or self.rows * 2 < self._failed):
                self._set(min(self.rows * 2, self.most))

    def _set(self, rows: int) -> None:
        self.rows, self._clean, self._unproven = min(rows, self.most), 0, False
        self.keep(self.rows if self.rows < self.most else None)


def _measure(row: Row) -> int:
    """Return the bytes of a row's record."""
    record = row.record or ""
    return len(record) if record.isascii() else len(record.encode())
