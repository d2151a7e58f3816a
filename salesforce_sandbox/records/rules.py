"""The rules of an org: validation rules, triggers, duplicate rules, rights and locks that reject records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.definition import DefinitionError
from salesforce_sandbox.definition.expressions import make_evaluator
from salesforce_sandbox.definition.rule_definition import Rule, RuleKind
from salesforce_sandbox.definition.settings import Leniency
from salesforce_sandbox.records.finding import RecordFinder
from salesforce_sandbox.records.rejections import RecordRejected
from salesforce_sandbox.records.schema import ObjectSchema, fold
from salesforce_sandbox.records.storage import Record

REJECTIONS = {
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
    RuleKind.DUPLICATE: ("DUPLICATES_DETECTED", "Use one of these records?"),
}


class _Absent(dict[str, Any]):  # noqa: FURB189 - simpleeval looks only into real dicts
    """A missing parent: all its fields are empty."""

    def __missing__(self, key: str) -> None:
        return None


@dataclass
class RuleBook:
    """The rules with their current switches, and the attempts counted by locks."""

    rules: dict[str, Rule]
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def open(cls, rules: list[Rule]) -> RuleBook:
        """Return the rules of a definition."""
        return cls({rule.name: rule.model_copy() for rule in rules})

    def switch(self, name: str, *, active: bool) -> None:
        """Switch a rule on or off; raises KeyError for an unknown name."""
        self.rules[name].active = active

    def active(self, object_name: str) -> list[Rule]:
        """Return the rules of an object that are switched on."""
        return [rule for rule in self.rules.values() if rule.active and rule.object == object_name]

    def check(self, rules: list[Rule], scope: Scope) -> None:
        """Raise RecordRejected when rules reject a record that is about to be saved.

        All validation rules are evaluated and their errors returned together; any other rejection ends the save.
        """
        broken: list[RecordRejected] = []
        for rule in rules:
            try:
                self._check_one(rule, scope)
            except RecordRejected as rejected:
                if rule.kind is RuleKind.VALIDATION and Leniency.FIRST_RULE_ONLY not in scope.finder.schema.lenient:
                    broken.append(rejected)
                elif not broken:
                    raise
        if broken:
            raise replace(broken[0], others=tuple(broken[1:]))

    def _check_one(self, rule: Rule, scope: Scope) -> None:
        if rule.more_than is not None or rule.writes or rule.owner:
            return
        if rule.kind is RuleKind.DUPLICATE:
            _check_duplicate(rule, scope)
        else:
            self._check_rule(rule, scope)

    def counts(self, object_name: str) -> bool:
        """Return whether a rule counts the records of a request."""
        return any(rule.more_than is not None for rule in self.active(object_name))

    def check_request(self, object_name: str, records: list[Mapping[str, Any]]) -> dict[int, RecordRejected]:
        """Return the rejections of limits that are counted over all records of one request, by their index."""
        rejected: dict[int, RecordRejected] = {}
        for rule in self.active(object_name):
            if rule.more_than is None:
                continue
            groups = Counter(str(record.get(str(rule.group_by))) for record in records)
            for index, record in enumerate(records):
                if groups[str(record.get(str(rule.group_by)))] > rule.more_than:
                    rejected.setdefault(index, _rejection(rule, ""))
        return rejected

    def _check_rule(self, rule: Rule, scope: Scope) -> None:
        if not scope.evaluate(rule, rule.when):
            return
        lock = scope.lock(rule)
        if rule.clears_after is not None:
            if (rule.name, lock) not in scope.finder.chunk.tried:
                scope.finder.chunk.tried.add((rule.name, lock))
                self.tries[rule.name, lock] += 1
            if self.tries[rule.name, lock] > rule.clears_after:
                return
        raise _rejection(rule, lock)


@dataclass(frozen=True)
class SaveOptions:
    """The options of a call's headers: whether duplicates are allowed, and whether assignment rules run."""

    allow_duplicates: bool = False
    assign_owner: bool = False
    base: str = "/services/data"


NO_OPTIONS = SaveOptions()


class Scope:
    """The names that expressions can use, for one record after another."""

    def __init__(self, finder: RecordFinder, entity: ObjectSchema, options: SaveOptions) -> None:
        self.finder, self.entity, self.options = finder, entity, options
        self.record = Record("", entity.name, {}, False)
        self.before: Record | None = None
        self.values: dict[str, Any] = {}
        self._evaluate = make_evaluator(self._name, self._functions())

    def look_at(self, record: Record, before: Record | None) -> Scope:
        """Return the scope of a record."""
        self.record, self.before = record, before
        self.values = record.fields | {"Id": record.id}
        return self

    def evaluate(self, rule: Rule, text: str) -> Any:
        """Return the value of an expression; raises DefinitionError naming the rule when it cannot be evaluated."""
        try:
            return self._evaluate(text)
        except Exception as wrong:
            raise DefinitionError(f"Rule {rule.name}: `{text}` cannot be evaluated: {wrong}") from wrong

    def lock(self, rule: Rule) -> str:
        """Return the subject of a lock: the rule's field, or the record by its key, as a new one has no final id."""
        if rule.group_by:
            return str(self.values.get(rule.group_by))
        if self.before is None:
            keys = (self.values[name] for name, _ in self.entity.keys if self.values.get(name) is not None)
            return str(next(keys, self.values["Id"]))
        return self.before.id

    def parent(self, relation: str) -> Record | None:
        """Return the parent under a relationship name."""
        return self.finder.parent_of(self.entity, self.values, relation)

    def _name(self, node: Any) -> Any:
        name = node.id
        if name == "is_new":
            return self.before is None
        if name in self.values or not self.entity.relation(name):
            return self.values.get(name)
        return _fields_of(self.parent(name))

    def _functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "is_blank": lambda value: value in {None, ""},
            "changed": lambda name: self.before is None or self.before.fields.get(name) != self.values.get(name),
            "length": lambda value: len(value or ""),
            "lower": lambda value: str(value or "").lower(),
            "find": self._find,
        }

    def _find(self, object_name: str, key: str, value: Any) -> _Absent:
        entity = self.finder.schema.object(object_name)
        if value is None:
            return _Absent()
        ids = self.finder.chunk.find_by_key(object_name, key, fold(entity.definition.fields[key], value))
        return _fields_of(self.finder.chunk.find(ids[0]) if ids else None)


def _fields_of(record: Record | None) -> _Absent:
    return _Absent(record.fields | {"Id": record.id} if record else {})


def _check_duplicate(rule: Rule, scope: Scope) -> None:
    record = scope.record
    wanted = [record.fields.get(name) for name in rule.match_on]
    if all(value is None for value in wanted) or (rule.allow_save and scope.options.allow_duplicates):
        return
    # scans all records: duplicate rules are for small objects
    for other in scope.finder.chunk.find_all(scope.entity.name, scope.entity.prefix):
        if other.id != record.id and [other.fields.get(name) for name in rule.match_on] == wanted:
            rejected = _rejection(rule, "")
            raise replace(
                rejected, fields=None, more=_describe_match(rule, rejected.message, other, scope.options.base)
            )


def _describe_match(rule: Rule, message: str, other: Record, base: str) -> dict[str, Any]:
    """Return the key, misspelt as in Salesforce, under which a single-record answer lists the matching records."""
    record = {"attributes": {"type": other.object, "url": f"{base}/sobjects/{other.object}/{other.id}"}, "Id": other.id}
    matched = {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}
    result = {"entityType": other.object, "errors": [], "matchEngine": "ExactMatchEngine", "matchRecords": [matched],
              "rule": rule.name, "size": 1, "success": True}  # fmt: skip
    found = {"allowSave": rule.allow_save, "duplicateRule": rule.name, "duplicateRuleEntityType": other.object,
             "errorMessage": message, "matchResults": [result]}  # fmt: skip
    return {"duplicateResut": found}


def _rejection(rule: Rule, lock: str) -> RecordRejected:
    code, usual = REJECTIONS[rule.kind]
    message = (rule.message or usual).replace("{name}", rule.name).replace("{object}", rule.object)
    if rule.kind is RuleKind.ROW_LOCK and not rule.message:
        message += f": {lock}"
    return RecordRejected(rule.code or code, message, tuple(rule.fields))
