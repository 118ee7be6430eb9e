"""Voicenter's API as a whole: which path is played by what, and incoming calls."""

from receiver.errors import SimulationError
from receiver.providers.base.sandbox import Exchange, Operation, PlacedCall, SandboxApi, WantedCall
from receiver.providers.base.sandbox_request import ApiReply, ApiRequest
from receiver.providers.base.simulation import CallSetup, SimulatedCall
from receiver.providers.voicenter import simulation
from receiver.providers.voicenter.events import CdrType
from receiver.providers.voicenter.sandbox import call_log, click_to_call, dialer, monitor
from receiver.providers.voicenter.sandbox.campaigns import Campaigns
from receiver.providers.voicenter.sandbox.line import VoicenterLine
from receiver.providers.voicenter.sandbox.options import Queue, VoicenterSandboxOptions
from receiver.wire import Format

_CLICK = "/forwardDialer/click2call.aspx"
_ANY = "GET, POST"
_MONITOR = {
    monitor.EXTENSIONS_CALLS: "active_calls.extensions",
    monitor.QUEUES_CALLERS: "active_calls.queues",
    monitor.EXTENSIONS: "extension_list",
    monitor.LOGIN: "login_logout",
}
_DIALER = (
    "AddCall",
    "RemoveCall",
    "GetCampaignList",
    "GetMembersList",
    "RemoveMember",
    "AddMember",
    "StopCampaign",
    "StartCampaign",
    "UpdateCampaignStrategy",
    "ClearCampaignCalls",
    "AddCallsBulk",
    "GetCampaignPendingCalls",
    "UpdateCall",
    "GetCampaignDetails",
    "ConfigureIvrCampaign",
)
PLAYS = ("ivr", "queue", "extension", "layer", "popup", "record")
"""Incoming calls: to your IVR, to a queue, to an extension, and the simulations of the same names."""


class VoicenterSandbox(SandboxApi):
    """Voicenter's part of the sandbox. Paths are compared without regard to case (I-03, I-26)."""

    name = "voicenter"
    title = "Voicenter"
    options_type = VoicenterSandboxOptions
    root_paths = ("/forwarddialer/", "/hub/cdr", "/comet/api/", "/userlogin/")
    operations = (
        *(Operation(f"click2call.{action}", _ANY, _CLICK) for action in click_to_call.ACTIONS),
        Operation("call_log", _ANY, "/hub/cdr/"),
        *(
            Operation(
                f"dialer.{name}", "POST" if name.lower() in dialer.JSON_ONLY else _ANY, f"/ForwardDialer/Dialer/{name}"
            )
            for name in _DIALER
        ),
        Operation("active_calls.extensions", _ANY, "/comet/API/GetExtensionsCalls"),
        Operation("active_calls.queues", _ANY, "/comet/API/GetQueuesCallers"),
        Operation("extension_list", _ANY, "/Comet/api/GetExtensions"),
        Operation("login_logout", _ANY, "/UserLogin/SetStatusFromAPI"),
    )

    def __init__(self, exchange: Exchange, options: VoicenterSandboxOptions) -> None:
        super().__init__(exchange, options)
        self.line = VoicenterLine(exchange, options)
        self._click_to_call = click_to_call.ClickToCall(self.line)
        self._call_log = call_log.CallLog(self.line)
        self._dialer = dialer.Dialer(self.line, Campaigns(self.line))
        self._monitor = monitor.Monitor(self.line)

    def operation(self, request: ApiRequest) -> str:
        """The name of the operation; that of click-to-call depends on its action."""
        place = request.place
        if place == click_to_call.PATH:
            return f"click2call.{self._click_to_call.action(request)}"
        if place == call_log.PATH:
            return "call_log"
        if place.startswith(dialer.PATH) and (name := self._dialer.name_of(request)):
            return f"dialer.{name}"
        return _MONITOR.get(place, "")

    def answer(self, request: ApiRequest) -> ApiReply:
        """What the path is played by answers; another path is not found."""
        if request.method not in ("GET", "HEAD", "POST"):
            return ApiReply(b"Voicenter's API takes GET and POST\n", "text/plain", 405)
        operation = self.operation(request).partition(".")[0]
        match operation:
            case "click2call":
                return self._click_to_call.answer(request)
            case "call_log":
                return self._call_log.answer(request)
            case "dialer":
                return self._dialer.answer(request)
            case "":
                return ApiReply(b"Voicenter has no such path; / lists those there are\n", "text/plain", 404)
        return self._monitor.answer(request)

    def error(self, request: ApiRequest, code: str) -> ApiReply:
        """The documented error reply with that code; that of a login has its detail behind a dot, such as 4.3."""
        if request.place == click_to_call.PATH:
            return self._click_to_call.reply(request, code)
        if request.place == call_log.PATH:
            return self._call_log.reply(request, code)
        if request.place.startswith(dialer.PATH):
            return self._dialer.reply(code)
        return self._monitor.login_reply(code) if request.place == monitor.LOGIN else self._monitor.reply(code)

    def unreadable(self, request: ApiRequest) -> ApiReply:
        """A body that cannot be read: the code for bad parameters, or for an internal error."""
        plain = ApiRequest(request.method, request.path, request.query, request.headers, b"", request.peer)
        codes = {click_to_call.PATH: "1", call_log.PATH: "2", monitor.LOGIN: "3"}
        return self.error(plain, codes.get(request.place, "3" if request.place.startswith(dialer.PATH) else "2"))

    # --- incoming calls ---

    def incoming(self, wanted: WantedCall) -> PlacedCall:
        """An incoming call: `play` is one of PLAYS, and where it is empty, the number decides."""
        queue = self._queue_of(wanted)
        play = wanted.play or ("queue" if queue else "extension" if self._is_extension(wanted.did) else "ivr")
        if play not in PLAYS:
            raise SimulationError(f"Voicenter has no call {play!r}; it has {', '.join(PLAYS)}")
        if play == "queue":
            return self._to_queue(wanted, queue)
        if play == "extension":
            return self._to_extension(wanted)
        return self._simulated(play, wanted)

    def _queue_of(self, wanted: WantedCall) -> Queue | None:
        if not wanted.did:
            return next(iter(self.options.queues), None) if wanted.play == "queue" else None
        number = self.line.same_number(wanted.did)
        return next((one for one in self.options.queues if self.line.same_number(one.number) == number), None)

    def _is_extension(self, number: str) -> bool:
        return self.options.extension(number) is not None

    def _to_queue(self, wanted: WantedCall, queue: Queue | None) -> PlacedCall:
        if queue is None:
            raise SimulationError(f"no queue has the number {wanted.did!r}; see providers.voicenter.queues")
        fields = {"queueid": queue.id, "queuename": queue.name, "did": queue.number, "caller_country": "Israel"}
        sip = wanted.options.get("extension", self.options.extensions[0].sip)
        leg = self.line.leg(sip, CdrType.QUEUE, shown=wanted.caller, fields=fields)
        return self.line.place_legs(
            f"queue {queue.id}", (leg,), caller=wanted.caller, callbacks=wanted.callbacks, keys=wanted.keys
        )

    def _to_extension(self, wanted: WantedCall) -> PlacedCall:
        sip = wanted.did or self.options.extensions[0].sip
        leg = self.line.leg(sip, CdrType.INCOMING_CALL, shown=wanted.caller, fields={"caller_country": "Israel"})
        return self.line.place_legs(
            "incoming", (leg,), caller=wanted.caller, callbacks=wanted.callbacks, keys=wanted.keys
        )

    def _simulated(self, play: str, wanted: WantedCall) -> PlacedCall:
        kinds: dict[str, type[SimulatedCall]] = {
            "ivr": simulation.IvrCall,
            "layer": simulation.LayerCall,
            "popup": simulation.PopupCall,
            "record": simulation.RecordedCall,
        }
        clock = self.exchange.call_clock()
        did = wanted.did or next(iter(self.options.ivr_numbers), "0730000000")
        setup = CallSetup(
            caller=wanted.caller,
            did=did,
            format=Format(self.options.format) if self.options.format in kinds[play].formats else None,
            call_id=self.exchange.new_call_id(),
            now=clock.now,
            options=wanted.options,
        )
        call = kinds[play](setup)
        plan = self.line.plan(f"incoming {play}", clock, (wanted.caller, did))
        return self.line.place(call, plan, callbacks=wanted.callbacks, keys=wanted.keys)
