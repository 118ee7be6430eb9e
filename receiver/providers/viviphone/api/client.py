"""The client of ViviPhone's API. Made from its definitions: `python -m tests.api.generate`."""

from datetime import time, timedelta
from typing import ClassVar

import httpx
from pydantic import SecretStr

from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import Encoding
from receiver.providers.base.api.discovery import make_options
from receiver.providers.base.api.sending import AsyncApiClient, AsyncSender
from receiver.providers.viviphone.api.definition import ViviPhoneApi
from receiver.providers.viviphone.api.results import (
    AccessResult,
    CreatedButton,
    DestinationResult,
    Done,
    GeneralResult,
    HistoryResult,
    NumbersResult,
    PanelResult,
    PhonesResult,
    ScheduleResult,
    VoicemailResult,
)
from receiver.providers.viviphone.api.values import Destination, Language, Weekday


class ButtonsGroup:
    """`client.buttons`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def create(
        self,
        number1: str,
        pin: SecretStr | str | int,
        *,
        country1: int | None = None,
        dial1: str | None = None,
        sms1: bool | None = None,
        number2: str | None = None,
        country2: int | None = None,
        dial2: str | None = None,
        sms2: bool | None = None,
        number3: str | None = None,
        country3: int | None = None,
        dial3: str | None = None,
        sms3: bool | None = None,
        hours_behind_utc: int | None = None,
        language: Language | None = None,
        voicemail_delay: timedelta | int | None = None,
        schedule: bool | None = None,
        start: timedelta | time | int | None = None,
        stop: timedelta | time | int | None = None,
        days: list[Weekday] | None = None,
        refer_url: str | None = None,
        from_country: int | None = None,
        show_text: bool | None = None,
        text: str | None = None,
        image_url: str | None = None,
        max_tier: int | None = None,
    ) -> CreatedButton:
        """Create a click-to-call button.

        number1: First number: mandatory in the sections, optional in the appendix (I-37).
        pin: Pin of its voice mail box, 1000 to 9999.
        country1: Its country code, 1 to 999; the default is 1, North America.
        dial1: Dialled after it, such as w201: at most 10 characters, `w` pauses for half a second.
        sms1: Whether it can get SMS; the default is no.
        number2: Second number; -1 for none.
        country2: Its country code, 1 to 999; the default is 1.
        dial2: Dialled after it, at most 10 characters.
        sms2: Whether it can get SMS; the default is no.
        number3: Third number; -1 for none.
        country3: Its country code, 1 to 999; the default is 1.
        dial3: Dialled after it, at most 10 characters.
        sms3: Whether it can get SMS; the default is no.
        hours_behind_utc: Whole hours, -12 to 12; positive is west: 5 is Eastern time (I-38). The default is the
            account's.
        language: Language of the voice mail's prompts; the default is the account's.
        voicemail_delay: After how long voice mail answers, 0 to 255 seconds; 255, the default, is never.
        schedule: Whether calls are taken on schedule alone; the default is no (I-31).
        start: When calls are taken from: a time, or minutes from midnight, 0 to 1440; the default is 9:00.
        stop: When calls are taken until; the default is 17:00.
        days: On which days calls are taken; the default is Monday to Friday (I-35).
        refer_url: Calls must come from a page with this in its address: at most 30 characters; empty for any page.
        from_country: Calls must come from this country, 1 to 999; 0 is any; the default is 1, North America (I-36).
        show_text: Whether the panel shows its scrolling text; the default is no.
        text: The scrolling text, at most 80 characters.
        image_url: Picture of 150 by 150 pixels, at most 80 characters; empty for the usual one.
        max_tier: Highest rate tier of calls, 0 to 4; the default is 0 (I-36).

        Source: 2.1 (c2c.new).
        """
        given: dict[str, object] = {
            "number1": number1,
            "pin": pin,
            "country1": country1,
            "dial1": dial1,
            "sms1": sms1,
            "number2": number2,
            "country2": country2,
            "dial2": dial2,
            "sms2": sms2,
            "number3": number3,
            "country3": country3,
            "dial3": dial3,
            "sms3": sms3,
            "hours_behind_utc": hours_behind_utc,
            "language": language,
            "voicemail_delay": voicemail_delay,
            "schedule": schedule,
            "start": start,
            "stop": stop,
            "days": days,
            "refer_url": refer_url,
            "from_country": from_country,
            "show_text": show_text,
            "text": text,
            "image_url": image_url,
            "max_tier": max_tier,
        }
        call = self._sender.api.named("buttons.create", CreatedButton)
        return await self._sender.send(call, given)


class DestinationGroup:
    """`client.destination`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> DestinationResult:
        """Show where a button's calls go.

        button: The button's id.

        Source: 2.2 (c2c.typedest.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("destination.get", DestinationResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        destination: Destination,
    ) -> Done:
        """Set where a button's calls go.

        button: The button's id.
        destination: Optional in the section, mandatory in the appendix (I-37).

        Source: 2.2 (c2c.typedest.set).
        """
        given: dict[str, object] = {
            "button": button,
            "destination": destination,
        }
        call = self._sender.api.named("destination.set", Done)
        return await self._sender.send(call, given)


class PhonesGroup:
    """`client.phones`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> PhonesResult:
        """Show the numbers that a button rings.

        button: The button's id.

        Source: 2.3 (c2c.phdest.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("phones.get", PhonesResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        number1: str,
        *,
        country1: int | None = None,
        dial1: str | None = None,
        sms1: bool | None = None,
        number2: str | None = None,
        country2: int | None = None,
        dial2: str | None = None,
        sms2: bool | None = None,
        number3: str | None = None,
        country3: int | None = None,
        dial3: str | None = None,
        sms3: bool | None = None,
    ) -> Done:
        """Set the numbers that a button rings.

        button: The button's id.
        number1: First number: mandatory in the sections, optional in the appendix (I-37).
        country1: Its country code, 1 to 999; the default is 1, North America.
        dial1: Dialled after it, such as w201: at most 10 characters, `w` pauses for half a second.
        sms1: Whether it can get SMS; the default is no.
        number2: Second number; -1 for none.
        country2: Its country code, 1 to 999; the default is 1.
        dial2: Dialled after it, at most 10 characters.
        sms2: Whether it can get SMS; the default is no.
        number3: Third number; -1 for none.
        country3: Its country code, 1 to 999; the default is 1.
        dial3: Dialled after it, at most 10 characters.
        sms3: Whether it can get SMS; the default is no.

        Source: 2.3 (c2c.phdest.set).
        """
        given: dict[str, object] = {
            "button": button,
            "number1": number1,
            "country1": country1,
            "dial1": dial1,
            "sms1": sms1,
            "number2": number2,
            "country2": country2,
            "dial2": dial2,
            "sms2": sms2,
            "number3": number3,
            "country3": country3,
            "dial3": dial3,
            "sms3": sms3,
        }
        call = self._sender.api.named("phones.set", Done)
        return await self._sender.send(call, given)


class VoicemailGroup:
    """`client.voicemail`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> VoicemailResult:
        """Show when voice mail answers.

        button: The button's id.

        Source: 2.4 (c2c.vm.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("voicemail.get", VoicemailResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        *,
        voicemail_delay: timedelta | int | None = None,
    ) -> Done:
        """Set when voice mail answers.

        button: The button's id.
        voicemail_delay: After how long voice mail answers, 0 to 255 seconds; 255, the default, is never.

        Source: 2.4 (c2c.vm.set).
        """
        given: dict[str, object] = {
            "button": button,
            "voicemail_delay": voicemail_delay,
        }
        call = self._sender.api.named("voicemail.set", Done)
        return await self._sender.send(call, given)


class ScheduleGroup:
    """`client.schedule`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> ScheduleResult:
        """Show when a button takes calls.

        button: The button's id.

        Source: 2.5 (c2c.schd.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("schedule.get", ScheduleResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        *,
        schedule: bool | None = None,
        start: timedelta | time | int | None = None,
        stop: timedelta | time | int | None = None,
        days: list[Weekday] | None = None,
    ) -> Done:
        """Set when a button takes calls.

        button: The button's id.
        schedule: Whether calls are taken on schedule alone; the default is no (I-31).
        start: When calls are taken from: a time, or minutes from midnight, 0 to 1440; the default is 9:00.
        stop: When calls are taken until; the default is 17:00.
        days: On which days calls are taken; the default is Monday to Friday (I-35).

        Source: 2.5 (c2c.schd.set).
        """
        given: dict[str, object] = {
            "button": button,
            "schedule": schedule,
            "start": start,
            "stop": stop,
            "days": days,
        }
        call = self._sender.api.named("schedule.set", Done)
        return await self._sender.send(call, given)


class AccessGroup:
    """`client.access`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> AccessResult:
        """Show whose calls a button takes.

        button: The button's id.

        Source: 2.6 (c2c.actrl.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("access.get", AccessResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        *,
        refer_url: str | None = None,
        from_country: int | None = None,
        max_tier: int | None = None,
    ) -> Done:
        """Set whose calls a button takes.

        button: The button's id.
        refer_url: Calls must come from a page with this in its address: at most 30 characters; empty for any page.
        from_country: Calls must come from this country, 1 to 999; 0 is any; the default is 1, North America (I-36).
        max_tier: Highest rate tier of calls, 0 to 5; the default is 0 (I-36).

        Source: 2.6 (c2c.actrl.set).
        """
        given: dict[str, object] = {
            "button": button,
            "refer_url": refer_url,
            "from_country": from_country,
            "max_tier": max_tier,
        }
        call = self._sender.api.named("access.set", Done)
        return await self._sender.send(call, given)


class PanelGroup:
    """`client.panel`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> PanelResult:
        """Show what a button's panel shows.

        button: The button's id.

        Source: 2.7 (c2c.ui.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("panel.get", PanelResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        *,
        show_text: bool | None = None,
        text: str | None = None,
        image_url: str | None = None,
    ) -> Done:
        """Set what a button's panel shows.

        button: The button's id.
        show_text: Whether the panel shows its scrolling text; the default is no.
        text: The scrolling text, at most 80 characters.
        image_url: Picture of 150 by 150 pixels, at most 80 characters; empty for the usual one.

        Source: 2.7 (c2c.ui.set).
        """
        given: dict[str, object] = {
            "button": button,
            "show_text": show_text,
            "text": text,
            "image_url": image_url,
        }
        call = self._sender.api.named("panel.set", Done)
        return await self._sender.send(call, given)


class GeneralGroup:
    """`client.general`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> GeneralResult:
        """Show time zone and language of a button.

        button: The button's id.

        Source: 2.8 (c2c.geninfo.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("general.get", GeneralResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        *,
        hours_behind_utc: int | None = None,
        language: Language | None = None,
    ) -> Done:
        """Set time zone and language of a button.

        button: The button's id.
        hours_behind_utc: Whole hours, -12 to 12; positive is west: 5 is Eastern time (I-38). The default is the
            account's.
        language: Language of the voice mail's prompts; the default is the account's.

        Source: 2.8 (c2c.geninfo.set).
        """
        given: dict[str, object] = {
            "button": button,
            "hours_behind_utc": hours_behind_utc,
            "language": language,
        }
        call = self._sender.api.named("general.set", Done)
        return await self._sender.send(call, given)


class RejectedNumbersGroup:
    """`client.rejected_numbers`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> NumbersResult:
        """Show the numbers that are rejected.

        button: The button's id.

        Source: 3.1 (gen.scrng.bl.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("rejected_numbers.get", NumbersResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        numbers: list[str],
    ) -> Done:
        """Set the numbers that are rejected.

        button: The button's id.
        numbers: The numbers; none empties the list. Optional in the section, mandatory in the appendix (I-37).

        Source: 3.1 (gen.scrng.bl.set).
        """
        given: dict[str, object] = {
            "button": button,
            "numbers": numbers,
        }
        call = self._sender.api.named("rejected_numbers.set", Done)
        return await self._sender.send(call, given)


class VoicemailNumbersGroup:
    """`client.voicemail_numbers`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> NumbersResult:
        """Show the numbers that get voice mail.

        button: The button's id.

        Source: 3.2 (gen.scrng.vm.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("voicemail_numbers.get", NumbersResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        numbers: list[str],
    ) -> Done:
        """Set the numbers that get voice mail.

        button: The button's id.
        numbers: The numbers; none empties the list. Optional in the section, mandatory in the appendix (I-37).

        Source: 3.2 (gen.scrng.vm.set).
        """
        given: dict[str, object] = {
            "button": button,
            "numbers": numbers,
        }
        call = self._sender.api.named("voicemail_numbers.set", Done)
        return await self._sender.send(call, given)


class AcceptedNumbersGroup:
    """`client.accepted_numbers`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
    ) -> NumbersResult:
        """Show the numbers that are accepted.

        button: The button's id.

        Source: 3.3 (gen.scrng.ph.get).
        """
        given: dict[str, object] = {
            "button": button,
        }
        call = self._sender.api.named("accepted_numbers.get", NumbersResult)
        return await self._sender.send(call, given)

    async def set(
        self,
        button: str,
        numbers: list[str],
    ) -> Done:
        """Set the numbers that are accepted.

        button: The button's id.
        numbers: The numbers; none empties the list. Optional in the section, mandatory in the appendix (I-37).

        Source: 3.3 (gen.scrng.ph.set).
        """
        given: dict[str, object] = {
            "button": button,
            "numbers": numbers,
        }
        call = self._sender.api.named("accepted_numbers.set", Done)
        return await self._sender.send(call, given)


class HistoryGroup:
    """`client.history`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def get(
        self,
        button: str,
        days: int,
    ) -> HistoryResult:
        """Show the past calls of a button.

        button: The button's id.
        days: Calls of today and of so many days before.

        Source: 3.4 (gen.hist.get).
        """
        given: dict[str, object] = {
            "button": button,
            "days": days,
        }
        call = self._sender.api.named("history.get", HistoryResult)
        return await self._sender.send(call, given)


class Client(AsyncApiClient):
    """ViviPhone's API.

    base_url: Takes the place of https://www.viviphone.com, for a sandbox or a proxy.
    timeout: Seconds that one try may take.
    attempts: Tries of a call that is safe to repeat; other calls are tried once.
    key: Authorises every call. It goes over HTTPS alone (chapter 1.3).
    encoding: how parameters are sent where the document allows several; None for the document's own example.
    transport: takes the place of the network, for tests.

    Raises SettingsError for options that cannot work.
    """

    api_type: ClassVar[type[Api]] = ViviPhoneApi

    def __init__(
        self,
        *,
        key: str | SecretStr,
        base_url: str | None = None,
        timeout: float = 10.0,
        attempts: int = 3,
        encoding: Encoding | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        options = make_options(
            ViviPhoneApi,
            {
                "base_url": base_url,
                "timeout": timeout,
                "attempts": attempts,
                "key": key,
            },
        )
        super().__init__(AsyncSender(ViviPhoneApi(), options, encoding=encoding, transport=transport))

    def _open(self, sender: AsyncSender) -> None:
        self.buttons = ButtonsGroup(sender)
        self.destination = DestinationGroup(sender)
        self.phones = PhonesGroup(sender)
        self.voicemail = VoicemailGroup(sender)
        self.schedule = ScheduleGroup(sender)
        self.access = AccessGroup(sender)
        self.panel = PanelGroup(sender)
        self.general = GeneralGroup(sender)
        self.rejected_numbers = RejectedNumbersGroup(sender)
        self.voicemail_numbers = VoicemailNumbersGroup(sender)
        self.accepted_numbers = AcceptedNumbersGroup(sender)
        self.history = HistoryGroup(sender)
