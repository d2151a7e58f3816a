"""The version of CRM Export."""

from __future__ import annotations

VERSION = "1.0.0"
