"""A rule of an org in its YAML definition."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from salesforce_sandbox.definition.expressions import check_expression
from salesforce_sandbox.definition.objects import FieldDefinition, ObjectDefinition


class RuleKind(StrEnum):
    """The kind of a rule, which determines its code and its default message."""

    VALIDATION = "validation"
    TRIGGER = "trigger"
    ACCESS = "access"
    APPROVAL = "approval"
    CONVERTED_LEAD = "converted_lead"
    DELETED = "deleted"
    ROW_LOCK = "row_lock"
    CPU_LIMIT = "cpu_limit"
    STORAGE = "storage"
    OBJECT_ACCESS = "object_access"
    DUPLICATE = "duplicate"
    ASSIGNMENT = "assignment"


class TriggerWrites(BaseModel):
    """What a trigger writes: expressions by field, to the parent or to a new record of `object`."""

    model_config = ConfigDict(extra="forbid")

    parent: str | None = None
    object: str | None = None
    fields: Annotated[dict[str, str], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> TriggerWrites:
        if (self.parent is None) == (self.object is None):
            raise ValueError("`writes` needs either `parent` or `object`")
        return self


class Rule(BaseModel):
    """A rule that rejects records. `when` is an expression; after `clears_after` attempts it no longer applies (locks).

    `group_by` and `more_than`: reject when more than that many of 200 records have the same value of a field.
    `writes`: a trigger that writes to a parent or creates a record instead of rejecting. `match_on`: the fields of a
    duplicate rule; `allow_save`: whether a call may save a duplicate anyway. `owner`: the user whom an assignment rule
    makes the owner of records, in their field OwnerId.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    kind: RuleKind
    object: str
    when: str = "True"
    message: str | None = None
    fields: list[str] = []
    code: str | None = None
    active: bool = True
    clears_after: int | None = None
    group_by: str | None = None
    more_than: int | None = None
    writes: TriggerWrites | None = None
    match_on: list[str] = []
    allow_save: bool = False
    owner: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Rule:
        if self.more_than is not None and not self.group_by:
            raise ValueError(f"rule {self.name}: `more_than` needs `group_by`")
        if (self.kind is RuleKind.DUPLICATE) != bool(self.match_on):
            raise ValueError(f"rule {self.name}: `match_on` and the kind `duplicate` need each other")
        if (self.kind is RuleKind.ASSIGNMENT) != bool(self.owner):
            raise ValueError(f"rule {self.name}: `owner` and the kind `assignment` need each other")
        return self

    def check_names(self, objects: Mapping[str, ObjectDefinition]) -> None:
        """Raise ValueError when the rule names an object, field or relationship that the org does not have."""
        if self.object not in objects:
            raise ValueError(f"rule {self.name}: object {self.object} is not defined")
        fields = objects[self.object].fields
        relations = {field.relationship: field for field in fields.values() if field.relationship}
        known = {"Id"} | set(fields) | set(relations)
        for name in self._named():
            if name not in known:
                detail = f"{self.object} has no field {name}; it has {', '.join(sorted(known))}"
                raise ValueError(f"rule {self.name}: {detail}")
        if self.writes:
            self._check_written(self.writes, relations, objects)
        for text in (self.when, *(self.writes.fields.values() if self.writes else ())):
            try:
                check_expression(text, fields, objects)
            except ValueError as wrong:
                raise ValueError(f"rule {self.name}: {wrong}") from None

    def _named(self) -> list[str]:
        """Return the fields that the rule names outside its expressions."""
        return [*self.match_on, *self.fields, *filter(None, (self.group_by, "OwnerId" if self.owner else None))]

    def _check_written(
        self, writes: TriggerWrites, relations: Mapping[str, FieldDefinition], objects: Mapping[str, ObjectDefinition]
    ) -> None:
        if writes.parent is not None and writes.parent not in relations:
            raise ValueError(f"rule {self.name}: {self.object} has no relationship {writes.parent}")
        if writes.object is not None and writes.object not in objects:
            raise ValueError(f"rule {self.name}: object {writes.object} is not defined")
        targets = [writes.object] if writes.object else relations[str(writes.parent)].to
        for name in writes.fields:
            if not any(name in objects[target].fields for target in targets):
                raise ValueError(f"rule {self.name}: {' or '.join(targets)} has no field {name}")
