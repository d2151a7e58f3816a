"""The REST API: versions, limits, describe, query, records, Collections (salesforce-wire.md sections 2, 3)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from salesforce_sandbox import assumptions
from salesforce_sandbox.api.describing import describe, describe_briefly
from salesforce_sandbox.api.sobject_collections import delete_collection, save_collection, upsert_collection
from salesforce_sandbox.org.org import LOGGED, LoggedRequest, Org
from salesforce_sandbox.records.queries import Cursors, add_moments, answer_query, describe_columns, row_of
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.refusals import RecordRefused, RequestRefused
from salesforce_sandbox.records.schema import ObjectSchema, fold
from salesforce_sandbox.records.writing import Writer

VERSIONS = [f"{number}.0" for number in range(50, 68)]
DATA = "/services/data/v{version}"
Endpoint = Callable[[Request], Awaitable[Response]]


def rest_routes(org: Org) -> list[Route]:
    """Return the routes of the REST API."""
    rest = _Rest(org)
    table: list[tuple[str, Endpoint, list[str]]] = [
        ("/services/data", rest.versions, ["GET"]),
        (DATA, rest.resources, ["GET"]),
        (DATA + "/limits", rest.limits, ["GET"]),
        (DATA + "/limits/recordCount", rest.record_count, ["GET"]),
        (DATA + "/sobjects", rest.objects, ["GET"]),
        (DATA + "/sobjects/{object}", rest.create, ["POST"]),
        (DATA + "/sobjects/{object}/describe", rest.describe, ["GET"]),
        (DATA + "/sobjects/{object}/{id}", rest.record, ["GET", "PATCH", "DELETE"]),
        (DATA + "/sobjects/{object}/{field}/{value:path}", rest.record_by_key, ["GET", "PATCH", "DELETE"]),
        (DATA + "/query", rest.query, ["GET"]),
        (DATA + "/queryAll", rest.query, ["GET"]),
        (DATA + "/query/{locator}", rest.query_more, ["GET"]),
        (DATA + "/composite/sobjects", rest.collection, ["POST", "PATCH", "DELETE"]),
        (DATA + "/composite/sobjects/{object}", rest.retrieve, ["POST"]),
        (DATA + "/composite/sobjects/{object}/{field}", rest.upsert_collection, ["PATCH"]),
    ]
    return [Route(path, endpoint, methods=methods) for path, endpoint, methods in table]


class _Rest:
    def __init__(self, org: Org) -> None:
        self.org, self.cursors = org, Cursors()
        org.at_reset.append(self.cursors.clear)

    async def versions(self, _: Request) -> Response:
        """List the API versions; no login is needed."""
        rows = [
            {"label": f"Version {version}", "url": f"/services/data/v{version}", "version": version}
            for version in VERSIONS
        ]
        return JSONResponse(rows)

    async def resources(self, request: Request) -> Response:
        """List the resources of a version."""
        enter(self.org, request)
        names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
        host = f"{request.url.scheme}://{request.headers['host']}"
        user = self.org.id_of_user(logged(request).user)
        identity = f"{host}/id/{self.org.definition.organization.id}/{user}"
        return JSONResponse({name: f"{base(request)}/{name}" for name in names} | {"identity": identity})

    async def limits(self, request: Request) -> Response:
        """Tell how much of each limit is left."""
        enter(self.org, request)
        left = {name: {"Max": most, "Remaining": self.org.left(name)} for name, most in self.org.limits.items()}
        return JSONResponse(left)

    async def record_count(self, request: Request) -> Response:
        """Tell how many records objects have."""
        writer = enter(self.org, request)
        asked = [name for name in request.query_params.get("sObjects", "").split(",") if name]
        names = [writer.schema.object(name).name for name in asked] or list(self.org.definition.objects)
        counts = self.org.counts()
        return JSONResponse({"sObjects": [{"count": counts[name], "name": name} for name in names]})

    async def objects(self, request: Request) -> Response:
        """List the objects."""
        enter(self.org, request)
        known = self.org.definition.objects.items()
        listed = [describe_briefly(name, definition, base(request)) for name, definition in known]
        return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    async def describe(self, request: Request) -> Response:
        """Describe one object."""
        entity = _object(enter(self.org, request), request)
        return JSONResponse(describe(entity.name, entity.definition, base(request)))

    async def query(self, request: Request) -> Response:
        """Answer a query."""
        writer, text = enter(self.org, request), request.query_params.get("q", "")
        if request.query_params.get("columns") == "true":
            return JSONResponse(describe_columns(writer, text))
        page = request.headers.get("sforce-query-options", "")
        everything = request.url.path.lower().rstrip("/").endswith("queryall")
        return JSONResponse(answer_query(writer, self.cursors, text, base(request), page, deleted=everything))

    async def query_more(self, request: Request) -> Response:
        """Answer the next page of a query."""
        enter(self.org, request)
        return JSONResponse(self.cursors.resume(request.path_params["locator"], base(request)))

    async def create(self, request: Request) -> Response:
        """Create a record."""
        writer = enter(self.org, request)
        body = await read_json(request)
        with writer.chunk.transaction():
            saved = writer.create(_object(writer, request), body)
        return JSONResponse({"id": saved.id, "success": True, "errors": []}, 201)

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
            return JSONResponse([f"{base(request)}/sobjects/{entity.name}/{each}" for each in found], 300)
        if request.method == "PATCH":
            return await self._upsert_one(request, writer, entity, name, value)
        return await self._one(request, writer, entity, found[0] if found else "")

    async def _upsert_one(
        self, request: Request, writer: Writer, entity: ObjectSchema, field: str, value: str
    ) -> Response:
        body = await read_json(request)
        if any(given.lower() == field.lower() for given in body):
            told = f"The {field} field should not be specified in the sobject data."
            raise RequestRefused(*assumptions.REPEATED_KEY, told)
        with writer.chunk.transaction():
            saved = writer.upsert(entity, field, body | {field: value})
        answer = {"id": saved.id, "success": True, "errors": [], "created": saved.created}
        return JSONResponse(answer, 201 if saved.created else 200)

    async def _one(self, request: Request, writer: Writer, entity: ObjectSchema, record_id: str) -> Response:
        found = writer.chunk.find(normalise_id(record_id) or "")
        if found is None or found.object != entity.name:
            raise RequestRefused(404, "NOT_FOUND", "The requested resource does not exist")
        if found.deleted:
            raise RequestRefused(*assumptions.RECORD_IS_GONE)
        if request.method == "GET":
            attributes = {"type": entity.name, "url": f"{base(request)}/sobjects/{entity.name}/{found.id}"}
            row = row_of(found)
            add_moments(writer, [row])
            return JSONResponse(
                {"attributes": attributes} | {name: row.get(name.lower()) for name, _ in entity.fields.values()}
            )
        body = {} if request.method == "DELETE" else await read_json(request)
        with writer.chunk.transaction():
            if request.method == "DELETE":
                writer.delete(found.id)
            else:
                writer.update(entity, found.id, body)
        return Response(status_code=204)

    async def collection(self, request: Request) -> Response:
        """Create, update or delete up to 200 records."""
        writer = enter(self.org, request)
        if request.method == "DELETE":
            ids = [each for each in request.query_params.get("ids", "").split(",") if each]
            flag = request.query_params.get("allOrNone", "false").lower() == "true"
            return JSONResponse(delete_collection(writer, ids, all_or_none=flag))
        body = await read_json(request)
        return JSONResponse(save_collection(writer, body, update=request.method == "PATCH"))

    async def upsert_collection(self, request: Request) -> Response:
        """Upsert up to 200 records of one object by an external id."""
        writer = enter(self.org, request)
        body = await read_json(request)
        path = request.path_params
        return JSONResponse(upsert_collection(writer, path["object"], path["field"], body))

    async def retrieve(self, request: Request) -> Response:
        """Read records by their ids, null for those that are not there."""
        writer = enter(self.org, request)
        entity, body = _object(writer, request), await read_json(request)
        names = [entity.field(str(given))[0] for given in body.get("fields", [])]
        rows: list[dict[str, Any] | None] = []
        for each in body.get("ids", []):
            found = writer.chunk.find(normalise_id(each) or "")
            wanted = {name: found.fields.get(name) for name in names} if found else {}
            living = found is not None and not found.deleted and found.object == entity.name
            rows.append({"attributes": {"type": entity.name}, "Id": each} | wanted if living else None)
        return JSONResponse(rows)


def enter(org: Org, request: Request) -> Writer:
    """Check the session, spend an API call and return a writer; raises RequestRefused."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    logged(request).user = org.sessions.user_of(token if kind in {"Bearer", "OAuth"} else "")
    org.spend_call()
    if request.path_params.get("version", VERSIONS[0]) not in VERSIONS:
        raise RequestRefused(404, "NOT_FOUND", "The requested resource does not exist")
    return org.writer(logged(request))


def logged(request: Request) -> LoggedRequest:
    """Return a request as the log has it."""
    found: LoggedRequest = request.scope[LOGGED]
    return found


async def read_json(request: Request) -> Any:
    """Return the body of a request; raises RequestRefused when it is not JSON."""
    try:
        return json.loads(await request.body())
    except ValueError:
        raise RequestRefused(400, "JSON_PARSER_ERROR", "Unexpected character in the HTTP entity body") from None


def base(request: Request) -> str:
    """Return the path of the API version of a request."""
    return f"/services/data/v{request.path_params['version']}"


def _object(writer: Writer, request: Request) -> ObjectSchema:
    return writer.schema.object(request.path_params["object"])


def _key_field(entity: ObjectSchema, given: str) -> tuple[str, Any]:
    found = entity.fields.get(given.lower())
    if found is None or not (found[0] == "Id" or found[1].external_id):
        raise RequestRefused(404, "NOT_FOUND", "The requested resource does not exist")
    return found


def refusal_body(refused: RecordRefused | RequestRefused) -> tuple[list[dict[str, Any]], int]:
    """Return the error body and status of a refused single-record call or request."""
    if isinstance(refused, RequestRefused):
        return list(refused.as_body()), refused.status
    return [{"message": refused.message, "errorCode": refused.code, "fields": list(refused.fields)}], 400
