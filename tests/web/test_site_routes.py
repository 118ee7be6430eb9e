"""The site's route of a path: literal, with parameters, with a slash at its end."""

from typing import Any, cast

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from receiver.metrics import Metrics
from receiver.web.admission import Admission
from receiver.web.callback_app import CallbackApp
from receiver.web.gateway import CallbackGateway
from receiver.web.readiness import Readiness
from receiver.web.rejections import RejectionLog


async def test_the_sites_routes_may_have_parameters() -> None:
    """With and without a slash at the end; any other path is a 404 that is logged."""

    async def item(request: Request) -> Response:
        return PlainTextResponse(f"{request.method} item {request.path_params['id']}")

    async def store(_: object) -> None:
        """Nothing is stored here."""

    routes = [Route("/x/{id:int}", item), Mount("/files", routes=[Route("/{id:path}", item)]), Route("/health", item)]
    gateway = CallbackGateway(
        {}, Admission(max_requests=9, max_pending_bytes=9), max_body_bytes=9, max_transcript_bytes=9
    )
    rejections = RejectionLog(store, Metrics())
    gateway.open(cast("Any", None), rejections, cast("Any", None))
    app = CallbackApp({}, gateway, Starlette(routes=routes), Readiness(gateway.address_of, []))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as client:
        for path, status in (
            ("/x/7", 200),
            ("/x/7/", 200),
            ("/files/a/b", 200),
            ("/x/seven", 404),
            ("/x", 404),
            ("/health/x", 404),
        ):
            assert (await client.get(path)).status_code == status, path
        assert (await client.get("/x/7/")).text == "GET item 7"
