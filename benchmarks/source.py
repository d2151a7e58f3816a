"""The source of the benchmarks: an embedded Postgres with the export tables, filled by its own SQL."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.measuring import WrongResultError
from include.export.ledger import install_schema
from include.export.postgres import open_session
from local_stack.postgres import EmbeddedPostgres

SQL_FOLDER = Path(__file__).with_name("sql")
SETTINGS = {"max_wal_size": "8GB", "checkpoint_timeout": "1h"}  # no checkpoint falls into a measurement
FIELDS = {
    "Key__c": "id", "Name": "name", "Email__c": "email", "City__c": "city", "Country__c": "country",
    "Active__c": "active", "Score__c": "score", "Amount__c": "amount", "Visits__c": "visits", "Since__c": "since",
    "Seen__c": "seen", "Channel__c": "channel", "Medium__c": "medium", "Source__c": "origin",
    "Landing_Page__c": "landing_page", "Referrer__c": "referrer", "Campaign__c": "campaign", "Keyword__c": "keyword",
    "Notes__c": "notes", "Reject__c": "reject",
}  # fmt: skip


@cache
def load_statement(name: str) -> sql.SQL:
    """Return the statement of benchmarks/sql/<name>.sql."""
    return sql.SQL((SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


@dataclass
class Source:
    """The server; its tables are `bench.rows_<number of rows>`."""

    server: EmbeddedPostgres

    @property
    def dsn(self) -> str:
        """Return the address of the database."""
        return self.server.dsn("bench")

    @property
    def password(self) -> str:
        """Return the password of the database's superuser, empty where it has none."""
        return str(psycopg.conninfo.conninfo_to_dict(self.dsn).get("password", ""))

    def version(self) -> str:
        """Return the version of the server."""
        with self.connect() as connection:
            return str(connection.info.parameter_status("server_version"))

    def connect(self) -> psycopg.Connection:
        """Open a connection without a transaction, marked as the exporter's, so that it does not delay the horizon."""
        return open_session(self.dsn)

    def table(self, rows: int) -> str:
        """Return a table with that many rows, filled at first use; its name is schema.table."""
        name = sql.Identifier("bench", f"rows_{rows}")
        with self.connect() as connection:
            known = connection.execute("select to_regclass(%s)", [f"bench.rows_{rows}"]).fetchone()
            if not known or known[0] is None:
                connection.execute(load_statement("table").format(table=name))
                connection.execute(load_statement("fill").format(table=name), {"first": 1, "last": rows})
                connection.execute(load_statement("index").format(table=name))
                connection.execute(sql.SQL("vacuum (analyze) {}").format(name))
                connection.execute("checkpoint")
        return f"bench.rows_{rows}"

    def drop(self, rows: int) -> None:
        """Drop a table to free its space."""
        with self.connect() as connection:
            connection.execute(sql.SQL("drop table {}").format(sql.Identifier("bench", f"rows_{rows}")))

    def formatted(self, table: str) -> str:
        """Return the query of the rows, formatted for Salesforce."""
        with self.connect() as connection:
            return load_statement("formatted").format(table=sql.Identifier(*table.split("."))).as_string(connection)

    def forget_exports(self) -> None:
        """Reset the export tables, as if nothing had been exported."""
        with self.connect() as connection:
            connection.execute("drop schema if exists crm_export cascade")
            install_schema(connection)

    def rewind(self) -> None:
        """Let the next run export everything again, as a run after the first."""
        with self.connect() as connection:
            connection.execute(load_statement("rewind"))

    def put_watermark(self, table: str, row: int) -> None:
        """Put the watermark on a row, counted from 1."""
        with self.connect() as connection:
            connection.execute(
                load_statement("watermark").format(table=sql.Identifier(*table.split("."))), {"row": row}
            )

    def count_reads(self, table: str) -> tuple[int, int]:
        """Return how many rows and blocks of a table were read so far, after other sessions have reported theirs."""
        with self.connect() as connection:
            others = "select count(*) from pg_stat_activity where datname = 'bench' and pid <> pg_backend_pid()"
            while (connection.execute(others).fetchone() or [0])[0]:
                time.sleep(0.01)
            found = connection.execute(load_statement("reads"), {"table": table}).fetchone()
        assert found is not None  # noqa: S101 - the table is there
        return int(found[0]), int(found[1])

    def check_arrived(self, table: str, files: list[Path], *, rejected: tuple[str, ...] = (), behind: int = 0) -> int:
        """Compare what arrived with the source, each row and column, and return how many rows there were.

        Only rows behind the row number `behind` are expected. Raises WrongResultError when a row is missing, arrived
        twice or differs.
        """
        return self._compare("compare", table, files, {"rejected": list(rejected), "behind": f"TP2_{behind:012d}"})

    def check_sent_again(self, table: str, files: list[Path], rejected: tuple[str, ...]) -> int:
        """Compare what arrived with the rows that had been rejected; raises WrongResultError."""
        return self._compare("compare_rejected", table, files, {"rejected": list(rejected)})

    def _compare(self, name: str, table: str, files: list[Path], values: dict[str, Any]) -> int:
        with self.connect() as connection:
            connection.execute(load_statement("received"))
            for path in files:
                _load(connection, path)
            statement = load_statement(name).format(table=sql.Identifier(*table.split(".")))
            found = connection.execute(statement, values).fetchone()
        assert found is not None  # noqa: S101 - an aggregate
        expected, arrived, keys, equal = found
        if not expected == arrived == keys == equal:
            raise WrongResultError(
                f"{table}: {expected} rows were to arrive, {arrived} did with {keys} different keys, {equal} are equal"
            )
        return int(expected)

    def check_errors(self, table: str, rejected: tuple[str, ...]) -> None:
        """Compare the open export errors with the rows that the sink rejects; raises WrongResultError."""
        with self.connect() as connection:
            statement = load_statement("errors").format(table=sql.Identifier(*table.split(".")))
            found = connection.execute(statement, {"rejected": list(rejected)}).fetchone()
        assert found is not None  # noqa: S101 - an aggregate
        if len(set(found)) != 1:
            raise WrongResultError(f"{table}: {found[0]} rows were rejected; of {found[1]} errors {found[2]} are right")


def _load(connection: psycopg.Connection, path: Path) -> None:
    if path.suffix == ".json":
        connection.execute(load_statement("received_json"), {"records": path.read_text(encoding="utf-8")})
        return
    with path.open("rb") as rows:
        header = rows.readline().decode("utf-8-sig").strip().replace('"', "")
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in header.split(","))
        copy = sql.SQL("copy received ({}) from stdin (format csv)").format(columns)
        with connection.cursor().copy(copy) as into:
            while block := rows.read(1 << 20):
                into.write(block)


@contextmanager
def open_source() -> Generator[Source]:
    """Yield a fresh source; its data is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="crm-bench-", dir="/var/tmp" if Path("/var/tmp").is_dir() else None))  # noqa: S108
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        server.ensure_database("bench")
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            for name, value in SETTINGS.items():
                setting = sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value))
                connection.execute(setting)
            connection.execute("select pg_reload_conf()")
        source = Source(server)
        source.forget_exports()
        yield source
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
