"""Tables and prose for terminals of any width."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cli.output import Column, Table, counted, wrap
from receiver.cli.times import local_time, time_column

CALL = "1bcd7954224861f85a2d70612f248282"
REASON = "the JSON is broken: unexpected end of data: line 6 column 27 (char 120)"
WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=60)


def _table() -> Table:
    table = Table(
        Column("ID", right=True),
        Column("received", rank=1),
        Column("provider", rank=4),
        Column("call"),
        Column("reason", rank=3, prose=True),
    )
    table.add("7", "11-25 16:21:26", "voicenter", CALL, REASON)
    table.add("12", "11-25 16:21:30", "spokn", "order-17", "")
    return table


def test_a_wide_terminal_gets_every_column() -> None:
    """Without blanks at the end of a line."""
    assert _table().lines(200) == [
        "ID  received        provider   call                              reason",
        f" 7  11-25 16:21:26  voicenter  {CALL}  {REASON}",
        "12  11-25 16:21:30  spokn      order-17",
    ]


def test_a_narrow_terminal_gets_fewer_columns_and_prose_below_its_row() -> None:
    """The highest rank goes first; prose loses its end to an ellipsis, an id nothing."""
    assert _table().lines(60) == [
        "ID  received        call",
        f" 7  11-25 16:21:26  {CALL}",
        "    the JSON is broken: unexpected end of data: line 6 colu…",
        "12  11-25 16:21:30  order-17",
    ]
    assert _table().lines(40)[1] == f" 7  {CALL}"


def test_prose_is_shortened_before_it_leaves_its_row() -> None:
    """As long as enough of it is left to be read."""
    assert _table().lines(100)[1].endswith(f"{CALL}  the JSON is broken: unexpected end…")


@given(st.lists(st.tuples(WORDS, WORDS, st.text(max_size=200)), min_size=1), st.integers(10, 200))
def test_an_id_is_never_cut_or_folded(rows: list[tuple[str, str, str]], width: int) -> None:
    """However narrow the terminal is, and however long the id: each stands whole on the line of its row."""
    table = Table(Column("handler"), Column("kind", rank=1), Column("call"), Column("reason", rank=2, prose=True))
    for handler, call, reason in rows:
        table.add(handler, "CDR", call, reason)
    lines = table.lines(width)
    for handler, call, _ in rows:
        assert any(line.startswith(handler) and call in line for line in lines)


def test_an_id_of_any_length_leaves_room_for_the_other_rows() -> None:
    """It pushes the rest of its own row to the right, not that of all rows."""
    table = Table(Column("call"), Column("outcome"))
    table.add("x" * 300, "accepted")
    table.add("order-17", "accepted")
    assert table.lines(80)[1:] == ["x" * 300 + "  accepted", f"{'order-17':<40}  accepted"]


def test_a_cell_cannot_steer_the_terminal() -> None:
    """Nor end its line."""
    table = Table(Column("call"), Column("reason", prose=True))
    table.add("\x1b[31mred", "one\ntwo")
    assert table.lines(80)[1] == "\N{REPLACEMENT CHARACTER}[31mred  one two"


def test_prose_is_broken_between_words_only() -> None:
    """A command in backticks can be copied as well."""
    text = "run `receiver deliveries list --state dead` and look at 1bcd7954224861f85a2d70612f248282"
    assert wrap(text, 30, 2) == [
        "run",
        "  `receiver deliveries list --state dead`",
        "  and look at",
        "  1bcd7954224861f85a2d70612f248282",
    ]


def test_times_share_the_offset_in_the_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The year is there where it is not this one; without a time the cell is empty."""
    moment = datetime.now(UTC).replace(microsecond=0)
    offset = local_time(moment)[-6:]
    heading, [cell, empty] = time_column("received", [moment, None])
    assert (heading, empty) == (f"received {offset}", "")
    assert local_time(moment) == f"{moment.astimezone().year}-{cell}{offset}"
    [old] = time_column("received", [datetime(2001, 2, 3, tzinfo=UTC)])[1]
    assert old.startswith("2001-02-03 ")


def test_numbers_have_the_right_form_of_their_noun() -> None:
    """No "1 callbacks", no "delivery(s)"."""
    assert [counted(1, "callback"), counted(0, "callback"), counted(2, "delivery"), counted(0, "replay")] == [
        "1 callback",
        "0 callbacks",
        "2 deliveries",
        "0 replays",
    ]
