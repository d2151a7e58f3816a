"""Part 2: ours against the common alternatives, with the same rows, in the same run, to the same server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.bench import Bench
from benchmarks.limit import find_psql
from benchmarks.measuring import Measured, WrongResultError, measure_process, median
from benchmarks.peers_installed import find_node, find_peers_python, write_drt_project
from benchmarks.sink.process import ROOT

Line = dict[str, Any]
JAVASCRIPT = ROOT / "tests" / "salesforce_sandbox" / "javascript"
# rows: a million fails in simple-salesforce's split of 100 MB; jsforce takes a minute for a million records
MOST = {"simple-salesforce bulk2": 100_000, "jsforce bulk2, records": 200_000}


@dataclass(frozen=True)
class Peer:
    """A way to move the rows; `missing` is the reason why it cannot be measured here."""

    name: str
    run: Callable[[str], Measured]
    missing: str = ""


def measure_peers(bench: Bench) -> list[Line]:
    """Return a line for ours and for each peer; one that is not installed is listed with the reason."""
    peers = [Peer("ours", bench.export), *make_peers(bench)]
    found: dict[str, list[Measured]] = {peer.name: [] for peer in peers}
    for _ in range(bench.rounds):
        for peer in peers:
            if not peer.missing:
                found[peer.name].append(peer.run(bench.source.table(_rows_of(bench, peer))))
    return [_line(peer, found[peer.name], _rows_of(bench, peer)) for peer in peers]


def _rows_of(bench: Bench, peer: Peer) -> int:
    return min(bench.rows, MOST.get(peer.name, bench.rows))


def _line(peer: Peer, runs: list[Measured], rows: int) -> Line:
    if not runs:
        return {"way": peer.name, "skipped": peer.missing}
    seconds = median((run.seconds for run in runs), 3)
    return {
        "way": peer.name,
        "rows": rows,
        "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds),
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "cpu_seconds_a_million": round(median((run.cpu_seconds for run in runs), 3) * 1e6 / rows, 1),
        "peak_mb": median((run.peak_mb for run in runs), 0),
        "mb_to_start": median((run.start_mb for run in runs), 0),
        "api_calls": runs[0].printed["api_calls"],
        "runs": len(runs),
    }


def make_peers(bench: Bench) -> list[Peer]:
    """Return the peers, including those that cannot be measured here."""
    node, python = find_node(JAVASCRIPT), find_peers_python()
    no_node = "" if node else "jsforce is not installed: make clients (needs npm)"
    no_drt = "" if python else "drt-core could not be installed"
    return [
        Peer("Airflow SalesforceBulkOperator", lambda table: _run_airflow(bench, table)),
        Peer("simple-salesforce bulk2", lambda table: _run_simple_salesforce(bench, table)),
        Peer("jsforce bulk2, CSV from psql", lambda table: _run_jsforce(bench, table, str(node), "csv"), no_node),
        Peer("jsforce bulk2, records", lambda table: _run_jsforce(bench, table, str(node), "records"), no_node),
        Peer("drt-core", lambda table: _run_drt(bench, table, str(python)), no_drt),
    ]


def _run(bench: Bench, table: str, command: list[str], **environment: str) -> Measured:
    """Run a peer over a table and check every row; `printed` has its last line and its calls."""
    bench.sink.reset()
    measured = measure_process(command, bench.environment(**environment), bench.folder)
    rows = bench.source.check_arrived(table, bench.sink.files())
    if measured.printed.get("accepted", rows) != rows:
        raise WrongResultError(f"{command[:3]}: {rows} rows are right, but it says {measured.printed}")
    measured.printed["api_calls"] = bench.sink.counts()["calls"]
    return measured


def _run_airflow(bench: Bench, table: str) -> Measured:
    home = bench.folder / "airflow"
    org = {
        "consumer_key": "sandbox-key",
        "consumer_secret": "sandbox-secret",
        "domain": f"{bench.sink.https}/services/oauth2/token#",
    }
    postgres = f"postgresql://postgres@127.0.0.1:{bench.source.server.port}/bench?application_name=crm_export"
    command = [sys.executable, "-m", "benchmarks.clients.airflow_operator"]
    return _run(
        bench, table, [*command, json.dumps({"query": bench.source.formatted(table)})],
        AIRFLOW_HOME=str(home), AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        AIRFLOW_CONN_BENCH_POSTGRES=postgres,
        AIRFLOW_CONN_BENCH_SALESFORCE=json.dumps({"conn_type": "salesforce", "extra": org}),
    )  # fmt: skip


def _run_simple_salesforce(bench: Bench, table: str) -> Measured:
    asked = {"dsn": bench.source.dsn, "org": bench.sink.https, "query": bench.source.formatted(table)}
    return _run(bench, table, [sys.executable, "-m", "benchmarks.clients.simple_salesforce_bulk2", json.dumps(asked)])


def _run_jsforce(bench: Bench, table: str, node: str, source: str) -> Measured:
    query = bench.source.formatted(table)
    records = f"copy (select row_to_json(r) from ({query}) r) to stdout"  # noqa: S608 - our own query
    rows = f"copy ({query}) to stdout (format csv, header, null '#N/A')"
    asked = {
        "modules": str(JAVASCRIPT / "package.json"),
        "psql": str(find_psql()),
        "dsn": f"{bench.source.dsn} application_name=crm_export",
        "url": f"https://{bench.sink.https}",
        "from": source,
        "copy": rows if source == "csv" else records,
    }
    command = [node, "--max-old-space-size=8000", str(ROOT / "benchmarks" / "clients" / "jsforce_bulk2.mjs")]
    return _run(bench, table, [*command, json.dumps(asked)], NODE_EXTRA_CA_CERTS=str(bench.sink.ca_file))


def _run_drt(bench: Bench, table: str, python: str) -> Measured:
    home = write_drt_project(bench, bench.source.formatted(table))
    credentials = dict.fromkeys(("SF_KEY", "SF_SECRET", "SF_USER", "SF_PASSWORD"), "sandbox-only")
    command = [python, "-m", "benchmarks.clients.drt_run"]
    trusted = str(bench.sink.ca_file)
    return _run(
        bench, table, command, HOME=str(home), SSL_CERT_FILE=trusted, PGTZ="UTC", DO_NOT_TRACK="1", **credentials
    )
