"""The goals of the benchmark, and whether the figures meet them; a missed goal is reported and is not an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Line = dict[str, Any]
ROWS = 1_000_000  # that the goals are for; what a run costs at all hides the rest when there are few
ROWS_CHECKED, ERRORS_LISTED = 190_000, 100_000
DAILY_JOB = "the daily job sends 100,000 again"


def report_goals(parts: dict[str, list[Line]]) -> list[str]:
    """Return a sentence for each goal that the measured parts cover."""
    return [goal for part, report in _REPORTS.items() if part in parts for goal in report(parts[part])]


def _of_limit(lines: list[Line]) -> list[str]:
    ours = lines[-2:]
    if ours[0]["rows"] < ROWS:
        return []
    shares = [(line["way"], line["share_of_limit_https"]) for line in ours]
    cpu = round(max(_cpu_a_million(line) for line in ours), 2)
    peak = max(line["peak_mb"] for line in ours)
    return [
        *[_format_goal(f"share of one encrypted upload, {way}, at least", n, 0.9, met=n >= 0.9) for way, n in shares],
        _format_goal("client CPU seconds a million rows, at most", cpu, 1.3, met=cpu <= 1.3),
        _format_goal("peak memory of the client in MB, at most", peak, 80.0, met=peak <= 80.0),
    ]


def _of_deltas(lines: list[Line]) -> list[str]:
    [slow] = [line["ms_at_100_ms_a_call"] for line in lines if (line["way"], line["rows"]) == ("Collections", 2_000)]
    return [_format_goal("ms of 2,000 rows through Collections at 100 ms a call, below", slow, 450.0, met=slow < 450)]


def _of_growth(lines: list[Line]) -> list[str]:
    seconds = [line["seconds"] for line in lines if line["way"] == DAILY_JOB]
    return [_format_goal(f"seconds in which {DAILY_JOB}, below", each, 5.0, met=each < 5) for each in seconds]


def _of_pace(lines: list[Line]) -> list[str]:
    shares = [(line["way"], line["share_of_pace"]) for line in lines if line["rows"] >= ROWS]
    return [_format_goal(f"share of what the org saves, {way}, at least", n, 0.9, met=n >= 0.9) for way, n in shares]


def _of_peers(lines: list[Line]) -> list[str]:
    if lines[0]["rows"] < ROWS:
        return []
    measured = {line["way"]: line for line in lines if "skipped" not in line}
    ours = measured["ours"]
    python = ("Airflow SalesforceBulkOperator", "simple-salesforce bulk2", "drt-core")
    best = min(_cpu_a_million(measured[name]) for name in python if name in measured)
    times = round(best / _cpu_a_million(ours), 1)
    goals = [_format_goal("times less CPU than the best Python peer, at least", times, 10.0, met=times >= 10)]
    if "jsforce bulk2, CSV from psql" in measured:
        theirs = measured["jsforce bulk2, CSV from psql"]["peak_mb"]
        less = ours["peak_mb"] < theirs
        goals.append(_format_goal("peak memory in MB, less than jsforce's", ours["peak_mb"], theirs, met=less))
    return goals


def _of_parsing(lines: list[Line]) -> list[str]:
    seconds = lines[-1]["cpu_seconds_crm_export"]
    return [_format_goal("CPU seconds to parse CRMExport with 200 streams, below", seconds, 1.0, met=seconds < 1.0)]


def _of_airflow(lines: list[Line]) -> list[str]:
    most = max(line["cpu_seconds_a_stream"] for line in lines)
    growth = round(lines[-1]["cpu_seconds_a_stream"] / lines[0]["cpu_seconds_a_stream"], 2)
    return [
        _format_goal("CPU seconds in Airflow a stream and idle run, at most", most, 1.0, met=most <= 1.0),
        _format_goal(
            "times that, a stream among the most against one among the fewest", growth, 1.2, met=growth <= 1.2
        ),
    ]


def _of_reconcile(lines: list[Line]) -> list[str]:
    _, unchanged, meeting = lines
    if unchanged["rows"] < ROWS_CHECKED:
        return []
    scaled = round(unchanged["seconds"] * 1e7 / unchanged["rows"], 1)
    turn = meeting["seconds"]
    return [
        _format_goal("seconds to check ten million unchanged rows, below", scaled, 30.0, met=scaled < 30.0),
        _format_goal("seconds of an export that meets a check, at most", turn, 10.0, met=turn <= 10.0),
    ]


def _of_page(lines: list[Line]) -> list[str]:
    if lines[0]["errors"] < ERRORS_LISTED:
        return []
    slowest = max(lines, key=lambda line: int(line["ms"]))
    what = f"median ms of the page's slowest query ({slowest['way']}), at most"
    return [_format_goal(what, slowest["ms"], 300.0, met=slowest["ms"] <= 300)]


def _cpu_a_million(line: Line) -> float:
    return float(line["cpu_seconds"]) * 1e6 / float(line["rows"])


def _format_goal(what: str, found: float, goal: float, *, met: bool) -> str:
    return f"{'met   ' if met else 'MISSED'}  {what}: {found:g} (goal {goal:g})"


_REPORTS: dict[str, Callable[[list[Line]], list[str]]] = {
    "limit": _of_limit,
    "deltas": _of_deltas,
    "growth": _of_growth,
    "pace": _of_pace,
    "peers": _of_peers,
    "parsing": _of_parsing,
    "airflow": _of_airflow,
    "reconcile": _of_reconcile,
    "page": _of_page,
}
