"""Tables for the terminal, and as Markdown in docs/performance.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.table import Table

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


@dataclass(slots=True)
class Grid:
    """A table of texts; the first `texts` columns are aligned left, the others right."""

    title: str
    headings: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    texts: int = 1

    def rich(self) -> Table:
        """The table for the terminal."""
        table = Table(title=self.title, box=box.SIMPLE, title_justify="left", title_style="bold", pad_edge=False)
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="left" if number < self.texts else "right", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """The table for the page."""
        rule = ["---" if number < self.texts else "---:" for number in range(len(self.headings))]
        lines = [f"| {' | '.join(row)} |" for row in (self.headings, rule, *self.rows)]
        return f"**{self.title}**\n\n" + "\n".join(lines)


def facts(title: str, values: Mapping[str, str]) -> Grid:
    """A table of names and values."""
    return Grid(title, ("", ""), list(values.items()), texts=2)


def rewrite(part: str, text: str, page: Path = PAGE) -> None:
    """Put `text` between the markers of a generated part of the page. Raises ValueError if they are missing."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{page} has no part between {begin} and {end}")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")


def number(value: float) -> str:
    """A number with about three significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
