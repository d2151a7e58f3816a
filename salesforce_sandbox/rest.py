"""The REST API: versions, limits, describe, query, records, Collections (salesforce-wire.md sections 2, 3)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from salesforce_sandbox.describing import describe, describe_briefly
from salesforce_sandbox.login import USER_ID
from salesforce_sandbox.org import Org
from salesforce_sandbox.queries import answer_query, continue_query
from salesforce_sandbox.record_ids import normalise_id
from salesforce_sandbox.refusals import RecordRefused, RequestRefused
from salesforce_sandbox.sobject_collections import delete_collection, save_collection
from salesforce_sandbox.writing import Writer

VERSIONS = [f"{number}.0" for number in range(50, 68)]
Endpoint = Callable[[Request], Awaitable[Response]]


def rest_routes(org: Org) -> list[Route]:
    """Return the routes of the REST API."""
    rest = _Rest(org)
    data = "/services/data/v{version}"
    table: list[tuple[str, Endpoint, list[str]]] = [
        ("/services/data", rest.versions, ["GET"]),
        (data, rest.resources, ["GET"]),
        (data + "/limits", rest.limits, ["GET"]),
        (data + "/sobjects", rest.objects, ["GET"]),
        (data + "/sobjects/{object}", rest.create, ["POST"]),
        (data + "/sobjects/{object}/describe", rest.describe, ["GET"]),
        (data + "/sobjects/{object}/{id}", rest.record, ["GET", "PATCH", "DELETE"]),
        (data + "/sobjects/{object}/{field}/{value:path}", rest.record_by_key, ["GET", "PATCH", "DELETE"]),
        (data + "/query", rest.query, ["GET"]),
        (data + "/queryAll", rest.query, ["GET"]),
        (data + "/query/{locator}", rest.query_more, ["GET"]),
        (data + "/composite/sobjects", rest.collection, ["POST", "PATCH", "DELETE"]),
        (data + "/composite/sobjects/{object}", rest.retrieve, ["POST"]),
        (data + "/composite/sobjects/{object}/{field}", rest.upsert_collection, ["PATCH"]),
    ]
    return [Route(path, endpoint, methods=methods) for path, endpoint, methods in table]


class _Rest:
    def __init__(self, org: Org) -> None:
        self.org = org

    async def versions(self, _: Request) -> Response:
        """List the API versions; no login is needed."""
        rows = [
            {"label": f"Version {version}", "url": f"/services/data/v{version}", "version": version}
            for version in VERSIONS
        ]
        return JSONResponse(rows)

    async def resources(self, request: Request) -> Response:
        """List the resources of a version."""
        self._enter(request)
        base = _base(request)
        names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
        host = f"{request.url.scheme}://{request.headers['host']}"
        identity = f"{host}/id/{self.org.definition.organization.id}/{USER_ID}"
        return self._answer({name: f"{base}/{name}" for name in names} | {"identity": identity})

    async def limits(self, request: Request) -> Response:
        """Tell how much of each limit is left."""
        self._enter(request)
        left = {name: {"Max": most, "Remaining": most} for name, most in self.org.limits.items()}
        left["DailyApiRequests"]["Remaining"] -= self.org.used_api_calls
        return self._answer(left)

    async def objects(self, request: Request) -> Response:
        """List the objects."""
        self._enter(request)
        known = self.org.definition.objects.items()
        listed = [describe_briefly(name, definition, _base(request)) for name, definition in known]
        return self._answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    async def describe(self, request: Request) -> Response:
        """Describe one object."""
        writer = self._enter(request)
        name, definition = writer.object(request.path_params["object"])
        return self._answer(describe(name, definition, _base(request)))

    async def query(self, request: Request) -> Response:
        """Answer a query."""
        writer = self._enter(request)
        page = request.headers.get("sforce-query-options", "")
        return self._answer(answer_query(writer, request.query_params.get("q", ""), _base(request), page))

    async def query_more(self, request: Request) -> Response:
        """Answer the next page of a query."""
        self._enter(request)
        return self._answer(continue_query(request.path_params["locator"], _base(request)))

    async def create(self, request: Request) -> Response:
        """Create a record."""
        writer = self._enter(request)
        body = await _json(request)
        with writer.storage.transaction():
            saved = writer.create(request.path_params["object"], body)
        return self._answer({"id": saved.id, "success": True, "errors": []}, 201)

    async def record(self, request: Request) -> Response:
        """Read, update or delete a record by its id."""
        writer = self._enter(request)
        name, _ = writer.object(request.path_params["object"])
        return await self._one(request, writer, name, request.path_params["id"])

    async def record_by_key(self, request: Request) -> Response:
        """Read, upsert or delete a record by an external id."""
        writer = self._enter(request)
        name, definition = writer.object(request.path_params["object"])
        value = unquote(request.path_params["value"])
        field_name, field = writer.field(name, definition, request.path_params["field"])
        if field_name != "Id" and not field.external_id:
            raise RequestRefused(404, "NOT_FOUND", "The requested resource does not exist")
        if request.method == "PATCH":
            return await self._upsert_one(request, writer, name, field_name, value)
        folded = value if field.case_sensitive else value.lower()
        found = [value] if field_name == "Id" else writer.storage.find_by_key(name, field_name, folded)
        if len(found) > 1:
            return self._answer([f"{_base(request)}/sobjects/{name}/{each}" for each in found], 300)
        return await self._one(request, writer, name, found[0] if found else "")

    async def _upsert_one(self, request: Request, writer: Writer, name: str, field: str, value: str) -> Response:
        body = await _json(request)
        if any(given.lower() == field.lower() for given in body):
            told = f"The {field} field should not be specified in the sobject data."
            raise RequestRefused(400, "INVALID_FIELD", told)
        with writer.storage.transaction():
            saved = writer.upsert(name, field, body | {field: value})
        answer = {"id": saved.id, "success": True, "errors": [], "created": saved.created}
        return self._answer(answer, 201 if saved.created else 200)

    async def _one(self, request: Request, writer: Writer, name: str, record_id: str) -> Response:
        found = writer.storage.find(normalise_id(record_id) or "")
        if found is None or found.object != name:
            raise RequestRefused(404, "NOT_FOUND", "The requested resource does not exist")
        if found.deleted:
            raise RequestRefused(404, "ENTITY_IS_DELETED", "entity is deleted")
        if request.method == "GET":
            attributes = {"type": name, "url": f"{_base(request)}/sobjects/{name}/{found.id}"}
            return self._answer({"attributes": attributes, "Id": found.id} | found.fields)
        with writer.storage.transaction():
            if request.method == "DELETE":
                writer.delete(found.id)
            else:
                writer.update(name, found.id, await _json(request))
        return Response(status_code=204)

    async def collection(self, request: Request) -> Response:
        """Create, update or delete up to 200 records."""
        writer = self._enter(request)
        if request.method == "DELETE":
            ids = [each for each in request.query_params.get("ids", "").split(",") if each]
            flag = request.query_params.get("allOrNone", "false").lower() == "true"
            return self._answer(delete_collection(writer, ids, all_or_none=flag))
        body = await _json(request)
        return self._answer(save_collection(writer, body, upsert=None, update=request.method == "PATCH"))

    async def upsert_collection(self, request: Request) -> Response:
        """Upsert up to 200 records of one object by an external id."""
        writer = self._enter(request)
        key = (request.path_params["object"], request.path_params["field"])
        return self._answer(save_collection(writer, await _json(request), upsert=key, update=False))

    async def retrieve(self, request: Request) -> Response:
        """Read records by their ids, null for those that are not there."""
        writer = self._enter(request)
        name, _ = writer.object(request.path_params["object"])
        body = await _json(request)
        rows: list[dict[str, Any] | None] = []
        for each in body.get("ids", []):
            found = writer.storage.find(normalise_id(each) or "")
            wanted = {field: found.fields.get(field) for field in body.get("fields", [])} if found else {}
            living = found is not None and not found.deleted and found.object == name
            rows.append({"attributes": {"type": name}, "Id": each} | wanted if living else None)
        return self._answer(rows)

    def _enter(self, request: Request) -> Writer:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        self.org.check_token(token if kind in {"Bearer", "OAuth"} else "")
        self.org.spend_call()
        if request.path_params.get("version", VERSIONS[0]) not in VERSIONS:
            raise RequestRefused(404, "NOT_FOUND", "The requested resource does not exist")
        return self.org.writer()

    def _answer(self, body: Any, status: int = 200) -> Response:
        return JSONResponse(body, status, {"Sforce-Limit-Info": self.org.limit_info})


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise RequestRefused(400, "JSON_PARSER_ERROR", "Unexpected character in the HTTP entity body") from None


def _base(request: Request) -> str:
    return f"/services/data/v{request.path_params['version']}"


def refusal_body(refused: RecordRefused | RequestRefused) -> tuple[list[dict[str, Any]], int]:
    """Return the error body and status of a refused single-record call or request."""
    if isinstance(refused, RequestRefused):
        return list(refused.as_body()), refused.status
    return [{"message": refused.message, "errorCode": refused.code, "fields": list(refused.fields)}], 400
