"""The values of a reply, in any format."""

from typing import Any

from receiver.errors import WireError
from receiver.wire import jsonbody, xmlrpc
from receiver.wire.charset import decode


def reply_values(body: bytes) -> Any:
    """The values of a reply by their wire names, for comparison; the text if it is neither XML nor JSON."""
    text = decode(body).text
    try:
        if text.lstrip().startswith("<"):
            response = xmlrpc.read_response(text)
            return {"fault": response.fault_code} if response.fault_code is not None else response.value
        return jsonbody.read(text)[0]
    except WireError:
        return text
