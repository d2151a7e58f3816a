"""`init`: proposes a stream file for a table."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from crm_export.command_line.output import OK, Output
from crm_export.connections import POSTGRES, SALESFORCE, make_salesforce_client, open_postgres
from include.export.failures import ConfigurationFailure
from include.export.inspection import DescribedOrg, propose_stream
from include.export.streams import streams_folder

_SCHEMA = Path(__file__).resolve().parents[3] / "schemas" / "stream.schema.json"


def show_proposal(asked: argparse.Namespace, output: Output) -> int:
    """Print a proposed stream file, or write it unless the file exists."""
    described = DescribedOrg(make_salesforce_client(asked.salesforce)).describe(asked.object)
    with open_postgres(asked.postgres) as connection:
        proposal = propose_stream(asked.source, described, connection, name=asked.name)
    for option, chosen, usual in (
        ("postgres", asked.postgres, POSTGRES),
        ("salesforce", asked.salesforce, SALESFORCE),
    ):
        if chosen != usual:
            proposal.content[option] = chosen
    path = streams_folder() / f"{proposal.name}.yaml"
    text = proposal.write(os.path.relpath(_SCHEMA, path.resolve().parent))
    output.add(path=str(path), text=text, comments=proposal.comments, written=asked.write)
    if not asked.write:
        output.line(text.rstrip())
        return OK
    _write(path, text)
    output.line(f"Written to {path}, with {len(proposal.comments)} comments to review. Next, run: "
                f"python -m crm_export check {proposal.name}")  # fmt: skip
    return OK


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationFailure(f"{path} exists. Choose another name with --name, or delete it first.") from None
    except OSError as error:
        raise ConfigurationFailure(
            f"{path} cannot be written ({error.strerror}). Run this without --write and save the output yourself."
        ) from None
