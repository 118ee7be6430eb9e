"""The instruction in a reply to Voicenter: the tables of chapters 2, 5 and 12, and every rule a reply can break."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from receiver.errors import WireError
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import Instruction, ReplyFault
from receiver.wire import Format, xmlrpc


@dataclass(frozen=True, slots=True)
class Rule:
    """One field of an action: its type, and whether it must be there."""

    type: type
    is_mandatory: bool = True


TEXT, NUMBER = Rule(str), Rule(int)
MAYBE_TEXT, MAYBE_NUMBER, MAYBE_LIST = Rule(str, False), Rule(int, False), Rule(list, False)
_INPUT = {"REC": TEXT, "LOOP": NUMBER, "DELAY": NUMBER, "SIZE": NUMBER, "MENU": TEXT, "VALIDATION": NUMBER}

IVR_ACTIONS: Mapping[str, Mapping[str, Rule]] = {
    "MENU": _INPUT,
    "CALL": {
        **dict.fromkeys(("TARGET", "CALLERID", "CALLERNAME"), TEXT),
        **dict.fromkeys(("CALLER_REC", "MOH_CLASS", "TARGET_REC"), MAYBE_TEXT),
        **dict.fromkeys(("CALL_MAX_DIAL", "CALL_MAX", "REC_STATUS"), NUMBER),
        **dict.fromkeys(("NEXT_MENU", "NEXT_MENU_RECORD", "DTMF_PLAY"), MAYBE_TEXT),
        **dict.fromkeys(("NEXT_MENU_LOOP", "NEXT_MENU_SIZE", "NEXT_MENU_WAIT"), MAYBE_NUMBER),
        "DIALSTRINGS": MAYBE_LIST,
    },
    "SAYDIGITS": {**_INPUT, "SAYDIGITSRECORD": TEXT, "DIGITS": TEXT},
    "SILENTRECORD": {"REC": MAYBE_TEXT, "MAXDURATION": MAYBE_NUMBER},
    "VO": {"LAYER": NUMBER, "RECORD": TEXT, "LOOP": NUMBER, "DELAY": NUMBER},
    "HANGUP": {"HANGUP_REC": MAYBE_TEXT, "HANGUP_CAUSE": MAYBE_NUMBER},
}
"""The actions of chapter 5.1."""

_LAYER_TEXT = {"CALLER_NAME": MAYBE_TEXT, "CALLER_ID": MAYBE_TEXT}
LAYER_ACTIONS: Mapping[str, Mapping[str, Rule]] = {
    "GO_TO_LAYER": {"LAYER": NUMBER, **_LAYER_TEXT},
    "DIAL": {
        "TARGETS": Rule(list),
        **dict.fromkeys(("MAX_CALL_DURATION", "MAX_DIAL_DURATION"), MAYBE_NUMBER),
        **dict.fromkeys(("NEXT_VO_ID", "ANSWER_NEXT_VO_ID", "UNAVAILABLE_VO_ID", "UNAVAILABLE_VO"), MAYBE_NUMBER),
        "RECORDING": MAYBE_TEXT,
        **_LAYER_TEXT,
    },
    "SAY_DIGITS": {"NEXT_LAYER": NUMBER, "LANGUAGE": TEXT, "DATA": Rule(list)},
}
"""The actions of chapter 12, and SAY_DIGITS of newer material (E-19)."""


class Faults(list[ReplyFault]):
    """The faults of a reply."""

    def add(self, text: str, rule: str) -> None:
        """Add a fault, with the chapter or the doubtful point that it violates."""
        self.append(ReplyFault(text, rule))


def read_values(reply: HttpReply | None, format_: Format) -> tuple[dict[str, Any], Faults]:
    """The values of a reply, parsed strictly, and its faults; no values if it could not be parsed."""
    faults = Faults()
    if reply is None:
        faults.add("no reply came in time", "A-08")
        return {}, faults
    if reply.status != 200:
        faults.add(f"the HTTP status is {reply.status}, not 200", "A-06")
    try:
        values = _parse(reply.body, format_)
    except (WireError, ValueError) as error:
        faults.add(f"the reply is not {'XML-RPC' if format_ is Format.XMLRPC else 'JSON'}: {error}", "A-03")
        return {}, faults
    if not isinstance(values, dict):
        faults.add("the reply holds no struct", "A-03")
        return {}, faults
    return values, faults


def _parse(body: bytes, format_: Format) -> Any:
    if format_ is not Format.XMLRPC:
        return orjson.loads(body)
    response = xmlrpc.read_response(body.decode("utf-8"))
    if response.fault_code is not None:
        raise WireError(f"it is a fault, {response.fault_code}: {response.fault_text}")
    return response.value


def read_ivr_reply(reply: HttpReply | None, format_: Format) -> tuple[Instruction | None, Faults]:
    """The instruction in a reply to GET_IVR_ACTION; None if there is none that can be followed."""
    values, faults = read_values(reply, format_)
    action = _action(values, IVR_ACTIONS, faults)
    if action is None:
        return None, faults
    language = values.get("LANGUAGE")
    if not isinstance(language, str) or not language.strip():
        faults.add("LANGUAGE is missing", "chapter 5.1")
    data = values.get("DATA")
    if data == [] or data is None:
        faults.add("DATA is missing", "C-27")
        data = {}
    if not isinstance(data, dict):
        faults.add("DATA is not a struct", "chapter 5.1")
        return None, faults
    fields = _fields(action, data, IVR_ACTIONS[action], faults, "chapter 5.1")
    return _if_possible(action, fields, IVR_ACTIONS[action], str(language or "")), faults


def read_layer_reply(reply: HttpReply | None, format_: Format) -> tuple[Instruction | None, Faults]:
    """The instruction in a reply to IVR_LAYER_INPUT; None if there is none that can be followed."""
    values, faults = read_values(reply, format_)
    action = _action(values, LAYER_ACTIONS, faults)
    if action is None:
        return None, faults
    fields = _fields(action, values, LAYER_ACTIONS[action], faults, "chapter 12")
    if action != "SAY_DIGITS":
        fields["CUSTOM_DATA"] = _custom_data(values, faults)
    if action == "DIAL" and not _has_targets(fields.get("TARGETS")):
        faults.add("TARGETS is not a list of objects with TARGET and TYPE", "E-08")
        return None, faults
    return _if_possible(action, fields, LAYER_ACTIONS[action], str(values.get("LANGUAGE") or "")), faults


def _action(values: Mapping[str, Any], actions: Mapping[str, Any], faults: Faults) -> str | None:
    """The action, if the reply has STATUS 0 and one that the provider knows."""
    if not values:
        return None
    status, action = _integer(values.get("STATUS")), values.get("ACTION")
    if status != 0:
        faults.add(f"STATUS is {values.get('STATUS')!r}: an error, and the caller is not served", "C-26")
        return None
    if not isinstance(action, str) or action.strip() not in actions:
        faults.add(f"ACTION is {action!r}; it must be one of {', '.join(actions)}", "chapter 5.1")
        return None
    if action != action.strip():
        faults.add(f"ACTION has blanks around it: {action!r}", "C-11")
    return action.strip()


def _fields(
    action: str, data: Mapping[str, Any], rules: Mapping[str, Rule], faults: Faults, chapter: str
) -> dict[str, Any]:
    """The fields of an action as the table types them; each that is missing or has a wrong type is a fault."""
    fields: dict[str, Any] = {}
    for name, rule in rules.items():
        value = data.get(name)
        if value is None:
            if rule.is_mandatory:
                faults.add(f"{name} is missing in {action}", chapter)
            continue
        read = _READERS[rule.type](value)
        if read is None:
            expected = {int: "a whole number", str: "a string", list: "a list"}[rule.type]
            faults.add(f"{name} is {value!r}, not {expected}", "C-13" if name == "DIGITS" else chapter)
        else:
            fields[name] = read
    return fields


def _if_possible(
    action: str, fields: Mapping[str, Any], rules: Mapping[str, Rule], language: str
) -> Instruction | None:
    """The instruction; None if a field is missing that it cannot be followed without."""
    needed = {"MENU", "TARGET", "LAYER", "DIGITS", "TARGETS", "NEXT_LAYER"} & rules.keys()
    missing = [name for name in needed if rules[name].is_mandatory and name not in fields]
    return None if missing else Instruction(action, fields, language)


def _integer(value: Any) -> int | None:
    """A whole number, or its digits as a string, as the document's own examples have some (C-15)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    return None


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) else None


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None


_READERS: Mapping[type, Callable[[Any], Any]] = {int: _integer, str: _text, list: _list}


def _custom_data(values: Mapping[str, Any], faults: Faults) -> dict[str, str]:
    """CUSTOM_DATA as a mapping; it must be there, also when it is empty (E-09, E-10)."""
    data = values.get("CUSTOM_DATA")
    if data is None:
        faults.add("CUSTOM_DATA is missing; it is an empty list when there is none", "E-10")
    if isinstance(data, dict):
        return {str(name): str(value) for name, value in data.items()}
    if data not in (None, []):
        faults.add("CUSTOM_DATA is not an object of keys and values", "E-09")
    return {}


def _has_targets(targets: Any) -> bool:
    return bool(targets) and all(
        isinstance(one, dict) and isinstance(one.get("TARGET"), str) and isinstance(one.get("TYPE"), str)
        for one in targets
    )


def check_acknowledgement(kind: str, reply: HttpReply | None, format_: Format) -> list[ReplyFault]:
    """The faults of the acknowledgement of a CDR (err 0) or a HANGUP_CALL (STATUS 0)."""
    values, faults = read_values(reply, format_)
    name, chapter = ("err", "chapter 4") if kind == "CDR" else ("STATUS", "chapter 5.2")
    if values and _integer(values.get(name)) != 0:
        text = values.get("errdesc", "")
        faults.add(f"{kind} was not acknowledged: {name} is {values.get(name)!r} {text}".rstrip(), chapter)
    return faults
