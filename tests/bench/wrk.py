"""Load from wrk: a script for it that gives each request its own number, and what it counted."""

import json
import resource
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.payloads import PLACE, Payload

MISSING = "wrk, which makes the load, is not installed: `apt-get install wrk`"

_PREFIX_BYTES = 4
_DIGITS = len(PLACE) - 2 * _PREFIX_BYTES

# The request is written once, in two halves; only its number is made anew. `done` prints the last line.
_SCRIPT = """
local before, after, number = {before}, {after}, 0
function request()
  number = number + 1
  return before .. string.format("%0{digits}d", number) .. after
end
function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{{"requests": %d, "micros": %d, "p50": %d, "p99": %d, "status": %d, "socket": %d}}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted."""

    requests: int
    seconds: float
    p50_us: int
    p99_us: int
    refused: int
    """Replies that say no: 4xx and 5xx."""
    broken: int
    """Connections that broke, and replies that never came."""
    generator_busy: float
    """The share of its core that wrk itself took: near 1 the figures are wrk's, not the server's."""

    @property
    def accepted(self) -> int:
        """Replies that say yes."""
        return self.requests - self.refused

    @property
    def errors(self) -> int:
        """Everything that went wrong."""
        return self.refused + self.broken


def installed() -> bool:
    """Whether there is a wrk."""
    return shutil.which("wrk") is not None


def run(payload: Payload, url: str, folder: Path, seconds: float, connections: int) -> Load:
    """Send as fast as answers come, on so many connections; it runs on the cores of whoever calls."""
    script = folder / "wrk.lua"
    script.write_text(make_script(payload, url, secrets.token_hex(_PREFIX_BYTES)), encoding="ascii")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        # wrk counts in whole seconds
        ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", script, url],
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return parse(done.stdout, used)


def make_script(payload: Payload, url: str, prefix: str) -> str:
    """The Lua that wrk runs; the numbers of two runs differ by their prefix."""
    head = (
        f"POST {payload.path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        f"Content-Type: {payload.content_type}\r\nContent-Length: {payload.size}\r\n\r\n"
    )
    before = head.encode() + payload.before + prefix.encode()
    return _SCRIPT.format(before=_lua(before), after=_lua(payload.after), digits=_DIGITS)


def parse(printed: str, cpu_seconds: float) -> Load:
    """What the script has printed."""
    told = json.loads(printed.splitlines()[-1])
    seconds = told["micros"] / 1_000_000
    return Load(
        requests=told["requests"],
        seconds=seconds,
        p50_us=told["p50"],
        p99_us=told["p99"],
        refused=told["status"],
        broken=told["socket"],
        generator_busy=cpu_seconds / seconds if seconds else 0.0,
    )


def _lua(data: bytes) -> str:
    """Bytes as a Lua string."""
    plain = {byte for byte in range(32, 127) if byte not in b'"\\'}
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03d}" for byte in data) + '"'
