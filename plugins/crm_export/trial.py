"""The command line that tries one record: `PYTHONPATH=.:plugins python -m crm_export.trial STREAM KEY`."""

from __future__ import annotations

import argparse
import sys

from crm_export.run_inputs import open_inputs
from include.export.failures import RunFailure
from include.export.ledger import RunIdentity, Trial
from include.export.options import ExportOptions
from include.export.streams import find_stream
from include.export.tasks import try_record


def main(arguments: list[str] | None = None) -> int:
    """Try a record and print the exact request and answer.

    Returns 0 when Salesforce accepted the record, 1 when it was refused, 2 when it could not be tried.
    """
    parser = argparse.ArgumentParser(
        prog="python -m crm_export.trial",
        description="Send one source row to Salesforce as it is now, and show the exact request and answer. "
        "Neither the watermark nor ExportErrors change.",
    )
    parser.add_argument("stream", help="the stream's name")
    parser.add_argument("key", help="the key of the source row")
    asked = parser.parse_args(arguments)
    try:
        trial = _try(asked.stream, asked.key)
    except RunFailure as failure:
        sys.stderr.write(f"{failure}\n")
        return 2
    sys.stdout.write(f"{trial.request}\n\n{trial.answer}\n\n{trial.message}\n")
    return 0 if trial.accepted else 1


def _try(name: str, key: str) -> Trial:
    options = ExportOptions(pause_on_export_errors=True)
    identity = RunIdentity("command line", "trial", 1, "trial")
    with open_inputs(find_stream(name), options, identity) as inputs:
        return try_record(inputs, key)


if __name__ == "__main__":
    sys.exit(main())
