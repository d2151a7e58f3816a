"""The expressions of rules: checking their names when an org file is read, and evaluating them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simpleeval import DEFAULT_OPERATORS, EvalWithCompoundTypes, InvalidExpression, SimpleEval

from salesforce_sandbox.definition.objects import FieldDefinition, ObjectDefinition

FUNCTIONS = {"is_blank": 1, "changed": 1, "length": 1, "lower": 1, "find": 3}  # with the number of their arguments
_CONSTANTS = {"is_new", "Id", "True", "False", "None"}
Comparison = Callable[[Any, Any], Any]


def check_expression(text: str, fields: Mapping[str, FieldDefinition], objects: Mapping[str, ObjectDefinition]) -> None:
    """Raise ValueError when an expression cannot be parsed, or names something that the org does not have."""
    try:
        tree = SimpleEval.parse(text)
    except (InvalidExpression, SyntaxError) as wrong:
        raise ValueError(f"`{text}` is not an expression: {wrong}") from None
    relations = {field.relationship: field for field in fields.values() if field.relationship}
    for message in _mistakes(tree, set(fields) | set(relations) | _CONSTANTS, relations, objects):
        raise ValueError(f"`{text}`: {message}")


def _mistakes(
    tree: ast.AST, names: set[str], relations: Mapping[str, FieldDefinition], objects: Mapping[str, ObjectDefinition]
) -> Iterator[str]:
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _wrong_call(node, names, objects)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in relations:
            targets = relations[node.value.id].to
            if not any(node.attr in objects[each].fields or node.attr == "Id" for each in targets):
                yield f"{' or '.join(targets)} has no field {node.attr}"
        elif isinstance(node, ast.Name) and node not in called and node.id not in names:
            yield f"there is no field {node.id}; allowed: {', '.join(sorted(names))}"


def _wrong_call(node: ast.Call, names: set[str], objects: Mapping[str, ObjectDefinition]) -> Iterator[str]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS or len(node.args) != FUNCTIONS[name] or node.keywords:
        yield f"the functions are {', '.join(f'{each} of {count}' for each, count in FUNCTIONS.items())}"
        return
    given = [str(each.value) if isinstance(each, ast.Constant) else "" for each in node.args]
    if name == "changed" and given[0] not in names:
        yield f"changed() takes the name of a field in quotes; {given[0]} is not a field"
    if name == "find":
        found = objects.get(given[0])
        key = found.fields.get(given[1]) if found else None
        if key is None or not (key.external_id or key.unique):
            yield f"find() takes an object, a unique or external-id field of it, and a value; {' '.join(given)} is none"


def _unless_empty(compare: Comparison) -> Comparison:
    return lambda left, right: left is not None and right is not None and compare(left, right)


# an empty field is neither less nor greater than any value
_OPERATORS = DEFAULT_OPERATORS | {
    ast.Lt: _unless_empty(operator.lt),
    ast.LtE: _unless_empty(operator.le),
    ast.Gt: _unless_empty(operator.gt),
    ast.GtE: _unless_empty(operator.ge),
}
_parsed: dict[str, Any] = {}


def make_evaluator(names: Callable[[Any], Any], functions: Mapping[str, Callable[..., Any]]) -> Callable[[str], Any]:
    """Return a function that evaluates expressions over names and functions; each text is parsed once."""
    evaluator = EvalWithCompoundTypes(operators=_OPERATORS, names=names, functions=dict(functions))

    def evaluate(text: str) -> Any:
        if text not in _parsed:
            _parsed[text] = evaluator.parse(text)
        return evaluator.eval(text, previously_parsed=_parsed[text])

    return evaluate
