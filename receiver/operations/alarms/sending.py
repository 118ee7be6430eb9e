"""Messages about alarms: by e-mail, to chats, as SMS or to web hooks, through apprise."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import SecretStr

from receiver.errors import SettingsError
from receiver.metrics import Metrics

if TYPE_CHECKING:
    from apprise import NotifyBase

logger = logging.getLogger(__name__)


class Sender(Protocol):
    """Sends messages to people."""

    async def send(self, title: str, body: str) -> bool:
        """Send to every recipient; True if at least one got it, or if there is none."""


class NoRecipients:
    """For settings without recipients: the log has everything."""

    async def send(self, title: str, body: str) -> bool:
        """There is no one to send to."""
        return True


class AppriseSender:
    """Sends to URLs of apprise. Raises SettingsError, which names a URL that no service has."""

    def __init__(self, urls: Sequence[SecretStr], metrics: Metrics) -> None:
        self._services = [_service(number, url) for number, url in enumerate(urls)]
        self._metrics = metrics

    async def send(self, title: str, body: str) -> bool:
        """Send to all at once; what fails is logged without the secrets of its URL."""
        return any((await self.send_each(title, body)).values())

    async def send_each(self, title: str, body: str) -> dict[str, bool]:
        """The same; for each recipient, by its place in the settings, whether it was accepted."""
        places = [f"alarms.urls.{number} ({one.service_name})" for number, one in enumerate(self._services)]
        sending = (self._send(*one, title, body) for one in zip(places, self._services, strict=True))
        return dict(zip(places, await asyncio.gather(*sending), strict=True))

    async def _send(self, place: str, service: "NotifyBase", title: str, body: str) -> bool:
        try:
            done = bool(await asyncio.to_thread(service.notify, body=body, title=title))
        except Exception as error:
            logger.warning("an alarm could not be sent to %s: %s", place, type(error).__name__)
            done = False
        else:
            if not done:
                logger.warning("an alarm was not accepted by %s", place)
        self._metrics.alarm_sent("sent" if done else "failed")
        return done


def make_sender(urls: Sequence[SecretStr], metrics: Metrics) -> Sender:
    """The sender for these settings. Raises SettingsError if apprise is missing, or a URL is wrong."""
    return AppriseSender(urls, metrics) if urls else NoRecipients()


def check_recipients(urls: Sequence[SecretStr]) -> None:
    """Check that messages can be sent to these URLs, without sending any. Raises SettingsError."""
    for number, url in enumerate(urls):
        _service(number, url)


def _service(number: int, url: SecretStr) -> "NotifyBase":
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError as error:
        raise SettingsError(
            "alarms.urls: the package apprise sends them and is not installed; "
            "run `pip install 'callback-receiver[alarms]'`"
        ) from error
    asset = AppriseAsset(app_id="Receiver", app_desc="Callback receiver")
    service: Any = Apprise.instantiate(url.get_secret_value(), asset=asset, suppress_exceptions=True)
    if service is None:
        raise SettingsError(
            f"alarms.urls.{number}: no service has a URL like this; https://appriseit.com/services/ lists them"
        )
    return service  # type: ignore[no-any-return]  # the library has no types here
