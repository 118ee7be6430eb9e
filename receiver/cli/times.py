"""Times as people read them: local, and always with their offset."""

from collections.abc import Sequence
from datetime import datetime


def local_time(moment: datetime, timespec: str = "seconds") -> str:
    """A moment in local time with its offset, such as 2026-11-25 14:03:06+02:00."""
    return moment.astimezone().isoformat(sep=" ", timespec=timespec)


def time_column(heading: str, moments: Sequence[datetime | None]) -> tuple[str, list[str]]:
    """The heading and the cells of a column of times: local time, with the offset in the heading if all share it."""
    local = [moment.astimezone() if moment else None for moment in moments]
    offsets = {_offset(moment) for moment in local if moment}
    this_year = all(moment.year == datetime.now(moment.tzinfo).year for moment in local if moment)
    form = "%m-%d %H:%M:%S" if this_year else "%Y-%m-%d %H:%M:%S"
    shared = len(offsets) == 1
    cells = [f"{moment:{form}}{'' if shared else _offset(moment)}" if moment else "" for moment in local]
    return f"{heading} {offsets.pop()}" if shared else heading, cells


def _offset(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")[19:]
