"""What the fact sheet marks as inferred: change it here, and only here, when a real org is seen to differ."""

from __future__ import annotations

# A value of a wrong JSON type in a Collections row refuses the whole request (salesforce-wire.md section 3).
WRONG_TYPE_REFUSES_REQUEST = True

# External ids that differ only in case are one, unless the field is case sensitive; blanks at the end count.
FOLD_EXTERNAL_IDS = True

# Header of a 401 answer.
AUTHENTICATE_HEADER = {"WWW-Authenticate": "Token"}

BLANK_EXTERNAL_ID = ("MISSING_ARGUMENT", "{field} not specified")
DELETED_AGAIN = ("ENTITY_IS_DELETED", "entity is deleted")
STORAGE_FULL = ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
LOCKED_FOR_APPROVAL = ("ENTITY_IS_LOCKED", "the entity is locked for editing")
CONVERTED_LEAD = ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def fold(value: str, *, case_sensitive: bool) -> str:
    """Return an external id as it is compared."""
    return value if case_sensitive or not FOLD_EXTERNAL_IDS else value.lower()
