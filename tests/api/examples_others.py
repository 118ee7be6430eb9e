"""The documented examples of Spokn, ViviPhone and Anveo, as printed but for damage of the print."""

from datetime import datetime, time, timedelta
from typing import Any

from receiver.providers.viviphone.api.values import Destination, Language, Weekday
from tests.api.support import Example

SPOKN_OK = b"""<?xml version="1.0"?>
<spokn xmlns="http://api.spokn.com/api/c2c.xsd">
  <c2c version="1.0">
    <code>200</code>
    <desc>Request Successful</desc>
  </c2c>
</spokn>
"""
XSD = b"""<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://api.spokn.com/api/c2c.xsd"/>
"""
VIVIPHONE = "https://www.viviphone.com/api/"
DONE = b'<?xml version="1.0" encoding="utf-8" ?> <resp stat="ok"> </resp>'
FAILED = b'<?xml version="1.0" ?><resp stat="fail"> <err code=101/> </resp>'
KEY = "hg73jkd8fks82sgl"
ID = "743345568"
NUMBERS = "8884532223:2125551212:5145558954:"
ANVEO_REQUEST = """<?xml version="1.0" standalone="no" ?>
<REQUEST>
	<USERTOKEN>
		<USERKEY>df141891e2e883904b0b294dc5bq79c1c1c13f6d</USERKEY>
	</USERTOKEN>
	<ACTION NAME="CLICK2CALL.BUTTON.CREATE">
		<PARAMETER NAME="ID">ID1232123</PARAMETER>
		<PARAMETER NAME="PROFILEID">PROFILEID123</PARAMETER>
		<PARAMETER NAME="BUTTONIMAGEURL">http://www.someserver.com/c2c.png</PARAMETER>
		<PARAMETER NAME="COLORSTYLENAME">12</PARAMETER>
		<PARAMETER NAME="BUTTONTITLE">CallME</PARAMETER>
		<PARAMETER NAME="CONFIGURATION">SIMPLE</PARAMETER>
		<PARAMETER NAME="HOUR24FROM">9</PARAMETER>
		<PARAMETER NAME="HOUR24TO">18</PARAMETER>
		<PARAMETER NAME="OFFHOURSMESSAGE">Sorry, I am not available.</PARAMETER>
		<PARAMETER NAME="PHONENUMBER">123456789</PARAMETER>
		<PARAMETER NAME="ASKCONFIRMATION">1</PARAMETER>
	</ACTION>
</REQUEST>"""
ANVEO_OK = b"""<?xml version="1.0" standalone="no" ?>
<RESPONSE>
	<RESULT>SUCCESS</RESULT>
</RESPONSE>
"""


def resp(inner: str) -> bytes:
    """A successful reply of ViviPhone."""
    return f'<?xml version="1.0" encoding="utf-8" ?> <resp stat="ok"> {inner} </resp>'.encode()


def _get(method: str, title: str, inner: str, read: dict[str, Any], more: str = "", **given: Any) -> Example:
    return Example(
        provider="viviphone",
        title=title,
        given={"button": ID, **given},
        sent=("GET", VIVIPHONE, f"method={method}&key={KEY}&id={ID}{more}"),
        options={"key": KEY},
        reply=resp(inner),
        read=read,
    )


def _set(method: str, title: str, more: str, **given: Any) -> Example:
    return Example(
        provider="viviphone",
        title=title,
        given={"button": ID, **given},
        sent=("POST", VIVIPHONE, f"method={method}&key={KEY}&id={ID}&{more}"),
        options={"key": KEY},
        reply=DONE,
        read={},
    )


EXAMPLES = (
    Example(
        provider="spokn",
        title="click_to_call.call",
        given={
            "aparty": "+18474255380",
            "bparty": "1234567",
            "token": "order 17",
            "max_duration": timedelta(minutes=60),
        },
        sent=(
            "POST",
            "https://api.spokn.com/c2c/1.0/call",
            "aparty=%2B18474255380&bparty=1234567&token=order+17&duration=60",
        ),
        reply=SPOKN_OK,
        read={"code": 200, "desc": "Request Successful"},
    ),
    Example(
        provider="spokn",
        title="schema.download",
        sent=("GET", "http://api.spokn.com/api/c2c.xsd", ""),
        reply=XSD,
        read={"xsd": XSD.decode()},
    ),
    Example(
        provider="viviphone",
        title="buttons.create",
        given={"number1": "2125551234", "pin": 5432},
        sent=("POST", VIVIPHONE, f"method=c2c.new&key={KEY}&dest1_num=2125551234&pin=5432"),
        options={"key": KEY},
        reply=b'<?xml version="1.0" encoding="utf-8" ?> <resp stat="ok"> <id>743345568',  # the print ends here
        read={"id": ID},
    ),
    _get("c2c.typedest.get", "destination.get", "<type_dest>ph</type_dest>", {"destination": Destination.PHONE}),
    _set("c2c.typedest.set", "destination.set", "type_dest=vm", destination=Destination.VOICEMAIL),
    _get(
        "c2c.phdest.get",
        "phones.get",
        "<cty>1</cty><num>2121235050</num><post>w130</post><issms>0</issms>"
        "<cty>33</cty><num>2125557389</num><post/><issms>1</issms>"
        "<cty>1</cty><num>-1</num><post/><issms>0</issms>",
        {"phones.0.number": "2121235050", "phones.0.dial": "w130", "phones.1.sms": True, "phones.2.is_active": False},
    ),
    _set(
        "c2c.phdest.set",
        "phones.set",
        "dest1_num=2125557322&dest1_cty=33&dest1_post=w201&dest1_issms=0&dest2_num=2125557389",
        number1="2125557322",
        country1=33,
        dial1="w201",
        sms1=False,
        number2="212-555-7389",
    ),
    _get("c2c.vm.get", "voicemail.get", "<vm_delay>15</vm_delay>", {"voicemail_delay": timedelta(seconds=15)}),
    _set("c2c.vm.set", "voicemail.set", "vm_delay=15", voicemail_delay=15),
    _get(
        "c2c.schd.get",
        "schedule.get",
        "<schd_en>1</schd_en><schd_start>500</schd_start><schd_stop>1000</schd_stop><schd_days>127</schd_days>",
        {"schedule": True, "start": timedelta(hours=8, minutes=20), "days": list(Weekday)},
    ),
    _set(
        "c2c.schd.set",
        "schedule.set",
        "schd_en=1&schd_start=540&schd_stop=1020&schd_days=62",
        schedule=True,
        start=time(9),
        stop=timedelta(hours=17),
        days=list(Weekday)[1:6],
    ),
    _get(
        "c2c.actrl.get",
        "access.get",
        "<max_tier>2</max_tier><refer_url>myportal</refer_url><cty>44</cty>",
        {"max_tier": 2, "refer_url": "myportal", "from_country": 44},
    ),
    _set(
        "c2c.actrl.set",
        "access.set",
        "max_tier=2&refer_url=myportal&cty=44",
        max_tier=2,
        refer_url="myportal",
        from_country=44,
    ),
    _get(
        "c2c.ui.get",
        "panel.get",
        "<panel_txt_en>1</panel_txt_en><panel_txt>Call me now...</panel_txt>"
        "<img_url>http://www.my.com/image.jpg</img_url>",
        {"show_text": True, "text": "Call me now...", "image_url": "http://www.my.com/image.jpg"},
    ),
    _set(
        "c2c.ui.set",
        "panel.set",
        "panel_txt_en=1&panel_txt=Call+me+now...&img_url=http://www.my.com/image.jpg",
        show_text=True,
        text="Call me now...",
        image_url="http://www.my.com/image.jpg",
    ),
    _get(
        "c2c.geninfo.get",
        "general.get",
        "<tzo>5</tzo><lang>en</lang>",
        {"hours_behind_utc": 5, "language": Language.ENGLISH},
    ),
    _set("c2c.geninfo.set", "general.set", "tzo=5&lang=sp", hours_behind_utc=5, language=Language.SPANISH),
    *(
        example
        for method, group in (
            ("gen.scrng.bl", "rejected_numbers"),
            ("gen.scrng.vm", "voicemail_numbers"),
            ("gen.scrng.ph", "accepted_numbers"),
        )
        for example in (
            _get(
                f"{method}.get",
                f"{group}.get",
                "<numlist>8884532223:212555 1212:5145558954:</numlist>",
                {"numbers": ["8884532223", "2125551212", "5145558954"]},
            ),
            _set(
                f"{method}.set",
                f"{group}.set",
                f"numlist={NUMBERS}",
                numbers=["8884532223", "212555 1212", "5145558954"],
            ),
        )
    ),
    _get(
        "gen.hist.get",
        "history.get",
        "<call><is_num_intl>0</is_num_intl><telnum>2125551234</telnum><cname>Ann</cname><dursec>61</dursec>"
        "<date>2010-01-30 17:07:11</date><calltype>inbound</calltype><cost_ct>2.5</cost_ct></call>"
        "<call><is_num_intl>1</is_num_intl><telnum>442071234567</telnum><dursec>3</dursec>"
        "<date>2010-01-30 18:00:00</date><calltype>outbound</calltype><cost_ct>4</cost_ct></call>",
        {
            "calls.0.date": datetime(2010, 1, 30, 17, 7, 11),  # noqa: DTZ001 - as sent
            "calls.0.name": "Ann",
            "calls.0.duration_seconds": 61,
            "calls.1.is_international": True,
            "calls.1.direction": "outbound",
        },
        "&offset_day=10",
        days=10,
    ),
    Example(
        provider="anveo",
        title="buttons.create",
        given={
            "button_id": "ID1232123",
            "profile_id": "PROFILEID123",
            "image_url": "http://www.someserver.com/c2c.png",
            "color_style": 12,
            "title": "CallME",
            "configuration": "SIMPLE",
            "hour_from": 9,
            "hour_to": 18,
            "off_hours_message": "Sorry, I am not available.",
            "phone_number": "123456789",
            "ask_confirmation": True,
        },
        sent=("POST", "https://api.anveo.example/v1", ANVEO_REQUEST),
        options={"user_key": "df141891e2e883904b0b294dc5bq79c1c1c13f6d"},
        reply=ANVEO_OK,
        read={"result": "SUCCESS"},
    ),
)
