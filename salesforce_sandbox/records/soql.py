"""The part of SOQL that exporters use: SELECT, FROM, WHERE with AND, ORDER BY, LIMIT, COUNT()."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from salesforce_sandbox.records.refusals import RequestRefused

_TOKEN = re.compile(
    r"\s*(?:('(?:\\.|[^'\\])*')|([A-Za-z_][\w.]*)|(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)|(-?\d+(?:\.\d+)?)"
    r"|(<=|>=|!=|<>|[=<>(),]))"
)
_ORDER = {"<": operators.lt, ">": operators.gt, "<=": operators.le, ">=": operators.ge}
Row = dict[str, Any]
Condition = Callable[[Row], bool]


@dataclass(frozen=True)
class Query:
    """A parsed query; `counts` stands for SELECT COUNT()."""

    fields: list[str]
    object: str
    conditions: list[tuple[str, str, list[Any]]]
    order: tuple[str, bool] | None
    limit: int | None
    counts: bool

    @property
    def named(self) -> set[str]:
        """Return the fields that the query names, in lower case."""
        conditions = [field for field, _, _ in self.conditions]
        return {field.lower() for field in [*self.fields, *conditions, *self.ordered_by]}

    @property
    def ordered_by(self) -> list[str]:
        """Return the field of ORDER BY, if there is one."""
        return [self.order[0]] if self.order else []

    def matches(self, row: Row) -> bool:
        """Tell whether a row, its field names in lower case, fulfils every condition."""
        return all(_compare(row.get(field.lower()), operator, values) for field, operator, values in self.conditions)

    def arrange(self, rows: Iterable[Row]) -> list[Row]:
        """Return the matching rows in order, up to the limit."""
        found = [row for row in rows if self.matches(row)]
        if self.order:
            field, descending = self.order
            found.sort(key=lambda row: _sort_key(row.get(field.lower())), reverse=descending)
        return found[: self.limit]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if not found:
                raise malformed(text, place, f"unexpected token: '{text[place:].strip()[:20]}'")
            kind = ("text", "name", "moment", "number", "sign")[found.lastindex - 1] if found.lastindex else "sign"
            self.tokens.append((kind, found[found.lastindex or 0]))
            place = found.end()

    def peek(self) -> str:
        return self.tokens[0][1] if self.tokens else ""

    def take(self, *expected: str) -> str:
        if not self.tokens or (expected and self.tokens[0][1].upper() not in expected):
            raise malformed(self.text, 0, f"unexpected token: '{self.peek()}'")
        return self.tokens.pop(0)[1]

    def accept(self, word: str) -> bool:
        if self.peek().upper() != word:
            return False
        self.tokens.pop(0)
        return True

    def literal(self) -> Any:
        kind, text = self.tokens.pop(0) if self.tokens else ("", "")
        if kind == "text":
            return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text[1:-1])
        if kind == "moment":
            return datetime.fromisoformat(text) if "T" in text else text
        if kind == "number":
            return float(text) if "." in text else int(text)
        return {"true": True, "false": False, "null": None}.get(text.lower(), text)


def parse(text: str) -> Query:
    """Return the query of a SOQL text; raises RequestRefused with Salesforce's wording."""
    parser = _Parser(text)
    parser.take("SELECT")
    fields, counts = _fields(parser)
    parser.take("FROM")
    name = parser.take()
    conditions = _conditions(parser) if parser.accept("WHERE") else []
    order = None
    if parser.accept("ORDER"):
        parser.take("BY")
        order = (parser.take(), parser.peek().upper() == "DESC")
        if parser.peek().upper() in {"ASC", "DESC"}:
            parser.take()
    limit = int(parser.literal()) if parser.accept("LIMIT") else None
    if parser.tokens:
        raise malformed(text, 0, f"unexpected token: '{parser.peek()}'")
    return Query(fields, name, conditions, order, limit, counts)


def malformed(text: str, place: int, told: str) -> RequestRefused:
    """Return the refusal of a query that cannot be read."""
    message = f"\n{text}\n{' ' * place}^\nERROR at Row:1:Column:{place + 1}\n{told}"
    return RequestRefused(400, "MALFORMED_QUERY", message)


def unknown_field(query: Query, text: str, field: str) -> RequestRefused:
    """Return the refusal of a query for a field that does not exist."""
    place = max(text.lower().find(field.lower()), 0)
    told = (
        f"No such column '{field}' on entity '{query.object}'. If you are attempting to use a custom field, be sure to "
        "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
        "appropriate names."
    )
    return RequestRefused(400, "INVALID_FIELD", f"\n{text}\n{' ' * place}^\nERROR at Row:1:Column:{place + 1}\n{told}")


def _fields(parser: _Parser) -> tuple[list[str], bool]:
    first = parser.take()
    if first.upper() == "COUNT":
        parser.take("(")
        parser.take(")")
        return [], True
    fields = [first]
    while parser.accept(","):
        fields.append(parser.take())
    return fields, False


def _conditions(parser: _Parser) -> list[tuple[str, str, list[Any]]]:
    found = [_condition(parser)]
    while parser.accept("AND"):
        found.append(_condition(parser))
    return found


def _condition(parser: _Parser) -> tuple[str, str, list[Any]]:
    field = parser.take()
    operator = parser.take("=", "!=", "<>", "<", ">", "<=", ">=", "IN", "LIKE").upper()
    if operator != "IN":
        return field, operator, [parser.literal()]
    parser.take("(")
    values = [parser.literal()]
    while parser.accept(","):
        values.append(parser.literal())
    parser.take(")")
    return field, operator, values


def _sort_key(value: Any) -> tuple[bool, Any]:
    return (value is not None, _fold(value))


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _moment(value: Any) -> datetime | None:
    """Return a stored datetime; nothing else is before or after a moment."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _compare(value: Any, operator: str, wanted: list[Any]) -> bool:
    left, right = _fold(value), [_fold(each) for each in wanted]
    if any(isinstance(each, datetime) for each in right):
        left = _moment(value)
    if operator in {"=", "IN"}:
        return left in right
    if operator in {"!=", "<>"}:
        return left not in right
    if left is None:
        return False
    if operator == "LIKE":
        pattern = re.escape(str(right[0])).replace("%", ".*").replace("_", ".")
        return re.fullmatch(pattern, str(left), re.DOTALL) is not None
    return bool(_ORDER[operator](left, right[0]))
