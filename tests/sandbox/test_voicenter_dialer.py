"""Voicenter's dialer against chapter 6: requests as printed with their misprints, errors, and campaigns that run."""

import json
from typing import Any

import pytest

from receiver.providers.voicenter.sandbox.dialer import JSON_ONLY, MESSAGES
from tests.sandbox.playing import Playing, playing

PATH = "/voicenter/ForwardDialer/Dialer/"
OK = {"ErrorCode": 0, "Description": "OK"}
EXAMPLES: dict[str, bytes] = {
    "AddCall": b"""{
  "Campaign": "xxxxxxxx",
  "Target": "0502454545",
  "CustomerName" : "John Doe"
  "Priority" : 42,
  "CustomData": {
    "var_test1": 1,
    "var_test2": "some value"
  }
}""",
    "RemoveCall": b"""{
  "Campaign": "xxxxxxxxx",
  "Target": "0502454545",
}""",
    "GetCampaignList": b'{\n  "Code": "adsdasdasd"\n}',
    "GetMembersList": b'{\n  "Campaign": "adsdasdasd"\n}',
    "RemoveMember": b'{\n  "Campaign": "adsdasdasd"\n  "Member": "adsdasdasd"\n}\n}',
    "AddMember": b'{\n    "Campaign": "adsdasd"\n    "Member": "adsdasd"\n}',
    "StopCampaign": b'{\n    "Campaign": "xxxxxxxx"\n}',
    "StartCampaign": b'{  \n  "Campaign": "xxxxxxxxx"  \n}',
    "UpdateCampaignStrategy": b"""{
  "Campaign" : "xxxxxxxxxxxxxxxxxxxxxxxx",
  "setQueueForMonitoring" : 10000,
  "setQueueMaximumCallers" : 0,
  "setCoefficient" : 1
}""",
    "ClearCampaignCalls": b'{\n  "Campaign" : "xxxxxxxxxxxxxxxxxxxxxxx"\n}',
    "AddCallsBulk": b"""[
  {
    "Campaign": "xxxxxxxxxxxxxxxxxxxxxxx",
    "Target": "0502454545",
    "CallerID": "072776772",
    "CallerName": "Dialer",
    "CustomerName": "Customer 1",
    "Priority": 1,
    "CustomData": {
      "var_test1": 1,
      "var_tesy2": "some value"
    }
  },
  {
    "Campaign": "xxxxxxxxxxxxxxxxxxxxxxx",
    "Target": "0502454545",
    "CallerID": "072776772",
    "CallerName": "Dialer",
    "CustomerName": "Customer 2",
    "Priority": 2,
    "CustomData": {
      "var_test1": 1,
      "var_tesy2": "some value"
    }
  }
]""",
    "GetCampaignPendingCalls": b'{\n  "Campaign" : "xxxxxxxxxxxxxxxxxxxxxxxx"\n}',
    "UpdateCall": b"""{
  "Campaign": "xxxxxxxx",
  "Target": "0502454545",
  "CustomerName" : "John Doe",
  "Priority" : 42,
  "CustomData": {
    "var_test1": 1,
    "var_tesy2": "some value"
  }
}""",
    "GetCampaignDetails": b'{\n\n  "Campaign" : " xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "\n\n}',
    "ConfigureIvrCampaign": b"""{
  "Campaign": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
  "ConcurrentStrategy": {
    "setMaxCalls" : 5
  },
  "RepresentativeList": [
    "SIP1",
    "SIP2",
    "SIP3"
  ]
}""",
}
"""The JSON requests of the document, with its missing and trailing commas and its brace too many (I-20)."""
NEEDS_A_CALL = ("RemoveCall", "UpdateCall")


async def do(play: Playing, name: str, content: Any) -> dict[str, Any]:
    """The reply to a JSON request: the values, or bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content)
    reply = await play.client.post(PATH + name, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 200
    found: dict[str, Any] = reply.json()
    return found


async def add(play: Playing, target: str = "0502454545", **fields: Any) -> None:
    """A pending call of the campaign c."""
    assert await do(play, "AddCall", {"Campaign": "c", "Target": target, **fields}) == OK


async def pending(play: Playing) -> list[dict[str, Any]]:
    """The pending calls of the campaign c."""
    reply = await do(play, "GetCampaignPendingCalls", {"Campaign": "c"})
    found: list[dict[str, Any]] = reply["Data"]["Calls"]
    return found


@pytest.mark.parametrize("name", EXAMPLES)
async def test_i20_the_requests_of_the_document_are_read_as_they_are_printed(name: str) -> None:
    """Misprints and all: any campaign exists unless the settings list them."""
    async with playing() as play:
        if name in NEEDS_A_CALL:
            code = json.loads(EXAMPLES["StopCampaign"])["Campaign"] + ("x" if name == "RemoveCall" else "")
            assert await do(play, "AddCall", {"Campaign": code, "Target": "972502454545"}) == OK
        reply = await do(play, name, EXAMPLES[name])
        assert reply.items() >= OK.items()


async def test_the_get_examples_add_and_update_a_call() -> None:
    """H-04: without the hyphens that line breaks put into them."""
    async with playing() as play:
        query = "Campaign=xxxx&Target=yyyyy&var_test1=1&var_test2=somevalue"
        assert (await play.client.get(f"{PATH}AddCall?{query}")).json() == OK
        query = "Campaign=xxxx&Target=yyyyy&var_test1=1&var_tesy2=somevalue"
        assert (await play.client.get(f"{PATH}UpdateCall?{query}")).json() == OK
        reply = await do(play, "GetCampaignPendingCalls", {"Campaign": "xxxx"})
        assert reply["Data"]["Calls"][0]["CustomData"] == {"var_test1": "1", "var_tesy2": "somevalue"}


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.lower() not in JSON_ONLY])
async def test_calls_take_a_query_and_a_form_as_well(name: str) -> None:
    """Where the document does not say JSON only."""
    async with playing() as play:
        fields = {"Campaign": "c", "Target": "0502454545", "Code": "x", "Member": "AAPINFzL"}
        await add(play)
        await add(play)
        for reply in (
            await play.client.get(PATH + name.lower(), params=fields),
            await play.client.post(PATH + name, data=fields),
        ):
            expected = {0} if name not in NEEDS_A_CALL else {0, 2}  # the first one removes both
            assert reply.json()["ErrorCode"] in expected


@pytest.mark.parametrize("name", JSON_ONLY)
async def test_three_calls_take_json_alone(name: str) -> None:
    """As the document says with three exclamation marks."""
    async with playing() as play:
        assert (await play.client.get(f"{PATH}{name}?Campaign=c")).json()["ErrorCode"] == 3


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Campaign": ""}, 1),
        ({"Target": ""}, 2),
        ({"Target": "nobody"}, 2),
        ({"Priority": "high"}, 3),
        ({"Callerid": "me"}, 4),
        ({"Callerid": "Anonymous"}, 0),
        ({"CallerID": "072776772"}, 0),
    ],
)
async def test_a_call_that_cannot_be_added_gets_its_code(fields: dict[str, str], code: int) -> None:
    """I-19, I-21: the caller id has two spellings, and nine digits are fine."""
    async with playing() as play:
        reply = await do(play, "AddCall", {"Campaign": "c", "Target": "0502454545", **fields})
        assert reply == {"ErrorCode": code, "Description": MESSAGES[str(code)]}


async def test_error_1_is_a_campaign_that_does_not_exist() -> None:
    """If the settings list those that do."""
    async with playing(providers={"voicenter": {"campaigns": [{"code": "c", "name": "Leads"}]}}) as play:
        assert (await do(play, "GetCampaignDetails", {"Campaign": "d"}))["ErrorCode"] == 1
        assert (await do(play, "GetCampaignList", {"Code": "x"}))["Data"] == [
            {"Name": "Leads", "StatusName": "Disabled", "Code": "c"}
        ]


async def test_a_bulk_is_added_whole_or_not_at_all() -> None:
    """One call that is invalid refuses all of them."""
    async with playing() as play:
        calls = [{"Campaign": "c", "Target": "0502454545"}, {"Campaign": "c", "Target": "nobody"}]
        assert (await do(play, "AddCallsBulk", calls))["ErrorCode"] == 2
        assert (await do(play, "AddCallsBulk", []))["ErrorCode"] == 3
        assert await pending(play) == []


async def test_pending_calls_are_listed_as_the_example_has_them() -> None:
    """Those with a higher priority first, with the country's code."""
    async with playing() as play:
        await add(play, "0544444444", CustomerName="Customer", CustomData={"var_test1": 1})
        await add(play, "972544444445", Priority=7)
        first, second = await pending(play)
        assert (first["Phone"], first["Priority"]) == ("972544444445", 7)
        assert second == {
            "Phone": "972544444444",
            "CallerID": "",
            "CallerName": "",
            "OriginateTime": 0,
            "Priority": 0,
            "CustomerName": "Customer",
            "CallStatus": {"Status": 1, "Description": "Pending"},
            "CustomData": {"var_test1": 1},
        }
        details = (await do(play, "GetCampaignDetails", {"Campaign": " c "}))["Data"]
        assert details == {
            "Name": "Campaign 1",
            "StatusName": "Disabled",
            "TotalPendingCalls": 2,
            "MaxPriority": 7,
            "MinPriority": 0,
            "Code": "c",
        }


@pytest.mark.parametrize("number", ["nan", "inf", "-1e999", "1e300", "many"])
async def test_what_is_no_finite_number_is_refused(number: str) -> None:
    """Else a campaign could neither dial nor be shown."""
    async with playing() as play:
        strategy = {"Campaign": "c", "setCoefficient": number}
        assert (await do(play, "UpdateCampaignStrategy", strategy))["ErrorCode"] == 3
        wanted = {"Campaign": "c", "Target": "0544444444", "Priority": number, "OriginateTime": number}
        assert (await do(play, "AddCall", wanted))["ErrorCode"] == 3
        assert await do(play, "UpdateCampaignStrategy", {**strategy, "setCoefficient": "1.5"}) == OK


async def test_calls_are_updated_removed_and_cleared() -> None:
    """What an update leaves out stays."""
    async with playing() as play:
        await add(play, Priority=1, CustomerName="John")
        await add(play, "0502454546")
        assert await do(play, "UpdateCall", {"Campaign": "c", "Target": "972502454545", "Priority": 3}) == OK
        assert [(one["CustomerName"], one["Priority"]) for one in await pending(play)] == [("John", 3), ("", 0)]
        assert await do(play, "RemoveCall", {"Campaign": "c", "Target": "0502454545"}) == OK
        assert [one["Phone"] for one in await pending(play)] == ["972502454546"]
        assert (await do(play, "RemoveCall", {"Campaign": "c", "Target": "0502454545"}))["ErrorCode"] == 2
        assert await do(play, "ClearCampaignCalls", {"Campaign": "c"}) == OK
        assert await pending(play) == []


async def test_members_are_added_once_and_removed() -> None:
    """The totals say how many."""
    async with playing() as play:
        member = {"Campaign": "c", "Member": "BBPINFzL"}
        totals = [(await do(play, "AddMember", member))["Data"]["TotalAdded"] for _ in range(2)]
        assert totals == [1, 0]
        listed = (await do(play, "GetMembersList", {"Campaign": "c"}))["Data"]
        assert listed == [{"Member": "BBPINFzL", "DisplayName": "Support 1"}]
        totals = [(await do(play, "RemoveMember", member))["Data"]["TotalRemoved"] for _ in range(2)]
        assert totals == [1, 0]
        assert (await do(play, "AddMember", {"Campaign": "c"}))["ErrorCode"] == 3


async def test_a_started_campaign_places_its_calls_and_a_stopped_one_none() -> None:
    """Leg 1 rings a member, leg 2 the target; custom data go with both."""
    async with playing() as play:
        await add(play, "0502454545", CustomData={"var_test1": 1})
        assert play.sandbox.exchange.calls == []
        await do(play, "AddMember", {"Campaign": "c", "Member": "BBPINFzL"})
        await do(play, "StartCampaign", {"Campaign": "c"})
        await play.settle()
        first, second = play.json()
        assert [one["type"] for one in (first, second)] == ["ProductiveCall Leg1", "ProductiveCall Leg2"]
        assert (first["target"], second["target"], second["callerextension"]) == ("BBPINFzL", "0502454545", "BBPINFzL")
        assert second["CustomData"] == {"var_test1": 1}
        await do(play, "StopCampaign", {"Campaign": "c"})
        await add(play, "0502454546")
        await play.settle()
        assert len(play.sandbox.exchange.calls) == 1
        assert len(await pending(play)) == 1


async def test_a_call_that_is_added_to_a_started_campaign_is_placed() -> None:
    """Also after the campaign had nothing to do."""
    async with playing() as play:
        await do(play, "StartCampaign", {"Campaign": "c"})
        await add(play)
        await play.settle()
        await do(play, "AddCallsBulk", [{"Campaign": "c", "Target": "0502454546"}])
        assert len(await play.settle()) == 2


async def test_a_campaign_has_as_many_calls_at_once_as_its_strategy_says() -> None:
    """Members times the coefficient; calls with a higher priority first."""
    async with playing(speed=20, talk_seconds=10_000) as play:
        for number in range(5):
            await add(play, f"050245454{number}", Priority=number)
        for sip in ("AAPINFzL", "BBPINFzL"):
            await do(play, "AddMember", {"Campaign": "c", "Member": sip})
        await do(play, "UpdateCampaignStrategy", {"Campaign": "c", "setCoefficient": 1.5})
        await do(play, "StartCampaign", {"Campaign": "c"})
        await play.until(lambda: len(play.sandbox.exchange.calls) == 3)
        assert await play.sandbox.exchange.idle(0.1) is False
        targets = [placed.plan.parties[-1] for placed in play.sandbox.exchange.calls]
        assert targets == ["0502454544", "0502454543", "0502454542"]


async def test_a_call_waits_for_its_time() -> None:
    """The wait passes at the speed of calls."""
    async with playing(speed=1) as play:
        far = int(play.sandbox.exchange.now().timestamp()) + 3600
        await add(play, OriginateTime=far)
        await do(play, "StartCampaign", {"Campaign": "c"})
        assert await play.sandbox.exchange.idle(0.1) is False
        assert play.sandbox.exchange.calls == []
    async with playing() as play:
        await add(play, OriginateTime=far)
        await do(play, "StartCampaign", {"Campaign": "c"})
        assert len(await play.settle()) == 1


async def test_a_campaign_of_a_queue_leaves_the_records_of_a_queue() -> None:
    """SetQueueForMonitoring names the queue."""
    async with playing() as play:
        await add(play)
        await do(play, "UpdateCampaignStrategy", {"Campaign": "c", "setQueueForMonitoring": 10035})
        await do(play, "StartCampaign", {"Campaign": "c"})
        await play.settle()
        first, second = play.json()
        assert [one["type"] for one in (first, second)] == ["Click 2 IVR", "Click 2 Queue Incoming"]
        assert (second["queueid"], second["queuename"]) == (10035, "Sales")


async def test_an_ivr_campaign_connects_those_who_answer_to_your_ivr() -> None:
    """The receiver is asked, and told of the hang-up."""
    async with playing() as play:
        await do(play, "ConfigureIvrCampaign", {"Campaign": "c", "ConcurrentStrategy": {"setMaxCalls": 5}})
        await add(play)
        await do(play, "StartCampaign", {"Campaign": "c"})
        await play.settle()
        kinds = [one.get("METHOD") or one["type"] for one in play.json()]
        assert kinds[0] == "GET_IVR_ACTION"
        assert kinds[-3:] == ["HANGUP_CALL", "Click 2 IVR", "Click 2 IVR Incoming"]
        assert play.json()[0]["DATA"]["CALLER_ID"] == "0502454545"


async def test_a_body_that_cannot_be_read_is_an_internal_error() -> None:
    """There is no better code."""
    async with playing() as play:
        assert (await do(play, "AddCall", b'{"Campaign": '))["ErrorCode"] == 3


async def test_a_call_that_the_dialer_does_not_have_is_not_found() -> None:
    """With HTTP status 404."""
    async with playing() as play:
        assert (await play.client.get(f"{PATH}Dance")).status_code == 404
