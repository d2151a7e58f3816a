"""The goals of the benchmark, and whether the figures meet them; a missed goal is reported and is not an error."""

from __future__ import annotations

from typing import Any

Line = dict[str, Any]
ROWS = 1_000_000  # that the goals are for; what a run costs at all hides the rest when there are few


def report_goals(parts: dict[str, list[Line]]) -> list[str]:
    """Return a sentence for each goal that the measured parts cover."""
    lines: list[str] = []
    if "limit" in parts and parts["limit"][-1]["rows"] >= ROWS:
        lines += _of_limit(parts["limit"][-1])
    if "peers" in parts and parts["peers"][0]["rows"] >= ROWS:
        lines += _of_peers({line["way"]: line for line in parts["peers"] if "skipped" not in line})
    if "parsing" in parts:
        seconds = parts["parsing"][-1]["cpu_seconds_crm_export"]
        lines.append(
            _format_goal("CPU seconds to parse CRMExport with 200 streams, below", seconds, 1.0, met=seconds < 1.0)
        )
    if "airflow" in parts:
        lines += _of_airflow(parts["airflow"])
    return lines


def _of_airflow(lines: list[Line]) -> list[str]:
    most = max(line["cpu_seconds_a_stream"] for line in lines)
    growth = round(lines[-1]["cpu_seconds_a_stream"] / lines[0]["cpu_seconds_a_stream"], 2)
    return [
        _format_goal("CPU seconds in Airflow a stream and idle run, at most", most, 1.0, met=most <= 1.0),
        _format_goal(
            "times that, a stream among the most against one among the fewest", growth, 1.2, met=growth <= 1.2
        ),
    ]


def _of_limit(ours: Line) -> list[str]:
    share, cpu, peak = ours["share_of_limit_https"], ours["cpu_seconds"] * 1e6 / ours["rows"], ours["peak_mb"]
    return [
        _format_goal("share of the limit's rows a second, at least", share, 0.85, met=share >= 0.85),
        _format_goal("client CPU seconds a million rows, at most", round(cpu, 2), 2.0, met=cpu <= 2.0),
        _format_goal("peak memory of the client in MB, at most", peak, 80.0, met=peak <= 80.0),
    ]


def _of_peers(lines: dict[str, Line]) -> list[str]:
    ours = lines["ours"]
    python = ("Airflow SalesforceBulkOperator", "simple-salesforce bulk2", "drt-core")
    best = min(_cpu_a_million(lines[name]) for name in python if name in lines)
    times = round(best / _cpu_a_million(ours), 1)
    goals = [_format_goal("times less CPU than the best Python peer, at least", times, 10.0, met=times >= 10)]
    if "jsforce bulk2, CSV from psql" in lines:
        theirs = lines["jsforce bulk2, CSV from psql"]["peak_mb"]
        goals.append(
            _format_goal(
                "peak memory in MB, less than jsforce's", ours["peak_mb"], theirs, met=ours["peak_mb"] < theirs
            )
        )
    return goals


def _cpu_a_million(line: Line) -> float:
    return float(line["cpu_seconds"]) * 1e6 / float(line["rows"])


def _format_goal(what: str, found: float, goal: float, *, met: bool) -> str:
    return f"{'met   ' if met else 'MISSED'}  {what}: {found:g} (goal {goal:g})"
