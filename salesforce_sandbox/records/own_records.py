"""The records that an upload created itself, which its other rows do not find as parents."""

from __future__ import annotations

from collections.abc import Iterable

from salesforce_sandbox import assumptions
from salesforce_sandbox.records.storage import Storage


class OwnRecords:
    """The records that a request creates from now on; ids only grow, so older records are recognized by their id."""

    def __init__(self, storage: Storage, prefixes: Iterable[str], request: int) -> None:
        self._storage, self._request = storage, request
        self._last = {prefix: storage.last_id(prefix) for prefix in prefixes}

    def __contains__(self, record_id: object) -> bool:
        """Return whether the request created a record."""
        found = str(record_id)
        if assumptions.UPLOAD_SEES_ITS_OWN_PARENTS or found <= self._last[found[:3]]:
            return False
        return self._storage.history.creator(found) in {None, self._request}  # None: not committed yet
