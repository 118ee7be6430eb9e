"""Voicenter's call log against chapter 3: examples as printed, criteria, fields, errors and limits."""

from typing import Any

import pytest

from receiver.providers.voicenter.sandbox.call_log import FIELDS
from tests.sandbox.playing import Playing, playing

PATH = "/voicenter/hub/cdr/"
JSON_EXAMPLE = b"""
{
"code": "xxxxxxxxxxxxxxxx",
"format": "JSON",
"fields": [
    "Date",
    "Type",
    "DID",
    "CallerNumber",
    "CallerExtension",
    "TargetNumber",
    "Duration",
    "RecordURL",
    "RepresentativeName"
],
"search": {
    "fromdate": "2015-05-14T08:00",
    "todate": "2015-05-14T16:30",
    "phones": ["97272776772"]
}
}
"""
GET_EXAMPLE = (
    "code=xxxxxxxxxxxxxxxxxxxxxxxx&format=JSON&todate=2014-11-18T16:31&fromdate=2014-11-11T16:31&phones=972547588535"
    "&phones=0500000000&extension=SipSip&fields=Date&fields=Type&Fields=DID&Fields=CallerNumber"
)
NOTHING: dict[str, Any] = {"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": []}


async def place(play: Playing, **options: Any) -> None:
    """A call that is over."""
    shown = {"phonecallerid": "0722776772"}  # leg 1 would show the number of leg 2
    wanted = {"phone": "AAPINFzL", "target": "0540000000", "code": "x", **shown, **options}
    await play.client.get("/voicenter/forwardDialer/click2call.aspx", params=wanted)
    await play.settle()


async def rows(play: Playing, **search: Any) -> list[dict[str, Any]]:
    """What a search by JSON finds."""
    body = {"code": "x", "format": "JSON", "fields": ["Type", "TargetNumber"], "search": search}
    reply = (await play.client.post(PATH, json=body)).json()
    found: list[dict[str, Any]] = reply["CDR_LIST"]
    return found


async def test_both_examples_are_searches_that_find_nothing_of_today() -> None:
    """The JSON example with `search` as an object, the GET example with names in two spellings (I-12, I-13)."""
    async with playing() as play:
        await place(play)
        assert (await play.client.post(PATH, content=JSON_EXAMPLE)).json() == NOTHING
        assert (await play.client.get(f"{PATH}?{GET_EXAMPLE}")).json() == NOTHING


async def test_a_row_has_the_fields_that_were_asked_for_as_they_were_spelt() -> None:
    """I-13: search criteria among the fields are none; GET repeats `fields` in two spellings."""
    async with playing() as play:
        await place(play)
        reply = await play.client.get(f"{PATH}?code=x&fields=date&Fields=DialStatus&fields=fromdate&fields=callid")
        for row in reply.json()["CDR_LIST"]:
            assert list(row) == ["date", "DialStatus", "callid"]
            assert row["DialStatus"] == "ANSWER"


async def test_a_row_has_every_field_where_none_was_asked_for() -> None:
    """And the values of the CDR."""
    async with playing() as play:
        await place(play, var_customer="2342", record="true")
        _, second = (await play.client.get(f"{PATH}?code=x")).json()["CDR_LIST"]
        assert list(second) == list(FIELDS)
        sent = play.json()[1]
        assert second["CallID"] == sent["ivruniqueid"]
        assert (second["Duration"], second["RingTime"], second["Price"]) == (60, 6, sent["price"])
        assert (second["TargetNumber"], second["CallerExtension"]) == ("0540000000", "AAPINFzL")
        assert second["RecordURL"] == sent["record"] != ""
        assert second["CustomData"] == {"var_customer": "2342"}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({}, 2),
        ({"phones": ["972540000000"]}, 1),
        ({"phones": ["0540000000"]}, 1),
        ({"phones": ["0540000001"]}, 0),
        ({"extensions": ["aapinfzl"]}, 2),
        ({"extensions": ["BBPINFzL"]}, 0),
        ({"IdentityCriteria": "Account"}, 2),
        ({"IdentityCriteria": "Neighbours"}, 0),
        ({"fromdate": "2100-01-01T00:00"}, 0),
        ({"todate": "2100-01-01T00:00"}, 2),
        ({"todate": "2014-11-18T16:31"}, 0),
    ],
)
async def test_criteria_choose_rows(search: dict[str, Any], found: int) -> None:
    """I-15: a number is found with and without its country's code."""
    async with playing() as play:
        await place(play)
        assert len(await rows(play, **search)) == found


async def test_i12_search_may_be_an_array_of_criteria() -> None:
    """As the table says, while the example has an object."""
    async with playing() as play:
        await place(play)
        body = {"code": "x", "search": [{"phones": ["0540000000"]}, {"todate": "2100-01-01T00:00"}]}
        assert len((await play.client.post(PATH, json=body)).json()["CDR_LIST"]) == 1


async def test_rows_are_in_the_order_of_their_times() -> None:
    """Whatever the order in which calls ended."""
    async with playing() as play:
        await place(play)
        await place(play)
        dates = [row["Date"] for row in (await play.client.get(f"{PATH}?code=x&fields=Date")).json()["CDR_LIST"]]
        assert dates == sorted(dates)
        assert len(dates) == 4


async def test_i16_times_are_of_the_zone_in_the_settings() -> None:
    """They are written without a zone, so one that sees UTC must know."""
    async with playing() as utc, playing(providers={"voicenter": {"time_zone": "Etc/GMT-5"}}) as east:
        for play in (utc, east):
            await place(play)
        moments = [(await play.client.get(f"{PATH}?code=x&fields=Date")).json()["CDR_LIST"][0] for play in (utc, east)]
        hours = [int(moment["Date"][11:13]) for moment in moments]
        assert (hours[1] - hours[0]) % 24 in (5, 6)  # 6 where an hour has begun between the two


async def test_error_1_is_more_requests_than_a_minute_may_have() -> None:
    """The document says that there is a limit; the settings say which."""
    async with playing(providers={"voicenter": {"call_log_requests_a_minute": 2}}) as play:
        codes = [(await play.client.get(f"{PATH}?code=x")).json()["ERROR_NUMBER"] for _ in range(3)]
        assert codes == [0, 0, 1]


async def test_error_2_is_a_code_that_is_not_accepted() -> None:
    """Or none."""
    async with playing(providers={"voicenter": {"codes": ["mine"]}}) as play:
        for query in ("code=yours", ""):
            reply = (await play.client.get(f"{PATH}?{query}")).json()
            assert reply == {"ERROR_NUMBER": 2, "ERROR_DESCRIPTION": "Authorization failed.", "CDR_LIST": []}


async def test_error_3_is_more_rows_than_a_reply_may_have() -> None:
    """A shorter search gets them."""
    async with playing(providers={"voicenter": {"call_log_rows": 1}}) as play:
        await place(play)
        reply = (await play.client.get(f"{PATH}?code=x")).json()
        assert (reply["ERROR_NUMBER"], reply["ERROR_DESCRIPTION"]) == (3, "CDR limit exceeded.")
        assert len(await rows(play, phones=["0540000000"])) == 1


async def test_error_4_is_an_address_that_is_not_trusted() -> None:
    """The description names it."""
    async with playing(providers={"voicenter": {"trusted_addresses": ["192.0.2.1"]}}) as play:
        reply = (await play.client.get(f"{PATH}?code=x")).json()
        assert reply["ERROR_NUMBER"] == 4
        assert reply["ERROR_DESCRIPTION"] == "IP address 127.0.0.1 is not trusted."


async def test_i18_html_is_a_page_with_a_table() -> None:
    """Values are escaped in it."""
    async with playing() as play:
        await place(play, var_note="<b>")
        page = (await play.client.get(f"{PATH}?code=x&format=HTML&fields=Type&fields=CustomData")).text
        assert "<th>Type</th>" in page
        assert "<td>Click2Call leg1</td>" in page
        assert "<b>" not in page


async def test_a_body_that_cannot_be_read_is_not_authorised() -> None:
    """It names no code."""
    async with playing() as play:
        assert (await play.client.post(PATH, content=b'{"code": ')).json()["ERROR_NUMBER"] == 2
