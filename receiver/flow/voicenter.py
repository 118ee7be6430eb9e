"""Flows on Voicenter: GET_IVR_ACTION as input, actions as its replies.

The only module of a flow with a provider's terms. A node's name is the name of its menu: the MENU of a reply is the
MENU of the next request (C-32).
"""

from typing import Any

from receiver.flow.actions import Action, CallerInput, Dial, HangUp, Prompt, RecordMessage, SendReply, Transfer
from receiver.providers.base.contract import Reply
from receiver.providers.base.event import Event
from receiver.providers.voicenter import Call, Hangup, IvrRequest, Menu, SayDigits, SilentRecord, Vo

BLANK = "blank"
"""The name of a mandatory recording that plays nothing (C-18)."""


class VoicenterChannel:
    """Voicenter's External IVR."""

    question: type[Event] = IvrRequest

    def hear(self, event: IvrRequest) -> CallerInput:
        """MENU, DTMF, CALLER_ID and DID; MENU is "-1" at the start (C-07)."""
        return CallerInput(
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
            case Prompt():
                return _ask(action, tag)
            case Dial():
                return _ring(action, tag)
            case RecordMessage():
                return SilentRecord(rec=action.rec or None, max_duration=action.seconds, language=tag)
            case Transfer():
                rec = action.rec or BLANK
                return Vo(layer=action.to, record=rec, loop=action.loop, delay=action.pause, language=tag)
            case HangUp():
                return Hangup(rec=action.rec or None, cause=action.cause, language=tag)
            case SendReply():
                return action.reply

    def next_place(self, reply: Reply) -> str:
        """MENU of a menu, NEXT_MENU of a call."""
        match reply:
            case Menu() | SayDigits():
                return reply.menu
            case Call():
                return reply.next_menu or ""
        return ""


def _ask(action: Prompt, language: str | None) -> Menu | SayDigits:
    """MENU; SAYDIGITS to read digits out, with the recording before them."""
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


def _ring(action: Dial, language: str | None) -> Call:
    """CALL; the prompt after a failure is in its NEXT_MENU fields (C-22)."""
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


def _next_menu(failed: Prompt | None) -> dict[str, Any]:
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
    """Text without the characters that replies do not allow."""
    return "".join(char for char in text if char.isprintable()).strip()
