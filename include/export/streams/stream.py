"""The streams: one YAML file says which table is exported to which Salesforce object, and how."""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79})?$")]
StreamName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Column = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[^\x00%]+$")]
Source = Annotated[str, StringConstraints(pattern=r"^[^.\x00%]{1,63}\.[^.\x00%]{1,63}$")]


class Operation(StrEnum):
    """What is done with a row that is not deleted; `update` never creates a record."""

    UPSERT = "upsert"
    UPDATE = "update"


class Stream(BaseModel):
    """One source table or view exported to one Salesforce object (README: your own tables)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ignored_types=(cached_property,))

    name: StreamName
    source: Source
    key: Column
    cursor: Column
    deleted: Column | None = None
    object: ApiName
    external_id: ApiName
    operation: Annotated[Operation, Field(strict=False)]
    fields: Annotated[dict[FieldName, Column], Field(min_length=1, max_length=500)]
    after: Annotated[tuple[StreamName, ...], Field(strict=False)] = ()
    lock_order: Column | None = None
    exact_stop: bool = False
    bulk_from: Annotated[int, Field(ge=1)] | None = 2_000
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

    @cached_property
    def mapping(self) -> dict[str, Any]:
        """Return what decides the form of the records."""
        wanted = {"source", "key", "cursor", "deleted", "object", "external_id", "operation", "fields"}
        return self.model_dump(mode="json", include=wanted)

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of the mapping."""
        return hashlib.sha256(json.dumps(self.mapping, sort_keys=True).encode()).hexdigest()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for check in (self._check_external_id, self._check_fields, self._check_lists):
            check()
        return self

    def _check_external_id(self) -> None:
        if self.external_id not in self.fields:
            raise ValueError(f"external_id: {self.external_id} must be one of fields ({', '.join(self.fields)})")
        if self.external_id == "Id" and self.operation is not Operation.UPDATE:
            raise ValueError("external_id: Id goes with operation: update only; to upsert, name an External ID field")

    def _check_fields(self) -> None:
        seen: dict[str, str] = {}
        for field in self.fields:
            first = seen.setdefault(field.lower(), field)
            if first != field:
                raise ValueError(f"fields: {first} and {field} are the same field; Salesforce ignores case")
            relation, dot, _ = field.partition(".")
            lookup = re.sub(r"__r$", "__c", relation) if relation.endswith("__r") else f"{relation}Id"
            if dot and lookup.lower() in {name.lower() for name in self.fields}:
                raise ValueError(f"fields: {field} and {lookup} set the same parent; keep one of them")
            if field.lower().startswith("sf__"):
                raise ValueError(f"fields: {field} is reserved by Salesforce for result files")

    def _check_lists(self) -> None:
        unknown = [field for field in self.log_fields if field not in self.fields]
        if unknown:
            raise ValueError(f"log_fields: {', '.join(unknown)} must be among fields ({', '.join(self.fields)})")
        if self.name in self.after:
            raise ValueError("after: a stream cannot go after itself")
        if len(set(self.after)) != len(self.after):
            raise ValueError("after: a stream is named twice")


class BrokenStream(BaseModel):
    """A stream whose file cannot be used; `message` names the file, the field and what is allowed."""

    model_config = ConfigDict(frozen=True)

    name: str
    path: str
    message: str
    after: tuple[str, ...] = ()
