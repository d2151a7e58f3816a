"""The file alerts.yaml in the folder of the stream files: the channels that alerts are sent to."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from include.export.failures import ConfigurationFailure
from include.export.streams import YamlError, read_yaml, streams_folder

FILE = "alerts.yaml"
Severity = Literal["critical", "warning", "info"]
Language = Literal["en", "pt-BR"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,]+@[^@\s,]+$")]


class ChannelType(StrEnum):
    """How a channel is reached; `notifier` is any Airflow notifier, by its dotted path."""

    SMTP = "smtp"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    APPRISE = "apprise"
    WEBHOOK = "webhook"
    NOTIFIER = "notifier"


class Channel(BaseModel):
    """One channel: what is sent to it, and how it is reached through an Airflow connection."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: Annotated[ChannelType, Field(strict=False)]
    connection: str | None = None
    severities: Annotated[tuple[Severity, ...], Field(strict=False, min_length=1)] = ("critical", "warning", "info")
    streams: Annotated[tuple[Name, ...] | None, Field(strict=False)] = None
    language: Language | None = None
    to: Annotated[tuple[Address, ...], Field(strict=False)] = ()
    sender: Address | None = None
    notifier: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type is ChannelType.SMTP and not self.to:
            raise ValueError("to: is missing; list the addresses to mail to")
        if self.type is ChannelType.NOTIFIER and not self.notifier:
            raise ValueError("notifier: is missing; give the dotted path of an Airflow notifier class")
        if self.type is not ChannelType.NOTIFIER and (self.notifier or self.arguments):
            raise ValueError("notifier and arguments require type: notifier")
        return self


class AlertsFile(BaseModel):
    """The file: channels by name, the language of their texts, and an address to ping after each run of CRMExport."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    language: Language = "en"
    ping: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    channels: dict[Name, Channel] = Field(default_factory=dict)


def load_alerts_file(folder: Path | None = None) -> AlertsFile:
    """Return the alerts file of a folder (default: that of the stream files), an empty one if it does not exist.

    Raises ConfigurationFailure naming the file, the setting and what is wrong.
    """
    path = (folder or streams_folder()) / FILE
    if not path.exists():
        return AlertsFile()
    try:
        return AlertsFile.model_validate(read_yaml(path) or {})
    except YamlError as wrong:
        raise ConfigurationFailure(f"{path.name}: {wrong}") from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationFailure(f"{path.name}: {place}: {first['msg']}. See docs/howto/alerts.md.") from None
