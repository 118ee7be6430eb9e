"""ViviPhone's 22 methods against its document: examples, defaults, ranges, errors, and the history of a button."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest

from receiver.providers.viviphone.sandbox.fields import FIELDS, GROUPS
from tests.sandbox.playing import Playing, playing

PATH = "/viviphone/api/"
KEY = "hg73jkd8fks82sgl"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NEW = b"method=c2c.new&key=hg73jkd8fks82sgl&dest1_num=2125551234&pin=5432"
EMPTY = '<?xml version="1.0" encoding="utf-8" ?> <resp stat="ok"> </resp>'
LISTS = [group for group in GROUPS if group.startswith("gen.scrng.")]


async def post(play: Playing, method: str, **fields: Any) -> httpx.Response:
    """A request that sets something."""
    return await play.client.post(PATH, data={"method": method, "key": KEY, **fields})


async def get(play: Playing, method: str, **fields: Any) -> httpx.Response:
    """A request that asks for something."""
    return await play.client.get(PATH, params={"method": method, "key": KEY, **fields})


async def new(play: Playing, **fields: Any) -> str:
    """A new button's id."""
    reply = await post(play, "c2c.new", dest1_num="2125551234", pin="5432", **fields)
    found = ET.fromstring(reply.content).findtext("id")
    assert found, reply.text
    return found


def failed(reply: httpx.Response) -> int:
    """The code of a failure, which is no XML (I-32)."""
    found = re.fullmatch(r'<\?xml version="1.0" \?><resp stat="fail"> <err code=(\d+)/> </resp>', reply.text)
    assert found, reply.text
    return int(found[1])


def values(reply: httpx.Response) -> dict[str, str]:
    """The elements of a success."""
    root = ET.fromstring(reply.content)
    assert root.get("stat") == "ok"
    return {one.tag: one.text or "" for one in root.iter() if not len(one)}


async def test_the_typical_example_works_as_it_is_printed() -> None:
    """Three requests and their replies; I-33: quotes around the id, and in the last one a digit that is lost."""
    async with playing() as play:
        reply = await play.client.post(PATH, content=NEW, headers=FORM)
        assert reply.text == '<?xml version="1.0" encoding="utf-8" ?> <resp stat="ok"> <id>743345568</id> </resp>'
        reply = await play.client.get(f"{PATH}?method=c2c.typedest.get&key={KEY}&id='743345568'")
        assert (
            reply.text == '<?xml version="1.0" encoding="utf-8" ?> <resp stat="ok"> <type_dest>ph</type_dest> </resp>'
        )
        third = f"method=c2c.typedest.set&key={KEY}&id=%s'&type_dest=vm"
        assert failed(await play.client.post(PATH, content=third % "74334556", headers=FORM)) == 203
        reply = await play.client.post(PATH, content=third % "743345568", headers=FORM)
        assert reply.text == EMPTY
        assert values(await get(play, "c2c.typedest.get", id="743345568")) == {"type_dest": "vm"}


async def test_i32_a_failure_is_the_example_byte_for_byte() -> None:
    """Code 101 is what a key that is not accepted gets: there is none of its own (I-42)."""
    async with playing(providers={"viviphone": {"keys": ["mine"]}}) as play:
        reply = await post(play, "c2c.new")
        assert reply.text == '<?xml version="1.0" ?><resp stat="fail"> <err code=101/> </resp>'


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("c2c.typedest", {"type_dest": "ph"}),
        ("c2c.vm", {"vm_delay": "255"}),
        ("c2c.schd", {"schd_en": "0", "schd_start": "540", "schd_stop": "1020", "schd_days": "62"}),
        ("c2c.actrl", {"max_tier": "0", "refer_url": "", "cty": "1"}),
        ("c2c.ui", {"panel_txt_en": "0", "panel_txt": "", "img_url": ""}),
        ("c2c.geninfo", {"tzo": "5", "lang": "en"}),
        *((group, {"numlist": ""}) for group in LISTS),
    ],
)
async def test_a_new_button_has_the_defaults(group: str, expected: dict[str, str]) -> None:
    """Time zone and language are the account's."""
    async with playing() as play:
        assert values(await get(play, f"{group}.get", id=await new(play))) == expected


@pytest.mark.parametrize(
    ("group", "fields"),
    [
        ("c2c.typedest", {"type_dest": "bl"}),
        ("c2c.vm", {"vm_delay": "15"}),
        ("c2c.schd", {"schd_en": "1", "schd_start": "500", "schd_stop": "1000", "schd_days": "127"}),
        ("c2c.actrl", {"max_tier": "2", "refer_url": "myportal", "cty": "44"}),
        ("c2c.ui", {"panel_txt_en": "1", "panel_txt": "Call <me> now...", "img_url": "http://www.my.com/image.jpg"}),
        ("c2c.geninfo", {"tzo": "-12", "lang": "sp"}),
        *((group, {"numlist": "8884532223:212555 1212:5145558954:"}) for group in LISTS),
    ],
)
async def test_what_is_set_is_kept_and_what_is_left_out_gets_its_default(group: str, fields: dict[str, str]) -> None:
    """The appendix has defaults for setters too. The examples of the document are the values."""
    async with playing() as play:
        button = await new(play)
        before = values(await get(play, f"{group}.get", id=button))
        assert (await post(play, f"{group}.set", id=button, **fields)).text == EMPTY
        assert values(await get(play, f"{group}.get", id=button)) == fields
        assert (await post(play, f"{group}.set", id=button)).text == EMPTY
        assert values(await get(play, f"{group}.get", id=button)) == before


async def test_i31_the_schedule_has_two_spellings() -> None:
    """sched_ in the text, schd_ in the appendix."""
    async with playing() as play:
        button = await new(play, sched_en="1", schd_start="500")
        found = values(await get(play, "c2c.schd.get", id=button))
        assert (found["schd_en"], found["schd_start"]) == ("1", "500")


async def test_i41_a_button_has_three_destinations() -> None:
    """One element for each; those that are not given stay, and -1 is none."""
    async with playing() as play:
        button = await new(play, dest2_num="2125557389", dest2_post="'w201'", dest3_cty="1234")
        assert (await post(play, "c2c.phdest.set", id=button, dest3_num="2125557400", dest3_issms="1")).text == EMPTY
        root = ET.fromstring((await get(play, "c2c.phdest.get", id=button)).content)
        found = [[child.text for child in one] for one in root]
        assert [one.tag for one in root] == ["dest1", "dest2", "dest3"]
        assert found == [
            ["1", "2125551234", None, "0"],
            ["1", "2125557389", "w201", "0"],
            ["1234", "2125557400", None, "1"],
        ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"dest1_num": None}, 201),
        ({"key": None}, 201),
        ({"method": None}, 201),
        ({"method": "c2c.old"}, 202),
        ({"tzo": "13"}, 205),
        ({"tzo": "+5"}, 0),
        ({"pin": None}, 206),
        ({"pin": "999"}, 207),
        ({"pin": "10000"}, 207),
        ({"lang": "de"}, 208),
        ({"vm_delay": "256"}, 209),
        ({"vm_delay": ""}, 209),
        ({"schd_en": "2"}, 210),
        ({"schd_start": "1441"}, 211),
        ({"schd_stop": "-1"}, 212),
        ({"schd_days": "128"}, 213),
        ({"max_tier": "6"}, 214),
        ({"max_tier": "5"}, 0),
        ({"cty": "1000"}, 215),
        ({"cty": "0"}, 0),
        ({"panel_txt_en": "yes"}, 216),
        ({"panel_txt": "x" * 81}, 217),
        ({"panel_txt": "x" * 80}, 0),
        ({"img_url": "x" * 81}, 217),
        ({"refer_url": "x" * 31}, 218),
        ({"dest1_issms": "2"}, 219),
        ({"dest3_post": "x" * 11}, 220),
        ({"dest1_num": "home"}, 221),
        ({"dest1_num": "-1"}, 221),
        ({"dest1_cty": "1000"}, 221),
        ({"dest2_cty": "9999"}, 0),
    ],
)
async def test_a_new_button_is_checked_against_the_ranges(fields: dict[str, Any], code: int) -> None:
    """I-36: where text and appendix differ, the wider range counts. Nothing is made where something is wrong."""
    async with playing() as play:
        given = {"method": "c2c.new", "key": KEY, "dest1_num": "2125551234", "pin": "5432", **fields}
        reply = await play.client.post(PATH, data={name: text for name, text in given.items() if text is not None})
        assert (failed(reply) if code else int(ET.fromstring(reply.content).get("stat") != "ok")) == code
        # checked when it runs
        assert bool(play.sandbox.parts["viviphone"].buttons) == (code == 0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "fields", "code"),
    [
        ("c2c.typedest.set", {"type_dest": "fax"}, 204),
        ("gen.scrng.bl.set", {"numlist": "1" * 251}, 222),
        ("c2c.vm.set", {"id": "1"}, 203),
        ("c2c.vm.set", {"id": ""}, 201),
    ],
)
async def test_a_setter_is_checked_likewise(method: str, fields: dict[str, str], code: int) -> None:
    """With the codes of the appendix."""
    async with playing() as play:
        assert failed(await post(play, method, **{"id": await new(play), **fields})) == code


async def test_code_223_is_a_button_too_many() -> None:
    """The settings say how many the account may have."""
    async with playing(providers={"viviphone": {"max_buttons": 1}}) as play:
        await new(play)
        assert failed(await post(play, "c2c.new", dest1_num="2125551234", pin="5432")) == 223


async def test_getters_take_get_and_setters_take_post() -> None:
    """As the appendix has it; gen.hist.get is not in it, and takes both."""
    async with playing() as play:
        button = await new(play)
        assert failed(await post(play, "c2c.vm.get", id=button)) == 202
        assert failed(await get(play, "c2c.vm.set", id=button)) == 202
        for ask in (get, post):
            assert (await ask(play, "gen.hist.get", id=button, offset_day="10")).text == EMPTY
            assert failed(await ask(play, "gen.hist.get", id=button)) == 201


@pytest.mark.parametrize("code", [1, 101, *range(200, 224)])
async def test_every_code_can_be_had(code: int) -> None:
    """As the key."""
    async with playing() as play:
        assert (
            failed(await play.client.get(PATH, params={"method": "c2c.vm.get", "key": f"sandbox-error-{code}"})) == code
        )


def test_every_code_of_the_appendix_that_names_a_parameter_has_one() -> None:
    """204 to 222, but for 206, which is a pin that is missing."""
    assert {field.error for field in FIELDS.values()} == {str(code) for code in range(204, 223) if code != 206}


async def history(play: Playing, button: str) -> list[dict[str, str]]:
    """The rows of a button's history."""
    root = ET.fromstring((await get(play, "gen.hist.get", id=button, offset_day="1")).content)
    return [{one.tag: one.text or "" for one in row} for row in root]


async def ring(play: Playing, caller: str = "5145558954", **options: str) -> None:
    """Somebody calls the first button."""
    body = {"provider": "viviphone", "caller": caller, "options": options}
    assert (await play.client.post("/sandbox/calls", json=body)).status_code == 201
    await play.settle()


async def test_a_call_over_a_button_is_in_its_history() -> None:
    """The caller's leg inbound, the destination's outbound, with a date that has no T (I-41)."""
    async with playing() as play:
        button = await new(play)
        await ring(play, caller_name="Jane")
        inbound, outbound = await history(play, button)
        date = inbound.pop("date")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", date)
        assert inbound == {
            "is_num_intl": "0",
            "telnum": "5145558954",
            "cname": "Jane",
            "dursec": "60",
            "calltype": "inbound",
            "cost_ct": "0",
        }
        assert (outbound["telnum"], outbound["calltype"], outbound["cost_ct"]) == ("12125551234", "outbound", "2.5")
        assert "cname" not in outbound
        assert play.received == []  # I-45


@pytest.mark.parametrize(
    ("setting", "seconds"),
    [
        ({}, ["60", "60"]),
        ({"type_dest": "bl"}, ["0"]),
        ({"type_dest": "vm"}, ["60"]),
        ({"bl": "5145558954:"}, ["0"]),
        ({"vm": "514555 8954:"}, ["60"]),
        ({"type_dest": "bl", "ph": "5145558954"}, ["60", "60"]),
    ],
)
async def test_what_was_set_decides_what_becomes_of_a_call(setting: dict[str, str], seconds: list[str]) -> None:
    """Lists for callers count before the default destination; a voice mail has no outbound leg."""
    async with playing() as play:
        button = await new(play)
        for name, value in setting.items():
            method, field = (f"gen.scrng.{name}.set", "numlist") if len(name) == 2 else ("c2c.typedest.set", name)
            assert (await post(play, method, id=button, **{field: value})).text == EMPTY
        await ring(play)
        assert [row["dursec"] for row in await history(play, button)] == seconds


async def test_the_voice_mail_answers_after_its_delay() -> None:
    """255 is never."""
    async with playing(ring_seconds=20) as play:
        button = await new(play, vm_delay="15")
        await ring(play)
        assert [row["calltype"] for row in await history(play, button)] == ["inbound"]
        await post(play, "c2c.vm.set", id=button, vm_delay="255")
        await ring(play)
        assert [row["calltype"] for row in await history(play, button)] == ["inbound", "inbound", "outbound"]


async def test_a_body_without_parameters_is_missing_them() -> None:
    """Error 201; another path is not found."""
    async with playing() as play:
        assert failed(await play.client.post(PATH, content=b'{"method": ')) == 201
        assert (await play.client.get("/viviphone/other")).status_code == 404
