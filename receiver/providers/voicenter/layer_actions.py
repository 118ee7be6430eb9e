"""The actions that answer IVR_LAYER_INPUT, and its error (chapter 12)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from receiver.providers.voicenter.options import VoicenterOptions
from receiver.providers.voicenter.replies import (
    Count,
    LanguageTag,
    LayerNumber,
    Line,
    Mandatory,
    VoicenterReply,
    printable,
)
from receiver.wire import Format


def _yes_no(value: object) -> object:
    return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


CustomData = dict[Annotated[str, StringConstraints(strip_whitespace=False), AfterValidator(printable)], Line]
"""Keys are trimmed when they are sent, by a setting (E-12)."""


class LayerAction(VoicenterReply):
    """What to do with a caller in a layer of the provider's IVR (E-19)."""

    action: ClassVar[str]

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS, ACTION and the action's own fields beside them."""
        return {"STATUS": 0, "ACTION": self.action, **self.model_dump(by_alias=True, exclude_none=True)}


def custom_data_on_wire(data: Mapping[str, str], options: VoicenterOptions) -> dict[str, Any]:
    """CUSTOM_DATA as an object; `[]` when there is none (E-09, E-10), its keys trimmed unless two collide (E-12)."""
    if data:
        trimmed = {key.strip(): value for key, value in data.items()}
        collide = len(trimmed) < len(data)
        return {"CUSTOM_DATA": dict(data) if collide or not options.trim_custom_data_keys else trimmed}
    empty: dict[str, dict[str, Any]] = {
        "list": {"CUSTOM_DATA": []},
        "object": {"CUSTOM_DATA": {}},
        "omit": {},
    }
    return empty[options.empty_custom_data]


class GoToLayer(LayerAction):
    """GO_TO_LAYER: continue in another layer."""

    action: ClassVar[str] = "GO_TO_LAYER"

    layer: LayerNumber = Field(serialization_alias="LAYER")
    """The layer's number (E-04, E-05)."""
    caller_name: Line | None = Field(default=None, serialization_alias="CALLER_NAME")
    """The name shown to the destination (E-11)."""
    custom_data: CustomData = Field(default_factory=dict, exclude=True)
    """Data that the provider keeps and sends with later callbacks of this call."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """The action's fields, then CUSTOM_DATA."""
        return {**super().values(dialect, options), **custom_data_on_wire(self.custom_data, options)}


class Target(BaseModel):
    """A target of DIAL; `type` PHONE is documented, EXTENSION is newer (E-08)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)

    target: Mandatory = Field(serialization_alias="TARGET")
    type: Mandatory = Field(default="PHONE", serialization_alias="TYPE")


class Dial(LayerAction):
    """DIAL: call one or several targets. Names and types are those of the document's example (E-07)."""

    action: ClassVar[str] = "DIAL"

    max_call_duration: Count | None = Field(default=None, serialization_alias="MAX_CALL_DURATION")
    """Seconds the call may last."""
    max_dial_duration: Count | None = Field(default=None, serialization_alias="MAX_DIAL_DURATION")
    """Seconds to let it ring at most."""
    recording: Annotated[bool, BeforeValidator(_yes_no)] | None = Field(default=None, serialization_alias="RECORDING")
    """Whether to record; "yes" or "no" on the wire, and taken as such from handlers too."""
    targets: Annotated[tuple[Target, ...], Field(min_length=1, strict=False)] = Field(serialization_alias="TARGETS")
    caller_id: Line | None = Field(default=None, serialization_alias="CALLER_ID")
    """The number shown to the targets."""
    caller_name: Line | None = Field(default=None, serialization_alias="CALLER_NAME")
    """The name shown to the targets (E-11)."""
    next_vo_id: LayerNumber | None = Field(default=None, serialization_alias="NEXT_VO_ID")
    """The layer to continue in if the call fails (E-16)."""
    answer_next_vo_id: LayerNumber | None = Field(default=None, serialization_alias="ANSWER_NEXT_VO_ID")
    """The layer to continue in after an answered call has ended (E-16)."""
    unavailable_vo_id: LayerNumber | None = Field(
        default=None,
        validation_alias=AliasChoices("unavailable_vo_id", "unavailable_vo"),
        serialization_alias="UNAVAILABLE_VO_ID",
    )
    """The layer to continue in if there is no answer; its wire name is doubtful, a setting chooses (E-06, E-16)."""
    custom_data: CustomData = Field(default_factory=dict, exclude=True)
    """Data that the provider keeps and sends with later callbacks of this call."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """The action's fields, then CUSTOM_DATA."""
        values = super().values(dialect, options)
        if self.recording is not None:
            values["RECORDING"] = "yes" if self.recording else "no"
        if self.unavailable_vo_id is not None and options.unavailable_key != "UNAVAILABLE_VO_ID":
            values["UNAVAILABLE_VO"] = self.unavailable_vo_id
            if options.unavailable_key == "UNAVAILABLE_VO":
                del values["UNAVAILABLE_VO_ID"]
        return {**values, **custom_data_on_wire(self.custom_data, options)}


class Spoken(BaseModel):
    """One thing that LayerSayDigits says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)

    type: Literal["Recording", "Digits", "Number", "Date", "DateTime"] = Field(serialization_alias="RecordType")
    content: Mandatory = Field(serialization_alias="Content")


class LayerSayDigits(LayerAction):
    """SAY_DIGITS: say something, then continue in a layer. From newer material (E-19)."""

    action: ClassVar[str] = "SAY_DIGITS"

    next_layer: LayerNumber = Field(serialization_alias="NEXT_LAYER")
    language: LanguageTag | None = Field(default=None, exclude=True)
    """HE, EN, AR or RU; the setting `language` where it is left out."""
    content: Annotated[tuple[Spoken, ...], Field(min_length=1, strict=False)] = Field(serialization_alias="DATA")

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """LANGUAGE in capitals before the rest."""
        values = super().values(dialect, options)
        content = values.pop("DATA")
        return {**values, "LANGUAGE": (self.language or options.language).upper(), "DATA": content}


class LayerError(VoicenterReply):
    """STATUS 1 alone: the provider continues in its configured fallback layer (E-18)."""

    def values(self, dialect: Format, options: VoicenterOptions) -> dict[str, Any]:
        """STATUS alone: an invented ACTION could route the call."""
        return {"STATUS": 1}


LAYER_ACTIONS: tuple[type[LayerAction], ...] = (GoToLayer, Dial, LayerSayDigits)
