"""Voicenter's API as a whole: its 24 calls, and how its replies are read."""

from typing import Any, ClassVar, cast

from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall, ApiReply, ApiRequest, Encoding, Result
from receiver.providers.base.api.errors import ErrorTable, LoginError, error_of
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.parameters import Parameters
from receiver.providers.base.api.reply import check, code_of, read_values, text_of
from receiver.providers.base.names import normalize_name
from receiver.providers.voicenter.api import call_log, click_to_call, dialer, monitor
from receiver.providers.voicenter.api.values import MONITOR_ERRORS
from receiver.providers.voicenter.api_options import VoicenterApiOptions

_FIELDS: dict[str, tuple[str, str, ErrorTable]] = {
    "click_to_call": ("ERRORCODE", "ERRORMESSAGE", click_to_call.ERRORS),
    "calls": ("ERROR_NUMBER", "ERROR_DESCRIPTION", call_log.ERRORS),
    "dialer": ("ErrorCode", "Description", dialer.ERRORS),
    "active_calls": ("ERR", "DESC", MONITOR_ERRORS),
    "extensions": ("ERR", "DESC", MONITOR_ERRORS),
}
"""Where the replies of each group have their error, and what its codes mean."""


class VoicenterApi(Api):
    """Voicenter's API."""

    name: ClassVar[str] = "voicenter"
    title: ClassVar[str] = "Voicenter"
    options_type: ClassVar[type[ApiOptions]] = VoicenterApiOptions
    calls: ClassVar[tuple[ApiCall[Any], ...]] = (
        *click_to_call.CALLS,
        *call_log.CALLS,
        *dialer.CALLS,
        *monitor.CALLS,
    )

    def request(
        self,
        call: ApiCall[Any],
        parameters: Parameters,
        options: ApiOptions,
        *,
        encoding: Encoding | None = None,
        reveal: bool = True,
    ) -> ApiRequest:
        """The HTTP request of a call; moments of the call log are written in the client's time zone (I-16)."""
        if isinstance(parameters, call_log.CallLogParameters):
            parameters = parameters.on_the_clock_of(cast("VoicenterApiOptions", options).zone)
        return super().request(call, parameters, options, encoding=encoding, reveal=reveal)

    def read(self, call: ApiCall[Result], reply: ApiReply) -> Result:
        """The result in a reply: JSON, also with bare keys (I-25), or XML-RPC."""
        values = read_values(reply)
        if call.group == "users":
            _check_login(reply, values)
        else:
            code, text, errors = _FIELDS[call.group]
            check(reply, values, code, text, errors)
        return call.result.from_wire(values)


def _check_login(reply: ApiReply, values: dict[str, Any]) -> None:
    """Raise the error of a login: its text is that of StatusError where the reply has none (I-29)."""
    found = {normalize_name(name): value for name, value in values.items()}
    status, detail = code_of(found.get("status")), code_of(found.get("statuserror"))
    message = text_of(found.get("statuserrormessage"))
    if status in (4, 5) and not message:
        message = monitor.LOGIN_DETAILS.get((int(status), detail if isinstance(detail, int) else -1), str(detail))
        raise error_of(monitor.LOGIN_ERRORS, status, message, values)
    check(reply, values, "Status", "StatusErrorMessage", monitor.LOGIN_ERRORS, ok=1)


__all__ = ["LoginError", "VoicenterApi"]
