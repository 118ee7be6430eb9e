"""Spokn's API as a whole, and how its replies are read."""

from typing import Any, ClassVar

from receiver.errors import WireError
from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall, ApiReply, Result
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.reply import check, unreadable
from receiver.providers.spokn.api.calls import CALLS, ERRORS, OK, Schema
from receiver.providers.spokn.api_options import SpoknApiOptions
from receiver.wire import xmltree


class SpoknApi(Api):
    """Spokn's API."""

    name: ClassVar[str] = "spokn"
    title: ClassVar[str] = "Spokn"
    options_type: ClassVar[type[ApiOptions]] = SpoknApiOptions
    calls: ClassVar[tuple[ApiCall[Any], ...]] = CALLS

    def read(self, call: ApiCall[Result], reply: ApiReply) -> Result:
        """The result in a reply: XML, also with HTTP 401, 404, 415 and 500 (G-15), in any namespace (G-16)."""
        try:
            root = xmltree.read(reply.body)
        except WireError as error:
            raise unreadable(reply, str(error)) from error
        if call.result is Schema:
            return _schema(call, reply, root)
        inner = root if root.name == "c2c" else root.find("c2c")
        if inner is None:
            raise unreadable(reply, f"its root is <{root.name[:40]}>, without <c2c>")
        values = {child.name: child.text for child in inner.children}
        check(reply, values, "code", "desc", ERRORS, ok=OK)
        return call.result.from_wire(values)


def _schema(call: ApiCall[Result], reply: ApiReply, root: xmltree.Element) -> Result:
    if root.name != "schema" or reply.status != OK:
        raise unreadable(reply, "it is no XML schema")
    return call.result.model_validate({"xsd": reply.body.decode("utf-8", errors="replace")})
