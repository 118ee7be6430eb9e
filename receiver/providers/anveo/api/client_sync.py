"""The client of Anveo's API. Made from its definitions: `python -m tests.api.generate`."""

from typing import ClassVar

import httpx
from pydantic import SecretStr

from receiver.providers.anveo.api.calls import Configuration, CreatedButton
from receiver.providers.anveo.api.definition import AnveoApi
from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import Encoding
from receiver.providers.base.api.discovery import make_options
from receiver.providers.base.api.sending_sync import SyncApiClient, SyncSender


class ButtonsGroup:
    """`client.buttons`."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    def create(
        self,
        button_id: str,
        profile_id: str,
        image_url: str,
        color_style: int,
        configuration: Configuration,
        hour_from: int,
        hour_to: int,
        off_hours_message: str,
        *,
        title: str | None = None,
        phone_number: str | None = None,
        ask_confirmation: bool | None = None,
        allow_countries: list[str] | None = None,
        call_flow: str | None = None,
        variables: dict[str, str] | None = None,
    ) -> CreatedButton:
        """Create a click-to-call button.

        button_id: Id of the new button: unique, at most 128 characters.
        profile_id: Id of an existing profile, at most 128 characters.
        image_url: Picture of the button in small mode, at most 512 characters.
        color_style: Colour theme, 1 to 13 (I-49).
        configuration: Whether calls go to a number or into a call flow (I-48).
        hour_from: First hour of the day in which calls may be placed, 0 to 24.
        hour_to: Last hour of the day in which calls may be placed, 0 to 24.
        off_hours_message: Shown at other hours: text, though the document describes an hour (I-47).
        title: Text on the button, at most 32 characters; the provider's default is "Call Me".
        phone_number: SIMPLE only, and needed there: country code, area code and number (I-48).
        ask_confirmation: SIMPLE only, and needed there: whether the called side must confirm each call.
        allow_countries: Countries that callers may be in, such as USA; the document's list of them is missing
            (I-49).
        call_flow: CALLFLOW only, and needed there: API key of the call flow.
        variables: CALLFLOW only: variables of the call flow by name (I-50).

        Source: API request (CLICK2CALL.BUTTON.CREATE).
        """
        given: dict[str, object] = {
            "button_id": button_id,
            "profile_id": profile_id,
            "image_url": image_url,
            "color_style": color_style,
            "configuration": configuration,
            "hour_from": hour_from,
            "hour_to": hour_to,
            "off_hours_message": off_hours_message,
            "title": title,
            "phone_number": phone_number,
            "ask_confirmation": ask_confirmation,
            "allow_countries": allow_countries,
            "call_flow": call_flow,
            "variables": variables,
        }
        call = self._sender.api.named("buttons.create", CreatedButton)
        return self._sender.send(call, given)


class SyncClient(SyncApiClient):
    """Anveo's API.

    base_url: The whole address of the API: the document does not have it (I-46).
    timeout: Seconds that one try may take.
    attempts: Tries of a call that is safe to repeat; other calls are tried once.
    user_key: Authorises every call.
    encoding: how parameters are sent where the document allows several; None for the document's own example.
    transport: takes the place of the network, for tests.

    Raises SettingsError for options that cannot work.
    """

    api_type: ClassVar[type[Api]] = AnveoApi

    def __init__(
        self,
        *,
        base_url: str,
        user_key: str | SecretStr,
        timeout: float = 10.0,
        attempts: int = 3,
        encoding: Encoding | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = make_options(
            AnveoApi,
            {
                "base_url": base_url,
                "timeout": timeout,
                "attempts": attempts,
                "user_key": user_key,
            },
        )
        super().__init__(SyncSender(AnveoApi(), options, encoding=encoding, transport=transport))

    def _open(self, sender: SyncSender) -> None:
        self.buttons = ButtonsGroup(sender)
