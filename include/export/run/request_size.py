"""How much a request may hold: fewer rows once one was too much for Salesforce, more again step by step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from include.export.batch import Row

log = logging.getLogger(__name__)
BYTES_OF_A_REQUEST = 5_000_000
CLEAN_REQUESTS_TO_GROW = 8
BATCH_REQUESTS = 4  # requests' worth of bytes that are planned at a time; rows are held in memory meanwhile


@dataclass
class RequestSize:
    """The rows of a stream's requests: at most `most`, `rows` at the moment; `keep` stores them for the next runs.

    `keep` is given None where nothing limits them but the setting crm_export_batch_size.
    """

    stream: str
    most: int
    rows: int
    keep: Callable[[int | None], None]
    _clean: int = field(default=0, init=False)
    _failed: int | None = field(default=None, init=False)  # rows of the smallest request that failed in this run
    _unproven: bool = field(default=False, init=False)  # smaller since, and no request of that size has passed yet
    _row_bytes: float = field(default=0.0, init=False)

    @classmethod
    def start(cls, stream: str, most: int, kept: int | None, keep: Callable[[int | None], None]) -> RequestSize:
        """Return the size with which a run begins; `kept` is what earlier runs found, None where nothing was."""
        return cls(stream, most, min(kept or most, most), keep)

    @property
    def planned(self) -> int:
        """Return how many rows a batch should hold at most, by the bytes that rows had so far."""
        return max(int(BATCH_REQUESTS * BYTES_OF_A_REQUEST / max(self._row_bytes, 1.0)), 1)

    def take(self, rows: Sequence[Row]) -> int:
        """Return how many of the rows, from the first one on, the next request holds."""
        held = 0
        for count, row in enumerate(rows[: self.rows]):
            held += _measure(row)
            if count and held > BYTES_OF_A_REQUEST:
                return count
        return min(self.rows, len(rows))

    def note(self, rows: Sequence[Row]) -> None:
        """Learn from a batch how many bytes a row takes."""
        if rows:
            self._row_bytes = max(self._row_bytes, sum(_measure(row) for row in rows) / len(rows))

    def shrink(self, rows: int, reason: str, *, certain: bool) -> None:
        """Let the next requests hold half of the rows of one that was too much.

        `certain` says that its size was the cause; else a smaller one has to pass before it is kept.
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
            "%d, with which the next runs begin too. Lower crm_export_batch_size, or ask your "
            "Salesforce admin to make the object's automation faster.", self.stream, rows, reason, smaller,
        )  # fmt: skip

    def grow(self, rows: int) -> None:
        """Note a request that Salesforce took; after some of full size the next ones hold twice as many rows."""
        if rows > self.rows:
            self._set(rows)  # a part of one that failed: what failed was in the other part
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
