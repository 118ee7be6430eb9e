"""ViviPhone's 22 methods (chapters 2 and 3, and appendix A) and their errors (appendix B)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from receiver.providers.base.api.definition import ApiCall, Encoding
from receiver.providers.base.api.errors import (
    BadParameterError,
    ErrorTable,
    NotFoundError,
    ProviderFailureError,
    QuotaError,
)
from receiver.providers.base.api.parameters import Parameters
from receiver.providers.base.event import WireModel
from receiver.providers.viviphone.api import parameters, results

URL = "https://www.viviphone.com/api/"

_NUMBER_REFUSED = (
    "Value missing, incorrect or not authorized for the destination phone number (dest1_num, dest2_num, dest3_num)."
)

ERRORS: ErrorTable = {
    **dict.fromkeys(range(1, 201), (ProviderFailureError, "Irrecoverable system error. Please try again.")),
    201: (BadParameterError, "A mandatory parameter is missing."),
    202: (BadParameterError, "The requested method is unknown (method)."),
    203: (NotFoundError, "Unknown Click-to-Call identifier (id)."),
    204: (BadParameterError, "The destination type is incorrect (type_dest)."),
    205: (BadParameterError, "The timezone is out of range (tzo)."),
    206: (BadParameterError, "The mandatory pin number is missing (pin)."),
    207: (BadParameterError, "The pin number is out of range (pin)."),
    208: (BadParameterError, "This language identifier is unknown (lang)."),
    209: (BadParameterError, "Value missing or out of range for the voice mail delay (vm_delay)."),
    210: (BadParameterError, "Value missing or out of range for the schedule activation flag (schd_en)."),
    211: (BadParameterError, "Value missing or out of range for the schedule start time (schd_start)."),
    212: (BadParameterError, "Value missing or out of range for the schedule end time (schd_stop)."),
    213: (BadParameterError, "Value missing or out of range for the schedule days (schd_days)."),
    214: (BadParameterError, "Value missing or out of range for the rate tier control (max_tier)."),
    215: (BadParameterError, "Value missing or out of range for the country control (cty)."),
    216: (BadParameterError, "Value missing or out of range for the text activation flag (panel_txt_en)."),
    217: (BadParameterError, "Value missing or out of range for the scrolling text (panel_txt)."),
    218: (BadParameterError, "Value missing or out of range for the refer URL (refer_url)."),
    219: (BadParameterError, "Value missing or out of range for the SMS flag (issms)."),
    220: (
        BadParameterError,
        "Value missing or out of range for the post call processing (dest1_post, dest2_post, dest3_post).",
    ),
    221: (BadParameterError, _NUMBER_REFUSED),
    222: (BadParameterError, "Value missing or out of range for the call screening list (numlist)."),
    223: (QuotaError, "Allowed quantity of Click-to-Call buttons for your account exceeded."),
}
"""The attribute `code` of an error (appendix B). There is none for a wrong key or address (I-42)."""


def _method(
    method: str,
    group: str,
    name: str,
    command: str,
    summary: str,
    source: str,
    given: type[Parameters],
    result: type[WireModel],
    *,
    is_repeatable: bool = True,
) -> ApiCall[Any]:
    return ApiCall(
        group=group,
        name=name,
        command=command,
        documented=method,
        source=source,
        summary=summary,
        url=URL,
        parameters=given,
        result=result,
        encodings=(Encoding.QUERY,) if name == "get" else (Encoding.FORM,),
        fixed={"method": method},
        credential="key",
        is_repeatable=is_repeatable,
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two methods, .get and .set."""

    method: str
    group: str
    what: str
    source: str
    parameters: type[Parameters]
    result: type[WireModel]

    def calls(self) -> Iterator[ApiCall[Any]]:
        words = self.group.replace("_", "-")
        get, given = f"Show {self.what}.", parameters.ButtonParameters
        yield _method(f"{self.method}.get", self.group, "get", f"get-{words}", get, self.source, given, self.result)
        set_ = f"Set {self.what}."
        yield _method(
            f"{self.method}.set", self.group, "set", f"set-{words}", set_, self.source, self.parameters, results.Done
        )


_PAIRS = (
    _Pair(
        "c2c.typedest",
        "destination",
        "where a button's calls go",
        "2.2",
        parameters.DestinationParameters,
        results.DestinationResult,
    ),
    _Pair(
        "c2c.phdest",
        "phones",
        "the numbers that a button rings",
        "2.3",
        parameters.PhonesParameters,
        results.PhonesResult,
    ),
    _Pair(
        "c2c.vm", "voicemail", "when voice mail answers", "2.4", parameters.VoicemailParameters, results.VoicemailResult
    ),
    _Pair(
        "c2c.schd",
        "schedule",
        "when a button takes calls",
        "2.5",
        parameters.ScheduleParameters,
        results.ScheduleResult,
    ),
    _Pair(
        "c2c.actrl", "access", "whose calls a button takes", "2.6", parameters.AccessParameters, results.AccessResult
    ),
    _Pair("c2c.ui", "panel", "what a button's panel shows", "2.7", parameters.PanelParameters, results.PanelResult),
    _Pair(
        "c2c.geninfo",
        "general",
        "time zone and language of a button",
        "2.8",
        parameters.GeneralParameters,
        results.GeneralResult,
    ),
    _Pair(
        "gen.scrng.bl",
        "rejected_numbers",
        "the numbers that are rejected",
        "3.1",
        parameters.NumbersParameters,
        results.NumbersResult,
    ),
    _Pair(
        "gen.scrng.vm",
        "voicemail_numbers",
        "the numbers that get voice mail",
        "3.2",
        parameters.NumbersParameters,
        results.NumbersResult,
    ),
    _Pair(
        "gen.scrng.ph",
        "accepted_numbers",
        "the numbers that are accepted",
        "3.3",
        parameters.NumbersParameters,
        results.NumbersResult,
    ),
)
"""The appendix prints wrong names for some setters (I-34)."""


CALLS: tuple[ApiCall[Any], ...] = (
    _method(
        "c2c.new",
        "buttons",
        "create",
        "create-button",
        "Create a click-to-call button.",
        "2.1",
        parameters.CreateParameters,
        results.CreatedButton,
        is_repeatable=False,
    ),
    *(call for pair in _PAIRS for call in pair.calls()),
    _method(
        "gen.hist.get",
        "history",
        "get",
        "get-history",
        "Show the past calls of a button.",
        "3.4",
        parameters.HistoryParameters,
        results.HistoryResult,
    ),
)
"""A setter sets what it is given and nothing else, so it may be sent twice; a button is created once."""
