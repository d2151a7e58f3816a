"""The error catalogue: what Salesforce's error codes mean, and what to do about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from include.export.failures import ConfigurationFailure
from include.export.streams import YamlError, read_yaml

DEFAULT_FILE = Path(__file__).resolve().parents[2] / "error_catalogue.yaml"
LOG_LIMIT = 500  # characters of a message in a log
READ_LIMIT = 20_000  # characters of a message that are read for one


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


class FailureKind(StrEnum):
    """What a code means when a whole request is answered with it."""

    RETRY = "retry"
    QUOTA = "quota"
    LOGIN = "login"
    CONFIGURATION = "configuration"


class Meaning(BaseModel):
    """What a code means."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]+$")]
    error_class: Annotated[ErrorClass, Field(alias="class", strict=False)]
    do: str
    smaller_batch: bool = False
    failure: Annotated[FailureKind | None, Field(strict=False)] = None
    adobe_code: Annotated[str | None, Field(pattern=r"^[A-Z][A-Z_]+$")] = None
    hides: Annotated[tuple[re.Pattern[str], ...], Field(strict=False)] = ()


class Variant(Meaning):
    """What a code means when its message contains one of some texts, in any case."""

    contains: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
        Field(strict=False, min_length=1),
    ]

    def fits(self, message: str) -> bool:
        """Return whether a message, given in lower case, contains one of the texts."""
        return any(text.lower() in message for text in self.contains)


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
    """What a rejection means. `missing_parent` is the object, field and external id of the missing parent.

    `failure` is what the code means when a whole request is answered with it, None if the HTTP status decides.
    `adobe_code` is the code in Marketo Measure's export notifications.
    """

    code: str
    name: str
    error_class: ErrorClass
    advice: str
    smaller_batch: bool = False
    missing_parent: tuple[str, str, str] | None = None
    failure: FailureKind | None = None
    adobe_code: str = ""


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
        """Return what a code and its message mean; in the message of a trigger or flow the inner code decides.

        An inner code about the org, an object or its fields concerns another object and is ignored.
        """
        inner = self._unwrap(code, message)
        meaning = self._meaning(inner, message)
        return Verdict(
            code,
            meaning.name,
            meaning.error_class,
            meaning.do,
            meaning.smaller_batch,
            _find_parent(message) if meaning.error_class is ErrorClass.PARENT else None,
            meaning.failure or _DEFAULT_FAILURES.get(meaning.error_class),
            self._adobe_code(code, message),
        )

    def redact(self, code: str, message: str) -> str:
        """Return a message for a log: record values replaced, one line, no control characters, clipped."""
        text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", message[:READ_LIMIT]).split())
        # the messages of triggers, and joined messages, quote those of other codes with their values
        named = dict.fromkeys((code, *self._inside.findall(text)))
        for pattern in dict.fromkeys(pattern for name in named for pattern in self._hides(name, message)):
            text = pattern.sub(_hide_value, text)
        if self._meaning(code, message).error_class is ErrorClass.UNKNOWN:
            text = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", text)
        text = _EMAIL.sub("…", text)
        # Airflow's log page folds lines that begin with ::group::
        text = text.replace("::", ": :")
        return text if len(text) <= LOG_LIMIT else text[: LOG_LIMIT - 1] + "…"

    def knows(self, code: str) -> bool:
        """Return whether a code is in the catalogue."""
        return code in self.file.codes

    def _meaning(self, code: str, message: str) -> Meaning:
        entry = self.file.codes.get(code)
        if entry is None:
            return self.file.unknown
        lower = message.lower()
        return next((variant for variant in entry.messages if variant.fits(lower)), entry)

    def _adobe_code(self, code: str, message: str) -> str:
        entry = self.file.codes.get(code)
        return self._meaning(code, message).adobe_code or (entry.adobe_code if entry else None) or code

    def _hides(self, code: str, message: str) -> tuple[re.Pattern[str], ...]:
        entry, lower = self.file.codes.get(code), message.lower()
        if entry is None:
            return ()
        fitting = (variant for variant in entry.messages if variant.fits(lower))
        return (*entry.hides, *(pattern for variant in fitting for pattern in variant.hides))

    def _unwrap(self, code: str, message: str) -> str:
        if code not in _WRAPPERS:
            return code
        inner = [name for name in self._inside.findall(message) if self._decides(name, message)]
        transient = next((name for name in inner if self._class(name, message) is ErrorClass.TRANSIENT), None)
        lower = message.lower()
        if transient is None and any(variant.fits(lower) for variant in self.file.codes[code].messages):
            return code
        return transient or (inner[-1] if inner else code)

    def _decides(self, inner: str, message: str) -> bool:
        return inner not in _NEVER_INNER and self._class(inner, message) not in _OF_ANOTHER_OBJECT

    def _class(self, code: str, message: str) -> ErrorClass:
        return self._meaning(code, message).error_class

    @cached_property
    def _inside(self) -> re.Pattern[str]:
        return re.compile(r"\b(" + "|".join(sorted(self.file.codes, key=len, reverse=True)) + r")\b")


@cache
def load_catalogue() -> Catalogue:
    """Return the catalogue of the project's own file, loaded once; raises ConfigurationFailure."""
    return Catalogue.load()


_WRAPPERS = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR"})
# the limit of an e-mail or of another object, or a text without its own code: the trigger failed
_NEVER_INNER = _WRAPPERS | {"REQUEST_LIMIT_EXCEEDED", "UNKNOWN_EXCEPTION", "LIMIT_EXCEEDED"}
_OF_ANOTHER_OBJECT = frozenset({ErrorClass.RUN_LEVEL, ErrorClass.STRUCTURAL, ErrorClass.UNKNOWN})
_DEFAULT_FAILURES = {ErrorClass.TRANSIENT: FailureKind.RETRY, ErrorClass.RUN_LEVEL: FailureKind.CONFIGURATION}
# the look-behind starts a match only at the start of a word; without it a long word takes quadratic time
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+")
_PARENT = re.compile(
    r"Foreign key external ID: (?P<value>.*) not found for field (?P<field>\w+) in entity (?P<entity>\w+)", re.DOTALL
)


def _hide_value(found: re.Match[str]) -> str:
    return found[0].replace(found["value"], "…") if found["value"] else found[0]


def _find_parent(message: str) -> tuple[str, str, str] | None:
    found = _PARENT.search(message)
    return (found["entity"], found["field"], found["value"]) if found else None
