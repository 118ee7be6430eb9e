"""The client of Spokn's API. Made from its definitions: `python -m tests.api.generate`."""

from datetime import timedelta
from typing import ClassVar

import httpx
from pydantic import SecretStr

from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import Encoding
from receiver.providers.base.api.discovery import make_options
from receiver.providers.base.api.sending import AsyncApiClient, AsyncSender
from receiver.providers.spokn.api.calls import AcceptedCall, Schema
from receiver.providers.spokn.api.definition import SpoknApi


class ClickToCallGroup:
    """`client.click_to_call`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def call(
        self,
        aparty: str,
        bparty: str,
        *,
        aparty_caller_id: str | None = None,
        bparty_caller_id: str | None = None,
        max_duration: timedelta | int | None = None,
        token: str | None = None,
        max_retries: int | None = None,
        retry_time: timedelta | int | None = None,
        callback_url: str | None = None,
    ) -> AcceptedCall:
        """Ring one phone, then another, and connect them.

        aparty: Rung first: a number such as +15550100, or a Spokn ID.
        bparty: Rung second.
        aparty_caller_id: Number that `aparty` sees; Enterprise users only.
        bparty_caller_id: Number that `bparty` sees; Enterprise users only.
        max_duration: How long the call may last: whole minutes, at most 60; a plain number counts as minutes (G-06,
            G-17).
        token: Comes back in the status posts, at most 128 characters. Make it unique: it is the only link (G-04).
        max_retries: How often Spokn rings `aparty` again, at most 3; the default is 0.
        retry_time: Pause before that: whole seconds, at most 10 (G-17).
        callback_url: Where the status posts go; Enterprise users only (G-12).

        Source: API reference (/c2c/1.0/call).
        """
        given: dict[str, object] = {
            "aparty": aparty,
            "bparty": bparty,
            "aparty_caller_id": aparty_caller_id,
            "bparty_caller_id": bparty_caller_id,
            "max_duration": max_duration,
            "token": token,
            "max_retries": max_retries,
            "retry_time": retry_time,
            "callback_url": callback_url,
        }
        call = self._sender.api.named("click_to_call.call", AcceptedCall)
        return await self._sender.send(call, given)


class SchemaGroup:
    """`client.schema`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def download(self) -> Schema:
        """Download the XML schema of the replies.

        Source: Response (/api/c2c.xsd).
        """
        given: dict[str, object] = {}
        call = self._sender.api.named("schema.download", Schema)
        return await self._sender.send(call, given)


class Client(AsyncApiClient):
    """Spokn's API.

    base_url: Takes the place of the documented scheme and host, for a sandbox or a proxy; None calls the
        provider.
    timeout: Seconds that one try may take.
    attempts: Tries of a call that is safe to repeat; other calls are tried once.
    user: Spokn ID that calls are made with.
    password: Its password.
    encoding: how parameters are sent where the document allows several; None for the document's own example.
    transport: takes the place of the network, for tests.

    Raises SettingsError for options that cannot work.
    """

    api_type: ClassVar[type[Api]] = SpoknApi

    def __init__(
        self,
        *,
        user: str,
        password: str | SecretStr,
        base_url: str | None = None,
        timeout: float = 10.0,
        attempts: int = 3,
        encoding: Encoding | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        options = make_options(
            SpoknApi,
            {
                "base_url": base_url,
                "timeout": timeout,
                "attempts": attempts,
                "user": user,
                "password": password,
            },
        )
        super().__init__(AsyncSender(SpoknApi(), options, encoding=encoding, transport=transport))

    def _open(self, sender: AsyncSender) -> None:
        self.click_to_call = ClickToCallGroup(sender)
        self.schema = SchemaGroup(sender)
