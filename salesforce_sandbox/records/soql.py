"""The part of SOQL that exporters use: SELECT, FROM, WHERE with AND, ORDER BY, LIMIT, COUNT()."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from salesforce_sandbox.records.rejections import RequestRejected

_TOKEN = re.compile(
    r"\s*(?:('(?:\\.|[^'\\])*')|([A-Za-z_][\w.]*)|(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)|(-?\d+(?:\.\d+)?)"
    r"|(<=|>=|!=|<>|[=<>(),]))"
)
_ORDER = {"<": operators.lt, ">": operators.gt, "<=": operators.le, ">=": operators.ge}
_REFERENCE = "Please reference your WSDL or the describe call for the appropriate names."
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Condition:
    """A condition: `kinds` are those of its literals (text, name, moment, number), `exact` compares case."""

    field: str
    operator: str
    values: list[Any]
    kinds: list[str]
    exact: bool = False

    def holds(self, row: Row) -> bool:
        """Return whether a row, its field names in lower case, meets the condition."""
        return _compare(row.get(self.field.lower()), self.operator, self.values, str if self.exact else str.lower)


@dataclass(frozen=True)
class Query:
    """A parsed query; `counts` means SELECT COUNT()."""

    fields: list[str]
    object: str
    conditions: list[Condition]
    order: tuple[str, bool] | None
    limit: int | None
    counts: bool

    @property
    def named(self) -> set[str]:
        """Return the fields that the query names, in lower case."""
        return {field.lower() for field in [*self.fields, *self.filtered, *self.ordered_by]}

    @property
    def filtered(self) -> list[str]:
        """Return the fields of the conditions."""
        return [condition.field for condition in self.conditions]

    @property
    def ordered_by(self) -> list[str]:
        """Return the field of ORDER BY, if there is one."""
        return [self.order[0]] if self.order else []

    def matches(self, row: Row) -> bool:
        """Return whether a row, its field names in lower case, meets every condition."""
        return all(condition.holds(row) for condition in self.conditions)

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
                raise unexpected(text[place:].strip()[:20])
            kind = ("text", "name", "moment", "number", "sign")[found.lastindex - 1] if found.lastindex else "sign"
            self.tokens.append((kind, found[found.lastindex or 0]))
            place = found.end()

    def peek(self) -> str:
        return self.tokens[0][1] if self.tokens else ""

    def take(self, *expected: str) -> str:
        if not self.tokens or (expected and self.tokens[0][1].upper() not in expected):
            raise unexpected(self.peek())
        return self.tokens.pop(0)[1]

    def accept(self, word: str) -> bool:
        if self.peek().upper() != word:
            return False
        self.tokens.pop(0)
        return True

    def literals(self) -> tuple[list[Any], list[str]]:
        """Take one literal, or a list of them in brackets."""
        if not self.accept("("):
            kind, value = self.literal()
            return [value], [kind]
        found = [self.literal()]
        while self.accept(","):
            found.append(self.literal())
        self.take(")")
        return [value for _, value in found], [kind for kind, _ in found]

    def literal(self) -> tuple[str, Any]:
        kind, text = self.tokens.pop(0) if self.tokens else ("", "")
        return kind, self._read(kind, text)

    @staticmethod
    def _read(kind: str, text: str) -> Any:
        if kind == "text":
            return _ESCAPE.sub(_unescape, text[1:-1])
        if kind == "moment":
            return datetime.fromisoformat(text) if "T" in text else text
        if kind == "number":
            return float(text) if "." in text else int(text)
        return {"true": True, "false": False, "null": None}.get(text.lower(), text)


def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _CONTROLS.get(found[2].lower(), found[2])


def parse(text: str) -> Query:
    """Return the query of a SOQL text; raises RequestRejected with Salesforce's wording."""
    if not text.strip():
        raise RequestRejected(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
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
    limit = int(parser.literal()[1]) if parser.accept("LIMIT") else None
    if parser.tokens:
        raise unexpected(parser.peek())
    return Query(fields, name, conditions, order, limit, counts)


def unexpected(token: str) -> RequestRejected:
    """Return the rejection of a query that cannot be parsed."""
    return RequestRejected(400, "MALFORMED_QUERY", f"unexpected token: {token or '<EOF>'}")


def unknown_field(query: Query, text: str, field: str) -> RequestRejected:
    """Return the rejection of a query for a field that does not exist."""
    message = (
        f"No such column '{field}' on entity '{query.object}'. If you are attempting to use a custom field, be sure to "
        f"append the '__c' after the custom field name. {_REFERENCE}"
    )
    return RequestRejected(400, "INVALID_FIELD", _point_at(text, field, message))


def unknown_object(query: Query, text: str) -> RequestRejected:
    """Return the rejection of a query for an object that does not exist."""
    message = (
        f"sObject type '{query.object}' is not supported. If you are attempting to use a custom object, be sure to "
        f"append the '__c' after the entity name. {_REFERENCE}"
    )
    return RequestRejected(400, "INVALID_TYPE", _point_at(text, query.object, message))


def _point_at(text: str, word: str, message: str) -> str:
    place = max(text.lower().find(word.lower()), 0)
    return f"\n{text}\n{' ' * place}^\nERROR at Row:1:Column:{place + 1}\n{message}"


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


def _conditions(parser: _Parser) -> list[Condition]:
    found = [_condition(parser)]
    while parser.accept("AND"):
        found.append(_condition(parser))
    return found


def _condition(parser: _Parser) -> Condition:
    field = parser.take()
    operator = parser.take("=", "!=", "<>", "<", ">", "<=", ">=", "IN", "LIKE").upper()
    if (operator == "IN") != (parser.peek() == "("):
        raise unexpected(parser.peek())
    return Condition(field, operator, *parser.literals())


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


def _compare(value: Any, operator: str, wanted: list[Any], fold: Callable[[str], str]) -> bool:
    left, *right = [fold(each) if isinstance(each, str) else each for each in (value, *wanted)]
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
