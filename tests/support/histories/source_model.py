"""The source of a history: rows that concurrent transactions write, and the committed ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from histories.simulated_postgres import Pool

Place = tuple[datetime, int]
TABLE = """
create schema app;
create table app.accounts (
    id integer primary key, ext text, body text, changed_at timestamptz not null, deleted_at timestamptz);
create index on app.accounts (changed_at, id);
create index on app.accounts (ext);
create index on app.accounts (lower(ext));
create table app.visits (id integer primary key, ext text, body text, changed_at timestamptz not null);
create index on app.visits (changed_at, id);
create index on app.visits (ext);
"""
# a row is dated 5 s before it is written: the horizon's margin allows it, and the row is readable at once
_WRITE = """
insert into app.accounts as a (id, ext, body, changed_at, deleted_at)
values (%(id)s, %(ext)s, %(body)s, {moment}, case when %(deleted)s then now() end)
on conflict (id) do update set ext = excluded.ext, body = excluded.body, changed_at = excluded.changed_at,
    deleted_at = excluded.deleted_at
returning changed_at
"""
_MOMENTS = {
    "statement": "clock_timestamp() - interval '5 s'",
    "transaction": "now() - interval '5 s'",
    "late": "now() - interval '1 h'",  # back-dated: no export reads it
}


@dataclass(frozen=True)
class SourceRow:
    """A version of a row. The org rejects a bad one until the rule is switched off."""

    key: int
    version: int
    external_id: str
    bad: bool
    deleted: bool
    changed_at: datetime

    def __str__(self) -> str:
        marks = "".join([" bad" * self.bad, " deleted" * self.deleted])
        return f"{self.key}:{self.version} as {self.external_id}{marks} at {self.changed_at:%S.%f}"

    @property
    def place(self) -> Place:
        """Return the position of the version."""
        return (self.changed_at, self.key)


def write_body(key: int, version: int, *, bad: bool) -> str:
    """Return the content of a version's body field."""
    return f"{key}:{version}:{'bad' if bad else 'ok'}"


def read_body(body: str) -> tuple[int, int, bool]:
    """Return key, version and whether it is bad."""
    key, version, kind = body.split(":")
    return int(key), int(version), kind == "bad"


@dataclass
class OpenTransaction:
    """A transaction of an application."""

    number: int
    connection: psycopg.Connection[Any]
    pending: dict[int, SourceRow | None] = field(default_factory=dict)
    savepoint: dict[int, SourceRow | None] | None = None


class SourceModel:
    """The committed rows and the open transactions, as in the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.rows: dict[int, SourceRow] = {}
        self.versions: dict[tuple[int, datetime], int] = {}  # the version of a key by its change time
        self.places: dict[tuple[int, int], Place] = {}
        self.conflicted: set[tuple[int, int]] = set()  # (key, version) that shared its external id with a live row
        self.shared: set[str] = set()
        self.deleted: dict[int, int] = {}  # the newest version of a key that was marked deleted
        self.late: set[tuple[int, int]] = set()  # (key, version) of rows that were written back-dated
        self.removed: set[int] = set()  # keys whose row is permanently deleted
        self.open: list[OpenTransaction] = []
        self._last_version: dict[int, int] = {}
        self._numbers = 0

    def begin(self) -> OpenTransaction:
        """Begin a transaction."""
        connection = self._pool.for_writer()
        connection.execute("begin")
        self._numbers += 1
        self.open.append(OpenTransaction(self._numbers, connection))
        return self.open[-1]

    def is_locked(self, key: int, transaction: OpenTransaction) -> bool:
        """Return whether another open transaction has written the row."""
        others = [other for other in self.open if other is not transaction]
        return any(key in other.pending or key in (other.savepoint or {}) for other in others)

    def write(
        self, transaction: OpenTransaction, key: int, external_id: str, *, bad: bool, deleted: bool, moment: str
    ) -> SourceRow:
        """Insert or change a row; a key is never reused after its row was deleted."""
        version = self._last_version[key] = self._last_version.get(key, 0) + 1
        values = {"id": key, "ext": external_id, "body": write_body(key, version, bad=bad), "deleted": deleted}
        found = transaction.connection.execute(_WRITE.format(moment=_MOMENTS[moment]), values).fetchone()
        assert found is not None
        row = SourceRow(key, version, external_id, bad, deleted, found[0])
        if moment == "late":
            self.late.add((key, version))
        transaction.pending[key] = row
        return row

    def remove(self, transaction: OpenTransaction, key: int) -> None:
        """Delete a row permanently."""
        transaction.connection.execute("delete from app.accounts where id = %s", [key])
        transaction.pending[key] = None

    def set_savepoint(self, transaction: OpenTransaction) -> None:
        """Open a savepoint, unless there is one."""
        if transaction.savepoint is None:
            transaction.connection.execute("savepoint s")
            transaction.savepoint = dict(transaction.pending)

    def go_back(self, transaction: OpenTransaction) -> None:
        """Roll back to the savepoint, if there is one, which also releases the locks taken since."""
        if transaction.savepoint is not None:
            transaction.connection.execute("rollback to savepoint s")
            transaction.pending, transaction.savepoint = transaction.savepoint, None

    def end(self, transaction: OpenTransaction, *, commit: bool) -> None:
        """Commit or roll back."""
        transaction.connection.execute("commit" if commit else "rollback")
        self.open.remove(transaction)
        self._pool.give_back(transaction.connection)
        if commit:
            for key, row in transaction.pending.items():
                self.rows.pop(key, None)
                if row is None:
                    self.removed.add(key)
                else:
                    self.rows[key] = row
                    self.versions[key, row.changed_at] = row.version
                    self.places[key, row.version] = row.place
                    if row.deleted:
                        self.deleted[key] = row.version
            self._note_conflicts()

    def living(self) -> Iterable[SourceRow]:
        """Return the committed rows that are not marked as deleted."""
        return (row for row in self.rows.values() if not row.deleted)

    def in_conflict(self) -> set[int]:
        """Return the keys of rows, not marked as deleted, that share an external id."""
        by_id: dict[str, list[int]] = {}
        for row in self.living():
            by_id.setdefault(row.external_id.lower(), []).append(row.key)
        return {key for keys in by_id.values() if len(keys) > 1 for key in keys}

    def _note_conflicts(self) -> None:
        for key in self.in_conflict():
            row = self.rows[key]
            self.conflicted.add((key, row.version))
            self.shared.add(row.external_id.lower())
