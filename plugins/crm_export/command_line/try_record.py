"""`try`: one record with its exact request and answer."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from crm_export.command_line.output import OK, WRONG, Output
from crm_export.command_line.stream_names import find_stream
from crm_export.connections import make_salesforce_client, open_postgres
from include.export.ledger import RunIdentity
from include.export.options import ExportOptions
from include.export.run import RunInputs
from include.export.salesforce import Catalogue
from include.export.tasks import try_record


def show_trial(asked: argparse.Namespace, output: Output) -> int:
    """Try a record and show what was sent and answered; 1 when Salesforce rejected it."""
    stream = find_stream(asked.stream)
    options = ExportOptions(pause_on_export_errors=True)
    identity = RunIdentity("command line", "try", 1, "try")
    with open_postgres() as connection:
        inputs = RunInputs(stream, connection, make_salesforce_client(), Catalogue.load(), options, identity)
        trial = try_record(inputs, asked.key)
    output.add(**asdict(trial))
    output.line(f"{trial.request}\n\n{trial.answer}\n\n{trial.message}")
    return OK if trial.accepted else WRONG
