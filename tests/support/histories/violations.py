"""The exception of a history in which the product broke a guarantee."""

from __future__ import annotations

from collections.abc import Sequence


class Violation(AssertionError):  # noqa: N818 - what it is called where invariants are checked
    """An invariant of docs/explanation/random-histories.md does not hold; `invariant` is its name, for example I4."""

    def __init__(self, invariant: str, message: str, journal: Sequence[str] = ()) -> None:
        lines = "\n  ".join(journal[-160:])
        super().__init__(f"{invariant}: {message}" + (f"\n  {lines}" if journal else ""))
        self.invariant, self.message = invariant, message
