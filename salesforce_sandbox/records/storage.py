"""The records of an org in SQLite: current values, the recycle bin, and the history of writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from salesforce_sandbox.records.history import HISTORY, History
from salesforce_sandbox.records.record_ids import make_id, range_of_ids

_VERSION = 2  # of the tables; those of another version are dropped, as a sandbox is refilled in seconds
_TABLES = {
    "record": "id text primary key, object text not null, fields text not null, deleted integer not null",
    "unique_key": "object text not null, field text not null, value text not null, id text not null,"
    " primary key (object, field, value, id)",
    "history": HISTORY,
    "counter": "name text primary key, value integer not null",
}
# fast rather than durable: a sandbox may lose its last records when the machine fails
_SETTINGS = "pragma journal_mode = wal; pragma synchronous = off; pragma wal_autocheckpoint = 10000;"
_BLOCK = 200  # ids taken from the counter in one statement
_COLUMNS = "select id, object, fields, deleted from record"
_OF_OBJECT = "id >= ? and id < ?"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Record(msgspec.Struct, frozen=True):
    """A stored record."""

    id: str
    object: str
    fields: dict[str, Any]
    deleted: bool


class Save(msgspec.Struct, frozen=True):
    """A write to store: the resulting record, its unique keys, and the written fields.

    `old_keys` are its previous keys, None for a new record; `keys_changed` is whether the keys differ from them.
    """

    record: Record
    keys: Mapping[str, str]
    operation: str
    written: Mapping[str, Any]
    old_keys: Mapping[str, str] | None = None
    keys_changed: bool = True


class Storage:
    """The records, over one SQLite connection: each thread has its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
        self._connection.executescript(_SETTINGS)
        self._prepare()
        self.history = History(self._connection)
        self._free: dict[str, Iterable[int]] = {}

    def _prepare(self) -> None:
        [found] = self._connection.execute("pragma user_version").fetchone()
        if found != _VERSION:
            for name, columns in _TABLES.items():
                self._connection.execute(f"drop table if exists {name}")
                self._connection.execute(f"create table {name} ({columns}) without rowid")
            self._connection.execute(f"pragma user_version = {_VERSION}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def clear(self) -> None:
        """Delete every record, the history and the counters."""
        with self.transaction():
            for table in _TABLES:
                self._connection.execute(f"delete from {table}")  # noqa: S608 - constants above
        self._free.clear()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit what the block writes, or nothing when it raises."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def find(self, record_id: str) -> Record | None:
        """Return a record by its 18-character id, including deleted ones."""
        row = self._connection.execute(f"{_COLUMNS} where id = ?", [record_id]).fetchone()
        return _read(row) if row else None

    def find_many(self, ids: Sequence[str]) -> dict[str, Record]:
        """Return records by their ids, including deleted ones."""
        rows = self._connection.execute(f"{_COLUMNS} where id in ({_marks(ids)})", list(ids))
        return {row[0]: _read(row) for row in rows}

    def find_by_key(self, object_name: str, field: str, value: str) -> list[str]:
        """Return the ids of living records with a value of a unique or external-id field (as folded by the caller)."""
        return self.find_by_keys(object_name, field, [value])[value]

    def find_by_keys(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[str]]:
        """Return the ids of living records for each value of a unique or external-id field."""
        rows = self._connection.execute(
            f"select value, id from unique_key where object = ? and field = ? and value in ({_marks(values)})",  # noqa: S608 - marks
            [object_name, field, *values],
        )
        found: dict[str, list[str]] = {value: [] for value in values}
        for value, record_id in rows:
            found[value].append(record_id)
        return found

    def find_all(self, prefix: str, *, deleted: bool = False) -> Iterable[Record]:
        """Return the records of an object by its id prefix; `deleted` includes the recycle bin."""
        rows = self._connection.execute(
            f"{_COLUMNS} where {_OF_OBJECT} and deleted <= ? order by id", [*range_of_ids(prefix), int(deleted)]
        )
        return (_read(row) for row in rows)

    def find_page(self, prefix: str, after: str, size: int) -> list[Record]:
        """Return up to `size` records of an object whose id is higher than `after`, the recycle bin included."""
        rows = self._connection.execute(
            f"{_COLUMNS} where {_OF_OBJECT} and id > ? order by id limit ?", [*range_of_ids(prefix), after, size]
        )
        return [_read(row) for row in rows]

    def count(self, prefix: str) -> int:
        """Return how many living records an object has."""
        row = self._connection.execute(
            f"select count(*) from record where {_OF_OBJECT} and deleted = 0",  # noqa: S608 - a constant
            range_of_ids(prefix),
        ).fetchone()
        return int(row[0])

    def last_id(self, prefix: str) -> str:
        """Return the highest id of an object, an empty text when it has no records."""
        sql = f"select max(id) from record where {_OF_OBJECT}"  # noqa: S608 - a constant
        row = self._connection.execute(sql, range_of_ids(prefix)).fetchone()
        return str(row[0] or "")

    def new_id(self, object_name: str, prefix: str) -> str:
        """Return the next id of an object; numbers are taken from the counter in blocks."""
        for number in self._free.get(object_name, ()):
            return make_id(prefix, number)
        self._free[object_name] = iter(self._take(object_name, _BLOCK))
        return self.new_id(object_name, prefix)

    def _take(self, counter: str, count: int) -> range:
        sql = "insert into counter values (?, ?) on conflict (name) do update set value = value + ? returning value"
        last = int(self._connection.execute(sql, [counter, count, count]).fetchone()[0])
        return range(last - count + 1, last + 1)

    def save(self, saves: Sequence[Save], request: int = 0, user: str = "") -> None:
        """Store writes in their order, each with its unique keys and a line of history."""
        many = self._connection.executemany
        last = {save.record.id: save for save in saves}
        texts = [_encode(save.record.fields).decode() for save in saves]
        self.history.complete([save.record.id for save in saves if save.old_keys is not None])
        many(
            "insert into record values (?, ?, ?, ?) on conflict (id) do update"
            " set fields = excluded.fields, deleted = excluded.deleted",
            [
                (save.record.id, save.record.object, text, save.record.deleted)
                for save, text in zip(saves, texts, strict=True)
                if save is last[save.record.id]
            ],
        )
        self._save_keys(saves)
        writes = [
            (save.record.id, save.operation, None if _is_as_written(save, last) else _encode(save.written).decode())
            for save in saves
        ]
        self.history.add(self._take("history", len(saves)), writes, request, user)

    def _save_keys(self, saves: Sequence[Save]) -> None:
        changed = [save for save in saves if save.keys_changed]
        old = [
            (save.record.object, field, value, save.record.id)
            for save in changed
            if save.old_keys
            for field, value in save.old_keys.items()
        ]
        self._connection.executemany(
            "delete from unique_key where object = ? and field = ? and value = ? and id = ?", old
        )
        last = {save.record.id: save for save in changed}
        new = [
            (save.record.object, field, value, save.record.id)
            for save in last.values()
            for field, value in save.keys.items()
        ]
        self._connection.executemany("insert into unique_key values (?, ?, ?, ?)", new)


def _is_as_written(save: Save, last: Mapping[str, Save]) -> bool:
    """Return whether the fields of a record will be exactly those that are written."""
    return save.written is save.record.fields and save is last[save.record.id]


def _read(row: tuple[Any, ...]) -> Record:
    return Record(row[0], row[1], _decode(row[2]), bool(row[3]))


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
