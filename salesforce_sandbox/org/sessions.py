"""Sessions: whose an access token is, and how long it lives (salesforce-wire.md sections 1.2 and 1.4)."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

from salesforce_sandbox.records.refusals import RequestRefused


@dataclass
class Sessions:
    """The sessions of an org; one ends when it was not used for `idle_seconds`."""

    organization: str
    idle_seconds: float
    _used: dict[str, tuple[str, float]] = field(default_factory=dict)
    _serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def start(self, username: str) -> str:
        """Start a session of a user and return its access token, in the form that clients check."""
        token = f"{self.organization}!AQ.sandbox_{next(self._serial)}"
        self._used[token] = (username, time.monotonic())
        return token

    def expire_all(self) -> None:
        """End every session."""
        self._used.clear()

    def user_of(self, token: str) -> str:
        """Return whose session a token is; raises RequestRefused (401) for none or one that has ended."""
        username, used = self._used.get(token, ("", 0.0))
        now = time.monotonic()
        if not username or now - used > self.idle_seconds:
            self._used.pop(token, None)
            raise RequestRefused(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self._used[token] = (username, now)
        return username
