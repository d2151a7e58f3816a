"""The description of an object, asked once a day or when the mapping changed; the org is checked with it."""

from __future__ import annotations

import logging

from include.export.failures import ConfigurationFailure
from include.export.ledger import Lease, StreamState
from include.export.salesforce import ObjectSchema, SalesforceClient, read_list, read_object_schema
from include.export.streams import Stream

log = logging.getLogger(__name__)


def describe_object(stream: Stream, lease: Lease, state: StreamState, client: SalesforceClient) -> ObjectSchema:
    """Return what Salesforce says of the stream's object, from what was kept when that is from today.

    A stream that is stopped at a record uses what was kept, whatever its age: a held run costs one call.
    Raises ConfigurationFailure when the object does not fit the stream file, or the org is not the one of before.
    """
    same = state.mapping_fingerprint == stream.fingerprint and state.described is not None
    if same and (state.described_lately or state.stopped_at_error_id is not None):
        return ObjectSchema.from_json(state.described or {})
    schema = describe_anew(stream, client)
    organization = client.session.organization_id
    check_organization(stream, state.organization_id, organization)
    _tell_new_fields(stream, state)
    address = client.session.instance_url
    lease.keep_description(stream.mapping, stream.fingerprint, schema.as_json(), organization, address)
    return schema


def describe_anew(stream: Stream, client: SalesforceClient) -> ObjectSchema:
    """Return what Salesforce says of the stream's object now; raises ConfigurationFailure when it does not fit."""
    described = client.call("GET", f"sobjects/{stream.object}/describe").body
    read_list(described, "fields", f"GET sobjects/{stream.object}/describe")
    return read_object_schema(stream, described)


def check_organization(stream: Stream, known: str | None, organization: str) -> None:
    """Raise ConfigurationFailure when the connection leads to another org than the watermark was kept for."""
    if known and organization and known != organization:
        remedy = f"delete from crm_export.ExportWatermarks where stream = '{stream.name}';"  # noqa: S608 - shown
        raise ConfigurationFailure(
            f"Stream {stream.name}: the connection leads to Salesforce org {organization}, but this watermark was "
            f"kept for org {known}. Correct salesforce_default; or, to export everything to the new "
            f"org, forget where the stream stood: {remedy}"
        )


def _tell_new_fields(stream: Stream, state: StreamState) -> None:
    if state.mapping is None or state.mapping_fingerprint == stream.fingerprint:
        return
    before = state.mapping.get("fields", {})
    changed = [name for name, column in stream.fields.items() if before.get(name) != column]
    if changed and state.watermark:
        log.warning(
            "Stream %s: the mapping has changed. Rows changed up to %s were exported without the new form of: %s. "
            "Touch them (set %s) to export them again.",
            stream.name, state.watermark.cursor_at, ", ".join(changed), stream.cursor,
        )  # fmt: skip
