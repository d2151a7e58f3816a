"""The parents that upserts lock: while the automation of saved children runs, no other request may write under them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from salesforce_sandbox.records.rejections import RecordRejected

Parent = tuple[str, str]  # the relation, and the parent's external id


class ParentLocks:
    """Parents by the requests that hold them now. A real org waits up to ten seconds before it gives up."""

    def __init__(self) -> None:
        self._held: Counter[Parent] = Counter()

    def find_locked(self, records: Sequence[Any]) -> dict[int, RecordRejected]:
        """Return a rejection for each record whose parent another request holds, by the record's index."""
        if not +self._held:
            return {}
        return {index: _reject() for index, record in enumerate(records) if any(map(self._held.get, _parents(record)))}

    @contextmanager
    def hold(self, records: Sequence[Any]) -> Generator[None]:
        """Hold the parents of records while the block runs."""
        parents = Counter({parent for record in records for parent in _parents(record)})
        self._held += parents
        try:
            yield
        finally:
            self._held -= parents


def _parents(record: Any) -> list[Parent]:
    if not isinstance(record, Mapping):
        return []
    parents = {name: value for name, value in record.items() if isinstance(value, Mapping) and name != "attributes"}
    return [
        (name.lower(), str(key)) for name, value in parents.items() for given, key in value.items()
        if given.lower() != "attributes"
    ]  # fmt: skip


def _reject() -> RecordRejected:
    return RecordRejected("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records")
