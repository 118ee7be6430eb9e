"""Every call that a customer can make to a provider, by its number in the documents' order: 49 of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One call: its name in the document, in Python and on the command line."""

    provider: str
    documented: str
    title: str
    command: str


def _viviphone(method: str, group: str, words: str) -> tuple[Row, Row]:
    return (
        Row("viviphone", f"{method}.get", f"{group}.get", f"get-{words}"),
        Row("viviphone", f"{method}.set", f"{group}.set", f"set-{words}"),
    )


TABLE = (
    Row("spokn", "/c2c/1.0/call", "click_to_call.call", "click-to-call"),
    Row("spokn", "/api/c2c.xsd", "schema.download", "download-schema"),
    Row("voicenter", "click2call.aspx action=call", "click_to_call.call", "click-to-call"),
    Row("voicenter", "click2call.aspx action=message", "click_to_call.message", "message"),
    Row("voicenter", "click2call.aspx action=callference", "click_to_call.callference", "callference"),
    Row("voicenter", "click2call.aspx action=terminate", "click_to_call.terminate", "terminate"),
    Row("voicenter", "hub/cdr", "calls.search", "search-calls"),
    Row("voicenter", "AddCall", "dialer.add_call", "add-call"),
    Row("voicenter", "RemoveCall", "dialer.remove_call", "remove-call"),
    Row("voicenter", "GetCampaignList", "dialer.get_campaigns", "get-campaigns"),
    Row("voicenter", "GetMembersList", "dialer.get_members", "get-members"),
    Row("voicenter", "RemoveMember", "dialer.remove_member", "remove-member"),
    Row("voicenter", "AddMember", "dialer.add_member", "add-member"),
    Row("voicenter", "StopCampaign", "dialer.stop_campaign", "stop-campaign"),
    Row("voicenter", "StartCampaign", "dialer.start_campaign", "start-campaign"),
    Row("voicenter", "UpdateCampaignStrategy", "dialer.update_strategy", "update-strategy"),
    Row("voicenter", "ClearCampaignCalls", "dialer.clear_calls", "clear-calls"),
    Row("voicenter", "AddCallsBulk", "dialer.add_calls", "add-calls"),
    Row("voicenter", "GetCampaignPendingCalls", "dialer.get_pending_calls", "get-pending-calls"),
    Row("voicenter", "UpdateCall", "dialer.update_call", "update-call"),
    Row("voicenter", "GetCampaignDetails", "dialer.get_campaign", "get-campaign"),
    Row("voicenter", "ConfigureIvrCampaign", "dialer.configure_ivr", "configure-ivr"),
    Row("voicenter", "GetExtensionsCalls", "active_calls.extensions", "active-extensions"),
    Row("voicenter", "GetQueuesCallers", "active_calls.queues", "active-queues"),
    Row("voicenter", "GetExtensions", "extensions.list", "list-extensions"),
    Row("voicenter", "SetStatusFromAPI", "users.set_status", "set-user-status"),
    Row("viviphone", "c2c.new", "buttons.create", "create-button"),
    *_viviphone("c2c.typedest", "destination", "destination"),
    *_viviphone("c2c.phdest", "phones", "phones"),
    *_viviphone("c2c.vm", "voicemail", "voicemail"),
    *_viviphone("c2c.schd", "schedule", "schedule"),
    *_viviphone("c2c.actrl", "access", "access"),
    *_viviphone("c2c.ui", "panel", "panel"),
    *_viviphone("c2c.geninfo", "general", "general"),
    *_viviphone("gen.scrng.bl", "rejected_numbers", "rejected-numbers"),
    *_viviphone("gen.scrng.vm", "voicemail_numbers", "voicemail-numbers"),
    *_viviphone("gen.scrng.ph", "accepted_numbers", "accepted-numbers"),
    Row("viviphone", "gen.hist.get", "history.get", "get-history"),
    Row("anveo", "CLICK2CALL.BUTTON.CREATE", "buttons.create", "create-button"),
)
