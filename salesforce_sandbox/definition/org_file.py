"""Reading an org file: a mistake in it is reported in one message that names the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from salesforce_sandbox.definition.definition import DefinitionError, OrgDefinition


class _Loader(yaml.SafeLoader):
    """Rejects a duplicate key, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; raises ConstructorError for a key that is given twice."""
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
        return super().construct_mapping(node, deep)


def load_definition(path: Path) -> OrgDefinition:
    """Return the org of a file; raises DefinitionError with one message naming the place."""
    try:
        return OrgDefinition.model_validate(yaml.load(path.read_text(encoding="utf-8"), _Loader))  # noqa: S506 - a SafeLoader
    except OSError as unreadable:
        raise DefinitionError(f"Org file {path} cannot be read: {unreadable.strerror}.") from None
    except UnicodeDecodeError:
        raise DefinitionError(f"Org file {path} is not UTF-8 text.") from None
    except yaml.YAMLError as wrong:
        raise DefinitionError(f"Org file {path} is not YAML: {' '.join(str(wrong).split())}") from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        message = " ".join(first["msg"].removeprefix("Value error, ").split())
        raise DefinitionError(f"Org file {path}: {place}: {message}.") from None
