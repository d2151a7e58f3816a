"""The REST API of records: one by its id or an external id, up to 200 in a collection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from salesforce_sandbox import assumptions
from salesforce_sandbox.api.calls import DATA, ApiJson, base, check_duration, enter, read_json, run_automation
from salesforce_sandbox.api.sobject_collections import (
    count_types,
    delete_collection,
    list_records,
    save_collection,
    upsert_collection,
)
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.records.queries import add_moments, row_of
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.rejections import RecordRejected, RequestRejected
from salesforce_sandbox.records.schema import ObjectSchema, fold
from salesforce_sandbox.records.writing import Writer

Endpoint = Callable[[Request], Awaitable[Response]]


def record_routes(org: Org) -> list[Route]:
    """Return the routes of records; they must come after those of `rest`, whose paths they match too."""
    records = _Records(org)
    table: list[tuple[str, Endpoint, list[str]]] = [
        (DATA + "/sobjects/{object}", records.create, ["POST"]),
        (DATA + "/sobjects/{object}/{id}", records.record, ["GET", "PATCH", "DELETE"]),
        (DATA + "/sobjects/{object}/{field}/{value:path}", records.record_by_key, ["GET", "PATCH", "DELETE"]),
        (DATA + "/composite/sobjects", records.collection, ["POST", "PATCH", "DELETE"]),
        (DATA + "/composite/sobjects/{object}", records.retrieve, ["POST"]),
        (DATA + "/composite/sobjects/{object}/{field}", records.upsert_collection, ["PATCH"]),
    ]
    return [Route(path, endpoint, methods=methods) for path, endpoint, methods in table]


class _Records:
    def __init__(self, org: Org) -> None:
        self.org = org

    async def create(self, request: Request) -> Response:
        """Create a record."""
        writer = enter(self.org, request)
        entity, body = _object(writer, request), await read_json(request)
        await check_duration(self.org, entity.name, 1)
        with writer.chunk.transaction():
            saved = writer.create(entity, body)
        await run_automation(self.org, entity.name, 1)
        return ApiJson({"id": saved.id, "success": True, "errors": []}, 201, _location(request, entity, saved.id))

    async def record(self, request: Request) -> Response:
        """Read, update or delete a record by its id."""
        writer = enter(self.org, request)
        return await self._one(request, writer, _object(writer, request), request.path_params["id"])

    async def record_by_key(self, request: Request) -> Response:
        """Read, upsert or delete a record by an external id."""
        writer = enter(self.org, request)
        entity, value = _object(writer, request), unquote(request.path_params["value"])
        name, field = _key_field(entity, request.path_params["field"])
        found = [value] if name == "Id" else writer.chunk.find_by_key(entity.name, name, fold(field, value))
        if len(found) > 1:
            return ApiJson([f"{base(request)}/sobjects/{entity.name}/{each}" for each in found], 300)
        if request.method == "PATCH":
            return await self._upsert_one(request, writer, entity, name, value)
        return await self._one(request, writer, entity, found[0] if found else "")

    async def _upsert_one(
        self, request: Request, writer: Writer, entity: ObjectSchema, field: str, value: str
    ) -> Response:
        body = await read_json(request)
        if any(given.lower() == field.lower() for given in body):
            message = f"The {field} field should not be specified in the sobject data."
            raise RequestRejected(*assumptions.REPEATED_KEY, message)
        with writer.chunk.transaction():
            saved = writer.upsert(entity, field, body | {field: value})
        await run_automation(self.org, entity.name, 1)
        answer = {"id": saved.id, "success": True, "errors": [], "created": saved.created}
        created = _location(request, entity, saved.id) if saved.created else None
        return ApiJson(answer, 201 if saved.created else 200, created)

    async def _one(self, request: Request, writer: Writer, entity: ObjectSchema, record_id: str) -> Response:
        if normalise_id(record_id) is None and request.method == "PATCH":
            raise RecordRejected("MALFORMED_ID", f"Record ID: id value of incorrect type: {record_id}", ("Id",))
        found = writer.chunk.find(normalise_id(record_id) or "")
        if found is None or found.object != entity.name:
            raise RequestRejected(404, "NOT_FOUND", "The requested resource does not exist")
        if found.deleted:
            raise RequestRejected(*assumptions.RECORD_IS_GONE, {"fields": []})
        if request.method == "GET":
            attributes = {"type": entity.name, "url": f"{base(request)}/sobjects/{entity.name}/{found.id}"}
            row = row_of(found)
            add_moments(writer, [row])
            return ApiJson(
                {"attributes": attributes} | {name: row.get(name.lower()) for name, _ in entity.fields.values()}
            )
        body = {} if request.method == "DELETE" else await read_json(request)
        with writer.chunk.transaction():
            if request.method == "DELETE":
                writer.delete(found.id)
            else:
                writer.update(entity, found.id, body)
        await run_automation(self.org, entity.name, 1)
        return Response(status_code=204)

    async def collection(self, request: Request) -> Response:
        """Create, update or delete up to 200 records."""
        writer = enter(self.org, request)
        if request.method == "DELETE":
            ids = [each for each in request.query_params.get("ids", "").split(",") if each]
            flag = request.query_params.get("allOrNone", "false").lower() == "true"
            return ApiJson(delete_collection(writer, ids, all_or_none=flag))
        body = await read_json(request)
        counts = count_types(body)
        for name, count in counts.items():
            await check_duration(self.org, name, count)
        answer = save_collection(writer, body, update=request.method == "PATCH")
        for name, count in counts.items():
            await run_automation(self.org, name, count)
        return ApiJson(answer)

    async def upsert_collection(self, request: Request) -> Response:
        """Upsert up to 200 records of one object by an external id."""
        writer = enter(self.org, request)
        body = await read_json(request)
        entity, count = _object(writer, request), sum(count_types(body).values())
        await check_duration(self.org, entity.name, count)
        records, locks = list_records(body), self.org.parent_locks
        field, locked = request.path_params["field"], locks.find_locked(records)
        answer = upsert_collection(writer, entity.name, field, body, locked)
        with locks.hold([record for index, record in enumerate(records) if index not in locked]):
            await run_automation(self.org, entity.name, count)
        return ApiJson(answer)

    async def retrieve(self, request: Request) -> Response:
        """Read records by their ids, null for those that do not exist."""
        writer = enter(self.org, request)
        entity, body = _object(writer, request), await read_json(request)
        names = [entity.field(str(given))[0] for given in body.get("fields", [])]
        rows: list[dict[str, Any] | None] = []
        for each in body.get("ids", []):
            found = writer.chunk.find(normalise_id(each) or "")
            wanted = {name: found.fields.get(name) for name in names} if found else {}
            living = found is not None and not found.deleted and found.object == entity.name
            rows.append({"attributes": {"type": entity.name}, "Id": each} | wanted if living else None)
        return ApiJson(rows)


def _location(request: Request, entity: ObjectSchema, record_id: str) -> dict[str, str]:
    return {"Location": f"{base(request)}/sobjects/{entity.name}/{record_id}"}


def _object(writer: Writer, request: Request) -> ObjectSchema:
    return writer.schema.object(request.path_params["object"])


def _key_field(entity: ObjectSchema, given: str) -> tuple[str, Any]:
    found = entity.fields.get(given.lower())
    if found is None or not (found[0] == "Id" or found[1].external_id):
        raise RequestRejected(404, "NOT_FOUND", "The requested resource does not exist")
    return found
