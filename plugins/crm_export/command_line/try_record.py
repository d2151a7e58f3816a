"""`try`: one record with its exact request and answer."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from crm_export.command_line.output import OK, WRONG, Output
from crm_export.connections import open_inputs
from include.export.ledger import RunIdentity
from include.export.options import ExportOptions
from include.export.streams import find_stream
from include.export.tasks import try_record


def show_trial(asked: argparse.Namespace, output: Output) -> int:
    """Try a record and show the request and the answer; exit code 1 if Salesforce rejected it."""
    stream = find_stream(asked.stream)
    options = ExportOptions(pause_on_export_errors=True)
    identity = RunIdentity("command line", "try", 1, "try")
    with open_inputs(stream, options, identity) as inputs:
        trial = try_record(inputs, asked.key)
    output.add(**asdict(trial))
    output.line(f"{trial.request}\n\n{trial.answer}\n\n{trial.message}")
    return OK if trial.accepted else WRONG
