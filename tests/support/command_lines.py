"""Runs a command in this process."""

from __future__ import annotations

import pytest

from crm_export.command_line.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return the exit code and the whole output of a command."""
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out + captured.err
