"""The base class of events: typed fields, the values as sent, and the look-up of names."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from receiver.providers.base import coerce
from receiver.providers.base.memoize import memoize_by_names
from receiver.providers.base.names import normalize_name


@dataclass(frozen=True, slots=True)
class Reads:
    """How a field's value is converted from the wire, and its other names."""

    convert: Callable[[object], object]
    aliases: tuple[str, ...] = ()


Text = Annotated[str, Reads(coerce.text)]
Identifier = Annotated[str, Reads(coerce.identifier)]
Url = Annotated[str, Reads(coerce.url)]
Integer = Annotated[int | None, Reads(coerce.integer)]
NumberOrNone = Annotated[int | None, Reads(coerce.identifier_number)]
Amount = Annotated[Decimal | None, Reads(coerce.amount)]
Flag = Annotated[bool | None, Reads(coerce.flag)]
Structure = Annotated[Any, Reads(coerce.structure)]
Objects = Annotated[list[dict[str, Any]], Reads(coerce.objects)]
Pairs = Annotated[dict[str, str], Reads(coerce.pairs)]


class WireModel(BaseModel):
    """Values of a provider, typed. Every field has a default, so a missing field never loses the record (A-22)."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64")

    extra: dict[str, Any] = Field(default_factory=dict)
    """Undocumented fields, under the names they were sent with (A-21)."""
    raw: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Every value as it was sent, under the name it was sent with."""
    unread: tuple[str, ...] = ()
    """Names of fields whose value could not be converted: None or empty here, the value as sent in `raw` (A-17)."""

    moment_field: ClassVar[str] = ""
    """The field with the time of the event, a datetime or seconds since 1970; empty if there is none."""
    _names: ClassVar[dict[str, tuple[str, Callable[[object], object]]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Prepare the table of names once a class."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._names = {
            normalize_name(name): (field, reads.convert)
            for field, info in cls.model_fields.items()
            for reads in info.metadata
            if isinstance(reads, Reads)
            for name in (field, *reads.aliases)
        }

    @classmethod
    def wire_names(cls) -> AbstractSet[str]:
        """The names of all documented fields, normalised."""
        return cls._names.keys()

    @classmethod
    def value_of(cls, field: str, values: Mapping[str, Any]) -> Any:
        """The value that `from_wire` would give one field; None if no readable value was sent."""
        return _value(_places(cls, field, tuple(values)), values)

    @classmethod
    def moment_in(cls, values: Mapping[str, Any]) -> Any:
        """The value of `moment_field`; None if several names of it have different values, whatever their order."""
        moments = {_value((place,), values) for place in _places(cls, cls.moment_field, tuple(values))} - {None}
        return moments.pop() if len(moments) == 1 else None

    @classmethod
    def from_wire(cls, values: Mapping[str, Any], **derived: object) -> Self:
        """The model with `values`; never fails. `derived` sets fields that come from settings, not from the wire."""
        fields: dict[str, object] = dict(derived)
        extra: dict[str, Any] = {}
        unread: list[str] = []
        for (name, value), known in zip(values.items(), _fields(cls, tuple(values)), strict=True):
            if known is None:
                extra[name.strip()] = value
                continue
            field, convert = known
            if field in fields and value in coerce.BLANK:
                continue  # two names of one field: the one with a value is used
            try:
                fields[field] = convert(value)
            except (ValueError, OverflowError, RecursionError):
                unread.append(name)
        return cls.model_validate({**fields, "extra": extra, "raw": dict(values), "unread": tuple(unread)})


_Known = tuple[str, Callable[[object], object]]
_Places = Sequence[tuple[str, Callable[[object], object]]]
"""The names, among those sent, of one field, each with the conversion of its value."""


@memoize_by_names
def _fields(model: type[WireModel], names: tuple[str, ...]) -> tuple[_Known | None, ...]:
    """The field behind each name, None for undocumented names."""
    return tuple(model._names.get(normalize_name(name)) for name in names)  # noqa: SLF001 - the model's own table


@memoize_by_names
def _places(model: type[WireModel], field: str, names: tuple[str, ...]) -> _Places:
    """The places of one field."""
    known = zip(names, _fields(model, names), strict=True)
    return tuple((name, found[1]) for name, found in known if found and found[0] == field)


def _value(places: _Places, values: Mapping[str, Any]) -> Any:
    found = None
    for name, convert in places:
        value = values[name]
        if found is None or value not in coerce.BLANK:
            with suppress(ValueError, OverflowError, RecursionError):
                found = convert(value)
    return found


class Event(WireModel):
    """The content of one callback."""

    kind: ClassVar[str]
    """The callback's name in the journal and on the command line."""

    @property
    def call_id(self) -> str:
        """The provider's id of the call; empty if it sent none. Two legs may share it (B-25)."""
        return ""
