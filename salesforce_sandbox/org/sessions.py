"""Sessions: the user of an access token, and when it expires."""

from __future__ import annotations

import base64
import itertools
import json
import secrets
import time
from dataclasses import dataclass, field

from salesforce_sandbox.definition.settings import TokenForm
from salesforce_sandbox.records.rejections import RequestRejected


@dataclass
class Sessions:
    """The sessions of an org; each ends when it was not used for `idle_seconds`."""

    organization: str
    idle_seconds: float
    form: TokenForm = TokenForm.SESSION
    _used: dict[str, tuple[str, float]] = field(default_factory=dict)
    _serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def start(self, username: str) -> str:
        """Start a session of a user and return its access token."""
        token = self._make_token(next(self._serial))
        self._used[token] = (username, time.monotonic())
        return token

    def _make_token(self, number: int) -> str:
        if self.form is TokenForm.SESSION:
            return f"{self.organization}!AQ.sandbox_{number}"
        if self.form is TokenForm.OPAQUE:
            return secrets.token_urlsafe(48)
        parts = ({"alg": "RS256", "typ": "JWT", "ver": "1.0"}, {"scp": "api", "sub": f"uid:{number}"})
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return ".".join((*encoded, secrets.token_urlsafe(32)))

    def expire_all(self) -> None:
        """End every session."""
        self._used.clear()

    def user_of(self, token: str) -> str:
        """Return the user of a token; raises RequestRejected (401) for an unknown or expired one."""
        username, used = self._used.get(token, ("", 0.0))
        now = time.monotonic()
        if not username or now - used > self.idle_seconds:
            self._used.pop(token, None)
            if token.startswith("eyJ"):
                raise RequestRejected(401, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT")
            raise RequestRejected(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self._used[token] = (username, now)
        return username
