"""A stream: which table is exported to which Salesforce object, and how, from one YAML file."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from include.export.streams.option_types import (
    ApiName,
    AssetUri,
    AssignmentRule,
    ColumnName,
    ConnectionId,
    DuplicateRule,
    Duration,
    FieldName,
    NewField,
    NullMeaning,
    Nulls,
    Operation,
    Schedule,
    SourceName,
    StreamName,
    TimeZone,
)

_RECORD_FORM = 2  # of this code; stored descriptions of an earlier form are read again
_MAPPING = ("source", "key", "cursor", "deleted", "object", "external_id", "operation", "fields")
_MAPPING_OPTIONS = ("create_only", "nulls", "time_zone")


class Stream(BaseModel):
    """One source table or view exported to one Salesforce object (docs/howto/your-streams.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ignored_types=(cached_property,))

    name: StreamName
    source: SourceName
    key: ColumnName
    cursor: ColumnName
    deleted: ColumnName | None = None
    object: ApiName
    external_id: ApiName
    operation: Annotated[Operation, Field(strict=False)]
    fields: Annotated[dict[FieldName, ColumnName], Field(min_length=1, max_length=500)]
    create_only: Annotated[tuple[FieldName, ...], Field(strict=False)] = ()
    nulls: Nulls = NullMeaning.CLEAR
    time_zone: TimeZone = "UTC"
    after: Annotated[tuple[StreamName, ...], Field(strict=False)] = ()
    group: StreamName | None = None
    schedule: Schedule | None = None
    after_assets: Annotated[tuple[AssetUri, ...], Field(strict=False)] = ()
    postgres: ConnectionId = "postgres_default"
    salesforce: ConnectionId = "salesforce_default"
    row_security: bool = False
    look_back: Duration | None = None
    lock_order: ColumnName | None = None
    exact_stop: bool = False
    bulk_from: Annotated[int, Field(ge=1)] | None = 2_000
    bulk_from_paused: Annotated[int, Field(ge=1)] | None = 20_000
    job_timeout: Duration = timedelta(hours=12)
    assignment_rule: AssignmentRule = False
    duplicate_rule: Annotated[DuplicateRule, Field(strict=False)] = DuplicateRule.OBEY
    purged_after: Duration | None = None
    on_new_field: Annotated[NewField, Field(strict=False)] = NewField.REPORT
    max_errors: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    log_fields: Annotated[tuple[FieldName, ...], Field(strict=False)] = ()
    harmless_roles: Annotated[tuple[str, ...], Field(strict=False)] = ()
    harmless_applications: Annotated[tuple[str, ...], Field(strict=False)] = ("pg_dump",)

    @property
    def source_schema(self) -> str:
        """Return the schema of the source."""
        return self.source.partition(".")[0]

    @property
    def source_table(self) -> str:
        """Return the table or view of the source."""
        return self.source.partition(".")[2]

    @property
    def external_id_column(self) -> str:
        """Return the column that holds the external id."""
        return self.fields[self.external_id]

    def keeps_null(self, field: str) -> bool:
        """Return whether NULL leaves a field in Salesforce unchanged."""
        meaning = self.nulls.get(field) if isinstance(self.nulls, dict) else self.nulls
        return meaning is NullMeaning.KEEP and field != self.external_id

    @cached_property
    def mapping(self) -> dict[str, Any]:
        """Return the settings that determine the records; options only if they differ from their defaults."""
        default = {name: self.__class__.model_fields[name].default for name in _MAPPING_OPTIONS}
        chosen = {name for name in _MAPPING_OPTIONS if getattr(self, name) != default[name]}
        return self.model_dump(mode="json", include={*_MAPPING, *chosen})

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of the mapping."""
        hashed = json.dumps({**self.mapping, "form": _RECORD_FORM}, sort_keys=True)
        return hashlib.sha256(hashed.encode()).hexdigest()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for check in (self._check_external_id, self._check_fields, self._check_options, self._check_lists):
            check()
        return self

    def _check_external_id(self) -> None:
        if self.external_id not in self.fields:
            raise ValueError(f"external_id: {self.external_id} must be one of fields ({', '.join(self.fields)})")
        if self.external_id == "Id" and self.operation is not Operation.UPDATE:
            raise ValueError("external_id: Id requires operation: update; to upsert, name an External ID field")

    def _check_fields(self) -> None:
        seen: dict[str, str] = {}
        for field in self.fields:
            first = seen.setdefault(field.lower(), field)
            if first != field:
                raise ValueError(f"fields: {first} and {field} are the same field; Salesforce ignores case")
            if field.lower().startswith("sf__"):
                raise ValueError(f"fields: {field} is reserved by Salesforce for result files")
        self._check_parents()

    def _check_parents(self) -> None:
        lookups: dict[str, str] = {field.lower(): field for field in self.fields if "." not in field}
        for field in self.fields:
            relation, dot, _ = field.rpartition(":")[2].partition(".")
            lookup = re.sub(r"__r$", "__c", relation, flags=re.IGNORECASE)
            lookup = lookup if lookup != relation else f"{relation}Id"
            if dot and lookups.setdefault(lookup.lower(), field) != field:
                raise ValueError(f"fields: {field} and {lookups[lookup.lower()]} set the same parent; keep one of them")

    def _check_options(self) -> None:
        nulls = self.nulls if isinstance(self.nulls, dict) else {}
        for option, named in (("log_fields", self.log_fields), ("create_only", self.create_only), ("nulls", nulls)):
            unknown = [field for field in named if field not in self.fields]
            if unknown:
                raise ValueError(f"{option}: {', '.join(unknown)} must be among fields ({', '.join(self.fields)})")
            if option != "log_fields" and self.external_id in named:
                raise ValueError(f"{option}: {self.external_id} is the external id, which is sent with every record")
        if self.create_only and self.operation is Operation.UPDATE:
            raise ValueError("create_only: requires operation: upsert; update never creates a record")

    def _check_lists(self) -> None:
        if self.name in self.after:
            raise ValueError("after: a stream cannot come after itself")
        if len(set(self.after)) != len(self.after):
            raise ValueError("after: names a stream twice")
        if self.group is None and (self.schedule or self.after_assets):
            name = "schedule" if self.schedule else "after_assets"
            raise ValueError(f"{name}: requires a group; streams without one run with CRMExport")
        if self.schedule and self.after_assets:
            raise ValueError("after_assets: a group runs by schedule or after assets; keep one of them")


class BrokenStream(BaseModel):
    """A stream whose file is invalid; `message` names the file, the field and what is allowed."""

    model_config = ConfigDict(frozen=True)

    name: str
    path: str
    message: str
    group: str | None = None
    after: tuple[str, ...] = ()
