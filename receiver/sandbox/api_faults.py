"""API calls that go wrong on purpose: by headers, by magic values in a request, and by rules in the settings."""

import base64
import binascii
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from urllib.parse import unquote_plus

from receiver.providers.base.sandbox_request import ApiReply, ApiRequest
from receiver.sandbox.callbacks import FAULTS
from receiver.sandbox.settings import FaultRule

HEADER = "x-sandbox-"
"""Before each of WORDS: X-Sandbox-Error: 3."""
WORDS = ("error", "status", "delay", "reply", "callbacks")
REPLIES = ("broken", "cut", "empty", "html")
MOST_SECONDS = 600.0
_MAGIC = re.compile(rf"sandbox-({'|'.join(WORDS)})-(\w+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class ApiFault:
    """What is to go wrong with one API call."""

    error: str = ""
    status: int = 0
    delay: float = 0.0
    reply: str = ""
    callbacks: str = ""


class ApiFaults:
    """Finds the fault of a request. Headers count before magic values, and these before rules."""

    def __init__(self, rules: Sequence[FaultRule], seed: int) -> None:
        self._rules = rules
        self._seed = seed
        self._met = [0] * len(rules)
        self._hit = [0] * len(rules)

    def of(self, provider: str, operation: str, request: ApiRequest) -> ApiFault:
        """The fault, with nothing in it where all is to go well."""
        asked = _asked_for(request)
        if asked:
            return _fault(asked)
        for number, rule in enumerate(self._rules):
            if self._hits(number, rule, provider, operation):
                return ApiFault(str(rule.error), rule.status, rule.delay, rule.reply)
        return ApiFault()

    def _hits(self, number: int, rule: FaultRule, provider: str, operation: str) -> bool:
        if rule.provider not in ("", provider) or rule.call.lower() not in ("", operation.lower()):
            return False
        self._met[number] += 1
        if rule.times is not None and self._hit[number] >= rule.times:
            return False
        random = Random(f"{self._seed}/rule/{number}/{self._met[number]}")  # noqa: S311 - repeatable on purpose
        hits = random.random() < rule.rate
        self._hit[number] += hits
        return hits


def _asked_for(request: ApiRequest) -> dict[str, str]:
    """What headers and magic values ask for, by word."""
    magic = dict(_MAGIC.findall(_readable(request)))
    headers = {word: request.headers[HEADER + word] for word in WORDS if request.headers.get(HEADER + word)}
    return magic | headers


def _readable(request: ApiRequest) -> str:
    """Everything in which a magic value may stand: path, query, body, user and password."""
    text = unquote_plus(f"{request.path} {request.query} {request.body.decode('utf-8', 'replace')}")
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        with suppress(binascii.Error):
            text += " " + base64.b64decode(credentials).decode("utf-8", "replace")
    return text


def _fault(asked: dict[str, str]) -> ApiFault:
    """What cannot be read as it is meant is left out: a sandbox does not refuse to answer."""
    return ApiFault(
        error=asked.get("error", ""),
        status=int(_number(asked.get("status", ""), 599)),
        delay=_number(asked.get("delay", ""), MOST_SECONDS),
        reply=asked["reply"] if asked.get("reply") in REPLIES else "",
        callbacks=asked["callbacks"] if asked.get("callbacks") in FAULTS else "",
    )


def _number(text: str, most: float) -> float:
    try:
        return min(max(float(text), 0.0), most)
    except ValueError:
        return 0.0


def corrupt(reply: ApiReply, how: str) -> ApiReply:
    """The reply as it is sent where it is to be unreadable. `cut` is up to the server."""
    match how:
        case "broken":
            return ApiReply(reply.body[: len(reply.body) // 2] + b"\x00<<<\xff", reply.content_type, reply.status)
        case "empty":
            return ApiReply(b"", reply.content_type, reply.status)
        case "html":
            page = b"<html><head><title>Service unavailable</title></head><body>Try again later.</body></html>"
            return ApiReply(page, "text/html", reply.status)
    return reply
