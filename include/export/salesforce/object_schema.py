"""What Salesforce says of an object: the part of its description that a stream needs, checked before the first row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from include.export.failures import ConfigurationFailure
from include.export.streams import Operation, Stream


@dataclass(frozen=True)
class FieldSchema:
    """A field, as describe reports it (salesforce-wire.md section 2)."""

    name: str
    type: str
    createable: bool
    updateable: bool
    identifies: bool  # externalId or idLookup: usable as upsert key
    case_sensitive: bool


@dataclass(frozen=True)
class ObjectSchema:
    """An object: its mapped fields by the name in the stream file, and the lookup field of each parent relation."""

    object: str
    fields: Mapping[str, FieldSchema]
    lookups: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the description as kept in ExportWatermarks."""
        fields = {name: asdict(field) for name, field in self.fields.items()}
        return {"object": self.object, "fields": fields, "lookups": dict(self.lookups)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ObjectSchema:
        """Return the description that `as_json` wrote."""
        fields = {name: FieldSchema(**field) for name, field in kept["fields"].items()}
        return cls(kept["object"], fields, kept["lookups"])


def read_object_schema(stream: Stream, described: Mapping[str, Any]) -> ObjectSchema:
    """Return the part of a describe answer that the stream needs; raises ConfigurationFailure naming what is wrong."""
    _check_object(stream, described)
    known = {field["name"].lower(): field for field in described["fields"]}
    relations = {
        field["relationshipName"].lower(): field for field in described["fields"] if field.get("relationshipName")
    }
    fields, lookups = {}, {}
    for name in stream.fields:
        relation, dot, _ = name.partition(".")
        found = (relations if dot else known).get(relation.lower())
        if found is None:
            raise _unknown_field(stream, name, relation, relations if dot else known)
        _check_writable(stream, name, found)
        fields[name] = _field_schema(found, is_text=bool(dot))
        if dot:
            lookups[relation] = found["name"]
    _check_external_id(stream, fields[stream.external_id])
    return ObjectSchema(stream.object, fields, lookups)


def _field_schema(found: Mapping[str, Any], *, is_text: bool) -> FieldSchema:
    return FieldSchema(
        name=found["name"],
        type="string" if is_text else found["type"],
        createable=bool(found["createable"]),
        updateable=bool(found["updateable"]),
        identifies=bool(found.get("externalId") or found.get("idLookup")),
        case_sensitive=bool(found.get("caseSensitive")),
    )


def _check_object(stream: Stream, described: Mapping[str, Any]) -> None:
    needed = ["updateable"] if stream.operation is Operation.UPDATE else ["createable", "updateable"]
    needed += ["deletable"] if stream.deleted else []
    missing = [right for right in needed if not described.get(right, True)]
    if missing:
        raise ConfigurationFailure(
            f"Stream {stream.name}: the Salesforce user of this connection may not do what the stream needs on "
            f"{stream.object} ({', '.join(missing)} is false). Give its permission set that right on the object."
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


def _check_writable(stream: Stream, name: str, field: Mapping[str, Any]) -> None:
    if name == "Id":
        return
    writable = field["updateable"] and (field["createable"] or stream.operation is Operation.UPDATE)
    if not writable and name != stream.external_id:
        raise ConfigurationFailure(
            f"Stream {stream.name}: the Salesforce user of this connection may not write {stream.object}.{name} "
            "(read-only, calculated, or field-level security). Grant edit access, or remove the field."
        )


def _check_external_id(stream: Stream, field: FieldSchema) -> None:
    if field.identifies or field.name == "Id":
        return
    raise ConfigurationFailure(
        f"Stream {stream.name}: external_id names {stream.object}.{field.name}, which is not marked External ID in "
        "Salesforce, so it cannot tell which record a row is. Mark the field External ID and Unique, or name another."
    )
