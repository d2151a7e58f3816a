"""The session's tables crm_export_results and crm_export_verdicts: the answers of a Bulk job while it is settled.

They outlive a transaction, because records are retried between reading the answers and writing the outcome: a pooler
that gives each transaction another session would lose or mix them. The transaction that writes therefore counts the
answers again and compares (`check_proof`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import errors, sql

from include.export.bulk.results.result_file import ResultsCut, decode, read_header
from include.export.failures import SalesforceFailure
from include.export.ledger import Unrecorded
from include.export.positions import Position, Window
from include.export.record_sql import ExternalIdForm
from include.export.salesforce import Catalogue, ErrorClass, RejectedClass, Rejection, judge_rejection, read_job_error
from include.export.source import Source
from include.sql import fetch_one, fetch_value, load_statement, pin_index_plans

TEXTS_OF_A_PAGE = 2_000  # classified at a time


@dataclass(frozen=True)
class Counts:
    """The number of answers of each kind, and of external ids with more than one answer."""

    accepted: int
    rejected: int
    unprocessed: int
    repeated: int


@dataclass(frozen=True)
class ResultLoader:
    """Copies the result files of one job into the tables."""

    source: Source

    def load(self, kind: str, blocks: Iterator[bytes]) -> None:
        """Read a result file of a kind (`rejected`, `accepted`, `unprocessed`); it replaces what was read of it before.

        Raises ResultsCut when it ends in the middle of a row, SalesforceFailure when it is not a result file.
        """
        texts = decode(blocks)
        names, rest = read_header(texts)
        with self._connection.transaction():
            self._connection.execute(load_statement("bulk/results_forget"), {"kind": kind})
            if names:
                self._make_file(len(names))
                self._copy(rest)
                self._take(kind, names)

    def _make_file(self, columns: int) -> None:
        self._connection.execute(load_statement("bulk/results_drop_file"))
        named = [sql.SQL("{} text").format(sql.Identifier(f"c{n}")) for n in range(columns)]
        self._connection.execute(load_statement("bulk/results_file").format(columns=sql.SQL(", ").join(named)))

    def _copy(self, texts: Iterable[str]) -> None:
        try:
            with self._connection.cursor() as cursor, cursor.copy(load_statement("bulk/results_copy")) as copy:
                for text in texts:
                    copy.write(text)
        except errors.BadCopyFileFormat as cut:
            raise ResultsCut("Salesforce's result file ends in the middle of a row.") from cut

    def _take(self, kind: str, names: Sequence[str]) -> None:
        folded = [name.lower() for name in names]
        wanted = self.source.stream.external_id.lower()
        if wanted not in folded:
            raise SalesforceFailure(
                f"Salesforce's result file has no column {self.source.stream.external_id}. Its columns: "
                f"{', '.join(names)[:300]}. Nothing is acknowledged."
            )
        parts = {
            "external_id": sql.Identifier(f"c{folded.index(wanted)}"),
            "error": sql.SQL("coalesce(c1, '')") if kind == "rejected" else sql.SQL("null"),
            "salesforce_id": sql.Identifier("c0") if kind == "rejected" else sql.SQL("null"),
        }
        self._connection.execute(load_statement("bulk/results_take").format(**parts), {"kind": kind})
        self._connection.execute(load_statement("bulk/results_drop_file"))

    @property
    def _connection(self) -> psycopg.Connection:
        return self.source.connection


@dataclass(frozen=True)
class JobResults:
    """The answers of one job, in temporary tables of the connection."""

    source: Source
    catalogue: Catalogue
    identity: ExternalIdForm

    def clear(self) -> None:
        """Create the tables, or empty them."""
        self._connection.execute(load_statement("bulk/results_tables"))

    def count(self) -> Counts:
        """Count the answers."""
        return Counts(*fetch_one(self._connection.execute(load_statement("bulk/results_count"))))

    def judge(self) -> None:
        """Classify the rejections: each distinct text once, not each row."""
        with self._connection.transaction(), self._connection.cursor(name="crm_export_texts") as texts:
            texts.execute(load_statement("bulk/results_texts"))
            while page := texts.fetchmany(TEXTS_OF_A_PAGE):
                self._keep_verdicts(page)

    def find_classes(self) -> list[RejectedClass]:
        """Return the classified rejections by class, without those that ExportErrors already has for their records."""
        rows = self._connection.execute(load_statement("bulk/results_classes")).fetchall()
        return [
            RejectedClass(ErrorClass(name), count, tuple(_judge_text(self.catalogue, text) for text in samples))
            for name, count, samples in rows
        ]

    def place(self, window: Window, part: sql.Composed, payload: sql.Composed, batch: int) -> int:
        """Find the source rows of the rejected records of a batch; returns how many have none."""
        answered = self.answered()
        with self._connection.transaction():
            pin_index_plans(self._connection)
            statement = self.source.compose_window(
                "bulk/results_place",
                window,
                part=part,
                answered=answered,
                payload=payload,
                external_id=self.identity.text,
            )
            self._connection.execute(statement, {**window.as_values(), "batch": batch})
        if self.count_unplaced():
            statement = self.source.compose_window("bulk/results_place_moved", window, part=part, answered=answered)
            self._connection.execute(statement, {"batch": batch})
        return self.count_unplaced()

    def find_unanswered(self, window: Window, part: sql.Composed, batch: int) -> Position | None:
        """Return the first row of a window's part that the job of a batch has sent and that has no answer."""
        statement = self.source.compose_window("bulk/results_unanswered", window, part=part, answered=self.answered())
        row = self._connection.execute(statement, {**window.as_values(), "batch": batch}).fetchone()
        return Position(*row) if row else None

    def find_again(self, limit: int, before: Position | None) -> list[str]:
        """Return external ids of rejected records that a retry may get accepted, `before` a position."""
        statement = self.source.compose_results("bulk/results_again", before)
        values = {"limit": limit, **(before.as_values() if before else {})}
        return [row[0] for row in self._connection.execute(statement, values)]

    def note_retried(self, tried: Sequence[str], accepted: Sequence[str]) -> None:
        """Store the outcome of records that were retried."""
        values = {"tried": list(tried), "accepted": list(accepted)}
        folds = {"folded": self.identity.fold(sql.SQL("external_id"))}
        self._connection.execute(load_statement("bulk/results_retried").format(**folds), values)

    def find_first_rejected(self, before: Position | None = None, *, staying: bool = False) -> Position | None:
        """Return the position of the first rejected record whose row is unchanged since, `before` a position.

        `staying` leaves out those that a retry may get accepted.
        """
        statement = self.source.compose_results("bulk/results_first_rejected", before)
        values = {"staying": staying, **(before.as_values() if before else {})}
        row = self._connection.execute(statement, values).fetchone()
        return Position(*row) if row else None

    def answered(self) -> sql.Composed:
        """Return the condition that an answer `r` belongs to a row `s`; numbers and blanks may be spelt differently."""
        return self.identity.same(sql.SQL("r.external_id"))

    def find_unrecorded(self, limit: int) -> Unrecorded:
        """Count the rejected records after the first `limit` of them, by code, and find the first one counted."""
        statement = self.source.compose_results("bulk/results_unrecorded", None)
        codes, *first = fetch_one(self._connection.execute(statement, {"limit": limit}))
        return Unrecorded(codes, Position(*first) if first[0] else None)

    def count_unplaced(self) -> int:
        """Count the rejected records whose row is not known."""
        return int(fetch_value(self._connection.execute(load_statement("bulk/results_unplaced"))))

    def _keep_verdicts(self, texts: Sequence[tuple[UUID, str]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(load_statement("bulk/results_verdicts")) as copy:
            for key, text in texts:
                rejection = _judge_text(self.catalogue, text)
                verdict, row = rejection.verdict, rejection.as_row()
                copy.write_row((
                    key, text, row["code"], row["name"], row["class"], row["message"], list(rejection.fields),
                    row["parent_object"], row["parent_external_id"],
                    verdict.error_class is ErrorClass.TRANSIENT or verdict.smaller_batch,
                ))  # fmt: skip

    @property
    def _connection(self) -> psycopg.Connection:
        return self.source.connection


def _judge_text(catalogue: Catalogue, text: str) -> Rejection:
    code, message, fields = read_job_error(text)
    return judge_rejection(catalogue, 0, code, message, fields)
