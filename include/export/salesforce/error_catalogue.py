"""The error catalogue: what a code of Salesforce means, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.export.failures import ConfigurationFailure
from include.export.streams import YamlError, read_yaml

DEFAULT_FILE = Path(__file__).resolve().parents[2] / "error_catalogue.yaml"
LOG_LIMIT = 500  # characters of a message in a log


class ErrorClass(StrEnum):
    """What kind of cause a code has; the catalogue's file explains each."""

    TRANSIENT = "transient"
    ADMIN = "admin"
    DATA = "data"
    PARENT = "parent"
    DUPLICATE = "duplicate"
    GONE = "gone"
    STRUCTURAL = "structural"
    RUN_LEVEL = "run-level"
    UNKNOWN = "unknown"


class Meaning(BaseModel):
    """What a code means."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]+$")]
    error_class: Annotated[ErrorClass, Field(alias="class", strict=False)]
    do: str
    smaller_batch: bool = False
    hides: Annotated[tuple[re.Pattern[str], ...], Field(strict=False)] = ()


class Variant(Meaning):
    """What a code means when its message contains a text."""

    contains: str


class Entry(Meaning):
    """A code of the catalogue."""

    messages: Annotated[tuple[Variant, ...], Field(strict=False)] = ()


class CatalogueFile(BaseModel):
    """The file include/error_catalogue.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: Mapping[str, Entry]
    unknown: Meaning


@dataclass(frozen=True)
class Verdict:
    """What a refusal means. `missing_parent` is the object, field and external id of a parent that is not there."""

    code: str
    name: str
    error_class: ErrorClass
    advice: str
    smaller_batch: bool = False
    missing_parent: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Catalogue:
    """The catalogue, loaded."""

    file: CatalogueFile

    @classmethod
    def load(cls, path: Path | None = None) -> Catalogue:
        """Return the catalogue of a file; raises ConfigurationFailure naming the file and what is wrong in it."""
        path = path or DEFAULT_FILE
        try:
            return cls(CatalogueFile.model_validate(read_yaml(path)))
        except YamlError as wrong:
            raise ConfigurationFailure(f"Error catalogue {path.name}: {wrong}") from None
        except ValidationError as wrong:
            first = wrong.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ConfigurationFailure(f"Error catalogue {path.name}: {place}: {first['msg']}") from None

    def classify(self, code: str, message: str) -> Verdict:
        """Return what a code and its message mean; inside a trigger's or flow's message the inner code decides."""
        meaning = self._meaning(self._unwrap(code, message), message)
        return Verdict(
            code,
            meaning.name,
            meaning.error_class,
            meaning.do,
            meaning.smaller_batch,
            _find_parent(message) if meaning.error_class is ErrorClass.PARENT else None,
        )

    def redact(self, code: str, message: str) -> str:
        """Return a message fit for a log: record values replaced, one line, no control characters, clipped."""
        meaning = self._meaning(code, message)
        text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", message).split())
        for pattern in meaning.hides:
            text = pattern.sub(_hide_value, text)
        if meaning.error_class is ErrorClass.UNKNOWN:
            text = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", text)
        text = re.sub(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", "…", text)
        # Airflow's log page folds lines that begin with ::group::
        text = text.replace("::", ": :")
        return text if len(text) <= LOG_LIMIT else text[: LOG_LIMIT - 1] + "…"

    def _meaning(self, code: str, message: str) -> Meaning:
        entry = self.file.codes.get(code)
        if entry is None:
            return self.file.unknown
        return next((variant for variant in entry.messages if variant.contains in message), entry)

    def _unwrap(self, code: str, message: str) -> str:
        if code not in _WRAPPERS:
            return code
        inner = [name for name in self._inside.findall(message) if name not in _WRAPPERS]
        transient = next((name for name in inner if self._is_transient(name)), None)
        entry = self.file.codes[code]
        if transient is None and any(variant.contains in message for variant in entry.messages):
            return code
        return transient or (inner[-1] if inner else code)

    def _is_transient(self, code: str) -> bool:
        return self.file.codes[code].error_class is ErrorClass.TRANSIENT

    @cached_property
    def _inside(self) -> re.Pattern[str]:
        return re.compile(r"\b(" + "|".join(sorted(self.file.codes, key=len, reverse=True)) + r")\b")


_WRAPPERS = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR"})
_PARENT = re.compile(
    r"Foreign key external ID: (?P<value>.*) not found for field (?P<field>\w+) in entity (?P<entity>\w+)", re.DOTALL
)


def _hide_value(found: re.Match[str]) -> str:
    return found[0].replace(found["value"], "…") if found["value"] else found[0]


def _find_parent(message: str) -> tuple[str, str, str] | None:
    found = _PARENT.search(message)
    return (found["entity"], found["field"], found["value"]) if found else None
