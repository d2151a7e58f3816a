"""Checks before anything is sent: of stream files, connections, sources, objects in Salesforce, alerts and the pool."""

from __future__ import annotations

from crm_export.checks.streams import check_everything

__all__ = ["check_everything"]
