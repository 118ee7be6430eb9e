"""The ASGI app: callbacks go straight to their endpoints, everything else to Starlette's routes."""

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.errors import SettingsError
from receiver.providers.base.contract import Endpoint, Provider
from receiver.providers.base.route_table import RouteTable
from receiver.web.callback_endpoint import PATH, SECRET, CallbackEndpoint
from receiver.web.gateway import CallbackGateway
from receiver.web.readiness import Readiness
from receiver.web.rejections import Rejection
from receiver.web.routes import OWN_PATHS


class CallbackApp:
    """The receiver's ASGI app. Paths work with and without a slash at the end, without a redirect (A-27)."""

    def __init__(
        self,
        providers: Mapping[str, Provider[Any]],
        gateway: CallbackGateway,
        site: Starlette,
        readiness: Readiness,
    ) -> None:
        self.readiness = readiness
        """Whether it can take callbacks; the server that runs it tells it when it drains."""
        self.site = site
        """Health, metrics, and the lifespan."""
        self._gateway = gateway
        self._public: RouteTable[ASGIApp] = RouteTable()
        self._secret: RouteTable[ASGIApp] = RouteTable()
        for provider in providers.values():
            for endpoint in provider.endpoints:
                table = self._secret if gateway.policies[provider.name].secrets else self._public
                table.add(url_path(provider, endpoint), CallbackEndpoint(provider, endpoint, gateway))
        self._site_roots = {_first_part(getattr(route, "path", "")) for route in site.routes}
        self._words = self._public.words | self._secret.words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] != "http":
            await self.site(scope, receive, send)
            return
        path = scope["path"].rstrip("/")
        if _first_part(path) in self._site_roots and (own := self._site_scope(scope, path)) is not None:
            await self.site(own, receive, send)
            return
        scope[PATH] = path
        callback = self._public.find(path)
        if callback is None:
            secret, slash, rest = path[1:].partition("/")
            callback = self._secret.find(slash + rest)
            scope[SECRET], scope[PATH] = secret, slash + rest
        if callback is not None:
            await callback(scope, receive, send)
            return
        rejection = Rejection.SECRET if self._secret.find(path) is not None else Rejection.PATH
        shown = self._without_secrets(path)
        self._gateway.report_probe(scope, self._gateway.address_of(scope), shown, (rejection,))
        await self._gateway.reject(rejection, scope, receive, send, path=shown)

    def _site_scope(self, scope: Scope, path: str) -> Scope | None:
        """The scope with which a route of the site serves this request; None if there is no such route."""
        for candidate in (scope, {**scope, "path": path}):
            if any(_matches(route, candidate) for route in self.site.routes):
                return candidate
        return None

    async def settled(self) -> None:
        """Wait until everything received so far is stored: questions are stored after their reply."""
        await self._gateway.intake.settled()

    def note_cut_off(self, rejection: Rejection, address: str) -> None:
        """Log a sender that was disconnected before its request was complete."""
        if self._gateway.is_open:
            self._gateway.rejections.note(rejection, address)

    def _without_secrets(self, path: str) -> str:
        """An unknown path as it may be stored: a part that occurs in no path of ours may be a secret, and is masked."""
        if not self._secret:
            return path
        return "/".join(part if part in self._words else "…" for part in path.split("/"))


def url_path(provider: Provider[Any], endpoint: Endpoint) -> str:
    """Where an endpoint's callbacks arrive, below the secret if there is one."""
    return f"{provider.path}/{endpoint.path}".rstrip("/")


def check_paths(providers: Mapping[str, Provider[Any]]) -> None:
    """Check that no two endpoints have one path, and none has one of the receiver's own. Raises SettingsError."""
    taken = dict.fromkeys(OWN_PATHS, "the receiver's own")
    for name, provider in providers.items():
        for endpoint in provider.endpoints:
            path = url_path(provider, endpoint)
            if path in taken:
                raise SettingsError(f"providers.{name}.path: {path} is {taken[path]} path already; write another one")
            taken[path] = f"{name}'s"


def _first_part(path: str) -> str:
    return path[1:].partition("/")[0]


def _matches(route: BaseRoute, scope: Scope) -> bool:
    return route.matches(scope)[0] is not Match.NONE
