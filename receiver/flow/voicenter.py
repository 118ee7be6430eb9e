"""Voicenter's GET_IVR_ACTION: its requests as a flow hears them, and the replies that do what a flow says.

The only place of a flow that knows a provider's words. A node's name travels as the name of its menu: the reply's MENU
is the MENU of the next request (C-32).
"""

from typing import Any

from receiver.flow.actions import Action, Ask, End, Give, Heard, Ring, TakeMessage, Transfer
from receiver.providers.base.contract import Reply
from receiver.providers.base.event import Event
from receiver.providers.voicenter import Call, Hangup, IvrRequest, Menu, SayDigits, SilentRecord, Vo

BLANK = "blank"
"""The document's word for a mandatory recording where there is nothing to play (C-18)."""


class VoicenterChannel:
    """A flow's calls on Voicenter's External IVR."""

    question: type[Event] = IvrRequest

    def hear(self, event: IvrRequest) -> Heard:
        """MENU, DTMF, CALLER_ID and DID; MENU is "-1" at the start (C-07)."""
        return Heard(
            place=event.menu,
            digits=_clean(event.dtmf),
            is_first=event.menu in ("-1", ""),
            number=_clean(event.caller_id),
            did=_clean(event.did),
        )

    def speak(self, action: Action, language: str) -> Reply:
        """The action as one of the six replies."""
        tag = language or None
        match action:
            case Ask():
                return _ask(action, tag)
            case Ring():
                return _ring(action, tag)
            case TakeMessage():
                return SilentRecord(rec=action.rec or None, max_duration=action.seconds, language=tag)
            case Transfer():
                rec = action.rec or BLANK
                return Vo(layer=action.to, record=rec, loop=action.loop, delay=action.pause, language=tag)
            case End():
                return Hangup(rec=action.rec or None, cause=action.cause, language=tag)
            case Give():
                return action.reply

    def next_place(self, reply: Reply) -> str:
        """MENU of a menu, NEXT_MENU of a call."""
        match reply:
            case Menu() | SayDigits():
                return reply.menu
            case Call():
                return reply.next_menu or ""
        return ""


def _ask(action: Ask, language: str | None) -> Menu | SayDigits:
    """MENU; SAYDIGITS where digits are read out, with the recording right before them."""
    if action.digits:
        return SayDigits(
            menu=action.node,
            digits_rec=action.rec or BLANK,
            digits=action.digits,
            size=action.size,
            loop=action.loop,
            delay=action.pause,
            language=language,
        )
    return Menu(
        menu=action.node,
        rec=action.rec or BLANK,
        size=action.size,
        loop=action.loop,
        delay=action.pause,
        language=language,
    )


def _ring(action: Ring, language: str | None) -> Call:
    """CALL; what comes when it fails travels in its NEXT_MENU fields (C-22)."""
    return Call(
        target=action.target,
        caller_id=action.caller_id,
        caller_name=action.caller_name,
        caller_rec=action.rec or None,
        moh_class=action.music or None,
        target_rec=action.whisper or None,
        max_dial=action.ring,
        max_duration=action.talk,
        record=action.record,
        dtmf_play=action.press or None,
        language=language,
        **_next_menu(action.failed),
    )


def _next_menu(failed: Ask | None) -> dict[str, Any]:
    if failed is None:
        return {}
    if not (failed.rec or failed.size):  # nothing to play and nothing to ask: the optional fields stay out
        return {"next_menu": failed.node}
    return {
        "next_menu": failed.node,
        "next_menu_rec": failed.rec or BLANK,
        "next_menu_loop": failed.loop,
        "next_menu_size": failed.size,
        "next_menu_wait": failed.pause,
    }


def _clean(text: str) -> str:
    """Text of a caller without characters that no reply may carry."""
    return "".join(char for char in text if char.isprintable()).strip()
