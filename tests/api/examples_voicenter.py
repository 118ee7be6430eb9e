"""Voicenter's documented examples, their line numbers and page breaks taken away (H-01 to H-03), else as printed."""

from datetime import UTC, datetime
from typing import Any

from receiver.providers.base.api.definition import Encoding
from receiver.providers.voicenter.api.call_log import CallLogField
from receiver.providers.voicenter.api.monitor import UserStatus
from tests.api.support import Example

CLICK_TO_CALL = "https://api.voicenter.co.il/ForwardDialer/click2call.aspx"
DIALER = "https://api.voicenter.co.il/ForwardDialer/Dialer"
CALL_LOG = "https://api1.voicenter.co.il/hub/cdr/"
MONITOR = "https://monitor.voicenter.co.il"

ACCEPTED = b"""{
    "ERRORCODE":0,
    "ERRORMESSAGE":"OK",
    "CALLID":"sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp"
}"""
PHONE_IS_MISSING = b"""<methodResponse>
  <params>
    <param>
      <value>
        <struct>
          <member>
            <name>ERRORCODE</name>
            <value><string>1</string></value>
          </member>
          <member>
            <name>ERRORMESSAGE</name>
            <value><string>Phone is missing</string></value>
          </member>
          <member>
            <name>CALLID</name>
            <value><string></string></value>
          </member>
        </struct>
      </value>
    </param>
  </params>
</methodResponse>
"""
ACCEPTED_XML = (
    PHONE_IS_MISSING.replace(b"<string>1<", b"<string>0<")
    .replace(b"Phone is missing", b"OK")
    .replace(b"<string></string>", b"<string>sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp</string>")
)
OK = b"""{
  "ErrorCode": 0,
  "Description": "OK"
}"""
PHP_PARAMETERS = (
    "code=abc&phone=AAPINFzL&phonecallerid=0500000000&target=0722776772&targetcallerid=0722776772"
    "&record=true&action=call"
)
SEARCH_QUERY = (
    "code=xxxxxxxxxxxxxxxxxxxxxxxx&format=JSON&todate=2014-11-18T16:31&fromdate=2014-11-11T16:31"
    "&phones=972547588535&phones=0500000000&extension=SipSip&fields=Date&fields=Type&fields=DID"
    "&fields=CallerNumber"
)
FOUND = b'{"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": [{"Date": "2015-05-14T08:01:02", "Duration": 33}]}'
CALL_ID = {"call_id": "sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp", "description": "OK"}


def _example(title: str, sent: tuple[str, str, str], reply: bytes, read: dict[str, Any], **more: Any) -> Example:
    given = more.pop("given", {})
    return Example(provider="voicenter", title=title, sent=sent, reply=reply, read=read, given=given, **more)


def _dialer(name: str, title: str, body: str, reply: bytes, read: dict[str, Any], **given: Any) -> Example:
    code = given.pop("code", "unused")
    sent = ("POST", f"{DIALER}/{name}", body)
    return _example(f"dialer.{title}", sent, reply, read, given=given, options={"code": code})


EXAMPLES = (
    _example(
        "click_to_call.call",
        ("GET", CLICK_TO_CALL, "phone=057XXXXXXX&target=03XXXXXXX&code=XXXXXXXXXXXX&action=call"),
        PHONE_IS_MISSING.replace(b"<string>1<", b"<string>0<"),
        {"call_id": "", "error_code": 0},
        given={"phone": "057XXXXXXX", "target": "03XXXXXXX"},
        options={"code": "XXXXXXXXXXXX"},
        encoding=Encoding.QUERY,
    ),
    _example(
        "click_to_call.call",
        # the PHP sample, and the action that it forgets (I-05)
        (
            "POST",
            CLICK_TO_CALL,
            PHP_PARAMETERS,
        ),
        ACCEPTED_XML,
        CALL_ID,
        given={
            "phone": "AAPINFzL",
            "phone_caller_id": "0500000000",
            "target": "0722776772",
            "target_caller_id": "0722776772",
            "record": True,
        },
        options={"code": "abc"},
    ),
    _example(
        "click_to_call.message",
        (
            "POST",
            CLICK_TO_CALL,
            "code=abc&action=message&phone=0722776772&pre_rec=hello&dtmf=123&loop_rec=then&post_rec=bye",
        ),
        ACCEPTED,
        CALL_ID,
        given={"phone": "0722776772", "before": "hello", "digits": "123", "between": "then", "after": "bye"},
        options={"code": "abc"},
    ),
    _example(
        "click_to_call.callference",
        ("POST", CLICK_TO_CALL, "code=abc&action=callference&phone=97222776772&bbbcode=77&maxduration=30"),
        ACCEPTED,
        CALL_ID,
        given={"phone": "+972 22-776772", "entry_code": "77", "max_duration": 30},
        options={"code": "abc"},
    ),
    _example(
        "click_to_call.terminate",
        ("POST", CLICK_TO_CALL, "code=abc&action=terminate&phone=AAPINFzL"),
        ACCEPTED.replace(b"sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp", b""),
        {"call_id": ""},
        given={"phone": "AAPINFzL"},
        options={"code": "abc"},
    ),
    _example(
        "calls.search",
        (
            "POST",
            CALL_LOG,
            """{
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
 }""",
        ),
        FOUND,
        {"calls.0.date": datetime(2015, 5, 14, 8, 1, 2), "calls.0.duration_seconds": 33},  # noqa: DTZ001 - as sent
        given={
            "since": datetime(2015, 5, 14, 8, tzinfo=UTC),
            "until": datetime(2015, 5, 14, 16, 30, tzinfo=UTC),
            "phones": ["97272776772"],
            "columns": [
                CallLogField.DATE,
                CallLogField.TYPE,
                CallLogField.DID,
                CallLogField.CALLER_NUMBER,
                CallLogField.CALLER_EXTENSION,
                CallLogField.TARGET_NUMBER,
                CallLogField.DURATION,
                CallLogField.RECORD_URL,
                CallLogField.REPRESENTATIVE_NAME,
            ],
        },
        options={"code": "xxxxxxxxxxxxxxxx"},
    ),
    _example(
        "calls.search",
        (
            "GET",
            CALL_LOG,
            # `Fields` of the print is `fields` here (I-13)
            SEARCH_QUERY,
        ),
        b'{"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": []}',
        {"calls": []},
        given={
            "since": datetime(2014, 11, 11, 16, 31),  # noqa: DTZ001 - sent as it is
            "until": datetime(2014, 11, 18, 16, 31),  # noqa: DTZ001 - sent as it is
            "phones": ["972547588535", "0500000000"],
            "extensions": ["SipSip"],
            "columns": [CallLogField.DATE, CallLogField.TYPE, CallLogField.DID, CallLogField.CALLER_NUMBER],
        },
        options={"code": "xxxxxxxxxxxxxxxxxxxxxxxx"},
        encoding=Encoding.QUERY,
    ),
    _dialer(
        "AddCall",
        "add_call",
        """{
  "Campaign": "xxxxxxxx",
  "Target": "0502454545",
  "CustomerName" : "John Doe"
  "Priority" : 42,
  "CustomData": {
    "var_test1": 1,
    "var_test2": "some value"
  }
}""",
        OK,
        {"error_code": 0, "description": "OK"},
        campaign="xxxxxxxx",
        target="0502454545",
        customer_name="John Doe",
        priority=42,
        variables={"test1": 1, "test2": "some value"},
    ),
    _example(
        "dialer.add_call",
        ("GET", f"{DIALER}/AddCall", "Campaign=xxxx&Target=yyyyy&var_test1=1&var_test2=somevalue"),
        OK,
        {"error_code": 0},
        given={"campaign": "xxxx", "target": "yyyyy", "variables": {"test1": 1, "test2": "somevalue"}},
        options={"code": "unused"},
        encoding=Encoding.QUERY,
    ),
    _dialer(
        "RemoveCall",
        "remove_call",
        """{
  "Campaign": "xxxxxxxxx",
  "Target": "0502454545",
}""",
        OK,
        {"error_code": 0},
        campaign="xxxxxxxxx",
        target="0502454545",
    ),
    _dialer(
        "GetCampaignList",
        "get_campaigns",
        """{
  "Code": "adsdasdasd"
}""",
        b"""{
  "Data": [
    {
      "Name": "Campaign 1",
      "StatusName": "Enabled",
      "Code": "skdfvnjsivbniviv"
    },
    {
     "Name": "Campaign leads",
     "StatusName": "Disabled",
     "Code": "afmksvosvo"
   }
 ],
 "ErrorCode": 0,
 "Description": "OK"
}""",
        {"campaigns.0.name": "Campaign 1", "campaigns.1.status": "Disabled", "campaigns.1.code": "afmksvosvo"},
        code="adsdasdasd",
    ),
    _dialer(
        "GetMembersList",
        "get_members",
        """{
  "Campaign": "adsdasdasd"
}""",
        b"""{
  "Data": [
    {
      "Member": "syhrhrhr",
      "DisplayName": "Support 1",
    },
    {
      "Member": "sssssssss",
      "DisplayName": "Support 8",
   }
 ],
 "ErrorCode": 0,
 "Description": "OK"
}""",
        {"members.0.member": "syhrhrhr", "members.1.display_name": "Support 8"},
        campaign="adsdasdasd",
    ),
    _dialer(
        "RemoveMember",
        "remove_member",
        """{
  "Campaign": "adsdasdasd"
  "Member": "adsdasdasd"
}""",
        b"""{
  "Data": {
    "TotalRemoved": 1,
  },
  "ErrorCode": 0,
  "Description": "OK"
}""",
        {"total_removed": 1},
        campaign="adsdasdasd",
        member="adsdasdasd",
    ),
    _dialer(
        "AddMember",
        "add_member",
        """{
    "Campaign": "adsdasd"
    "Member": "adsdasd"
}""",
        b"""{
    "Data": {
        "TotalAdded": 1,
    },
    "ErrorCode": 0,
    "Description": "OK"
}""",
        {"total_added": 1},
        campaign="adsdasd",
        member="adsdasd",
    ),
    _dialer("StopCampaign", "stop_campaign", '{"Campaign": "xxxxxxxx"}', OK, {"error_code": 0}, campaign="xxxxxxxx"),
    _dialer(
        "StartCampaign", "start_campaign", '{"Campaign": "xxxxxxxxx"}', OK, {"error_code": 0}, campaign="xxxxxxxxx"
    ),
    _dialer(
        "UpdateCampaignStrategy",
        "update_strategy",
        """{
  "Campaign" : "xxxxxxxxxxxxxxxxxxxxxxxx",
  "setQueueForMonitoring" : 10000,
  "setQueueMaximumCallers" : 0,
  "setCoefficient" : 1
}""",
        OK,
        {"error_code": 0},
        campaign="xxxxxxxxxxxxxxxxxxxxxxxx",
        queue_for_monitoring=10000,
        queue_maximum_callers=0,
        coefficient=1,
    ),
    _dialer(
        "ClearCampaignCalls",
        "clear_calls",
        '{"Campaign" : "xxxxxxxxxxxxxxxxxxxxxxx"}',
        b"""{
  ErrorCode: 0,
  Description: "OK"
}""",
        {"error_code": 0, "description": "OK"},
        campaign="xxxxxxxxxxxxxxxxxxxxxxx",
    ),
    _dialer(
        "AddCallsBulk",
        "add_calls",
        """[
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
        OK,
        {"error_code": 0},
        calls=[
            {
                "campaign": "xxxxxxxxxxxxxxxxxxxxxxx",
                "target": "0502454545",
                "caller_id": "072776772",
                "caller_name": "Dialer",
                "customer_name": f"Customer {number}",
                "priority": number,
                "variables": {"var_test1": 1, "var_tesy2": "some value"},
            }
            for number in (1, 2)
        ],
    ),
    _dialer(
        "GetCampaignPendingCalls",
        "get_pending_calls",
        '{"Campaign" : "xxxxxxxxxxxxxxxxxxxxxxxx"}',
        b"""{
  "Data": {
    "Calls": [
      {
        "Phone": "972544444444",
        "CallerID": "",
        "CallerName": "",
        "OriginateTime": 0,
        "Priority": 0,
        "CustomerName": "Customer",
        "CallStatus": {
          "Status": 1,
          "Description": "Pending"
        },
        "CustomData": {
          "var_test1": 1,
          "var_tesy2": "some value"
        }
      }
    ],
    "Campaign": {
      "Name": "Test campaign",
      "StatusName": "Enabled",
      "TotalPendingCalls": 2,
      "MaxPriority": 0,
      "MinPriority": 0,
      "Code": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    }
  },
  "ErrorCode": 0,
  "Description": "OK"
}""",
        {
            "calls.0.phone": "972544444444",
            "calls.0.originate_time": None,
            "calls.0.call_status.description": "Pending",
            "calls.0.custom_data": {"var_test1": "1", "var_tesy2": "some value"},
            "campaign.pending_calls": 2,
        },
        campaign="xxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    _dialer(
        "UpdateCall",
        "update_call",
        """{
  "Campaign": "xxxxxxxx",
  "Target": "0502454545",
  "CustomerName" : "John Doe",
  "Priority" : 42,
  "CustomData": {
    "var_test1": 1,
    "var_tesy2": "some value"
  }
}""",
        OK,
        {"error_code": 0},
        campaign="xxxxxxxx",
        target="0502454545",
        customer_name="John Doe",
        priority=42,
        variables={"test1": 1, "tesy2": "some value"},
    ),
    _example(
        "dialer.update_call",
        ("GET", f"{DIALER}/UpdateCall", "Campaign=xxxx&Target=yyyy&var_test1=1&var_tesy2=somevalue"),
        OK,
        {"error_code": 0},
        given={"campaign": "xxxx", "target": "yyyy", "variables": {"test1": 1, "tesy2": "somevalue"}},
        options={"code": "unused"},
        encoding=Encoding.QUERY,
    ),
    _dialer(
        "GetCampaignDetails",
        "get_campaign",
        '{"Campaign" : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}',
        b"""{
  "Data": {
    "Name": "Morning messages",
    "StatusName": "Enabled",
    "TotalPendingCalls": 1,
    "MaxPriority": 7,
    "MinPriority": 7,
    "Code": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
 },
 "ErrorCode": 0,
 "Description": "OK"
}""",
        {"campaign.name": "Morning messages", "campaign.max_priority": 7, "campaign.pending_calls": 1},
        campaign="xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    _dialer(
        "ConfigureIvrCampaign",
        "configure_ivr",
        """{
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
        OK,
        {"error_code": 0},
        campaign="xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        max_calls=5,
        representatives=["SIP1", "SIP2", "SIP3"],
    ),
    _example(
        "active_calls.extensions",
        ("GET", f"{MONITOR}/comet/API/GetExtensionsCalls", "code=xxxxxxxxxx"),
        b"""{
 ERR: 0,
 DESC: "OK",
 EXTENSIONS:
 [
   {
     name: "Desk 1",
     representative: "Dodod",
     peerstatus: "Reachable",
     username: "aaaaaaa",
     calls:
     [
       {
         callername: "0547777777",
         callerphone: "0547777777",
         callstarted: 1402233117,
         callanswered: 1402233123,
         answered: 1,
         callstatus: "Talking",
         ivrid: "xxxxXxxxXxxxXxxxXxxxXxxxXxxxXxxx",
         direction: "Outgoing"
       }
     ]
   },
   {
     name: "Desk 2",
     representative: "",
     peerstatus: "Unknown",
     username: "ttttttt",
     calls: [ ]
   }
 ]
}""",
        {
            "extensions.0.calls.0.call_id": "xxxxXxxxXxxxXxxxXxxxXxxxXxxxXxxx",
            "extensions.0.calls.0.started": datetime(2014, 6, 8, 13, 11, 57, tzinfo=UTC),
            "extensions.0.calls.0.answered": True,
            "extensions.1.calls": [],
        },
        options={"code": "xxxxxxxxxx"},
    ),
    _example(
        "active_calls.queues",
        ("GET", f"{MONITOR}/comet/API/GetQueuesCallers", "code=xxxxxxxxxx"),
        b"""{
  ERR: 0,
  DESC: "OK",
  QUEUES:
  [
    {
      Name: "Sales",
      ID: 10035,
      Callers:
     [
       {
         Phone: "0570000000",
         CallID: "xxxxXxxxXxxxXxxxXxxxXxxxXxxxXxxx",
         JoinTime: 1402235247
       }
     ]
   }
 ]
}""",
        {"queues.0.name": "Sales", "queues.0.id": 10035, "queues.0.callers.0.phone": "0570000000"},
        options={"code": "xxxxxxxxxx"},
    ),
    _example(
        "extensions.list",
        ("GET", f"{MONITOR}/Comet/api/GetExtensions", "code=XXXXXXXXXXXX&showAll=0"),
        b"""{
  ERR: 0,
  DESC: "OK",
  EXTENSIONS: [
    {
      SIP: "xxxxxxx",
      Name: "Account name",
      SpeedDial: "301",
      AccountID: 1,
     AccountName: "Acc 1"
   },

   {
     SIP: "yyyyyyy",
     Name: "Account name 2",
     SpeedDial: "302",
     AccountID: 2,
     AccountName: "Acc 2"
   }
 ]
}""",
        {"extensions.0.sip": "xxxxxxx", "extensions.1.speed_dial": "302", "extensions.1.account_id": 2},
        options={"code": "XXXXXXXXXXXX"},
    ),
    _example(
        "users.set_status",
        (
            "POST",
            "http://betaapi.voicenter.co.il/UserLogin/SetStatusFromAPI",
            "Code=abc&UserID=12345&Status=1&ExtensionUser=SIP1",
        ),
        b'{"Status": 1, "StatusError": "0", "StatusErrorMessage": ""}',
        {"status": 1, "status_error": "0"},
        given={"user_id": "12345", "status": UserStatus.LOGIN, "extension": "SIP1"},
        options={"code": "abc"},
    ),
)
