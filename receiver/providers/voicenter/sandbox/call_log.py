"""The call log (chapter 3)."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from time import monotonic
from typing import Any

from receiver.providers.base.sandbox_request import ApiReply, ApiRequest, Parameters, as_text, json_reply
from receiver.providers.voicenter.sandbox.line import VoicenterLine

PATH = "/hub/cdr"
FIELDS: Mapping[str, str] = {
    "Date": "time",
    "Type": "type",
    "DID": "did",
    "CallerNumber": "caller",
    "CallerExtension": "callerextension",
    "TargetNumber": "target",
    "TargetExtension": "targetextension",
    "TargetPrefixName": "target_country",
    "Duration": "duration",
    "Price": "price",
    "RecordURL": "record",
    "RecordExpect": "",
    "RepresentativeName": "representative_name",
    "RepresentativeCode": "representative_code",
    "DTMFData": "",
    "CallID": "ivruniqueid",
    "QueueName": "queuename",
    "DialStatus": "status",
    "DialStatus2": "",
    "RingTime": "dialtime",
    "CustomData": "CustomData",
    "DepartmentName": "",
    "DepartmentId": "",
}
"""The fields of a row (003:296), each with that of the CDR which holds the same; empty where no CDR has it.

The document's list names three search criteria among them (I-13): they are no fields of a row.
"""
_MESSAGES = {
    "0": "OK",
    "1": "Request limit exceeded. Please try again later.",
    "2": "Authorization failed.",
    "3": "CDR limit exceeded.",
}
"""ERROR_DESCRIPTION (003:350-357); 4 names an address."""
WINDOW_SECONDS = 60.0
IDENTITIES = ("", "account", "hierarchical", "department", "user")


class CallLog:
    """Plays the search for records of past calls."""

    def __init__(self, line: VoicenterLine, clock: Callable[[], float] = monotonic) -> None:
        self._line = line
        self._clock = clock
        self._requests: deque[float] = deque()

    def answer(self, request: ApiRequest) -> ApiReply:
        """The rows that match, in the order of their times."""
        parameters = _criteria(request.parameters)
        options = self._line.options
        if options.trusted_addresses and request.peer not in options.trusted_addresses:
            return self.reply(request, "4")
        if not self._line.accepts(parameters.text("code")):
            return self.reply(request, "2")
        if self._is_over_its_rate():
            return self.reply(request, "1")
        rows = sorted(self._matching(parameters), key=lambda record: int(record["time"]))
        if len(rows) > options.call_log_rows:
            return self.reply(request, "3")
        return self.reply(request, "0", [self._row(record, _fields(parameters)) for record in rows])

    def reply(self, request: ApiRequest, code: str, rows: list[dict[str, Any]] | None = None) -> ApiReply:
        """JSON, or a page with a table (003:337-348)."""
        message = f"IP address {request.peer} is not trusted." if code == "4" else _MESSAGES.get(code, "")
        number: Any = int(code) if code.isdigit() else code
        if request.parameters.text("format").lower() == "html":
            return ApiReply(_page(number, message, rows or []).encode(), "text/html; charset=utf-8")
        return json_reply({"ERROR_NUMBER": number, "ERROR_DESCRIPTION": message, "CDR_LIST": rows or []})

    def _is_over_its_rate(self) -> bool:
        now = self._clock()
        while self._requests and self._requests[0] <= now - WINDOW_SECONDS:
            self._requests.popleft()
        if len(self._requests) >= self._line.options.call_log_requests_a_minute:
            return True
        self._requests.append(now)
        return False

    def _matching(self, parameters: Parameters) -> Iterator[dict[str, Any]]:
        since, until = self._moment(parameters, "fromdate"), self._moment(parameters, "todate")
        phones = set(map(self._line.same_number, parameters.texts("phones", "phone")))
        extensions = {text.lower() for text in parameters.texts("extensions", "extension")}
        if parameters.text("identitycriteria").lower() not in IDENTITIES:
            return
        for record in self._line.log.records:
            began = int(record["time"])
            if (since is not None and began < since) or (until is not None and began > until):
                continue
            if phones and phones.isdisjoint(map(self._line.same_number, _texts(record, "caller", "target", "did"))):
                continue
            named = {text.lower() for text in _texts(record, "callerextension", "targetextension", "target")}
            if not extensions or not extensions.isdisjoint(named):
                yield record

    def _moment(self, parameters: Parameters, name: str) -> float | None:
        """A limit of the search, in the account's zone unless it names one (I-16). What is no time is no limit."""
        text = parameters.text(name)
        try:
            moment = datetime.fromisoformat(text) if text else None
        except ValueError:
            return None
        if moment is None:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=self._line.options.zone)).timestamp()

    def _row(self, record: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
        return {asked: self._value(record, FIELDS[field]) for asked, field in fields.items()}

    def _value(self, record: Mapping[str, Any], name: str) -> Any:
        if name == "time":
            moment = datetime.fromtimestamp(int(record["time"]), UTC).astimezone(self._line.options.zone)
            return moment.strftime("%Y-%m-%dT%H:%M:%S")
        if name in ("duration", "price", "dialtime"):
            return int(record.get(name) or 0)
        return record.get(name, {} if name == "CustomData" else "") if name else ""


def _criteria(parameters: Parameters) -> Parameters:
    """The parameters with those of `search` among them: an object in the example, an array in the table (I-12)."""
    search = parameters.value("search")
    found = search if isinstance(search, list) else [search]
    inner = [pair for one in found if isinstance(one, dict) for pair in one.items()]
    return Parameters([*parameters.pairs, *inner])


def _fields(parameters: Parameters) -> dict[str, str]:
    """The fields of a row as they were spelt, with their names in FIELDS; all of them where none was asked for."""
    known = {name.lower(): name for name in FIELDS}
    asked = {text: known[text.lower()] for text in parameters.texts("fields") if text.lower() in known}
    return asked or {name: name for name in FIELDS}


def _texts(record: Mapping[str, Any], *names: str) -> list[str]:
    return [text for name in names if (text := as_text(record.get(name)))]


def _page(number: Any, message: str, rows: list[dict[str, Any]]) -> str:
    """A page with a table; the document shows none (I-18)."""
    names = list(rows[0]) if rows else []
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(as_text(row[name]))}</td>" for name in names) + "</tr>" for row in rows
    )
    return f"<html><body><p>{number} {escape(message)}</p><table><tr>{head}</tr>{body}</table></body></html>\n"
