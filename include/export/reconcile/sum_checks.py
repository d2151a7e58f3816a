"""Checks of the exported rows: sums that must add up to a total in each group. One YAML file per check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.export.failures import ConfigurationFailure
from include.export.ledger import ExportFindings, Outcome, RunEntry, RunIdentity, explain_database_errors
from include.export.source import Source, SourceChecks
from include.export.streams import ColumnName, Stream, StreamName, YamlError, read_yaml, streams_folder


class SumCheck(BaseModel):
    """In each group of a stream's exported rows, each of the columns adds up to the total."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: StreamName
    stream: StreamName
    group_by: ColumnName
    sums: Annotated[tuple[ColumnName, ...], Field(min_length=1, strict=False)]
    total: int | float
    tolerance: Annotated[float, Field(ge=0)] = 0.0


class BrokenCheck(BaseModel):
    """A check whose file cannot be used; `message` names the file, the field and what is wrong."""

    name: str
    message: str


@dataclass
class CheckReport:
    """The result of a check: counts, never rows."""

    check: str
    groups: int = 0
    off: int = 0
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self)


def load_checks(folder: Path | None = None) -> tuple[SumCheck | BrokenCheck, ...]:
    """Return the checks of a folder, by default `checks` in the folder of the stream files; it may be missing."""
    return tuple(_load(path) for path in sorted((folder or streams_folder() / "checks").glob("*.yaml")))


def run_check(check: SumCheck, stream: Stream, *, connection: psycopg.Connection, run: RunIdentity) -> CheckReport:
    """Report the groups whose exported rows do not add up; nothing is changed.

    The exported rows are the live rows up to the watermark without an unresolved export error. Raises RunFailure when
    Postgres fails or a column does not exist.
    """
    report = CheckReport(check.name)
    with explain_database_errors(stream.name, stream, connection):
        line = RunEntry.start(connection, stream.name, "reconcile", run, paused=False)
        report.groups, off = _find(check, Source(stream, connection))
        findings = ExportFindings(connection, stream.name, line.id)
        findings.note(f"check:{check.name}", off)
        findings.close_others(f"check:{check.name}")
        report.off = len(off)
        report.message = (
            f"{report.groups:,} groups by {check.group_by}, {report.off:,} do not add up to {check.total:g}."
        )
        line.end(Outcome.COMPLETE, report.message)
    return report


def _find(check: SumCheck, source: Source) -> tuple[int, list[tuple[str, str]]]:
    values = {
        "stream": source.stream.name,
        "total": Decimal(str(check.total)),
        "tolerance": Decimal(str(check.tolerance)),
    }
    found = SourceChecks(source).sum_groups(values, **_compose(check, source))
    off = [(str(group), _describe(check, sums)) for group, is_off, *sums in found if is_off]
    return len(found), off


def _compose(check: SumCheck, source: Source) -> dict[str, sql.Composable]:
    missing = [name for name in (check.group_by, *check.sums) if name not in source.columns]
    if missing:
        raise ConfigurationFailure(
            f"Check {check.name}: {source.stream.source} has no column {', '.join(missing)}. Its columns: "
            f"{', '.join(sorted(source.columns))}. Correct {check.name}.yaml."
        )
    sums = [
        sql.SQL("coalesce(sum(s.{}) filter (where e.id is null), 0)").format(sql.Identifier(name))
        for name in check.sums
    ]
    off = [sql.SQL("abs({} - %(total)s) > %(tolerance)s").format(each) for each in sums]
    deleted = source.stream.deleted
    alive = sql.SQL("s.{} is null").format(sql.Identifier(deleted)) if deleted else sql.SQL("true")
    return {
        "group": sql.SQL("s.{}").format(sql.Identifier(check.group_by)),
        "alive": alive,
        "off": sql.SQL(" or ").join(off),
        "sums": sql.SQL(", ").join(sql.SQL("round(({})::numeric, 4)").format(each) for each in sums),
    }


def _describe(check: SumCheck, sums: Sequence[Decimal]) -> str:
    listed = ", ".join(f"{name} {total.normalize():f}" for name, total in zip(check.sums, sums, strict=True))
    return f"The exported rows add up to {listed}; each should be {check.total:g}."


def _load(path: Path) -> SumCheck | BrokenCheck:
    try:
        content = read_yaml(path)
        if not isinstance(content, dict):
            raise YamlError(f"must be a mapping of {', '.join(SumCheck.model_fields)}.")
        return SumCheck(name=path.stem, **content)
    except YamlError as wrong:
        detail = str(wrong)
    except (ValidationError, TypeError) as wrong:
        first = wrong.errors()[0] if isinstance(wrong, ValidationError) else None
        detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else "name: is not a field."
    return BrokenCheck(name=path.stem, message=f"Check file {path.name}: {detail}")
