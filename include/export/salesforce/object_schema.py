"""The part of an object's description that a stream needs, checked before the first row is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Any

from include.export.failures import ConfigurationFailure
from include.export.streams import Operation, Stream

_PARENTS_SHOWN = 5


@dataclass(frozen=True)
class FieldSchema:
    """A field, as describe reports it (docs/salesforce-behaviour.md#describe)."""

    name: str
    type: str
    createable: bool
    updateable: bool
    identifies: bool  # externalId or idLookup: usable as upsert key
    case_sensitive: bool
    length: int = 0  # characters; 0: not known
    is_unique: bool = False
    picklist: tuple[str, ...] | None = None  # active values of a restricted picklist; None: any value is accepted


@dataclass(frozen=True)
class ObjectSchema:
    """An object: its mapped fields by the name in the stream file, and the lookup field of each parent relation."""

    object: str
    fields: Mapping[str, FieldSchema]
    lookups: Mapping[str, str]
    required: tuple[str, ...] = ()  # fields without which no record is created, mapped or not
    own_lookups: tuple[str, ...] = ()  # mapped lookup fields that may refer to a record of the same object

    def as_json(self) -> dict[str, Any]:
        """Return the description as it is stored in ExportWatermarks."""
        fields = {name: asdict(field) for name, field in self.fields.items()}
        return {
            "object": self.object, "fields": fields, "lookups": dict(self.lookups), "required": list(self.required),
            "own_lookups": list(self.own_lookups),
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ObjectSchema:
        """Return the description that `as_json` wrote."""
        fields = {name: _read_field(field) for name, field in kept["fields"].items()}
        required, own_lookups = tuple(kept.get("required", ())), tuple(kept.get("own_lookups", ()))
        return cls(kept["object"], fields, kept["lookups"], required, own_lookups)

    def widen(self, first: ObjectSchema | None) -> ObjectSchema:
        """Return this description merged with the earlier one, `first`, as the baseline for drift.

        A field keeps its first type and mark, its greatest length and every picklist value that it has had.
        """
        if first is None or first.object != self.object:
            return self
        fields = {name: _widen_field(field, first.fields.get(name)) for name, field in self.fields.items()}
        return replace(self, fields=fields, required=first.required)


def read_object_schema(stream: Stream, described: Mapping[str, Any]) -> ObjectSchema:
    """Return the part of a describe answer that the stream needs; raises ConfigurationFailure for what is wrong."""
    _check_object(stream, described)
    known = {field["name"].lower(): field for field in described["fields"]}
    relations = {
        field["relationshipName"].lower(): field for field in described["fields"] if field.get("relationshipName")
    }
    fields, lookups, own_lookups = {}, {}, {}
    for name in stream.fields:
        kind, _, path = name.rpartition(":")
        relation, dot, _ = path.partition(".")
        found = (relations if dot else known).get(relation.lower())
        if found is None:
            raise _unknown_field(stream, name, relation, relations if dot else known)
        _check_writable(stream, name, found)
        fields[name] = _field_schema(found, is_parent=bool(dot))
        if dot:
            _check_parent(stream, name, kind, found)
            lookups[relation] = found["name"]
        if _may_refer_to(stream.object, kind, found):
            own_lookups[found["name"]] = True
    _check_external_id(stream, fields[stream.external_id])
    return ObjectSchema(stream.object, fields, lookups, list_required(described), tuple(own_lookups))


def _may_refer_to(name: str, kind: str, found: Mapping[str, Any]) -> bool:
    """Return whether a field may refer to an object; `kind` is the object that the stream file names for it, if any."""
    kinds = [kind] if kind else [str(each) for each in found.get("referenceTo") or ()]
    return name.lower() in {each.lower() for each in kinds}


def _field_schema(found: Mapping[str, Any], *, is_parent: bool) -> FieldSchema:
    return FieldSchema(
        name=found["name"],
        type="string" if is_parent else found["type"],
        createable=bool(found["createable"]),
        updateable=bool(found["updateable"]),
        identifies=bool(found.get("externalId") or found.get("idLookup")),
        case_sensitive=bool(found.get("caseSensitive")),
        length=0 if is_parent else int(found.get("length") or 0),
        is_unique=bool(found.get("unique")) and not is_parent,
        picklist=_read_picklist(found),
    )


def _read_picklist(found: Mapping[str, Any]) -> tuple[str, ...] | None:
    if not found.get("restrictedPicklist"):
        return None
    return tuple(str(each["value"]) for each in found.get("picklistValues") or () if each.get("active", True))


def _read_field(kept: Mapping[str, Any]) -> FieldSchema:
    picklist = kept.get("picklist")
    return FieldSchema(**{**kept, "picklist": None if picklist is None else tuple(picklist)})


def _widen_field(now: FieldSchema, first: FieldSchema | None) -> FieldSchema:
    if first is None:
        return now
    had = None if first.picklist is None else tuple(dict.fromkeys([*first.picklist, *(now.picklist or ())]))
    return replace(
        first, length=max(first.length, now.length), is_unique=first.is_unique or now.is_unique, picklist=had
    )


def list_required(described: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields that a new record must have: not nillable and without a default."""
    return tuple(
        str(field["name"])
        for field in described["fields"]
        if field.get("createable") and not field.get("nillable", True) and not field.get("defaultedOnCreate")
        and field.get("type") != "boolean"
    )  # fmt: skip


def _check_object(stream: Stream, described: Mapping[str, Any]) -> None:
    needed = ["updateable"] if stream.operation is Operation.UPDATE else ["createable", "updateable"]
    needed += ["deletable"] if stream.deleted else []
    missing = [right for right in needed if not described.get(right, True)]
    if missing:
        raise ConfigurationFailure(
            f"Stream {stream.name}: the Salesforce user of this connection lacks a permission that the stream needs on "
            f"{stream.object} ({', '.join(missing)} is false). Add it to the user's permission set."
        )


def _unknown_field(
    stream: Stream, name: str, searched: str, known: Mapping[str, Mapping[str, Any]]
) -> ConfigurationFailure:
    near = get_close_matches(searched.lower(), known, n=1)
    hint = f" Did you mean {known[near[0]].get('relationshipName') or known[near[0]]['name']}?" if near else ""
    return ConfigurationFailure(
        f"Stream {stream.name}: fields names {name}, which {stream.object} does not have in this org or which "
        f"field-level security hides from the integration user.{hint} Correct {stream.name}.yaml, or grant the field."
    )


def _check_parent(stream: Stream, name: str, kind: str, field: Mapping[str, Any]) -> None:
    """Raise when a polymorphic parent does not name its object, or names one that the field cannot refer to."""
    kinds = [str(each) for each in field.get("referenceTo") or ()]
    path = name.rpartition(":")[2]
    if kind and kinds and kind.lower() not in {each.lower() for each in kinds}:
        raise ConfigurationFailure(
            f"Stream {stream.name}: fields names {name}, but {stream.object}.{field['name']} cannot refer to {kind}, "
            f"only to {_list_kinds(kinds)}. Correct {stream.name}.yaml."
        )
    if kind and len(kinds) == 1:
        raise ConfigurationFailure(
            f"Stream {stream.name}: {stream.object}.{field['name']} refers to {kinds[0]} only, and Bulk API then "
            f"rejects an object name before the field. Write {path} in {stream.name}.yaml."
        )
    if not kind and len(kinds) > 1:
        raise ConfigurationFailure(
            f"Stream {stream.name}: {stream.object}.{field['name']} can refer to several objects "
            f"({_list_kinds(kinds)}), and {name} does not name one. Write {kinds[0]}:{path}, or another of them, "
            f"in {stream.name}.yaml."
        )


def _list_kinds(kinds: list[str]) -> str:
    more = len(kinds) - _PARENTS_SHOWN
    return ", ".join(kinds[:_PARENTS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _check_writable(stream: Stream, name: str, field: Mapping[str, Any]) -> None:
    if name == "Id" or name == stream.external_id:
        return
    creates = stream.operation is Operation.UPSERT
    if creates and field["createable"] and not field["updateable"] and name not in stream.create_only:
        raise ConfigurationFailure(
            f"Stream {stream.name}: {stream.object}.{name} can be set only when a record is created. List it under "
            f"create_only in {stream.name}.yaml (it is then sent with new records only), or remove the field."
        )
    writable = field["createable"] or not creates if name in stream.create_only else field["updateable"]
    if not writable or (creates and not field["createable"]):
        raise ConfigurationFailure(
            f"Stream {stream.name}: the Salesforce user of this connection may not write {stream.object}.{name} "
            "(read-only, calculated, or field-level security). Grant edit access, or remove the field."
        )


def _check_external_id(stream: Stream, field: FieldSchema) -> None:
    if field.identifies or field.name == "Id":
        return
    raise ConfigurationFailure(
        f"Stream {stream.name}: external_id names {stream.object}.{field.name}, which is not marked External ID in "
        "Salesforce, so it cannot match rows to records. Mark the field External ID and Unique, or name another."
    )
