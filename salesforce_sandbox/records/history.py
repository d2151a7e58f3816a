"""The history of records: who wrote what, when, and in which order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from salesforce_sandbox.records.record_ids import range_of_ids

# n counts the commits; fields is null while they equal those of the record, so that their text is stored once
HISTORY = (
    "id text not null, n integer not null, at integer not null, operation text not null, fields text,"
    " request integer not null, user text not null, primary key (id, n)"
)
_WRITES = (
    "select id, at, operation, coalesce(history.fields, record.fields), request, user"
    " from history join record using (id)"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_decode = msgspec.json.Decoder().decode


class History:
    """The table of writes, over the connection of a storage."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, record_id: str) -> list[dict[str, Any]]:
        """Return every write of a record, oldest first: when, what, which fields, by which request and user."""
        return [_read(row) for row in self._connection.execute(f"{_WRITES} where id = ? order by n", [record_id])]

    def of_object(self, prefix: str) -> list[dict[str, Any]]:
        """Return every write of an object's records by its id prefix, in the order of the commits, with its `id`."""
        rows = self._connection.execute(f"{_WRITES} where id >= ? and id < ? order by n", range_of_ids(prefix))
        return [{"id": row[0]} | _read(row) for row in rows]

    def moments(self, first: str, last: str) -> dict[str, tuple[str, str]]:
        """Return when each record from one id to another was created and last written, as Salesforce shows it."""
        rows = self._connection.execute(
            "select id, min(at), max(at) from history where id >= ? and id <= ? group by id", [first, last]
        )
        return {record_id: (_shown(created), _shown(written)) for record_id, created, written in rows}

    def creator(self, record_id: str) -> int | None:
        """Return the number of the request that created a record, None if there is no such record."""
        sql = "select request from history where id = ? order by n limit 1"
        row = self._connection.execute(sql, [record_id]).fetchone()
        return int(row[0]) if row else None

    def complete(self, ids: Iterable[str]) -> None:
        """Copy the fields of records into their history before they are overwritten, where only the record has them."""
        known = [(each,) for each in ids]
        if known:
            self._connection.executemany(
                "update history set fields = (select fields from record where record.id = history.id)"
                " where id = ? and fields is null",
                known,
            )

    def add(
        self, numbers: Iterable[int], writes: Sequence[tuple[str, str, str | None]], request: int, user: str
    ) -> None:
        """Add writes in their order, each with its number: the id, the operation and the fields as JSON."""
        now = (datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1)
        self._connection.executemany(
            "insert into history values (?, ?, ?, ?, ?, ?, ?)",
            [
                (record_id, n, now, operation, fields, request, user)
                for n, (record_id, operation, fields) in zip(numbers, writes, strict=True)
            ],
        )


def _read(row: tuple[Any, ...]) -> dict[str, Any]:
    _, at, operation, fields, request, user = row
    moment = (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds")
    return {"at": moment, "operation": operation, "fields": _decode(fields), "request": request, "user": user}


def _shown(microseconds: int) -> str:
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"
