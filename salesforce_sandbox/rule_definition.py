"""A rule of an org as its definition in YAML names it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from simpleeval import InvalidExpression, SimpleEval


class RuleKind(StrEnum):
    """What a rule stands for; it decides the code and the usual message (salesforce-wire.md section 5)."""

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


class TriggerWrites(BaseModel):
    """What a trigger writes to a parent: expressions over the record, by the parent's field."""

    model_config = ConfigDict(extra="forbid")

    parent: str
    fields: Annotated[dict[str, str], Field(min_length=1)]


class Rule(BaseModel):
    """A rule that refuses records. `when` is an expression; `clears_after` tries it stops (row locks).

    `group_by` and `more_than`: refuse when 200 records hold more with one value of that field. `writes`: a trigger
    that copies values to a parent instead of refusing. `match_on`: the fields of a duplicate rule.
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

    @model_validator(mode="after")
    def _check(self) -> Rule:
        if self.more_than is not None and not self.group_by:
            raise ValueError(f"rule {self.name}: `more_than` needs `group_by`")
        if (self.kind is RuleKind.DUPLICATE) != bool(self.match_on):
            raise ValueError(f"rule {self.name}: `match_on` and the kind `duplicate` need each other")
        for text in (self.when, *(self.writes.fields.values() if self.writes else ())):
            try:
                SimpleEval.parse(text)
            except (InvalidExpression, SyntaxError) as wrong:
                raise ValueError(f"rule {self.name}: `{text}` is not an expression: {wrong}") from None
        return self

    def check_fields(self, fields: Mapping[str, Any]) -> None:
        """Raise ValueError when the rule names a field or relationship that its object does not have."""
        relations = {field.relationship for field in fields.values() if field.relationship}
        known = {"Id"} | set(fields) | relations
        for name in [*self.match_on, *([self.group_by] if self.group_by else [])]:
            if name not in known:
                raise ValueError(
                    f"rule {self.name}: {self.object} has no field {name}; it has {', '.join(sorted(known))}"
                )
        if self.writes and self.writes.parent not in relations:
            raise ValueError(f"rule {self.name}: {self.object} has no relationship {self.writes.parent}")
