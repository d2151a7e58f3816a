"""A least-privileged role with unusual settings, whose search path has schemas that others may write to."""

from __future__ import annotations

import psycopg
from psycopg import sql

ROLE = "hostile"
SETTINGS = {
    "search_path": "trap, pg_catalog, public",
    "datestyle": "SQL, DMY",
    "intervalstyle": "postgres_verbose",
    "timezone": "Asia/Kathmandu",
    "client_encoding": "LATIN1",
    "extra_float_digits": "0",
    "bytea_output": "escape",
    "xmlbinary": "hex",
    "xmloption": "document",
    "lc_monetary": "C.UTF-8",
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
    "backslash_quote": "on",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "row_security": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "statement_timeout": "3s",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1s",
    "idle_session_timeout": "1s",
    "transaction_timeout": "2s",
    "synchronous_commit": "off",
    "work_mem": "64kB",
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_sort": "off",
    "jit_above_cost": "0",
    "plan_cache_mode": "force_generic_plan",
    "exit_on_error": "on",
    "client_min_messages": "debug1",
    "gin_fuzzy_search_limit": "1",
}
_TRAP = """
create schema trap;
grant usage, create on schema trap to public;
create function trap.lower(text) returns text language sql as $$ select 'trapped' $$;
create function trap.btrim(text) returns text language sql as $$ select 'trapped' $$;
create function trap.length(text) returns integer language sql as $$ select 0 $$;
create function trap.set_config(text, text, boolean) returns text language sql as $$ select 'trapped' $$;
create function trap.current_setting(text) returns text language sql as $$ select 'trapped' $$;
create function trap.pg_backend_pid() returns integer language sql as $$ select 1 $$;
create function trap.hashtextextended(text, bigint) returns bigint language sql as $$ select 1::bigint $$;
create function trap.clock_timestamp() returns timestamptz language sql as $$ select timestamptz '2001-01-01' $$;
create function trap.jsonb_build_array(text, text, jsonb, text) returns jsonb language plpgsql as $$
    begin raise exception 'the trap was called'; end $$;
create function trap.same(text, text) returns boolean language sql as $$ select false $$;
create operator trap.= (leftarg = text, rightarg = text, procedure = trap.same);
"""
_GRANTS = """
grant usage on schema crm_export, app to hostile;
grant select, insert, update, delete on all tables in schema crm_export to hostile;
grant execute on all functions in schema crm_export to hostile;
grant select on all tables in schema app to hostile
"""


def make_role(connection: psycopg.Connection, settings: dict[str, str] = SETTINGS, role: str = ROLE) -> None:
    """Create the role on a server, unless it exists, with the settings that the server knows."""
    if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
        return
    connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
    known = {name.lower() for (name,) in connection.execute("select name from pg_settings")}
    for name, value in settings.items():
        if name in known:
            path = sql.SQL(value) if name == "search_path" else sql.Literal(value)
            statement = sql.SQL("alter role {} set {} = {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Identifier(name), path))


def lay_traps(connection: psycopg.Connection) -> None:
    """Grant the role the documented privileges in one database, and plant traps in its search path."""
    connection.execute(_TRAP)
    connection.execute(_GRANTS)
