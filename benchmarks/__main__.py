"""The command line of the benchmarks; `make bench` calls it."""

from __future__ import annotations

import argparse
import json
import platform
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.sandbox import measure_sandbox


def main() -> int:
    """Measure what is asked for, print a table and JSON; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What moving rows costs on this machine.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the Bulk measurements")
    parser.add_argument("--records", type=int, default=20_000, help="records of the Collections measurement")
    asked = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=120)
    console.print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    figures = measure_sandbox(asked.rows, asked.records)
    console.print(_draw("The Salesforce sandbox", figures))
    console.out(json.dumps({"sandbox": figures}), highlight=False)
    return 0


def _draw(title: str, figures: list[dict[str, object]]) -> Table:
    table = Table(title=title)
    for name in figures[0]:
        table.add_column(name.replace("_", " "), justify="left" if name == "way" else "right")
    for line in figures:
        table.add_row(*(f"{value:,}" if isinstance(value, int | float) else str(value) for value in line.values()))
    return table


if __name__ == "__main__":
    sys.exit(main())
