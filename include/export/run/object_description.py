"""The description of an object, fetched once a day or when the mapping has changed; the org is checked with it."""

from __future__ import annotations

import logging

from include.export.failures import ConfigurationFailure
from include.export.ledger import NEW_FIELD, ExportAlerts, ExportResends, Lease, StreamState
from include.export.positions import Position
from include.export.salesforce import ObjectSchema, SalesforceClient, read_list, read_object_schema
from include.export.streams import NewField, Stream

log = logging.getLogger(__name__)


def describe_object(stream: Stream, lease: Lease, state: StreamState, client: SalesforceClient) -> ObjectSchema:
    """Return the description of the stream's object: the stored one if it is recent, else a new one from Salesforce.

    A stream that is stopped at a record uses the stored one, whatever its age, so that a held run costs one call.
    Raises ConfigurationFailure when the object does not match the stream file, or the org is not the watermark's.
    """
    same = state.mapping_fingerprint == stream.fingerprint and state.described is not None
    if same and (state.described_lately or state.stopped_at_error_id is not None):
        return ObjectSchema.from_json(state.described or {})
    schema = describe_anew(stream, client)
    organization = client.session.organization_id
    check_organization(stream, state.organization_id, organization)
    _handle_new_fields(stream, state, lease)
    address = client.session.instance_url
    ever = schema.widen(ObjectSchema.from_json(state.described_ever) if state.described_ever else None)
    lease.keep_description(
        stream.mapping, stream.fingerprint, schema.as_json(), organization, address, described_ever=ever.as_json()
    )
    return schema


def describe_anew(stream: Stream, client: SalesforceClient) -> ObjectSchema:
    """Return the object's current description; raises ConfigurationFailure when it does not match the stream file."""
    described = client.call("GET", f"sobjects/{stream.object}/describe").body
    read_list(described, "fields", f"GET sobjects/{stream.object}/describe")
    return read_object_schema(stream, described)


def check_organization(stream: Stream, known: str | None, organization: str) -> None:
    """Raise ConfigurationFailure when the connection leads to another org than the watermark was kept for."""
    if known and organization and known != organization:
        raise ConfigurationFailure(
            f"Stream {stream.name}: the connection leads to Salesforce org {organization}, but this watermark was "
            f"kept for org {known}. Correct the connection {stream.salesforce}; or, to export everything to the new "
            f"org, run: python -m crm_export resend {stream.name} --new-org --yes"
        )


def _handle_new_fields(stream: Stream, state: StreamState, lease: Lease) -> None:
    """Report which rows were exported without a new field, or request a resend of them (`on_new_field`)."""
    if state.mapping is None or state.mapping_fingerprint == stream.fingerprint:
        return
    before = state.mapping.get("fields", {})
    changed = [name for name, column in stream.fields.items() if before.get(name) != column]
    alerts = ExportAlerts(lease.connection)
    for name in set(before) - set(stream.fields):
        alerts.clear(_alert_key(stream, name))
    if not changed or state.watermark is None:
        return
    if stream.on_new_field is NewField.RESEND:
        reason = f"new or changed fields: {', '.join(changed)}"
        ExportResends(lease.connection).ask(stream.name, asked_by="CRMExport", reason=reason)
    else:
        _alert(stream, changed, state.watermark, alerts)
    log.warning(
        "Stream %s: the mapping has changed. Rows changed up to %s were exported without the new mapping of: %s. %s",
        stream.name, state.watermark.cursor_at, ", ".join(changed),
        "They are sent again after this run's changes." if stream.on_new_field is NewField.RESEND
        else f"Send them again: python -m crm_export resend {stream.name} --yes",
    )  # fmt: skip


def _alert(stream: Stream, fields: list[str], watermark: Position, alerts: ExportAlerts) -> None:
    """Raise an alert for each field; a resend of the whole stream ends it."""
    for name in fields:
        alerts.raise_alert(
            _alert_key(stream, name), NEW_FIELD, severity="warning", stream=stream.name, subject=name,
            message=watermark.cursor_at,
        )  # fmt: skip


def _alert_key(stream: Stream, field: str) -> str:
    return f"{NEW_FIELD}:{stream.name}:{field}"
