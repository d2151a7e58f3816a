"""Processing a Bulk 2.0 job: batches of 10,000 rows, chunks of 200, shuffled results."""

from __future__ import annotations

import contextlib
import csv
import itertools
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from salesforce_sandbox import assumptions
from salesforce_sandbox.jobs.bulk_csv import (
    JobFailed,
    Row,
    Table,
    check_upload,
    line_ending,
    open_rows,
    read_header,
    write_java_double,
)
from salesforce_sandbox.jobs.bulk_jobs import DELIMITERS, Job, JobState, ResultFile
from salesforce_sandbox.org.faults import JobFault
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.records.own_records import OwnRecords
from salesforce_sandbox.records.rejections import RecordRejected
from salesforce_sandbox.records.saving import Result, save_chunk
from salesforce_sandbox.records.storage import Storage
from salesforce_sandbox.records.writing import Writer

CHUNK = 200


class _Stopped(Exception):  # noqa: N818 - the job was aborted
    pass


def work_off(org: Org, job: Job) -> None:
    """Process a job in this thread until it is complete, failed or aborted."""
    fault = next((each for each in org.job_faults if each.strikes(job.asked.object)), None)
    storage = Storage(org.storage.path)
    started, state = time.monotonic(), JobState.JOB_COMPLETE
    try:
        _Work(org, job, storage, fault).run()
    except JobFailed as failed:
        job.error_message, state = str(failed), JobState.FAILED
    except _Stopped:
        state = JobState.ABORTED
    finally:
        storage.close()
    if fault:
        _spoil(job, fault)
    job.milliseconds = int((time.monotonic() - started) * 1000)
    job.state = state


@dataclass
class _Work:
    org: Org
    job: Job
    storage: Storage
    fault: JobFault | None
    failed_before: int = 0
    own_records: OwnRecords = field(init=False)
    random: random.Random = field(default_factory=lambda: random.Random(750))  # noqa: S311 - an order, no secret

    def run(self) -> None:
        """Check the upload, then save it batch by batch; raises JobFailed or _Stopped."""
        try:
            table, _ = check_upload(self.job, self.org.writer().schema)
        except JobFailed:
            self.job.header = read_header(self.job).decode("utf-8", "replace").rstrip("\r\n")
            if assumptions.UNREADABLE_ROWS_ARE_UNPROCESSED:
                self._leave(self._all_rows())
            raise
        self.job.header = table.header
        prefixes = [definition.prefix for definition in self.org.definition.objects.values()]
        self.own_records = OwnRecords(self.storage, prefixes, self.job.closed_by.n if self.job.closed_by else 0)
        with open_rows(self.job) as lines:
            rows = (row for row in itertools.islice(lines, 1, None) if row)
            self._save_batches(table, rows)
        if self.org.bulk.shuffle:
            for parts in self.job.parts.values():
                self.random.shuffle(parts)

    def _save_batches(self, table: Table, rows: Iterator[Row]) -> None:
        done = 0
        while batch := list(itertools.islice(rows, self.org.bulk.batch_rows)):
            try:
                self._check_batch(done)
                self._pause()
                self._save_batch(table, batch, done)
            except (JobFailed, _Stopped):
                self._leave(itertools.chain(batch, rows))
                raise
            done += 1

    def _check_batch(self, done: int) -> None:
        if self.job.stop.is_set():
            raise _Stopped
        if self.fault and self.fault.fail and done >= self.fault.fail_after_batches:
            raise JobFailed(self.fault.fail)
        wanted = 2 if assumptions.PARENT_BATCH_COUNTS and done == 0 else 1
        if self.org.left("DailyBulkApiBatches") < wanted:
            raise JobFailed("ExceededQuota : ApiBatchItems Limit exceeded.")
        self.org.used["DailyBulkApiBatches"] += wanted

    def _pause(self) -> None:
        if self.org.bulk.batch_delay_seconds and self.job.stop.wait(self.org.bulk.batch_delay_seconds):
            raise _Stopped

    def _save_batch(self, table: Table, batch: list[Row], number: int) -> None:
        """Save the rows of a batch; saved rows are removed from the list, which leaves the unprocessed ones."""
        writer = self.org.writer(self.job.closed_by, self.storage)
        writer.reject_type, writer.finder.own_records = table.reject_type, self.own_records
        writer.options = replace(writer.options, assign_owner=self.job.asked.assignment_rule_id is not None)
        good: list[list[str]] = []
        bad: list[list[str]] = []
        try:
            for start in range(0, len(batch), CHUNK):
                if self.job.stop.is_set():
                    raise _Stopped
                chunk = batch[start : start + CHUNK]
                self._sort(chunk, self._save_chunk(writer, table, chunk), good, bad)
                self.job.processed += len(chunk)
        finally:
            del batch[: len(good) + len(bad)]
            self._keep(table, good, bad, number)

    def _save_chunk(self, writer: Writer, table: Table, rows: list[Row]) -> list[Result]:
        asked = self.job.asked
        entity = writer.schema.object(asked.object)
        key = asked.external_id_field if asked.operation == "upsert" and asked.external_id_field else "Id"
        with writer.chunk.transaction():
            results = save_chunk(writer, entity, asked.operation, entity.field(key)[0], table.make_records(rows))
        seconds = self.org.automation_seconds(entity.name, len(rows))
        if seconds:
            self.job.stop.wait(seconds)
        return results

    def _sort(self, rows: list[Row], results: list[Result], good: list[list[str]], bad: list[list[str]]) -> None:
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, RecordRejected):
                bad.append([assumptions.FAILED_ROW_ID, write_error(result), *row])
            else:
                good.append([result.id, "true" if result.created else "false", *row])
        self.job.failed = self.failed_before + len(bad)

    def _keep(self, table: Table, good: list[list[str]], bad: list[list[str]], number: int) -> None:
        self.failed_before += len(bad)
        self.job.failed = self.failed_before
        self.job.batches = number + 1
        for column in table.doubles:
            for row in good:
                row[column + 2] = write_java_double(row[column + 2]) if row[column + 2] else ""
        if self.org.bulk.misspelt_columns_are_empty:
            for column, row in itertools.product(table.misspelt, bad):
                row[column + 2] = ""
        if self.org.bulk.shuffle:
            self.random.shuffle(good)
            self.random.shuffle(bad)
        self._write(ResultFile.SUCCESSFUL, good, number)
        self._write(ResultFile.FAILED, bad, number)

    def _leave(self, rows: Iterable[Row]) -> None:
        self._write(ResultFile.UNPROCESSED, rows, 0)

    def _write(self, kind: ResultFile, rows: Iterable[Row], number: int) -> None:
        lines = iter(write_lines(rows, DELIMITERS[self.job.asked.delimiter], line_ending(self.job)))
        first = next(lines, None)
        if first is None:
            return
        part = self.job.folder / f"{kind.value}.{number}.csv"
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(first)
            file.writelines(lines)
        self.job.parts[kind].append(part)

    def _all_rows(self) -> Iterator[Row]:
        with open_rows(self.job) as lines, contextlib.suppress(csv.Error):  # the rest cannot be read as rows
            yield from (row for row in itertools.islice(lines, 1, None) if row)


def write_lines(rows: Iterable[Row], delimiter: str, ending: str) -> Iterator[str]:
    """Return rows as lines with every cell quoted, three times as fast as the csv module's QUOTE_ALL."""
    between, end = f'"{delimiter}"', f'"{ending}'
    for row in rows:
        line = between.join(row)
        if line.count('"') != 2 * (len(row) - 1):
            line = between.join(cell.replace('"', '""') for cell in row)
        yield f'"{line}{end}'


def write_error(rejected: RecordRejected) -> str:
    """Return the cell sf__Error of a rejected record."""
    return assumptions.BETWEEN_ERRORS.join(_write_one(each) for each in rejected)


def _write_one(rejected: RecordRejected) -> str:
    fields = f"{','.join(rejected.fields)} " if rejected.fields else ""
    return f"{rejected.code}:{rejected.message}:{fields}--"


def _spoil(job: Job, fault: JobFault) -> None:
    """Shorten a result file for a fault: remove whole lines, or cut the last remaining line in its middle."""
    parts = job.parts[ResultFile(fault.lose)]
    if not parts or not (fault.lose_rows or fault.cut_results):
        return
    last: Path = parts[-1]
    lines = last.read_bytes().splitlines(keepends=True)
    kept = lines[: max(len(lines) - fault.lose_rows, 0)]
    if fault.cut_results and kept:
        kept[-1] = kept[-1][: len(kept[-1]) // 2]
    last.write_bytes(b"".join(kept))
