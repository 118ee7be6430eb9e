"""The client of Voicenter's API. Made from its definitions: `python -m tests.api.generate`."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import httpx
from pydantic import SecretStr

from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import Encoding
from receiver.providers.base.api.discovery import make_options
from receiver.providers.base.api.sending_sync import SyncApiClient, SyncSender
from receiver.providers.voicenter.api.call_log import CallLog, CallLogField, IdentityCriteria
from receiver.providers.voicenter.api.click_to_call import PlacedCall, ReplyFormat
from receiver.providers.voicenter.api.definition import VoicenterApi
from receiver.providers.voicenter.api.dialer import BulkCall
from receiver.providers.voicenter.api.dialer_results import (
    Added,
    CampaignDetails,
    Campaigns,
    Members,
    PendingCalls,
    Removed,
)
from receiver.providers.voicenter.api.monitor import (
    ActiveExtensions,
    ActiveQueues,
    Extensions,
    UserStatus,
    UserStatusResult,
)
from receiver.providers.voicenter.api.values import VoicenterResult


class ClickToCallGroup:
    """`client.click_to_call`."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    def call(
        self,
        phone: str,
        target: str,
        *,
        reply_format: ReplyFormat | None = None,
        target_caller_id: str | None = None,
        target_caller_name: str | None = None,
        phone_max_dial_time: timedelta | int | None = None,
        max_duration: timedelta | int | None = None,
        phone_auto_answer: bool | None = None,
        phone_login_code: SecretStr | str | None = None,
        record: bool | None = None,
        phone_caller_id: str | None = None,
        phone_caller_name: str | None = None,
        target_max_dial_time: timedelta | int | None = None,
        target_auto_answer: bool | None = None,
        check_phone_device_state: bool | None = None,
        check_target_device_state: bool | None = None,
        language: str | None = None,
        voicemail_id: str | None = None,
        variables: dict[str, str | int] | None = None,
    ) -> PlacedCall:
        """Ring one phone, then another, and connect them.

        phone: Rung first: a number, an extension, `SIPTRUNK`, or `logincode` together with `phone_login_code`.
        target: Rung second: a number or an extension.
        reply_format: Format of the reply; the provider's default is XML.
        target_caller_id: Caller id that the target sees; not supported by all providers.
        target_caller_name: Caller name that the target sees; not supported by all providers.
        phone_max_dial_time: How long `phone` rings; the provider's default is 60 s for a call, else 30 s (I-04).
        max_duration: How long the call may last; the provider's default is 7200 s for a call, else 30 s (I-04).
        phone_auto_answer: Whether `phone` answers by itself; extensions only.
        phone_login_code: The login code that decides which extension is `phone`; only with `phone="logincode"`.
        record: Whether the call is recorded; the provider's default is no.
        phone_caller_id: Caller id that `phone` sees; not supported by all providers.
        phone_caller_name: Caller name that `phone` sees; not supported by all providers.
        target_max_dial_time: How long `target` rings; the provider's default is 60 s.
        target_auto_answer: Whether `target` answers by itself; extensions only.
        check_phone_device_state: Whether the call is refused while `phone` is offline (I-07).
        check_target_device_state: Whether the call is refused while `target` is offline (I-07).
        language: Language of the provider's recordings: `he`, `en`, `ru` and so on.
        voicemail_id: Voicemail code; only if `phone` is an extension.
        variables: Custom parameters, at most 10. The CDR carries them.

        Source: 1.2 (click2call.aspx action=call).
        """
        given: dict[str, object] = {
            "phone": phone,
            "target": target,
            "reply_format": reply_format,
            "target_caller_id": target_caller_id,
            "target_caller_name": target_caller_name,
            "phone_max_dial_time": phone_max_dial_time,
            "max_duration": max_duration,
            "phone_auto_answer": phone_auto_answer,
            "phone_login_code": phone_login_code,
            "record": record,
            "phone_caller_id": phone_caller_id,
            "phone_caller_name": phone_caller_name,
            "target_max_dial_time": target_max_dial_time,
            "target_auto_answer": target_auto_answer,
            "check_phone_device_state": check_phone_device_state,
            "check_target_device_state": check_target_device_state,
            "language": language,
            "voicemail_id": voicemail_id,
            "variables": variables,
        }
        call = self._sender.api.named("click_to_call.call", PlacedCall)
        return self._sender.send(call, given)

    def message(
        self,
        phone: str,
        *,
        reply_format: ReplyFormat | None = None,
        target_caller_id: str | None = None,
        target_caller_name: str | None = None,
        phone_max_dial_time: timedelta | int | None = None,
        max_duration: timedelta | int | None = None,
        phone_auto_answer: bool | None = None,
        before: str | None = None,
        digits: str | None = None,
        between: str | None = None,
        after: str | None = None,
        record: bool | None = None,
    ) -> PlacedCall:
        """Ring a phone and play a message.

        phone: A number or an extension.
        reply_format: Format of the reply; the provider's default is XML.
        target_caller_id: Caller id that the target sees; not supported by all providers.
        target_caller_name: Caller name that the target sees; not supported by all providers.
        phone_max_dial_time: How long `phone` rings; the provider's default is 60 s for a call, else 30 s (I-04).
        max_duration: How long the call may last; the provider's default is 7200 s for a call, else 30 s (I-04).
        phone_auto_answer: Whether `phone` answers by itself; extensions only.
        before: Record that is played first, without its extension.
        digits: Digits that are played one by one.
        between: Record that is played after each digit, without its extension.
        after: Record that is played last, without its extension.
        record: Whether the call is recorded.

        Source: 1.3 (click2call.aspx action=message).
        """
        given: dict[str, object] = {
            "phone": phone,
            "reply_format": reply_format,
            "target_caller_id": target_caller_id,
            "target_caller_name": target_caller_name,
            "phone_max_dial_time": phone_max_dial_time,
            "max_duration": max_duration,
            "phone_auto_answer": phone_auto_answer,
            "before": before,
            "digits": digits,
            "between": between,
            "after": after,
            "record": record,
        }
        call = self._sender.api.named("click_to_call.message", PlacedCall)
        return self._sender.send(call, given)

    def callference(
        self,
        phone: str,
        *,
        reply_format: ReplyFormat | None = None,
        target_caller_id: str | None = None,
        target_caller_name: str | None = None,
        phone_max_dial_time: timedelta | int | None = None,
        max_duration: timedelta | int | None = None,
        phone_auto_answer: bool | None = None,
        entry_code: SecretStr | str | None = None,
    ) -> PlacedCall:
        """Ring a phone into a conference.

        phone: A number or an extension.
        reply_format: Format of the reply; the provider's default is XML.
        target_caller_id: Caller id that the target sees; not supported by all providers.
        target_caller_name: Caller name that the target sees; not supported by all providers.
        phone_max_dial_time: How long `phone` rings; the provider's default is 60 s for a call, else 30 s (I-04).
        max_duration: How long the call may last; the provider's default is 7200 s for a call, else 30 s (I-04).
        phone_auto_answer: Whether `phone` answers by itself; extensions only.
        entry_code: The conference's entry code.

        Source: 1.4 (click2call.aspx action=callference).
        """
        given: dict[str, object] = {
            "phone": phone,
            "reply_format": reply_format,
            "target_caller_id": target_caller_id,
            "target_caller_name": target_caller_name,
            "phone_max_dial_time": phone_max_dial_time,
            "max_duration": max_duration,
            "phone_auto_answer": phone_auto_answer,
            "entry_code": entry_code,
        }
        call = self._sender.api.named("click_to_call.callference", PlacedCall)
        return self._sender.send(call, given)

    def terminate(
        self,
        phone: str,
        *,
        reply_format: ReplyFormat | None = None,
    ) -> PlacedCall:
        """End the call of an extension.

        phone: The extension whose call ends.
        reply_format: Format of the reply; the provider's default is XML.

        Source: 1.5 (click2call.aspx action=terminate).
        """
        given: dict[str, object] = {
            "phone": phone,
            "reply_format": reply_format,
        }
        call = self._sender.api.named("click_to_call.terminate", PlacedCall)
        return self._sender.send(call, given)


class CallsGroup:
    """`client.calls`."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    def search(
        self,
        since: datetime,
        until: datetime,
        *,
        phones: list[str] | None = None,
        extensions: list[str] | None = None,
        identity: IdentityCriteria | None = None,
        columns: list[CallLogField] | None = None,
    ) -> CallLog:
        """Search the call log.

        since: Calls from this moment on. With a zone it is converted to the client's `time_zone`; else it is sent
            as it is.
        until: Calls up to this moment.
        phones: Calls with one of these numbers, with country code (I-15).
        extensions: Calls of these SIP trunks. The query's name for it is `extension` (I-14).
        identity: Whose calls are searched.
        columns: The fields that rows have; all of them unless given.

        Source: 3 (hub/cdr).
        """
        given: dict[str, object] = {
            "since": since,
            "until": until,
            "phones": phones,
            "extensions": extensions,
            "identity": identity,
            "columns": columns,
        }
        call = self._sender.api.named("calls.search", CallLog)
        return self._sender.send(call, given)


class DialerGroup:
    """`client.dialer`."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    def add_call(
        self,
        campaign: str,
        target: str,
        *,
        caller_id: str | None = None,
        originate_at: datetime | None = None,
        customer_name: str | None = None,
        priority: int | None = None,
        variables: dict[str, str | int] | None = None,
    ) -> VoicenterResult:
        """Add a call to a campaign.

        campaign: The campaign's unique code.
        target: Whom the campaign calls, usually a customer's number.
        caller_id: The number that the target sees; `Anonymous` hides it. Else the provider chooses one (I-19).
        originate_at: When to place the call; not available in all types of campaign.
        customer_name: Name of the customer.
        priority: Calls with a higher priority are placed first.
        variables: Custom parameters; pop-up and CDR carry them. In JSON they are the object CustomData (I-19).

        Source: 6.1 (AddCall).
        """
        given: dict[str, object] = {
            "campaign": campaign,
            "target": target,
            "caller_id": caller_id,
            "originate_at": originate_at,
            "customer_name": customer_name,
            "priority": priority,
            "variables": variables,
        }
        call = self._sender.api.named("dialer.add_call", VoicenterResult)
        return self._sender.send(call, given)

    def remove_call(
        self,
        campaign: str,
        target: str,
    ) -> VoicenterResult:
        """Remove a call from a campaign.

        campaign: The campaign's unique code.
        target: Whom the campaign calls, usually a customer's number.

        Source: 6.2 (RemoveCall).
        """
        given: dict[str, object] = {
            "campaign": campaign,
            "target": target,
        }
        call = self._sender.api.named("dialer.remove_call", VoicenterResult)
        return self._sender.send(call, given)

    def get_campaigns(self) -> Campaigns:
        """List your campaigns.

        Source: 6.3 (GetCampaignList).
        """
        given: dict[str, object] = {}
        call = self._sender.api.named("dialer.get_campaigns", Campaigns)
        return self._sender.send(call, given)

    def get_members(
        self,
        campaign: str,
    ) -> Members:
        """List the members of a campaign.

        campaign: The campaign's unique code.

        Source: 6.4 (GetMembersList).
        """
        given: dict[str, object] = {
            "campaign": campaign,
        }
        call = self._sender.api.named("dialer.get_members", Members)
        return self._sender.send(call, given)

    def remove_member(
        self,
        campaign: str,
        member: str,
    ) -> Removed:
        """Remove a member from a campaign.

        campaign: The campaign's unique code.
        member: The member's code.

        Source: 6.5 (RemoveMember).
        """
        given: dict[str, object] = {
            "campaign": campaign,
            "member": member,
        }
        call = self._sender.api.named("dialer.remove_member", Removed)
        return self._sender.send(call, given)

    def add_member(
        self,
        campaign: str,
        member: str,
    ) -> Added:
        """Add a member to a campaign.

        campaign: The campaign's unique code.
        member: The member's code.

        Source: 6.6 (AddMember).
        """
        given: dict[str, object] = {
            "campaign": campaign,
            "member": member,
        }
        call = self._sender.api.named("dialer.add_member", Added)
        return self._sender.send(call, given)

    def stop_campaign(
        self,
        campaign: str,
    ) -> VoicenterResult:
        """Stop a campaign.

        campaign: The campaign's unique code.

        Source: 6.7 (StopCampaign).
        """
        given: dict[str, object] = {
            "campaign": campaign,
        }
        call = self._sender.api.named("dialer.stop_campaign", VoicenterResult)
        return self._sender.send(call, given)

    def start_campaign(
        self,
        campaign: str,
    ) -> VoicenterResult:
        """Start a campaign.

        campaign: The campaign's unique code.

        Source: 6.8 (StartCampaign).
        """
        given: dict[str, object] = {
            "campaign": campaign,
        }
        call = self._sender.api.named("dialer.start_campaign", VoicenterResult)
        return self._sender.send(call, given)

    def update_strategy(
        self,
        campaign: str,
        *,
        queue_for_monitoring: int | None = None,
        queue_maximum_callers: int | None = None,
        coefficient: Decimal | None = None,
    ) -> VoicenterResult:
        """Change how a campaign dials.

        campaign: The campaign's unique code.
        queue_for_monitoring: Id of the queue to watch.
        queue_maximum_callers: Callers that the queue may have.
        coefficient: Calls placed for each free representative.

        Source: 6.9 (UpdateCampaignStrategy).
        """
        given: dict[str, object] = {
            "campaign": campaign,
            "queue_for_monitoring": queue_for_monitoring,
            "queue_maximum_callers": queue_maximum_callers,
            "coefficient": coefficient,
        }
        call = self._sender.api.named("dialer.update_strategy", VoicenterResult)
        return self._sender.send(call, given)

    def clear_calls(
        self,
        campaign: str,
    ) -> VoicenterResult:
        """Remove all calls of a campaign.

        campaign: The campaign's unique code.

        Source: 6.10 (ClearCampaignCalls).
        """
        given: dict[str, object] = {
            "campaign": campaign,
        }
        call = self._sender.api.named("dialer.clear_calls", VoicenterResult)
        return self._sender.send(call, given)

    def add_calls(
        self,
        calls: list[BulkCall],
    ) -> VoicenterResult:
        """Add many calls to campaigns.

        calls: The calls.

        Source: 6.11 (AddCallsBulk).
        """
        given: dict[str, object] = {
            "calls": calls,
        }
        call = self._sender.api.named("dialer.add_calls", VoicenterResult)
        return self._sender.send(call, given)

    def get_pending_calls(
        self,
        campaign: str,
    ) -> PendingCalls:
        """List the calls that a campaign has not placed yet.

        campaign: The campaign's unique code.

        Source: 6.12 (GetCampaignPendingCalls).
        """
        given: dict[str, object] = {
            "campaign": campaign,
        }
        call = self._sender.api.named("dialer.get_pending_calls", PendingCalls)
        return self._sender.send(call, given)

    def update_call(
        self,
        campaign: str,
        target: str,
        *,
        caller_id: str | None = None,
        originate_at: datetime | None = None,
        customer_name: str | None = None,
        priority: int | None = None,
        variables: dict[str, str | int] | None = None,
    ) -> VoicenterResult:
        """Change a call of a campaign.

        campaign: The campaign's unique code.
        target: Whom the campaign calls, usually a customer's number.
        caller_id: The number that the target sees; `Anonymous` hides it. Else the provider chooses one (I-19).
        originate_at: When to place the call; not available in all types of campaign.
        customer_name: Name of the customer.
        priority: Calls with a higher priority are placed first.
        variables: Custom parameters; pop-up and CDR carry them. In JSON they are the object CustomData (I-19).

        Source: 6.13 (UpdateCall).
        """
        given: dict[str, object] = {
            "campaign": campaign,
            "target": target,
            "caller_id": caller_id,
            "originate_at": originate_at,
            "customer_name": customer_name,
            "priority": priority,
            "variables": variables,
        }
        call = self._sender.api.named("dialer.update_call", VoicenterResult)
        return self._sender.send(call, given)

    def get_campaign(
        self,
        campaign: str,
    ) -> CampaignDetails:
        """Show a campaign.

        campaign: The campaign's unique code.

        Source: 6.14 (GetCampaignDetails).
        """
        given: dict[str, object] = {
            "campaign": campaign,
        }
        call = self._sender.api.named("dialer.get_campaign", CampaignDetails)
        return self._sender.send(call, given)

    def configure_ivr(
        self,
        campaign: str,
        *,
        max_calls: int | None = None,
        representatives: list[str] | None = None,
    ) -> VoicenterResult:
        """Change how a campaign of an IVR dials.

        campaign: The campaign's unique code.
        max_calls: Calls at once.
        representatives: SIP codes of the representatives.

        Source: 6.15 (ConfigureIvrCampaign).
        """
        given: dict[str, object] = {
            "campaign": campaign,
            "max_calls": max_calls,
            "representatives": representatives,
        }
        call = self._sender.api.named("dialer.configure_ivr", VoicenterResult)
        return self._sender.send(call, given)


class ActiveCallsGroup:
    """`client.active_calls`."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    def extensions(self) -> ActiveExtensions:
        """Show the calls that extensions have now.

        Source: 7.1 (GetExtensionsCalls).
        """
        given: dict[str, object] = {}
        call = self._sender.api.named("active_calls.extensions", ActiveExtensions)
        return self._sender.send(call, given)

    def queues(self) -> ActiveQueues:
        """Show the callers that wait in queues now.

        Source: 7.2 (GetQueuesCallers).
        """
        given: dict[str, object] = {}
        call = self._sender.api.named("active_calls.queues", ActiveQueues)
        return self._sender.send(call, given)


class ExtensionsGroup:
    """`client.extensions`."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    def list(
        self,
        *,
        show_all: bool = False,
    ) -> Extensions:
        """List the extensions.

        show_all: Those of the whole organisation; else those of the account. Sent as 0 or 1, as the URL shows
            (I-27).

        Source: 8 (GetExtensions).
        """
        given: dict[str, object] = {
            "show_all": show_all,
        }
        call = self._sender.api.named("extensions.list", Extensions)
        return self._sender.send(call, given)


class UsersGroup:
    """`client.users`."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    def set_status(
        self,
        user_id: str,
        status: UserStatus,
        *,
        extension: str | None = None,
    ) -> UserStatusResult:
        """Log a user in or out, or change the user's status.

        user_id: The first 5 digits of the user's code.
        status: The new status.
        extension: SIP name of the extension.

        Source: 10 (SetStatusFromAPI).
        """
        given: dict[str, object] = {
            "user_id": user_id,
            "status": status,
            "extension": extension,
        }
        call = self._sender.api.named("users.set_status", UserStatusResult)
        return self._sender.send(call, given)


class SyncClient(SyncApiClient):
    """Voicenter's API.

    base_url: Takes the place of the documented scheme and host, for a sandbox or a proxy; None calls the
        provider.
    timeout: Seconds that one try may take.
    attempts: Tries of a call that is safe to repeat; other calls are tried once.
    code: Authorises every call: "Caller identity", "Personal identifier" or "user code" in the document.
    time_zone: The zone whose wall clock the call log's search and dates are in (I-16).
    encoding: how parameters are sent where the document allows several; None for the document's own example.
    transport: takes the place of the network, for tests.

    Raises SettingsError for options that cannot work.
    """

    api_type: ClassVar[type[Api]] = VoicenterApi

    def __init__(
        self,
        *,
        code: str | SecretStr,
        base_url: str | None = None,
        timeout: float = 10.0,
        attempts: int = 3,
        time_zone: str = "UTC",
        encoding: Encoding | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = make_options(
            VoicenterApi,
            {
                "base_url": base_url,
                "timeout": timeout,
                "attempts": attempts,
                "code": code,
                "time_zone": time_zone,
            },
        )
        super().__init__(SyncSender(VoicenterApi(), options, encoding=encoding, transport=transport))

    def _open(self, sender: SyncSender) -> None:
        self.click_to_call = ClickToCallGroup(sender)
        self.calls = CallsGroup(sender)
        self.dialer = DialerGroup(sender)
        self.active_calls = ActiveCallsGroup(sender)
        self.extensions = ExtensionsGroup(sender)
        self.users = UsersGroup(sender)
