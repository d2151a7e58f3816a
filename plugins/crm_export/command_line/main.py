"""The commands and their arguments."""

from __future__ import annotations

import argparse
import getpass
import logging
import sys
from collections.abc import Callable
from typing import Any

from crm_export.command_line import alerts, check, init, json_schemas, plan, resend, status, try_record
from crm_export.command_line.output import OK, UNUSABLE, Output
from crm_export.connections import POSTGRES, SALESFORCE
from include.export.failures import RunFailure
from include.version import VERSION

Command = Callable[[argparse.Namespace, Output], int]


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 success, 1 a problem was found, 2 the command could not run."""
    parser = make_parser()
    asked = parser.parse_args(arguments)
    if asked.command is None:
        parser.print_help()
        return OK
    _log_to_stderr()
    output = Output(as_json=bool(asked.json))
    try:
        code: int = asked.command(asked, output)
    except RunFailure as failure:
        output.fail(str(failure))
        code = UNUSABLE
    output.close()
    return code


def _log_to_stderr() -> None:
    """Keep standard output for the command: Airflow, once imported, logs there."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m crm_export", description="Exports changed Postgres rows to Salesforce."
    )
    parser.add_argument("--version", action="version", version=f"CRM Export {VERSION}")
    parser.set_defaults(command=None, json=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add(commands, "status", status.show_status, "show the state of each stream")
    _add_check(commands)
    _add_plan(commands)
    _add_init(commands)
    _add_try(commands)
    _add_resend(commands)
    _add_alerts(commands)
    _add_schema(commands)
    return parser


def _add(commands: Any, name: str, command: Command, text: str, description: str = "") -> argparse.ArgumentParser:
    """Add a command with --json; returns its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=description or text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
    return parser


def _add_check(commands: Any) -> None:
    parser = _add(
        commands, "check", check.show_check, "find problems before anything is sent",
        "Check stream files, connections, source tables, Salesforce objects, alert channels and pool. Nothing is sent.",
    )  # fmt: skip
    parser.add_argument("stream", nargs="?", help="the stream's name; default: all")


def _add_plan(commands: Any) -> None:
    parser = _add(
        commands, "plan", plan.show_plan, "show what the next run of a stream would do",
        "Show what the next run would do with the waiting rows: how many requests, jobs and API calls they take, and "
        "the first rows as they would be sent, with their values. Nothing is sent or written.",
    )  # fmt: skip
    parser.add_argument("stream", help="the stream's name")


def _add_init(commands: Any) -> None:
    parser = _add(
        commands, "init", init.show_proposal, "propose a stream file for a table",
        "Propose a stream file for a table or view and a Salesforce object, by names and types.",
    )  # fmt: skip
    parser.add_argument("source", metavar="SCHEMA.TABLE", help="the table or view to export")
    parser.add_argument("--object", required=True, help="the Salesforce object, such as Account or Invoice__c")
    parser.add_argument("--name", help="the stream's name; default: that of the table")
    parser.add_argument("--postgres", default=POSTGRES, help="connection id of the database")
    parser.add_argument("--salesforce", default=SALESFORCE, help="connection id of the org")
    parser.add_argument("--write", action="store_true", help="write the file instead of printing it")


def _add_try(commands: Any) -> None:
    parser = _add(
        commands, "try", try_record.show_trial, "send one record and show the exact request and answer",
        "Send one source row to Salesforce as it is now, and show the exact request and answer. Neither the watermark "
        "nor ExportErrors change.",
    )  # fmt: skip
    parser.add_argument("stream", help="the stream's name")
    parser.add_argument("key", help="the key of the source row")


def _add_resend(commands: Any) -> None:
    parser = _add(
        commands, "resend", resend.ask_resend, "send exported rows again",
        "Request that a stream, a range of change times or one record be sent again. CRMExport does it in its next "
        "runs; the watermark does not move.",
    )  # fmt: skip
    parser.add_argument("stream", help="the stream's name")
    parser.add_argument(
        "--from", dest="from_at", metavar="TIME", help="change time of the first row, such as 2026-01-01"
    )
    parser.add_argument("--to", dest="to_at", metavar="TIME", help="change time of the last row")
    parser.add_argument("--key", help="the key of one row")
    parser.add_argument(
        "--new-org", action="store_true", help="start from the beginning: the connection leads to another org"
    )
    parser.add_argument("--reason", default="requested on the command line", help="why; kept in the audit")
    parser.add_argument("--by", default=getpass.getuser(), help="who requests it; kept in the audit")
    parser.add_argument("--yes", action="store_true", help="do it; without --yes only a preview is shown")


def _add_alerts(commands: Any) -> None:
    parser = _add(commands, "alerts", alerts.list_alerts, "list the open alerts, or test the channels")
    actions = parser.add_subparsers(metavar="ACTION")
    test = _add(actions, "test", alerts.test_channels, "send a sample to each channel of alerts.yaml")
    test.add_argument("channels", nargs="*", help="names of channels; default: all")


def _add_schema(commands: Any) -> None:
    parser = _add(
        commands, "schema", json_schemas.print_schema, "print the JSON Schema of stream files or of alerts.yaml",
        "Print the JSON Schema with which editors complete and check stream files or alerts.yaml.",
    )  # fmt: skip
    parser.add_argument("file", choices=sorted(json_schemas.SCHEMAS), nargs="?", default="stream")
