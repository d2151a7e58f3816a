"""A chunk of up to 200 records that are saved together, as Salesforce's triggers see them.

The chunk sees its own writes at once, everybody else sees them when it is committed; a rejection rolls back to a
mark. The reads of a whole chunk are batched.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from salesforce_sandbox.records.storage import Record, Save, Storage


class Chunk:
    """The records of an org as one request, or 200 rows of a Bulk batch, sees and writes them."""

    def __init__(self, storage: Storage, saving: threading.RLock, request: int = 0, user: str = "") -> None:
        self.storage, self.request, self.user = storage, request, user
        self._saving = saving
        self._forget()

    def _forget(self) -> None:
        self.tried: set[tuple[str, str]] = set()  # locks that were hit: a chunk is one attempt, whatever its rows
        self._saves: list[Save] = []
        self._records: dict[str, Record] = {}
        self._keys: dict[tuple[str, str, str], list[str]] = {}
        self._now: dict[str, Mapping[str, str]] = {}
        self._known: dict[str, Record | None] = {}
        self._known_keys: dict[tuple[str, str, str], list[str]] = {}

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit what the block saves, or nothing when it raises. Only one chunk of an org is open at a time."""
        with self._saving:
            self._forget()
            try:
                yield
                self.commit()
            finally:
                self._forget()

    def commit(self) -> None:
        """Store what has been saved so far."""
        if self._saves:
            with self.storage.transaction():
                self.storage.save(self._saves, self.request, self.user)
        self._forget()

    def mark(self) -> int:
        """Return the current position, for `take_back`."""
        return len(self._saves)

    def take_back(self, mark: int) -> None:
        """Discard what was saved after a mark."""
        kept, dropped = self._saves[:mark], len(self._saves) > mark
        if dropped:
            self._saves, self._records, self._keys, self._now = [], {}, {}, {}
            for save in kept:
                self.save(save)

    def know_keys(self, object_name: str, field: str, values: Iterable[str]) -> None:
        """Read the ids of many keys, and their records, in one batch."""
        wanted = list({value for value in values if (object_name, field, value) not in self._known_keys})
        for value, ids in self.storage.find_by_keys(object_name, field, wanted).items():
            self._known_keys[object_name, field, value] = ids
        self.know([each for value in wanted for each in self._known_keys[object_name, field, value]])

    def know(self, ids: Iterable[str]) -> None:
        """Read many records in one batch."""
        wanted: Sequence[str] = [each for each in ids if each not in self._known]
        if wanted:
            found = self.storage.find_many(wanted)
            self._known |= {each: found.get(each) for each in wanted}

    def find(self, record_id: str) -> Record | None:
        """Return a record by its 18-character id, including deleted ones."""
        if record_id in self._records:
            return self._records[record_id]
        if record_id not in self._known:
            self._known[record_id] = self.storage.find(record_id)
        return self._known[record_id]

    def find_by_key(self, object_name: str, field: str, value: str) -> list[str]:
        """Return the ids of living records with a value of a unique or external-id field (folded)."""
        key = (object_name, field, value)
        if key not in self._known_keys:
            self._known_keys[key] = self.storage.find_by_key(*key)
        found = self._known_keys[key]
        if self._saves:
            found = [each for each in found if each not in self._records or self._keeps(each, key)]
            found += [each for each in self._keys.get(key, ()) if each not in found and self._keeps(each, key)]
        return found

    def find_all(self, object_name: str, prefix: str) -> Iterator[Record]:
        """Return every living record of an object."""
        yield from (record for record in self.storage.find_all(prefix) if record.id not in self._records)
        yield from (each for each in self._records.values() if each.object == object_name and not each.deleted)

    def _keeps(self, record_id: str, key: tuple[str, str, str]) -> bool:
        return self._now[record_id].get(key[1]) == key[2]

    def new_id(self, object_name: str, prefix: str) -> str:
        """Return the next id of an object."""
        return self.storage.new_id(object_name, prefix)

    def save(self, save: Save) -> None:
        """Save a record in the chunk."""
        record_id = save.record.id
        self._saves.append(save)
        self._records[record_id] = save.record
        self._now[record_id] = save.keys
        for field, value in save.keys.items():
            self._keys.setdefault((save.record.object, field, value), []).append(record_id)
