"""The REST API except records: versions, resources, limits, describe, query."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from salesforce_sandbox.api.calls import DATA, VERSIONS, ApiJson, base, enter, logged, name_release
from salesforce_sandbox.api.describing import describe, describe_briefly
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.records.queries import Cursors, answer_query, describe_columns
from salesforce_sandbox.records.rejections import RequestRejected
from salesforce_sandbox.records.schema import ObjectSchema
from salesforce_sandbox.records.writing import Writer

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
        (DATA + "/sobjects/{object}/describe", rest.describe, ["GET"]),
        (DATA + "/query", rest.query, ["GET"]),
        (DATA + "/queryAll", rest.query, ["GET"]),
        (DATA + "/query/{locator}", rest.query_more, ["GET"]),
    ]
    return [Route(path, endpoint, methods=methods) for path, endpoint, methods in table]


class _Rest:
    def __init__(self, org: Org) -> None:
        self.org, self.cursors = org, Cursors()
        org.at_reset.append(self.cursors.clear)

    async def versions(self, _: Request) -> Response:
        """List the API versions; no login is needed."""
        rows = [
            {"label": name_release(version), "url": f"/services/data/v{version}", "version": version}
            for version in VERSIONS
        ]
        return ApiJson(rows)

    async def resources(self, request: Request) -> Response:
        """List the resources of a version."""
        enter(self.org, request)
        names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
        host = f"{request.url.scheme}://{request.headers['host']}"
        user = self.org.id_of_user(logged(request).user)
        identity = f"{host}/id/{self.org.definition.organization.id}/{user}"
        return ApiJson({name: f"{base(request)}/{name}" for name in names} | {"identity": identity})

    async def limits(self, request: Request) -> Response:
        """Return how much of each limit is left."""
        enter(self.org, request)
        left = {name: {"Max": most, "Remaining": self.org.left(name)} for name, most in self.org.limits.items()}
        return ApiJson(left)

    async def record_count(self, request: Request) -> Response:
        """Return how many records objects have."""
        writer = enter(self.org, request)
        asked = [name for name in request.query_params.get("sObjects", "").split(",") if name]
        names = [writer.schema.object(name).name for name in asked] or list(self.org.definition.objects)
        counts = self.org.counts()
        return ApiJson({"sObjects": [{"count": counts[name], "name": name} for name in names if counts[name]]})

    async def objects(self, request: Request) -> Response:
        """List the objects."""
        enter(self.org, request)
        known = self.org.definition.objects.items()
        listed = [describe_briefly(name, definition, base(request)) for name, definition in known]
        return ApiJson({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    async def describe(self, request: Request) -> Response:
        """Describe one object."""
        entity = _object(enter(self.org, request), request)
        return ApiJson(describe(entity.name, entity.definition, base(request)))

    async def query(self, request: Request) -> Response:
        """Answer a query."""
        writer, text = enter(self.org, request), request.query_params.get("q")
        if text is None:
            raise RequestRejected(400, "MALFORMED_QUERY", "A query string has to be specified")
        if request.query_params.get("columns") == "true":
            return ApiJson(describe_columns(writer, text))
        page = request.headers.get("sforce-query-options", "")
        everything = request.url.path.lower().rstrip("/").endswith("queryall")
        return ApiJson(answer_query(writer, self.cursors, text, base(request), page, deleted=everything))

    async def query_more(self, request: Request) -> Response:
        """Answer the next page of a query."""
        enter(self.org, request)
        return ApiJson(self.cursors.resume(request.path_params["locator"], base(request)))


def _object(writer: Writer, request: Request) -> ObjectSchema:
    return writer.schema.object(request.path_params["object"])
