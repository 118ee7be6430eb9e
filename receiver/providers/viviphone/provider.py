"""ViviPhone: it sends no callbacks (I-45), so its records come from the history of its buttons alone."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from receiver.providers.base.contract import Kind, Mode
from receiver.providers.base.event import Event
from receiver.providers.base.log_only import LogOnlyProvider
from receiver.providers.base.options import ProviderOptions
from receiver.providers.base.record import CallRecord, Direction, Money, Outcome
from receiver.providers.viviphone.events import PastCall
from receiver.providers.viviphone.options import ViviPhoneOptions

if TYPE_CHECKING:
    from receiver.providers.base.call_log import CallLogSource

NORTH_AMERICA = "1"
_NATIONAL_DIGITS = 10


class ViviPhone(LogOnlyProvider[ViviPhoneOptions]):
    """The history of ViviPhone's buttons."""

    name: ClassVar[str] = "viviphone"
    title: ClassVar[str] = "ViviPhone"
    options_type: ClassVar[type[ProviderOptions]] = ViviPhoneOptions
    kinds: ClassVar[tuple[Kind, ...]] = (Kind("HISTORY", Mode.NOTIFY, PastCall, has_record=True),)

    def event(self, values: Mapping[str, Any]) -> PastCall:
        """The event of one row of a history."""
        api = self.options.api
        return PastCall.from_wire(values, time_zone=api.time_zone if api else "UTC")

    def call_log(self) -> "CallLogSource | None":
        """The history of the buttons in the settings; None if they name none."""
        from receiver.providers.viviphone.call_log import ViviPhoneCallLog

        api = self.options.api
        return ViviPhoneCallLog(self, api) if api and api.buttons else None

    def examples(self) -> Mapping[type[Event], Mapping[str, Any]]:
        """An example of the event."""
        from receiver.providers.viviphone.examples import examples

        return examples()

    def record(self, event: Event) -> CallRecord | None:
        """The call record of one row; the button stands for the firm's side, whose number the row does not have."""
        if not isinstance(event, PastCall):
            return None
        direction = _DIRECTIONS.get(event.type.lower(), Direction.UNKNOWN)
        there, its_number = event.number, _international(event)
        is_from_firm = direction is Direction.OUTGOING
        return CallRecord(
            provider=self.name,
            call_id=event.call_id,
            from_number=event.button if is_from_firm else there,
            to_number=there if is_from_firm else event.button,
            from_international=None if is_from_firm else its_number,
            to_international=its_number if is_from_firm else None,
            direction=direction,
            started=event.started,
            talk_seconds=event.duration_seconds,
            outcome=_outcome(event.duration_seconds),
            cost=None if event.cost_cents is None else Money(amount=event.cost_cents / Decimal(100), currency="USD"),
            event=event,
        )


_DIRECTIONS = {"inbound": Direction.INCOMING, "outbound": Direction.OUTGOING}


def _outcome(seconds: int | None) -> Outcome:
    """The history has no status: a call without a conversation was not answered, for whatever reason."""
    if seconds is None:
        return Outcome.UNKNOWN
    return Outcome.ANSWERED if seconds else Outcome.NO_ANSWER


def _international(event: PastCall) -> str | None:
    """The number with its country code, if it consists of digits; numbers of the US and Canada may come without."""
    digits = event.number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return None
    is_national = not event.is_international and len(digits) == _NATIONAL_DIGITS
    return NORTH_AMERICA + digits if is_national else digits
