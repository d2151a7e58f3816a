"""The rules of an org: validation rules, triggers, rights and locks that refuse records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simpleeval import EvalWithCompoundTypes

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition import DefinitionError, Rule, RuleKind
from salesforce_sandbox.refusals import RecordRefused

_REFUSALS = {
    RuleKind.VALIDATION: ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "The record breaks a validation rule."),
    RuleKind.TRIGGER: ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Trigger: execution failed"),
    RuleKind.ACCESS: ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
    RuleKind.OBJECT_ACCESS: ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: {object}"),
    RuleKind.APPROVAL: assumptions.LOCKED_FOR_APPROVAL,
    RuleKind.CONVERTED_LEAD: assumptions.CONVERTED_LEAD,
    RuleKind.DELETED: ("ENTITY_IS_DELETED", "entity is deleted"),
    RuleKind.ROW_LOCK: ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records"),
    RuleKind.CPU_LIMIT: (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "{name}: System.LimitException: Apex CPU time limit exceeded",
    ),
    RuleKind.STORAGE: assumptions.STORAGE_FULL,
}
Parents = Callable[[str], Mapping[str, Any]]


class _Absent(dict[str, Any]):  # noqa: FURB189 - simpleeval looks only into real dicts
    """A parent that is not there: every field of it is empty."""

    def __missing__(self, key: str) -> None:
        return None


@dataclass
class RuleBook:
    """The rules as they are switched now, and the tries that locks have seen."""

    rules: dict[str, Rule]
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def open(cls, rules: list[Rule]) -> RuleBook:
        """Return the rules of a definition, as it switches them."""
        return cls({rule.name: rule.model_copy() for rule in rules})

    def switch(self, name: str, *, active: bool) -> None:
        """Switch a rule on or off; raises KeyError for an unknown name."""
        self.rules[name].active = active

    def check(
        self, object_name: str, values: Mapping[str, Any], before: Mapping[str, Any] | None, parents: Parents
    ) -> None:
        """Raise RecordRefused when an active rule refuses a record that is about to be saved."""
        for rule in self.rules.values():
            if rule.active and rule.object == object_name and rule.more_than is None:
                self._check_rule(rule, values, before, parents)

    def check_request(self, object_name: str, records: list[Mapping[str, Any]]) -> dict[int, RecordRefused]:
        """Return the refusals of limits that are counted over all records of one request, by their index."""
        refused: dict[int, RecordRefused] = {}
        for rule in self.rules.values():
            if not rule.active or rule.object != object_name or rule.more_than is None:
                continue
            groups = Counter(str(record.get(str(rule.group_by))) for record in records)
            for index, record in enumerate(records):
                if groups[str(record.get(str(rule.group_by)))] > rule.more_than:
                    refused.setdefault(index, _refusal(rule, record, ""))
        return refused

    def _check_rule(
        self, rule: Rule, values: Mapping[str, Any], before: Mapping[str, Any] | None, parents: Parents
    ) -> None:
        if not _holds(rule, values, before, parents):
            return
        lock = str(values.get(rule.group_by)) if rule.group_by else str(values.get("Id"))
        if rule.clears_after is not None:
            self.tries[rule.name, lock] += 1
            if self.tries[rule.name, lock] > rule.clears_after:
                return
        raise _refusal(rule, values, lock)


def _holds(rule: Rule, values: Mapping[str, Any], before: Mapping[str, Any] | None, parents: Parents) -> bool:
    def name_of(node: Any) -> Any:
        name = node.id
        if name == "is_new":
            return before is None
        if name.endswith("__r") or (name not in values and parents(name)):
            return _Absent(parents(name))
        return values.get(name)

    functions = {
        "is_blank": lambda value: value in {None, ""},
        "changed": lambda name: before is None or before.get(name) != values.get(name),
        "length": lambda value: len(value or ""),
        "lower": lambda value: str(value or "").lower(),
    }
    evaluator = EvalWithCompoundTypes(names=name_of, functions=functions)
    try:
        return bool(evaluator.eval(rule.when))
    except Exception as wrong:
        raise DefinitionError(f"Rule {rule.name}: `when: {rule.when}` cannot be evaluated: {wrong}") from wrong


def _refusal(rule: Rule, values: Mapping[str, Any], lock: str) -> RecordRefused:
    code, usual = _REFUSALS[rule.kind]
    message = (rule.message or usual).replace("{name}", rule.name).replace("{object}", rule.object)
    if rule.kind is RuleKind.ROW_LOCK and not rule.message:
        message += f": {lock}"
    return RecordRefused(rule.code or code, message, tuple(rule.fields))
