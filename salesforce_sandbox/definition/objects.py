"""Objects and fields of an org in its YAML definition."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FieldType(StrEnum):
    """The field types that the sandbox knows."""

    ID = "id"
    STRING = "string"
    TEXTAREA = "textarea"
    BOOLEAN = "boolean"
    INT = "int"
    DOUBLE = "double"
    CURRENCY = "currency"
    PERCENT = "percent"
    DATE = "date"
    DATETIME = "datetime"
    REFERENCE = "reference"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    COMBOBOX = "combobox"
    TIME = "time"
    ENCRYPTED = "encryptedstring"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"


_NAMESPACE = re.compile(r"^\w+?__(?=\w+__[cr]$)")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")


def label_name(name: str) -> str:
    """Return the label that an API name suggests: `OwnerId` is Owner ID, `ns__Landing_Page__c` is Landing Page."""
    words = [word for word in _WORDS.split(_NAMESPACE.sub("", name).removesuffix("__c")) if word]
    return " ".join("ID" if word == "Id" else word for word in words)


class StrictModel(BaseModel):
    """A part of a definition: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, given: Any) -> Any:
        unknown = sorted(map(str, given.keys() - cls.model_fields.keys())) if isinstance(given, dict) else []
        if unknown:
            raise ValueError(f"`{unknown[0]}` is not known; allowed: {', '.join(cls.model_fields)}")
        return given


class FieldDefinition(StrictModel):
    """A field. `hidden` and `read_only` represent field-level security.

    `createable` and `updateable` define when a value may be given: a field that is not updateable is set only when the
    record is created (a master-detail that cannot be reparented). A field that is neither `nillable` nor `required`
    has a default and rejects NULL; a checkbox is never nillable.
    """

    type: FieldType
    label: str | None = None
    length: Annotated[int, Field(ge=1)] = 255
    precision: Annotated[int, Field(ge=1, le=18)] = 18
    required: bool = False
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    values: list[str] = []
    restricted: bool = False
    to: list[str] = []
    relationship: str | None = None
    hidden: bool = False
    read_only: bool = False
    createable: bool = True
    updateable: bool = True
    nillable: bool = True

    @model_validator(mode="after")
    def _check(self) -> FieldDefinition:
        if self.type is FieldType.REFERENCE and not (self.to and self.relationship):
            raise ValueError("a reference needs `to` and `relationship`")
        if self.restricted and not self.values:
            raise ValueError("a restricted picklist needs `values`")
        return self

    @property
    def takes_null(self) -> bool:
        """Return whether the field may be empty."""
        return self.nillable and not self.required and self.type is not FieldType.BOOLEAN

    def label_of(self, name: str) -> str:
        """Return the label of a field with this name: its own, or the one that Salesforce would derive."""
        return self.label or label_name(name)


class ObjectDefinition(StrictModel):
    """An object; `bulk` is whether the Bulk API supports it."""

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{3}$")]
    label: str | None = None
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    bulk: bool = True
    fields: dict[str, FieldDefinition]


def built_in_objects() -> dict[str, ObjectDefinition]:
    """Return the objects that every org has and that clients query after a login."""
    text = FieldDefinition(type=FieldType.STRING)
    boolean, moment = FieldDefinition(type=FieldType.BOOLEAN), FieldDefinition(type=FieldType.DATETIME)
    key = FieldDefinition(type=FieldType.STRING, external_id=True, unique=True)
    user = {"Username": key, "Name": text, "Email": FieldDefinition(type=FieldType.EMAIL), "IsActive": boolean}
    organization = {"Name": text, "InstanceName": text, "IsSandbox": boolean, "TrialExpirationDate": moment,
                    "NamespacePrefix": text, "OrganizationType": text}  # fmt: skip
    return {
        "User": ObjectDefinition(prefix="005", fields=user),
        "Organization": ObjectDefinition(prefix="00D", fields=organization, createable=False, deletable=False),
    }
