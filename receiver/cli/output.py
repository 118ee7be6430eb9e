"""What all commands print with: consoles, text that is safe to show, JSON lines."""

import sys
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape

from storage import Delivery

console = Console()
errors = Console(stderr=True)


def print_json(line: Any) -> None:
    """One JSON object on one line."""
    sys.stdout.write(orjson.dumps(line, default=str).decode() + "\n")


def print_error(message: str) -> None:
    """One line on standard error that says what is wrong and what to do."""
    errors.print(f"[bold red]error:[/] {escape(message)}", highlight=False, soft_wrap=True)


def as_text(data: bytes) -> str:
    """Bytes as a person can read them."""
    return data.decode("utf-8", errors="backslashreplace")


def printable(text: str) -> str:
    """Text from outside without what could steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def printable_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(printable(line) for line in text.splitlines())


def print_delivery(delivery: Delivery) -> None:
    """A delivery and what went wrong at each attempt."""
    replay = f", of replay {delivery.replay_id}" if delivery.replay_id else ""
    what = f"{delivery.state}, {delivery.attempts} attempt(s){replay}"
    console.print(f"\n[bold]delivery {delivery.id}[/] to {escape(delivery.handler)}: {what}", highlight=False)
    for attempt in delivery.failures:
        line = f"attempt {attempt.number} at {attempt.started_at.astimezone():%Y-%m-%d %H:%M:%S}: {attempt.error}"
        console.print(escape(printable_lines(line)), style="red", highlight=False)
        if attempt.traceback:
            console.print(escape(printable_lines(attempt.traceback)), highlight=False, soft_wrap=True)
