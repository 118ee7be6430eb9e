"""What goes on now: active calls, callers in queues, extensions, and users' status (chapters 7, 8 and 10)."""

import json
import re
from typing import Any

from receiver.providers.base.sandbox import PlacedCall
from receiver.providers.base.sandbox_request import ApiReply, ApiRequest, json_reply
from receiver.providers.base.simulation import CallState
from receiver.providers.voicenter.sandbox.line import VoicenterLine
from receiver.providers.voicenter.sandbox.options import Extension, Queue

EXTENSIONS_CALLS = "/comet/api/getextensionscalls"
QUEUES_CALLERS = "/comet/api/getqueuescallers"
EXTENSIONS = "/comet/api/getextensions"
LOGIN = "/userlogin/setstatusfromapi"
MESSAGES = {"0": "OK", "1": "Authorization failed.", "2": "Internal error."}
"""DESC (003:2359-2373)."""
LOGIN_STATUSES = (1, 2, 3, 4, 5, 7, 9, 11, 12, 13)
"""What a user's status can be set to (003:2546): 1 is login, 2 logout."""
LOGIN_MESSAGES = {
    "1": "",
    "2": "Authorization failed",
    "3": "Missing parameters",
    "4.1": "Status Changed",
    "4.2": "Failed - Hour Log Error",
    "4.3": "Failed - Queue registration error",
    "4.4": "Extension is already in use",
    "4.5": "You're already logged in with a different extension",
    "5.1": "Please choose extension",
    "5.2": "Successfully Logged In",
    "5.3": "Not logged in",
    "5.4": "Wrong Username or Password",
    "5.5": "There was a problem with the user, please contact support",
    "5.6": "An unexpected error occurred",
    "5.7": "Failed - Extension Monitor doesn't exist",
    "5.8": "Failed - User has no organizational PIN Code",
}
"""Status and StatusError with StatusErrorMessage (003:2553-2555)."""
_QUOTED_KEY = re.compile(r'^(\s*)"(\w+)": ', re.MULTILINE)


class Monitor:
    """Plays the four calls."""

    def __init__(self, line: VoicenterLine) -> None:
        self._line = line

    def answer(self, request: ApiRequest) -> ApiReply:
        """What is asked for."""
        if request.place == LOGIN:
            return self.login_reply(self._set_status(request))
        if not self._line.accepts(request.parameters.text("code")):
            return self.reply("1")
        found: dict[str, Any] = {}
        match request.place:
            case place if place == EXTENSIONS_CALLS:
                found["EXTENSIONS"] = [self._with_calls(one) for one in self._line.options.extensions]
            case place if place == QUEUES_CALLERS:
                found["QUEUES"] = [self._with_callers(one) for one in self._line.options.queues]
            case _:
                found["EXTENSIONS"] = self._listed(request.parameters.text("showall"))
        return _bare({"ERR": 0, "DESC": "OK", **found})

    def reply(self, code: str) -> ApiReply:
        """An error; its JSON is quoted, unlike that of a success (I-25)."""
        return json_reply({"ERR": int(code) if code.isdigit() else code, "DESC": MESSAGES.get(code, "")})

    # --- active calls ---

    def _with_calls(self, extension: Extension) -> dict[str, Any]:
        sip = extension.sip.lower()
        live = [one for one in self._line.live() if sip in (party.lower() for party in one.plan.parties)]
        return {
            "name": extension.name,
            "representative": self._line.logged_in.get(sip, ""),
            "peerstatus": "Reachable" if extension.is_online else "Unknown",
            "username": extension.sip,
            "calls": [_active(one, sip) for one in live],
        }

    def _with_callers(self, queue: Queue) -> dict[str, Any]:
        """Those who wait: whose call has not been answered."""
        waiting = [
            one
            for one in self._line.live()
            if one.plan.kind == f"queue {queue.id}" and one.call.state in (CallState.NEW, CallState.DIALING)
        ]
        callers = [
            {
                "Phone": one.call.setup.caller,
                "CallID": one.call.call_id,
                "JoinTime": int(one.began.timestamp()),
            }
            for one in waiting
        ]
        return {"Name": queue.name, "ID": queue.id, "Callers": callers}

    # --- extensions ---

    def _listed(self, show_all: str) -> list[dict[str, Any]]:
        """All of the organisation, or those of the first account (I-27)."""
        extensions = self._line.options.extensions
        if show_all.lower() not in ("true", "1"):
            extensions = [one for one in extensions if one.account_id == extensions[0].account_id]
        return [
            {
                "SIP": one.sip,
                "Name": one.name,
                "SpeedDial": one.speed_dial,
                "AccountID": one.account_id,
                "AccountName": one.account_name,
            }
            for one in extensions
        ]

    # --- login and logout ---

    def login_reply(self, code: str) -> ApiReply:
        """`code` is Status, and behind a dot StatusError. The document does not say what a reply looks like (I-29)."""
        status, _, detail = code.partition(".")
        return json_reply(
            {
                "Status": int(status) if status.isdigit() else status,
                "StatusError": detail or "0",
                "StatusErrorMessage": LOGIN_MESSAGES.get(code, ""),
            }
        )

    def _set_status(self, request: ApiRequest) -> str:
        parameters = request.parameters
        user, sip, status = (parameters.text(name) for name in ("userid", "extensionuser", "status"))
        if not (user and status and parameters.text("code")):
            return "3"
        if not self._line.accepts(parameters.text("code")):
            return "2"
        if not status.isdigit() or int(status) not in LOGIN_STATUSES:
            return "5.6"
        if not sip:
            return "5.1"
        if self._line.options.extension(sip) is None:
            return "5.7"
        return self._log_in(user, sip.lower(), int(status))

    def _log_in(self, user: str, sip: str, status: int) -> str:
        logged_in = self._line.logged_in
        current = next((where for where, who in logged_in.items() if who == user), None)
        if status != 1 and current is None:
            return "5.3"
        if status == 2:
            del logged_in[str(current)]
            return "1"
        if logged_in.get(sip, user) != user:
            return "4.4"
        if current not in (None, sip):
            return "4.5"
        logged_in[sip] = user
        return "1"


def _active(placed: PlacedCall, sip: str) -> dict[str, Any]:
    other = next((party for party in placed.plan.parties if party.lower() != sip), "")
    began, answered = placed.began, placed.answered_at
    return {
        "callername": other,
        "callerphone": other,
        "callstarted": int(began.timestamp()),
        "callanswered": int(answered.timestamp()) if answered else 0,
        "answered": int(answered is not None),
        "callstatus": "Talking" if answered else "Ringing",
        "ivrid": placed.call.call_id,
        "direction": "Incoming" if placed.plan.kind.startswith(("incoming", "queue")) else "Outgoing",
    }


def _bare(values: Any) -> ApiReply:
    """JSON whose keys are not quoted, as the document prints it (I-25)."""
    text = json.dumps(values, ensure_ascii=False, indent=2)
    return ApiReply(_QUOTED_KEY.sub(r"\1\2: ", text).encode(), "application/json; charset=utf-8")
