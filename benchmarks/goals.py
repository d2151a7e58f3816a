"""The goals of the benchmark, and whether the figures meet them; a missed goal is reported and is not an error."""

from __future__ import annotations

from typing import Any

Line = dict[str, Any]
ROWS = 1_000_000  # that the goals are for; what a run costs at all hides the rest when there are few
ROWS_CHECKED, ERRORS_LISTED = 190_000, 100_000


def report_goals(parts: dict[str, list[Line]]) -> list[str]:
    """Return a sentence for each goal that the measured parts cover."""
    lines: list[str] = []
    if "limit" in parts and parts["limit"][-1]["rows"] >= ROWS:
        lines += _of_limit(parts["limit"][-1])
    if "pace" in parts and parts["pace"][0]["rows"] >= ROWS:
        lines += [_of_pace(line) for line in parts["pace"]]
    if "peers" in parts and parts["peers"][0]["rows"] >= ROWS:
        lines += _of_peers({line["way"]: line for line in parts["peers"] if "skipped" not in line})
    if "parsing" in parts:
        seconds = parts["parsing"][-1]["cpu_seconds_crm_export"]
        lines.append(
            _format_goal("CPU seconds to parse CRMExport with 200 streams, below", seconds, 1.0, met=seconds < 1.0)
        )
    if "airflow" in parts:
        lines += _of_airflow(parts["airflow"])
    if "reconcile" in parts and parts["reconcile"][1]["rows"] >= ROWS_CHECKED:
        lines += _of_reconcile(parts["reconcile"])
    if "page" in parts and parts["page"][0]["errors"] >= ERRORS_LISTED:
        lines += _of_page(parts["page"])
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


def _of_reconcile(lines: list[Line]) -> list[str]:
    unchanged, meeting = lines[1], lines[2]
    scaled = round(unchanged["seconds"] * 1e7 / unchanged["rows"], 1)
    turn = meeting["seconds"]
    return [
        _format_goal("seconds to check ten million unchanged rows, below", scaled, 30.0, met=scaled < 30.0),
        _format_goal("seconds of an export that meets a check, at most", turn, 10.0, met=turn <= 10.0),
    ]


def _of_page(lines: list[Line]) -> list[str]:
    slowest = max(lines, key=lambda line: int(line["ms"]))
    what = f"median ms of the page's slowest query ({slowest['way']}), at most"
    return [_format_goal(what, slowest["ms"], 300.0, met=slowest["ms"] <= 300)]


def _of_limit(ours: Line) -> list[str]:
    share, cpu, peak = ours["share_of_limit_https"], ours["cpu_seconds"] * 1e6 / ours["rows"], ours["peak_mb"]
    return [
        _format_goal("share of the limit's rows a second, at least", share, 0.85, met=share >= 0.85),
        _format_goal("client CPU seconds a million rows, at most", round(cpu, 2), 2.0, met=cpu <= 2.0),
        _format_goal("peak memory of the client in MB, at most", peak, 80.0, met=peak <= 80.0),
    ]


def _of_pace(line: Line) -> str:
    share, way = line["share_of_pace"], line["way"]
    return _format_goal(f"share of what the org saves, {way}, at least", share, 0.9, met=share >= 0.9)


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
