"""Section I, Voicenter: what its API's document leaves open."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from receiver.providers.base.api.definition import Encoding
from receiver.providers.base.api.errors import BadParameterError, LoginError, ParameterError
from receiver.providers.voicenter.api import call_log, monitor
from receiver.providers.voicenter.api.click_to_call import URL, ReplyFormat
from tests.api.examples_voicenter import ACCEPTED, ACCEPTED_XML, PHONE_IS_MISSING
from tests.api.support import APIS, call_of, options_of, read, request_of, sent_by, values_of

V = "voicenter"
CALL = {"phone": "0501234567", "target": "0721234567"}
WINDOW = {"since": datetime(2026, 1, 1, 8, tzinfo=UTC), "until": datetime(2026, 1, 1, 9, tzinfo=UTC)}


def test_i01_click_to_call_has_four_actions() -> None:
    """The heading says three types of call; four are described."""
    actions = [call.fixed["action"] for call in APIS[V].calls if call.group == "click_to_call"]
    assert actions == ["call", "message", "callference", "terminate"]


def test_i02_parameters_are_sent_in_lower_case() -> None:
    """As in the URLs, not as in the tables."""
    sent = sent_by(V, "click_to_call.message", phone="050", digits="1", record=True)
    assert sent == {"phone": "050", "dtmf": "1", "record": "true"}


def test_i03_the_path_is_that_of_the_examples() -> None:
    """`/ForwardDialer/`, not `/forwardDialer/`."""
    assert urlsplit(URL).path == "/ForwardDialer/click2call.aspx"


def test_i04_a_default_that_differs_is_left_to_the_provider() -> None:
    """What is not given is not sent."""
    assert sent_by(V, "click_to_call.call", **CALL) == CALL
    assert sent_by(V, "click_to_call.callference", phone="050") == {"phone": "050"}


def test_i05_the_action_is_always_sent() -> None:
    """The PHP sample forgets it, and breaks its query over two lines."""
    for title in ("call", "message", "callference", "terminate"):
        given = CALL if title == "call" else {"phone": "050"}
        assert f"action={title}".encode() in request_of(V, f"click_to_call.{title}", **given).body


@pytest.mark.parametrize("reply", [ACCEPTED, ACCEPTED.replace(b":0,", b':"0",'), ACCEPTED_XML])
def test_i06_an_error_code_is_a_number_or_a_string(reply: bytes) -> None:
    """And a call id has any length: the example has 31 characters, not 32."""
    placed = read(V, "click_to_call.call", reply)
    assert (placed.error_code, placed.call_id) == (0, "sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp")


def test_i06_the_documents_error_is_read() -> None:
    """In XML-RPC, with its code as a string and an empty call id."""
    with pytest.raises(BadParameterError, match="error 1: Phone is missing") as raised:
        read(V, "click_to_call.call", PHONE_IS_MISSING)
    assert raised.value.raw == {"ERRORCODE": "1", "ERRORMESSAGE": "Phone is missing", "CALLID": ""}


@pytest.mark.parametrize(("wanted", "sent"), [(None, None), (ReplyFormat.JSON, "JSON"), (ReplyFormat.XML, "XML")])
def test_i07_the_format_is_sent_in_upper_case_or_not_at_all(wanted: ReplyFormat | None, sent: str | None) -> None:
    """XML is the provider's default; both are read, whichever comes."""
    assert sent_by(V, "click_to_call.call", **CALL, reply_format=wanted).get("format") == sent


def test_i07_flags_are_sent_as_words() -> None:
    """`record` takes true or false, automatic answers true or 1: a word fits all, also the two without a list."""
    flags = dict.fromkeys(
        ("record", "phone_auto_answer", "check_phone_device_state", "check_target_device_state"), True
    )
    sent = sent_by(V, "click_to_call.call", **CALL, **flags)
    names = ("record", "phoneautoanswer", "checkphonedevicestate", "checktargetdevicestate")
    assert {sent[name] for name in names} == {"true"}


@pytest.mark.parametrize("number", ["+972501234567", "972 50-123-4567", "972501234567"])
def test_i08_a_number_is_sent_without_its_plus_sign(number: str) -> None:
    """E.164 without the plus, or 0 and the rest."""
    assert sent_by(V, "click_to_call.call", phone=number, target="0721234567")["phone"] == "972501234567"


def test_i08_a_login_code_goes_with_its_word() -> None:
    """`phone=logincode` and `phonelogincode`."""
    sent = sent_by(V, "click_to_call.call", phone="logincode", phone_login_code="9876", target="050")
    assert (sent["phone"], sent["phonelogincode"]) == ("logincode", "9876")


def test_i09_a_post_is_a_form() -> None:
    """As in the PHP sample: the code stays out of URLs."""
    request = request_of(V, "click_to_call.call", **CALL)
    assert (request.method, request.headers["content-type"]) == ("POST", "application/x-www-form-urlencoded")
    assert request_of(V, "click_to_call.call", Encoding.QUERY, **CALL).method == "GET"


def test_i10_at_most_ten_custom_parameters() -> None:
    """With or without their prefix."""
    ten = {f"var_{number}": number for number in range(5)} | {f"n{number}": "x" for number in range(5)}
    sent = sent_by(V, "click_to_call.call", **CALL, variables=ten)
    assert {name for name in sent if name.startswith("var_")} == {f"var_{name.removeprefix('var_')}" for name in ten}
    with pytest.raises(ParameterError, match="variables: write at most 10 of them"):
        request_of(V, "click_to_call.call", **CALL, variables=ten | {"eleventh": 1})


def test_i11_the_call_log_is_asked_by_a_post_of_json() -> None:
    """At the host api1."""
    request = request_of(V, "calls.search", **WINDOW)
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    assert request.url == "https://api1.voicenter.co.il/hub/cdr/"


def test_i12_search_is_an_object() -> None:
    """As in the example; the table says array."""
    assert isinstance(sent_by(V, "calls.search", **WINDOW)["search"], dict)


def test_i13_only_fields_of_rows_are_asked_for() -> None:
    """Not the search criteria of the list; `Date` and `fields` as the JSON example has them."""
    fields = sent_by(V, "calls.search", **WINDOW)["fields"]
    assert fields[0] == "Date"
    assert not {"fromdate", "todate", "phones", "date"} & set(fields)


def test_i14_extensions_are_named_extension_in_a_query() -> None:
    """The names of the two examples."""
    assert sent_by(V, "calls.search", **WINDOW, extensions=["Sip"])["search"]["extensions"] == ["Sip"]
    assert "&extension=Sip&" in request_of(V, "calls.search", Encoding.QUERY, **WINDOW, extensions=["Sip"]).url


def test_i15_numbers_are_sent_as_they_are_given() -> None:
    """The examples have one with country code, one without and one that is a digit short."""
    phones = ["972547588535", "0500000000", "97272776772"]
    assert sent_by(V, "calls.search", **WINDOW, phones=phones)["search"]["phones"] == phones


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("UTC", "2026-01-01T08:00"), ("Asia/Jerusalem", "2026-01-01T10:00"), ("Asia/Kolkata", "2026-01-01T13:30")],
)
def test_i16_moments_are_written_on_the_clock_of_the_clients_time_zone(zone: str, shown: str) -> None:
    """The document says no zone: UTC unless set, as for a CDR's `time` (B-19)."""
    call = call_of(V, "calls.search")
    parameters = call.parameters.model_validate(WINDOW)
    assert f'"fromdate":"{shown}"'.encode() in APIS[V].request(call, parameters, options_of(V, time_zone=zone)).body


JERUSALEM = ZoneInfo("Asia/Jerusalem")
CLOCK_CHANGE = datetime(2026, 10, 24, 23, tzinfo=UTC)
"""The clock goes from 02:00 back to 01:00."""
HALF_HOURS = [CLOCK_CHANGE + timedelta(minutes=30 * number) for number in range(-4, 5)]


def _sent_span(since: datetime, until: datetime) -> list[datetime]:
    """What a search from and to these moments sends."""
    call = call_of(V, "calls.search")
    parameters = call.parameters.model_validate({"since": since, "until": until})
    search = values_of(APIS[V].request(call, parameters, options_of(V, time_zone=JERUSALEM.key)))["search"]
    return [datetime.fromisoformat(search[name]) for name in ("fromdate", "todate")]


@pytest.mark.parametrize("reads_as", ["text", "first", "second"])
@pytest.mark.parametrize("length", [1, 30, 60, 90, 120])
def test_i16_a_search_over_the_autumn_clock_change_misses_nothing(reads_as: str, length: int) -> None:
    """Whether the provider compares wall clocks, or takes the repeated hour for the first or the second one."""

    def position(shown: datetime) -> datetime:
        if reads_as == "text":
            return shown.replace(tzinfo=None)
        return shown.replace(tzinfo=JERUSALEM, fold=int(reads_as == "second")).astimezone(UTC)

    for since in HALF_HOURS:
        until = since + timedelta(minutes=length)
        first, last = map(position, _sent_span(since, until))
        for call in (since, since + (until - since) / 2, until):
            local = call.astimezone(JERUSALEM)
            at = local.replace(tzinfo=None) if reads_as == "text" else call
            assert first <= at <= last, (since, call)


def test_i16_a_search_is_widened_at_the_clock_change_alone() -> None:
    """By the hour that the clock shows twice; before it and in spring nothing changes."""
    before, change = datetime(2026, 10, 24, 21, tzinfo=UTC), CLOCK_CHANGE
    shown = [f"{moment:%H:%M}" for moment in _sent_span(change - timedelta(minutes=30), change + timedelta(minutes=15))]
    assert shown == ["00:30", "02:15"]
    assert [f"{moment:%H:%M}" for moment in _sent_span(before, before + timedelta(minutes=30))] == ["00:00", "00:30"]
    spring = datetime(2026, 3, 27, 0, tzinfo=UTC)  # the clock goes from 02:00 to 03:00
    assert [f"{moment:%H:%M}" for moment in _sent_span(spring - timedelta(minutes=30), spring)] == ["01:30", "03:00"]


def test_i16_seconds_are_sent_where_there_are_some() -> None:
    """The examples have none."""
    sent = sent_by(V, "calls.search", since=WINDOW["since"].replace(second=7), until=WINDOW["until"])
    assert sent["search"] == {"fromdate": "2026-01-01T08:00:07", "todate": "2026-01-01T09:00"}


def test_i16_a_date_gets_its_zone_when_it_is_asked_for() -> None:
    """As written until then."""
    reply = (
        b'{"ERROR_NUMBER": 0, "CDR_LIST": [{"Date": "2026-01-01T08:00:00"}, {"Date": "2026-01-01T08:00:00+02:00"}, {}]}'
    )
    rows = read(V, "calls.search", reply).calls
    assert rows[0].date == datetime(2026, 1, 1, 8)  # noqa: DTZ001 - as written
    assert [row.started_in(UTC) for row in rows] == [WINDOW["since"], rows[1].date, None]


def test_i17_the_call_logs_limits_are_those_of_the_providers_newer_texts() -> None:
    """The document says that there are limits, and not which."""
    assert (call_log.RATE.requests, call_log.RATE.seconds, call_log.MAX_ROWS) == (30, 60, 10_000)


def test_i18_json_is_asked_for_and_an_error_number_may_be_a_string() -> None:
    """HTML replies are not documented."""
    assert b'"format":"JSON"' in request_of(V, "calls.search", **WINDOW).body
    assert read(V, "calls.search", b'{"ERROR_NUMBER": "0", "CDR_LIST": []}').calls == []


def test_i19_each_call_has_the_spelling_of_its_own_example() -> None:
    """Callerid and CustomData in AddCall, CallerID and CallerName in bulk, `var_` in queries."""
    one = {"campaign": "c", "target": "050", "caller_id": "Anonymous", "variables": {"a": 1}}
    assert sent_by(V, "dialer.add_call", **one) == {
        "Campaign": "c",
        "Target": "050",
        "Callerid": "Anonymous",
        "CustomData": {"var_a": 1},
    }
    assert sent_by(V, "dialer.add_call", Encoding.QUERY, **one)["var_a"] == "1"
    [bulk] = sent_by(V, "dialer.add_calls", calls=[{**one, "caller_name": "Dialer"}])
    assert (bulk["CallerID"], bulk["CallerName"], bulk["CustomData"]) == ("Anonymous", "Dialer", {"var_a": 1})


def test_i20_replies_with_missing_and_extra_commas_are_read() -> None:
    """As the examples of the dialer are printed."""
    assert read(V, "dialer.add_member", '{"Data": {"TotalAdded": 1,} "ErrorCode": 0,}').total_added == 1


def test_i21_an_origin_time_of_0_is_none() -> None:
    """And a number of nine digits is sent as it is."""
    reply = '{"Data": {"Calls": [{"OriginateTime": 0}, {"OriginateTime": 1402233117}]}, "ErrorCode": 0}'
    assert [call.originate_time for call in read(V, "dialer.get_pending_calls", reply).calls] == [None, 1402233117]
    [bulk] = sent_by(V, "dialer.add_calls", calls=[{"campaign": "c", "target": "050", "caller_id": "072776772"}])
    assert bulk["CallerID"] == "072776772"


def test_i22_a_campaign_list_is_asked_with_the_users_code() -> None:
    """And no other call of the dialer has it: the campaign's code authorises them."""
    with_code = [call.documented for call in APIS[V].calls if call.group == "dialer" and call.credential]
    assert with_code == ["GetCampaignList"]


def test_i23_what_accepts_json_is_sent_as_json() -> None:
    """AddCallsBulk, GetCampaignPendingCalls and ConfigureIvrCampaign take nothing else."""
    only = [call.documented for call in APIS[V].calls if call.encodings == (Encoding.JSON,)]
    assert only == ["AddCallsBulk", "GetCampaignPendingCalls", "ConfigureIvrCampaign"]
    with pytest.raises(ParameterError, match="is sent as json, not as query"):
        request_of(V, "dialer.get_pending_calls", Encoding.QUERY, campaign="c")


def test_i24_a_campaigns_code_is_sent_without_added_blanks() -> None:
    """One example has some."""
    assert request_of(V, "dialer.get_campaign", campaign="xxxxx").body == b'{"Campaign":"xxxxx"}'


def test_i25_replies_with_bare_keys_and_with_quotes_are_read() -> None:
    """Successes are printed without quotes, errors with."""
    for reply in ('{ERR: 0, DESC: "OK", QUEUES: []}', '{"ERR": 0, "DESC": "OK", "QUEUES": []}'):
        assert read(V, "active_calls.queues", reply).queues == []


def test_i26_paths_and_keys_have_the_documents_case_and_are_read_in_any() -> None:
    """comet/API and Comet/api; name and Name."""
    assert call_of(V, "active_calls.queues").url.endswith("/comet/API/GetQueuesCallers")
    assert call_of(V, "extensions.list").url.endswith("/Comet/api/GetExtensions")
    reply = '{"err": 0, "queues": [{"NAME": "Sales", "callers": [{"phone": "057"}]}]}'
    assert read(V, "active_calls.queues", reply).queues[0].callers[0].phone == "057"


@pytest.mark.parametrize(("show_all", "sent"), [(True, "1"), (False, "0")])
def test_i27_show_all_is_sent_as_in_the_url(show_all: bool, sent: str) -> None:
    """The text says true and false."""
    assert sent_by(V, "extensions.list", show_all=show_all) == {"showAll": sent}


def test_i28_the_extension_list_is_one_call() -> None:
    """The chapter on real time prints it again."""
    assert len([call for call in APIS[V].calls if "GetExtensions" in call.url]) == 2  # and GetExtensionsCalls


def test_i29_a_code_with_letters_is_sent_for_a_login() -> None:
    """The table says int; codes have letters. The address is the document's, without HTTPS."""
    request = request_of(V, "users.set_status", user_id="12345", status=monitor.UserStatus.LOGOUT)
    assert (request.url, request.body) == (
        "http://betaapi.voicenter.co.il/UserLogin/SetStatusFromAPI",
        b"Code=SECRETCODE&UserID=12345&Status=2",
    )


@pytest.mark.parametrize(("codes", "text"), monitor.LOGIN_DETAILS.items(), ids=str)
def test_i29_each_detail_of_a_login_error_has_its_text(codes: tuple[int, int], text: str) -> None:
    """Also the two that read like a success: the document lists them as errors."""
    reply = f'{{"Status": {codes[0]}, "StatusError": "{codes[1]}", "StatusErrorMessage": ""}}'
    with pytest.raises(LoginError) as raised:
        read(V, "users.set_status", reply)
    assert (raised.value.code, raised.value.text) == (codes[0], text)


def test_i30_what_runs_in_a_browser_is_no_call() -> None:
    """The listener and the web phone are scripts."""
    assert not [call for call in APIS[V].calls if "netdna" in call.url]
