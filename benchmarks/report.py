"""Prints the figures: a table for each part, and one JSON object for programs."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

Line = dict[str, Any]


def describe_machine(postgres: str) -> dict[str, Any]:
    """Return the properties of the machine that the figures depend on."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "postgres": postgres,
    }


def make_console() -> Console:
    """Return a console that is wide enough for the tables when the output is no terminal."""
    return Console() if sys.stdout.isatty() else Console(width=170)


def draw_table(title: str, lines: list[Line]) -> Table:
    """Return a table with every column that some line has."""
    table = Table(title=title, title_justify="left")
    names = list(dict.fromkeys(name for line in lines for name in line if name != "skipped"))
    for name in names:
        table.add_column(name.replace("_", " "), justify="left" if name == "way" else "right")
    for line in lines:
        cells = [_cell(line.get(name)) for name in names]
        if "skipped" in line:
            cells[0] += f" - skipped: {line['skipped']}"
        table.add_row(*cells)
    return table


def write_json(console: Console, figures: dict[str, Any]) -> None:
    """Print the figures as one line of JSON."""
    console.out(json.dumps(figures), highlight=False)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str(value)
