"""`check`: checks the setup before anything is sent; one line per check, with what to do."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict

from crm_export.checks import check_everything
from crm_export.command_line.output import OK, WRONG, Output
from crm_export.settings import read_options
from include.export.inspection import Level


def show_check(asked: argparse.Namespace, output: Output) -> int:
    """Check one stream or all; exit code 1 if a check fails."""
    lines = []
    for line in check_everything(asked.stream, read_options()):
        lines.append(line)
        output.line(f"{line.level:<4}  {line.subject}  {line.check}: {line.message}")
    counted = Counter(line.level for line in lines)
    output.line(f"{counted[Level.FAIL]:,} failed, {counted[Level.WARN]:,} warnings, {counted[Level.OK]:,} ok.")
    output.add(lines=[asdict(line) for line in lines], well=not counted[Level.FAIL])
    return WRONG if counted[Level.FAIL] else OK
