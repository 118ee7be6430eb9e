"""Anveo's API as a whole: how its requests are written and its replies are read."""

from collections.abc import Iterator
from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

from receiver.errors import WireError
from receiver.providers.anveo.api.calls import CALLS
from receiver.providers.anveo.api_options import AnveoApiOptions
from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall, ApiReply, ApiRequest, Encoding, Result
from receiver.providers.base.api.errors import ProviderError
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.parameters import MASK, Parameters, plain
from receiver.providers.base.api.reply import OK_STATUSES, unreadable
from receiver.providers.base.api.request import address, shown
from receiver.wire import xmltree

SUCCESS = "SUCCESS"


class AnveoApi(Api):
    """Anveo's API."""

    name: ClassVar[str] = "anveo"
    title: ClassVar[str] = "Anveo"
    options_type: ClassVar[type[ApiOptions]] = AnveoApiOptions
    calls: ClassVar[tuple[ApiCall[Any], ...]] = CALLS
    has_callbacks: ClassVar[bool] = False

    def request(
        self,
        call: ApiCall[Any],
        parameters: Parameters,
        options: ApiOptions,
        *,
        encoding: Encoding | None = None,
        reveal: bool = True,
    ) -> ApiRequest:
        """A POST with the document's XML; method and Content-Type are not stated there (I-46)."""
        key = shown(options.credential, reveal) if options.credential else MASK
        lines = "\n".join(f"\t\t{line}" for line in _parameters(parameters, reveal))
        body = (
            '<?xml version="1.0" standalone="no" ?>\n<REQUEST>\n'
            f"\t<USERTOKEN>\n\t\t<USERKEY>{escape(key)}</USERKEY>\n\t</USERTOKEN>\n"
            f"\t<ACTION NAME={quoteattr(call.documented)}>\n{lines}\n\t</ACTION>\n</REQUEST>"
        )
        return ApiRequest("POST", address(call, options), {"content-type": "text/xml; charset=utf-8"}, body.encode())

    def read(self, call: ApiCall[Result], reply: ApiReply) -> Result:
        """The result in a reply. No error is documented: anything but SUCCESS raises ProviderError (I-51)."""
        try:
            root = xmltree.read(reply.body)
        except WireError as error:
            raise unreadable(reply, str(error)) from error
        result = root.find("RESULT")
        if root.name.upper() != "RESPONSE" or result is None or reply.status not in OK_STATUSES:
            raise unreadable(reply, "it has no RESULT")
        values = {child.name: child.text for child in root.children}
        if result.text.upper() != SUCCESS:
            others = " ".join(child.text for child in root.children if child is not result and child.text)
            raise ProviderError(result.text or "none", others, values)
        return call.result.from_wire(values)


def _parameters(parameters: Parameters, reveal: bool) -> Iterator[str]:
    for sent, value in parameters.values():
        match plain(value, reveal):
            case dict() as named:
                for name, text in named.items():
                    yield _parameter(sent.name, text, f" VARIABLENAME={quoteattr(name)}")
            case list() as items:
                yield from (_parameter(sent.name, item) for item in items)
            case single:
                yield _parameter(sent.name, single)


def _parameter(name: str, value: object, more: str = "") -> str:
    return f"<PARAMETER NAME={quoteattr(name)}{more}>{escape(str(value))}</PARAMETER>"
