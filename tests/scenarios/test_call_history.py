"""One call, several receivers: the state of the call goes with it, also through an outage of the database."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.postgres import MISSING, Cluster, cluster, make_database
from tests.scenarios.serving import Receiver, serving

HANDLERS = """
from receiver import Handlers
from receiver.providers.voicenter import IvrRequest, Menu
handlers = Handlers()

@handlers.answer(IvrRequest, history=True)
def count(step, ctx):
    ctx.call.state["asked"] = ctx.call.state.get("asked", 0) + 1
    known = "" if ctx.call.is_complete else ", perhaps more"
    return Menu(menu=f"{ctx.call.state['asked']} asked, {len(ctx.call.steps)} known{known}", rec="hi", size=1)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A PostgreSQL of its own, which may be killed."""
    with cluster() as server:
        if server is None:
            pytest.skip(MISSING)
        yield server


def _press(receiver: Receiver) -> str:
    body = {"METHOD": "GET_IVR_ACTION", "DATA": {"MENU": "main", "DTMF": "1", "IVR_UNIQUE_ID": "call-1"}}
    reply = httpx.post(f"{receiver.url}/voicenter", json=body, timeout=20)
    return str(reply.json()["DATA"]["MENU"])


def _start(stack: ExitStack, folder: Path, url: str) -> Receiver:
    folder.mkdir()
    (folder / "mine.py").write_text(HANDLERS)
    return stack.enter_context(serving(folder, "--handlers", "mine", "--database-url", url, RECEIVER_METRICS="true"))


def _wait_for_empty_spool(receiver: Receiver) -> None:
    until = time.monotonic() + 60
    while "receiver_spooled 0.0" not in httpx.get(f"{receiver.url}/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_state_of_a_call_outlives_an_outage_of_the_database(tmp_path: Path, server: Cluster) -> None:
    """While it is away the receiver counts on with what it has answered since, and afterwards all receivers know it."""
    url = make_database(server.url)
    with ExitStack() as stack:
        one, other = (_start(stack, tmp_path / name, url) for name in ("one", "other"))
        assert _press(one) == "1 asked, 0 known"
        assert _press(other) == "2 asked, 1 known"
        server.kill()
        assert _press(one) == "1 asked, 0 known, perhaps more"
        assert _press(one) == "2 asked, 1 known, perhaps more"
        server.start()
        _wait_for_empty_spool(one)
        assert _press(other) == "3 asked, 4 known"
        assert _press(one) == "4 asked, 5 known"
        assert "the histories of calls cannot be read" in "".join(one.output)
