"""What a command prints: lines for people, or one JSON document."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

OK, WRONG, UNUSABLE = 0, 1, 2  # exit codes: success; a problem was found; the command could not run


@dataclass
class Output:
    """Collects a JSON document, or prints lines at once."""

    as_json: bool
    document: dict[str, Any] = field(default_factory=dict)

    def line(self, text: str) -> None:
        """Print a line for people."""
        if not self.as_json:
            sys.stdout.write(f"{text}\n")

    def add(self, **values: Any) -> None:
        """Add values to the JSON document."""
        self.document |= values

    def fail(self, message: str) -> None:
        """Report why the command could not run."""
        self.add(error=message)
        if not self.as_json:
            sys.stderr.write(f"{message}\n")

    def close(self) -> None:
        """Print the JSON document if --json was given."""
        if self.as_json:
            sys.stdout.write(json.dumps(self.document, indent=2, default=str, ensure_ascii=False) + "\n")
