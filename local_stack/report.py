"""What a run did, as a table for the terminal, and what to type or click next."""

from __future__ import annotations

import textwrap
from collections.abc import Set

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.export.reports import StreamSummary

WIDTH = 78  # columns that fit every terminal
_NAME_WIDTH = 18
_NARROW_NAME_WIDTH = 11  # next to a column of workers
_COLUMNS = ("stream", "changed", "accepted", "rejected", "pending", "open", "state")
_STATES = {"waiting_for_credits": "no credits", "waiting_for_job": "in a job"}
STOPPED = (
    "Everything is being stopped. make run WAIT=1 starts it, continues from here and stays up, for the Airflow UI and "
    "make story. make clean deletes all state."
)
_MILLION = 1_000_000


def show_summaries(
    console: Console, summaries: list[StreamSummary], failed: dict[str, str], workers: dict[str, str] | None = None
) -> None:
    """Print a line per stream, then why streams are held or failed. `failed` includes streams that have no run.

    Changed rows are accepted, rejected or pending: not sent, or rolled back with the batch of a rejected record. Open
    are all unresolved errors of the stream, as on the page. `workers` adds a column: the worker of each stream.
    """
    table = Table(title="CRMExport: the last run of each stream", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0),
                  show_edge=False)  # fmt: skip
    name_width = _NAME_WIDTH if workers is None else _NARROW_NAME_WIDTH
    for index, name in enumerate(_COLUMNS):
        numeric = 0 < index < len(_COLUMNS) - 1
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True, overflow="ellipsis",
                         max_width=None if index else name_width)  # fmt: skip
    if workers is not None:
        table.add_column("worker", no_wrap=True, overflow="ellipsis")
    names = _shorten({line.stream for line in summaries} | failed.keys(), name_width)
    for line in summaries:
        pending = max(line.rows_changed - line.accepted - line.rejected, 0)
        counts = (line.rows_changed, line.accepted, line.rejected, pending, line.errors.unresolved)
        table.add_row(names[line.stream], *map(_write_count, counts), _state(line, failed),
                      *_name_worker(line.stream, workers))  # fmt: skip
    for name in sorted(failed.keys() - {line.stream for line in summaries}):
        table.add_row(names[name], *["-"] * 5, "failed", *_name_worker(name, workers))
    console.print(table, width=WIDTH)
    for line in summaries:
        if line.stream not in failed and line.held_key:
            _say(console, _why_held(line))
    for name, reason in sorted(failed.items()):
        _say(console, f"{name} failed: {reason}")


def show_next_steps(
    console: Console, summaries: list[StreamSummary], failed: dict[str, str], url: str, *, stays_up: bool
) -> None:
    """Print what to do next; without `stays_up` only what works once everything is stopped."""
    if not stays_up:
        _say(console, STOPPED)
        return
    held = any(line.held_key for line in summaries)
    if failed:
        _say(console, f"The failure is not a record's fault. See the logs: {url}/dags/CRMExport")
    if held:
        _say(console, "Each held stream waits at its record, because pause_on_export_errors is on. Next:")
        console.print("  [bold]make story N=1[/]  correct a rule in Salesforce; the next run continues there")
        console.print("  [bold]make story N=2[/]  setting off: rejected records are skipped, retried daily")
        console.print("  [bold]make try STREAM=campaigns KEY=CMP_000025[/]  the exact request and answer")
    elif not failed:
        _say(console, "Nothing is held. Change something (make change), then run CRMExport again:")
    console.print(f"  in the browser: {url}/crm-export/ and {url}/dags/CRMExport", highlight=False, soft_wrap=True)


def _say(console: Console, text: str) -> None:
    folded = textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)
    console.print(escape(folded), highlight=False, soft_wrap=True)


def _state(line: StreamSummary, failed: dict[str, str]) -> str:
    if line.stream in failed:
        return "failed"
    outcome = line.outcome or "never run"
    return "held" if line.held_key else _STATES.get(outcome, outcome)


def _name_worker(stream: str, workers: dict[str, str] | None) -> list[str]:
    return [] if workers is None else [workers.get(stream, "-")]


def _write_count(count: int) -> str:
    return f"{count:,}" if count < _MILLION else f"{count / _MILLION:,.1f}M"


def _shorten(names: Set[str], width: int) -> dict[str, str]:
    """Return each name cut in its middle, with as much of its end as keeps the names distinct."""
    cuts = [{name: _cut(name, width, tail) for name in names} for tail in range((width - 1) // 2, -1, -1)]
    return next((cut for cut in cuts if len(set(cut.values())) == len(names)), cuts[0])


def _cut(name: str, width: int, tail: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1 - tail]}…{name[len(name) - tail :]}"


def _why_held(line: StreamSummary) -> str:
    waiting = f" {line.rows_waiting:,} changed rows wait behind it." if line.rows_waiting else ""
    return f"{line.stream} is held at key={line.held_key}: {line.held_code}.{waiting}"
