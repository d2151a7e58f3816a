"""Dividing the rows of a batch for concurrent requests: rows of one parent stay together, in order."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from include.export.batch import Row


def divide_rows(rows: Sequence[Row], size: int) -> list[list[Row]]:
    """Return rows in lanes of about `size` rows; all rows with one lock share a lane, which may be longer.

    Salesforce locks a parent while it writes a child, so concurrent requests with children of one parent would fail
    with UNABLE_TO_LOCK_ROW (docs/salesforce-behaviour.md#locks).
    """
    families: dict[Hashable, list[Row]] = {}
    for row in rows:
        families.setdefault(("alone", row.ordinal) if row.lock is None else row.lock, []).append(row)
    lanes: list[list[Row]] = []
    for family in families.values():
        if lanes and len(lanes[-1]) + len(family) <= size:
            lanes[-1] += family
        else:
            lanes.append(list(family))
    return [sorted(lane, key=lambda row: row.ordinal) for lane in lanes]
