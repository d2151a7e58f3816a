"""What a run did, as a table for the terminal, and what to type or click next."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.export.reports import StreamSummary

_COLUMNS = ("stream", "changed", "sent", "accepted", "refused", "open", "waiting", "watermark", "state")


def show_summaries(console: Console, summaries: list[StreamSummary]) -> None:
    """Print a line per stream: what its last run did and where it stands; then why each held one is held."""
    table = Table(title="CRMExport: the last run of each stream", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(_COLUMNS):
        table.add_column(name, justify="right" if 1 <= index <= 6 else "left", overflow="fold")
    for line in summaries:
        counts = (line.rows_changed, line.rows_sent, line.accepted, line.refused, line.open_errors, line.waiting)
        state = "held" if line.held_key else (line.outcome or "never run").replace("_", " ")
        table.add_row(line.stream, *(f"{count:,}" for count in counts), escape(line.record_key or "-"), state)
    console.print(table)
    for line in summaries:
        if line.held_key:
            console.print(escape(_why_held(line)), highlight=False)


def show_next_steps(console: Console, summaries: list[StreamSummary], url: str) -> None:
    """Print what a person can do about what is held."""
    if not any(line.held_key for line in summaries):
        console.print(
            f"Nothing is held. Change something ([bold]make change[/]), then trigger CRMExport: {url}/dags/CRMExport"
        )
        return
    console.print("The setting pause_on_export_errors is on, so each held stream waits at its record. What next:")
    console.print("  [bold]make story N=1[/]  correct one rule in Salesforce; the next run goes on from the record")
    console.print(
        "  [bold]make story N=2[/]  turn the setting off; refused records are passed over, the daily job heals"
    )
    console.print("  [bold]make try STREAM=campaigns KEY=CMP_000025[/]  see the exact request and Salesforce's answer")
    console.print(f"  or in the browser: {url}/dags/CRMExport (login admin, password admin)")


def _why_held(line: StreamSummary) -> str:
    waiting = f" {line.rows_waiting:,} rows wait behind it." if line.rows_waiting else ""
    return f"{line.stream} is held at key={line.held_key}: {line.held_code}.{waiting}"
