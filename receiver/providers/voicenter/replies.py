"""Replies to Voicenter: Python names here, the document's names and types on the wire.

Each reply is validated when it is made. In both formats an Integer of the document is sent as an integer, and digits
are sent as strings, also where the document's examples differ (C-13, C-15). This module has the common base, the
acknowledgements and the pop-up; the IVR actions are in ivr_actions.py and layer_actions.py.
"""

import re
from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from receiver.providers.base.contract import Reply
from receiver.providers.voicenter.options import VoicenterOptions
from receiver.wire import Format

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def printable(text: str) -> str:
    """The text, if XML can carry it; raises ValueError for control characters."""
    if _CONTROL.search(text):
        raise ValueError("control characters cannot be sent in XML")
    return text


def _switch(value: object) -> object:
    return bool(value) if value in (0, 1) and isinstance(value, int) else value


Line = Annotated[str, AfterValidator(printable)]
"""Text without control characters; blanks around it are removed (A-18)."""
Mandatory = Annotated[Line, Field(min_length=1)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
"""A whole number from 0; the document gives no upper bounds (C-30), XML-RPC's `<int>` ends at 2^31."""
LayerNumber = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Switch = Annotated[bool, BeforeValidator(_switch), PlainSerializer(int)]
"""True or False, also as 1 or 0; 1 or 0 on the wire (C-29)."""


LanguageTag = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z]{2,4})?$")]


class VoicenterReply(Reply, ABC):
    """A reply that knows its values on the wire."""

    @abstractmethod
    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """Wire names and values, in the document's order."""


# --- CDR and HANGUP_CALL, chapters 4 and 5.2 -------------------------------------------------------------------------


class CdrReply(VoicenterReply):
    """The reply to a CDR: 0 OK, 1 parse error, 2 application error (B-02)."""

    err: Literal[0, 1, 2] = 0
    errdesc: Line = "OK"
    """A short plain sentence, never a traceback (B-32)."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """`err` is an integer in XML-RPC and a string in JSON, as the document shows each (B-01)."""
        as_integer = dialect is Format.XMLRPC or options.json_err_as_integer
        return {"err": self.err if as_integer else str(self.err), "errdesc": self.errdesc}


class HangupCallReply(VoicenterReply):
    """The reply to a HANGUP_CALL: 0 once it is stored, else 1 (D-01, D-13)."""

    status: Literal[0, 1] = 0

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS alone."""
        return {"STATUS": self.status}


# --- pop-up, chapter 2: every field is a string (F-03) ---------------------------------------------------------------


class Contact(VoicenterReply):
    """The caller is known."""

    url: Mandatory
    """The page that the bubble opens."""
    client_name: Line
    company: Line = ""
    total: Annotated[str, Field(pattern=r"^[0-9]+$")] = "1"
    """How many contacts match."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS "OK" and the contact."""
        return popup_values("OK", self.url, self.client_name, self.total, self.company)


class NoContact(VoicenterReply):
    """No contact has this number: STATUS "OK" and TOTAL "0" (F-04)."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS "OK" and no contact."""
        return popup_values("OK", "", "", "0", "")


class PopupError(VoicenterReply):
    """The request could not be parsed or served: STATUS "1", as errors have in the document's other chapters."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS "1" and no contact."""
        return popup_values("1", "", "", "0", "")


def popup_values(status: str, url: str, client_name: str, total: str, company: str) -> dict[str, Any]:
    """The five fields in the document's order."""
    return {"STATUS": status, "URL": url, "CLIENTNAME": client_name, "TOTAL": total, "COMPANY": company}


class UnknownMethod(VoicenterReply):
    """The reply to an unknown method: a fault in XML-RPC (A-07), STATUS 1 in a METHOD/DATA envelope."""

    text: Line

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS alone."""
        return {"STATUS": 1}
