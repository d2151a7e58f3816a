"""The records of an org in SQLite: current values, the recycle bin, and who wrote what in which order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from salesforce_sandbox.record_ids import make_id

_SCHEMA = """
create table if not exists record (
    id text primary key, object text not null, fields text not null, deleted integer not null default 0);
create index if not exists record_by_object on record (object, deleted);
create table if not exists unique_key (
    object text not null, field text not null, value text not null, id text not null);
create index if not exists unique_key_by_value on unique_key (object, field, value);
create index if not exists unique_key_by_id on unique_key (id);
create table if not exists history (
    n integer primary key, id text not null, object text not null, at text not null,
    operation text not null, fields text not null, request integer not null);
create index if not exists history_by_id on history (id);
create table if not exists counter (name text primary key, value integer not null);
"""


@dataclass(frozen=True)
class Record:
    """A stored record."""

    id: str
    object: str
    fields: dict[str, Any]
    deleted: bool


class Storage:
    """The records, at one SQLite connection."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript("pragma journal_mode = wal; pragma synchronous = off;" + _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def clear(self) -> None:
        """Forget every record, the history and the counters."""
        with self.transaction():
            for table in ("record", "unique_key", "history", "counter"):
                self._connection.execute(f"delete from {table}")  # noqa: S608 - constants above

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit what the block writes, or nothing of it when it raises. Nested blocks are savepoints."""
        nested = self._connection.in_transaction
        begin, commit, back = (
            ("savepoint nested", "release nested", "rollback to nested") if nested else ("begin", "commit", "rollback")
        )
        self._connection.execute(begin)
        try:
            yield
        except BaseException:
            self._connection.execute(back)
            raise
        self._connection.execute(commit)

    def find(self, record_id: str) -> Record | None:
        """Return a record by its 18-character id, deleted ones too."""
        row = self._connection.execute(
            "select id, object, fields, deleted from record where id = ?", [record_id]
        ).fetchone()
        return _read(row) if row else None

    def find_by_key(self, object_name: str, field: str, value: str) -> list[str]:
        """Return the ids of living records with a value of a unique or external-id field (as folded by the caller)."""
        rows = self._connection.execute(
            "select id from unique_key where object = ? and field = ? and value = ?", [object_name, field, value]
        )
        return [row[0] for row in rows]

    def find_all(self, object_name: str, *, deleted: bool = False) -> Iterable[Record]:
        """Return the records of an object; `deleted` includes the recycle bin."""
        rows = self._connection.execute(
            "select id, object, fields, deleted from record where object = ? and deleted <= ? order by id",
            [object_name, int(deleted)],
        )
        return (_read(row) for row in rows)

    def count(self, object_name: str) -> int:
        """Return how many living records an object has."""
        row = self._connection.execute(
            "select count(*) from record where object = ? and deleted = 0", [object_name]
        ).fetchone()
        return int(row[0])

    def new_id(self, object_name: str, prefix: str) -> str:
        """Return the next id of an object."""
        row = self._connection.execute(
            "insert into counter values (?, 1) on conflict (name) do update set value = value + 1 returning value",
            [object_name],
        ).fetchone()
        return make_id(prefix, int(row[0]))

    def save(
        self, record: Record, keys: Mapping[str, str], operation: str, written: Mapping[str, Any], request: int
    ) -> None:
        """Store a record with its unique keys, and the write in its history."""
        execute = self._connection.execute
        execute(
            "insert into record values (?, ?, ?, ?) on conflict (id) do update"
            " set fields = excluded.fields, deleted = excluded.deleted",
            [record.id, record.object, json.dumps(record.fields), int(record.deleted)],
        )
        execute("delete from unique_key where id = ?", [record.id])
        for field, value in keys.items():
            execute("insert into unique_key values (?, ?, ?, ?)", [record.object, field, value, record.id])
        execute(
            "insert into history (id, object, at, operation, fields, request) values (?, ?, ?, ?, ?, ?)",
            [record.id, record.object, _now(), operation, json.dumps(dict(written)), request],
        )

    def history(self, record_id: str) -> list[dict[str, Any]]:
        """Return every write of a record, oldest first."""
        rows = self._connection.execute(
            "select at, operation, fields, request from history where id = ? order by n", [record_id]
        )
        return [{"at": at, "operation": op, "fields": json.loads(fields), "request": n} for at, op, fields, n in rows]


def _read(row: tuple[Any, ...]) -> Record:
    return Record(row[0], row[1], json.loads(row[2]), bool(row[3]))


def _now() -> str:
    return datetime.now(UTC).isoformat()
