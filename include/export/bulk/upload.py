"""The upload of a Bulk job: rows are streamed from Postgres to Salesforce."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from include.export.bulk.window_plan import UploadStopped, WindowPlan
from include.export.ledger import ExportedVersions, JobBatch, JobBatches
from include.export.postgres import Block, NoConnectionLeft, Readers, RowStream, export_snapshot
from include.export.record_sql import FIELD_LIMIT
from include.export.run import RunContext
from include.export.source import SourceWindows

HEADER_BYTES = 32_000  # of a job, at most
Staged = tuple[int, list[str]]  # number of rows of a job, and external ids that Salesforce matches to one record
# how COPY writes the text #N/A, as opposed to NULL; Salesforce does not distinguish them
_MARK = re.compile(rb'"#N/A"')
_LOOKS = 64  # of a block: up to so many NULLs, finding each # is several times cheaper than the expression


@dataclass
class UploadBody(ABC):
    """The body of an upload: the header, then the rows as Postgres returns them.

    `report` is called with the number of rows so far. The body uses connections of its own, so another thread may read
    it.
    """

    run: RunContext
    report: Callable[[int], None]
    size: int = field(default=0, init=False)
    rows: int = field(default=0, init=False)
    _body: Generator[bytes] | None = field(default=None, init=False, repr=False)
    _readers: Readers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Keep the run's readers; the run's own connection is not used later."""
        self._readers = self.run.readers

    @property
    def row_bytes(self) -> float:
        """Return the bytes per row."""
        return self.size / max(self.rows, 1)

    def open(self) -> Iterator[bytes]:
        """Return the body from its beginning, read through a new connection."""
        self.close()
        self.size = self.rows = 0
        self._body = self._read()
        return self._body

    def close(self) -> None:
        """Close the connection of a body that was not read to its end."""
        if self._body is not None:
            self._body.close()

    @abstractmethod
    def _read(self) -> Generator[bytes]:
        """Yield the header and the rows."""

    def _stream(
        self, reader: psycopg.Connection, copy: sql.Composed, values: Mapping[str, object], *, scan_texts: bool
    ) -> Generator[bytes]:
        """Yield the rows of a COPY; raises UploadStopped for rows CSV cannot represent, or too many bytes."""
        for block in RowStream(reader, copy, values).read_blocks():
            self.rows, self.size = block.rows, self.size + len(block.lines)
            self._check(block, scan_texts=scan_texts)
            self.report(self.rows)
            yield block.lines

    def _check(self, block: Block, *, scan_texts: bool) -> None:
        misleads = has_mark(block.lines) or b"\r" in block.lines or block.longest > FIELD_LIMIT
        if misleads and not scan_texts:
            raise UploadStopped
        if self.size > self.run.options.job_limit - HEADER_BYTES:
            raise UploadStopped(row_bytes=self.size / self.rows)


def has_mark(lines: bytes) -> bool:
    """Return whether a text of the lines is #N/A."""
    place = lines.find(b"#")
    for _ in range(_LOOKS):
        if place < 0 or lines.startswith(b'#N/A"', place):
            break
        place = lines.find(b"#", place + 1)
    return place >= 0 and _MARK.search(lines, max(place - 1, 0)) is not None


@dataclass
class JobUpload(UploadBody):
    """The rows of a window's job; their versions are staged concurrently, in the same snapshot."""

    copy: sql.Composed
    batch: JobBatch
    plan: WindowPlan
    part: sql.Composed

    def _read(self) -> Generator[bytes]:
        run, window = self.run, self.plan.window.as_values()
        yield self.plan.form.header
        rows = self.batch.row_count
        with self._readers.open_snapshot(rows=rows) as reader, ThreadPoolExecutor(1) as concurrent:
            snapshot = export_snapshot(reader)
            staging = concurrent.submit(self._stage_concurrently, snapshot) if self._readers.has_spare else None
            values = {**window, **self.plan.values(run.stream.name)}
            yield from self._stream(reader, self.copy, values, scan_texts=self.plan.scan_texts)
            found, colliding_ids = self._finish_staging(staging, reader)
            if found != self.rows:
                self._note_left_out(reader)
        if unknown := set(colliding_ids) - set(self.plan.colliding_ids):
            raise UploadStopped(colliding_ids=sorted(unknown))

    def _note_left_out(self, reader: psycopg.Connection) -> None:
        """Store which rows need Collections: the reason may have ended by the time the job is settled."""
        window, source = self.plan.window, self.run.source
        statement = source.compose_window(
            "ledger/batch_left_out", window, needs_collections=self.plan.needs_collections, part=self.part
        )
        values = {"batch": self.batch.id, **window.as_values(), **self.plan.values(self.run.stream.name)}
        JobBatches(reader).note_left_out(statement, values)

    def _finish_staging(self, staging: Future[Staged | None] | None, reader: psycopg.Connection) -> Staged:
        """Return what was staged; without a second connection, stage after the last row."""
        return (staging.result() if staging else None) or self._stage_versions(reader)

    def _stage_concurrently(self, snapshot: str) -> Staged | None:
        try:
            with self._readers.open_snapshot(of=snapshot) as side:
                return self._stage_versions(side)
        except NoConnectionLeft:
            return None

    def _stage_versions(self, side: psycopg.Connection) -> Staged:
        """Record which versions the job sends; returns the number of rows and the ids that match one record.

        The first job of a window searches all of it: later jobs are uploaded when Salesforce has the first one.
        """
        run = self.run
        versions = ExportedVersions(side, run.stream.name)
        identity = self.plan.form.record.identity
        rows, folded = versions.stage(run.source, self.batch.id, self.plan.window, self.part, identity.may_be_folded)
        windows = SourceWindows(run.source.at(side))
        windows.check_positions(self.plan.window)
        is_first = self.batch.parts > 1 and self.batch.part == 0 and identity.may_collide
        return rows, windows.find_colliding_ids(self.plan.window, run.form) if folded or is_first else []
