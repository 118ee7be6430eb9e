"""Load from wrk, with a script that gives each request a unique number, and wrk's results."""

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

# The request is built once, in two halves; only the number changes. `done` prints the last line.
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
    """The results of wrk."""

    requests: int
    seconds: float
    p50_us: int
    p99_us: int
    refused: int
    """Replies with a status of 4xx or 5xx."""
    broken: int
    """Broken connections, and missing replies."""
    generator_busy: float
    """The share of its core that wrk used: near 1 wrk is the bottleneck, not the server."""

    @property
    def accepted(self) -> int:
        """Replies with another status."""
        return self.requests - self.refused

    @property
    def errors(self) -> int:
        """All errors."""
        return self.refused + self.broken


def installed() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def run(payload: Payload, url: str, folder: Path, seconds: float, connections: int) -> Load:
    """Send as fast as replies arrive, on so many connections; wrk runs on the caller's cores."""
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
    """The Lua script for wrk; the numbers of two runs differ in their prefix."""
    head = (
        f"POST {payload.path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        f"Content-Type: {payload.content_type}\r\nContent-Length: {payload.size}\r\n\r\n"
    )
    before = head.encode() + payload.before + prefix.encode()
    return _SCRIPT.format(before=_lua(before), after=_lua(payload.after), digits=_DIGITS)


def parse(printed: str, cpu_seconds: float) -> Load:
    """The results that the script has printed."""
    counted = json.loads(printed.splitlines()[-1])
    seconds = counted["micros"] / 1_000_000
    return Load(
        requests=counted["requests"],
        seconds=seconds,
        p50_us=counted["p50"],
        p99_us=counted["p99"],
        refused=counted["status"],
        broken=counted["socket"],
        generator_busy=cpu_seconds / seconds if seconds else 0.0,
    )


def _lua(data: bytes) -> str:
    """Bytes as a Lua string."""
    plain = {byte for byte in range(32, 127) if byte not in b'"\\'}
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03d}" for byte in data) + '"'
