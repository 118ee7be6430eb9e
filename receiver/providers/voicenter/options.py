"""Voicenter's settings, under `[providers.voicenter]`: most choose between readings of a doubtful point."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from receiver.providers.base.options import ProviderOptions
from receiver.providers.base.zone import zone_name
from receiver.providers.voicenter.api_options import VoicenterApiOptions
from receiver.settings import split_at_commas


def _country_code(digits: str) -> str:
    if not re.fullmatch("[0-9]{0,4}", digits):
        raise ValueError(f'{digits!r} is not a country code; write up to four digits such as "972", or "" for none')
    return digits


class Fallback(BaseModel):
    """The reply to a question that no handler answered within the deadline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["GET_IVR_ACTION", "IVR_LAYER_INPUT", "POPUP"]
    action: str
    """The reply: MENU, CALL, SAYDIGITS, VO, SILENTRECORD, HANGUP; GO_TO_LAYER, DIAL, SAY_DIGITS; CONTACT."""
    did: str = ""
    """Only for calls to this number; empty for all."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """The reply's fields, by their Python names."""


class VoicenterOptions(ProviderOptions):
    """Voicenter's settings."""

    language: str = "he"
    """LANGUAGE of replies that have no language of their own (C-10)."""
    languages: Annotated[tuple[str, ...], BeforeValidator(split_at_commas)] = ("he", "en")
    """Languages that are sent without a warning (C-10)."""
    language_case: Literal["documented", "lower", "upper"] = "documented"
    """Case of LANGUAGE: "documented" is lower in XML-RPC and upper in JSON (C-09)."""
    json_err_as_integer: bool = False
    """Whether `err` is an integer in JSON replies too, not the document's string (B-01)."""
    unknown_method: Literal["fault", "error"] = "fault"
    """What an unknown XML-RPC method gets: a fault, or err 1 (A-07)."""
    ivr_error: Literal["full", "status_only"] = "full"
    """The error reply to GET_IVR_ACTION: all four fields, or STATUS alone (C-26)."""
    empty_custom_data: Literal["list", "object", "omit"] = "list"
    """CUSTOM_DATA without data: `[]`, `{}`, or left out (E-09)."""
    trim_custom_data_keys: bool = True
    """Whether blanks around the keys of CUSTOM_DATA are removed in replies (E-12)."""
    unavailable_key: Literal["UNAVAILABLE_VO_ID", "UNAVAILABLE_VO", "both"] = "UNAVAILABLE_VO_ID"
    """The name of DIAL's field for no answer, which is doubtful (E-06)."""
    time_zone: Annotated[str, AfterValidator(zone_name)] = "UTC"
    """The zone whose wall clock a CDR's `time` shows (B-19)."""
    country_code: Annotated[str, AfterValidator(_country_code)] = "972"
    """Country code for the international form of local numbers; empty for none (B-17)."""
    popup_origins: Annotated[tuple[str, ...], BeforeValidator(split_at_commas)] = ()
    """Origins that may call the pop-up from a browser, "*" for any (F-06)."""
    fallbacks: tuple[Fallback, ...] = ()
    """Replies to questions that no handler answers; the first whose kind and number match is used."""
    api: VoicenterApiOptions | None = None
    """How to call Voicenter's API; None where you do not."""
