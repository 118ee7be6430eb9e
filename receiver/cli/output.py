"""What all commands print with: consoles, tables that fit the terminal, safe text, JSON lines."""

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from receiver.cli.times import local_time
from storage import Delivery, State

console = Console()
errors = Console(stderr=True)

UNLIMITED = 10_000
"""Columns of output that is piped: programs such as grep want whole lines."""
TIGHT_RANK = 2
"""Columns of a higher rank are left out before the space between columns is halved."""
WIDEST = 40
"""Cells that a column of ids takes at most; a longer id pushes the rest of its row to the right."""


def print_json(line: Any) -> None:
    """One JSON object on one line."""
    sys.stdout.write(orjson.dumps(line, default=str).decode() + "\n")


def print_error(message: str) -> None:
    """A sentence on standard error that says what is wrong and what to do."""
    print_prose(f"error: {message}", bold=len("error:"), style="red", to=errors)


def print_note(message: str) -> None:
    """A sentence on standard error about what was printed, or why nothing was."""
    print_prose(message, style="dim", to=errors)


def print_prose(text: str, *, bold: int = 0, style: str = "", indent: int = 0, to: Console = console) -> None:
    """Prose, broken only between words on a terminal, so that an id, a path or a command can be copied.

    `bold` is how many characters at its beginning are bold. `style` is theirs, or that of the whole text if there are
    none. `indent` is how many blanks the lines after the first begin with.
    """
    for number, line in enumerate(wrap(on_one_line(text), width_of(to), indent)):
        shown = Text(line, style="" if bold else style)
        if number == 0 and bold:
            shown.stylize(f"bold {style}".strip(), 0, bold)
        to.print(shown, soft_wrap=True)


def wrap(text: str, width: int, indent: int = 0) -> list[str]:
    """Lines of at most `width` characters; words and what stands between backticks stay whole, however long."""
    kept = re.sub("`[^`]*`", lambda code: code[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(
        kept, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False, tabsize=1
    )
    return [line.replace("\0", " ") for line in lines] or [""]


def width_of(to: Console) -> int:
    """The columns that lines may take: those of the terminal, or as COLUMNS says; no limit where output is piped."""
    return to.width if to.is_terminal or os.environ.get("COLUMNS", "").isdigit() else UNLIMITED


def as_text(data: bytes) -> str:
    """Bytes as a person can read them."""
    return data.decode("utf-8", errors="backslashreplace")


def printable(text: str) -> str:
    """Text from outside without what could steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def on_one_line(text: str) -> str:
    """The same, with blanks in place of line breaks."""
    return printable(" ".join(text.splitlines()))


def printable_lines(text: str) -> str:
    """Printable text of several lines."""
    return "\n".join(printable(line) for line in text.splitlines())


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    `rank` says what a narrow terminal does without: the highest rank goes first, 0 always stays. `prose` may lose its
    end to an ellipsis, down to `least` cells; it is not left out, but goes below its row. All else is shown whole.
    """

    heading: str = ""
    rank: int = 0
    prose: bool = False
    least: int = 30
    right: bool = False


class Table:
    """Rows in columns that fit the terminal: a narrow one gets fewer columns, never a cut or folded id."""

    def __init__(self, *columns: Column, indent: int = 0) -> None:
        self._columns = columns
        self._indent = indent
        self._rows: list[tuple[Text, ...]] = []

    def add(self, *cells: str | Text) -> None:
        """One row, a cell for each column."""
        self._rows.append(tuple(cell if isinstance(cell, Text) else Text(on_one_line(cell)) for cell in cells))

    def print(self, to: Console = console) -> None:
        """Print it; on a terminal standard error names the columns that have no room."""
        layout = self._layout(width_of(to))
        for line in self._lines(layout):
            to.print(line, soft_wrap=True)
        if layout.left_out and to.is_terminal:
            print_note(f"No room for: {', '.join(layout.left_out)}. A wider terminal shows every column.")

    def lines(self, width: int) -> list[str]:
        """The lines for a terminal of that many columns."""
        return [line.plain for line in self._lines(self._layout(width))]

    def _layout(self, width: int) -> "_Layout":
        natural = {
            number: min(max(cell.cell_len for cell in cells), UNLIMITED if column.prose else WIDEST)
            for number, (column, cells) in enumerate(zip(self._columns, zip(*self._rows, strict=True), strict=True))
            if any(cell.plain for cell in cells)
        }
        for number in natural:
            natural[number] = max(natural[number], len(self._columns[number].heading))
        return _fit(self._columns, natural, width, self._indent)

    def _lines(self, layout: "_Layout") -> Iterator[Text]:
        if any(column.heading for column in self._columns):
            headings = tuple(Text(column.heading, style="bold") for column in self._columns)
            yield self._line(headings, layout)
        for row in self._rows:
            yield self._line(row, layout)
            for number in layout.below:
                if row[number].plain:
                    yield _cut(Text(" " * (self._indent + 4)) + row[number], layout.width)

    def _line(self, cells: Sequence[Text], layout: "_Layout") -> Text:
        line = Text(" " * self._indent)
        for number, wide in layout.widths.items():
            column, cell = self._columns[number], cells[number].copy()
            if column.prose:
                cell = _cut(cell, wide)
            blanks = " " * (wide - cell.cell_len)
            line += Text(blanks) + cell if column.right else cell + Text(blanks)
            line.append(" " * layout.gap)
        line.rstrip()
        return line


@dataclass(frozen=True, slots=True)
class _Layout:
    """How wide each shown column is, by its number; which prose goes below its row; which headings have no room."""

    widths: dict[int, int]
    gap: int
    width: int
    below: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()


def _fit(columns: Sequence[Column], natural: dict[int, int], width: int, indent: int) -> _Layout:
    """Leave out columns until the others fit; what never leaves may be too wide all the same."""
    shown, below, left_out = dict(natural), [], []
    while not (gap := _gap(columns, shown, width - indent)):
        out = max(shown, key=lambda number: columns[number].rank)
        if columns[out].rank == 0:
            break
        del shown[out]
        if columns[out].prose:
            below.append(out)
        else:
            left_out.append(columns[out].heading)
    gap = gap or 1
    room = width - indent - gap * (len(shown) - 1) - sum(shown.values())
    for number, wide in shown.items():
        if columns[number].prose and room < 0:
            shown[number], room = max(wide + room, min(wide, columns[number].least)), 0
    return _Layout(shown, gap, width, tuple(sorted(below)), tuple(left_out))


def _gap(columns: Sequence[Column], shown: dict[int, int], width: int) -> int:
    """How many blanks may stand between the columns, 2 or 1; 0 if they do not fit."""
    least = sum(min(wide, columns[number].least) if columns[number].prose else wide for number, wide in shown.items())
    gaps = (2, 1) if all(columns[number].rank <= TIGHT_RANK for number in shown) else (2,)
    return next((gap for gap in gaps if least + gap * (len(shown) - 1) <= width), 0)


def _cut(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text


def print_facts(facts: Iterable[tuple[str, str]], *, indent: int = 0) -> None:
    """Names with what is known of each; the further lines of a long text are indented."""
    pairs = list(facts)
    wide = indent + max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        shown = " " * indent + name
        print_prose(f"{shown:<{wide}}  {value}", bold=len(shown), indent=wide + 2)


def print_delivery(delivery: Delivery, *about: str) -> None:
    """A delivery, what else is known `about` it, and what went wrong at each attempt."""
    replay = f", of replay {delivery.replay_id}" if delivery.replay_id else ""
    title = f"delivery {delivery.id}"
    what = f"{delivery.state}, {counted(delivery.attempts, 'attempt')}{replay}"
    print_prose(f"{title} to {delivery.handler}: {what}", bold=len(title))
    if delivery.state is State.DUE and delivery.due_at:
        print_prose(f"due at {local_time(delivery.due_at)}")
    for line in about:
        print_prose(line)
    for attempt in delivery.failures:
        line = f"attempt {attempt.number} at {local_time(attempt.started_at)}: {attempt.error}"
        console.print(escape(printable_lines(line)), style="red", highlight=False, soft_wrap=True)
        if attempt.traceback:
            console.print(escape(printable_lines(attempt.traceback)), highlight=False, soft_wrap=True)


def counted(count: int, noun: str) -> str:
    """A number with its noun: 1 attempt, 2 attempts, 3 deliveries, 4 replays."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{count} {noun}s"
