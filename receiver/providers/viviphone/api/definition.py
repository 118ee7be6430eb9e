"""ViviPhone's API as a whole, and how its replies are read."""

from typing import Any, ClassVar

from receiver.errors import WireError
from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall, ApiReply, Result
from receiver.providers.base.api.errors import ProviderError, error_of
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.reply import OK_STATUSES, code_of, unreadable
from receiver.providers.viviphone.api.calls import CALLS, ERRORS
from receiver.providers.viviphone.api.reading import fields, rows
from receiver.providers.viviphone.api.results import HistoryResult, PhonesResult
from receiver.providers.viviphone.api_options import ViviPhoneApiOptions
from receiver.wire import xmltree

PHONE_FIELDS = ("cty", "num", "post", "issms")
HISTORY_FIELDS = ("is_num_intl", "telnum", "cname", "dursec", "date", "calltype", "cost_ct")


class ViviPhoneApi(Api):
    """ViviPhone's API."""

    name: ClassVar[str] = "viviphone"
    title: ClassVar[str] = "ViviPhone"
    options_type: ClassVar[type[ApiOptions]] = ViviPhoneApiOptions
    calls: ClassVar[tuple[ApiCall[Any], ...]] = CALLS
    has_callbacks: ClassVar[bool] = False

    def read(self, call: ApiCall[Result], reply: ApiReply) -> Result:
        """The result in a reply. Its XML may have attributes without quotes, as the document prints it (I-32)."""
        try:
            root = xmltree.read(reply.body, repair=True)
        except WireError as error:
            raise unreadable(reply, str(error)) from error
        stat = root.attributes.get("stat", "").lower()
        if root.name != "resp" or stat not in {"ok", "fail"}:
            raise unreadable(reply, "it is no <resp> with its stat")
        if stat == "fail":
            raise _error(root)
        if reply.status not in OK_STATUSES:
            raise unreadable(reply, "its HTTP status says otherwise")
        return call.result.from_wire(_values(call, root))


def _values(call: ApiCall[Any], root: xmltree.Element) -> dict[str, Any]:
    if call.result is PhonesResult:
        return {"phones": rows(root, PHONE_FIELDS)}
    if call.result is HistoryResult:
        return {"calls": rows(root, HISTORY_FIELDS)}
    return dict(fields(root))


def _error(root: xmltree.Element) -> ProviderError:
    found = root.find("err")
    attributes = {} if found is None else found.attributes
    text = attributes.get("msg", "") or ("" if found is None else found.text)
    return error_of(ERRORS, code_of(attributes.get("code", "")), text, attributes)
