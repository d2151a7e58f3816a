"""Triggers of a saved record that write to its parent or create a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from salesforce_sandbox.definition.rule_definition import Rule, TriggerWrites
from salesforce_sandbox.records.rejections import RecordRejected
from salesforce_sandbox.records.rules import REJECTIONS, Scope
from salesforce_sandbox.records.schema import ObjectSchema
from salesforce_sandbox.records.storage import Record

DEPTH = 16  # of nested triggers, Salesforce's limit
_INSERT_FAILED = "Insert failed. First exception on row 0"
Write = Callable[[ObjectSchema, str, Mapping[str, Any]], None]  # to the record with an id, or to a new one without


def run_triggers(rules: list[Rule], scope: Scope, write: Write) -> None:
    """Let the triggers of a saved record write to others; raises RecordRejected when such a write is rejected."""
    for rule in rules:
        if rule.writes and scope.evaluate(rule, rule.when):
            _run(rule, rule.writes, scope, write)


def _run(rule: Rule, writes: TriggerWrites, scope: Scope, write: Write) -> None:
    """Write to the parent, if there is one, or create a record."""
    parent = scope.parent(writes.parent) if writes.parent else None
    if writes.parent and parent is None:
        return
    values = {name: scope.evaluate(rule, text) for name, text in writes.fields.items()}
    entity = scope.finder.schema.object(parent.object if parent else str(writes.object))
    moment = "AfterInsert" if scope.before is None else "AfterUpdate"
    try:
        write(entity, parent.id if parent else "", values)
    except RecordRejected as inner:
        raise _failure(rule, moment, parent, inner) from inner


def _failure(rule: Rule, moment: str, parent: Record | None, inner: RecordRejected) -> RecordRejected:
    failed = f"Update failed. First exception on row 0 with id {parent.id}" if parent else _INSERT_FAILED
    message = f"{rule.name}: execution of {moment}\n\ncaused by: System.DmlException: {failed}; first error: "
    message += f"{inner.code}, {inner.message}: [{', '.join(inner.fields or ())}]"
    return RecordRejected(REJECTIONS[rule.kind][0], message)
