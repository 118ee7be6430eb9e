"""Saving a call that was played as a scenario, with what the journal has of it."""

import re
from itertools import count
from pathlib import Path

from receiver.errors import ReceiverError
from receiver.phone.journal_reader import JournalReader
from receiver.phone.session import PhoneSession
from receiver.phone.words import actions_done
from receiver.scenarios.from_journal import expected_handlers
from receiver.scenarios.model import FOLDER, Scenario
from receiver.scenarios.runner import call_records
from receiver.scenarios.writing import played_scenario, scenario_text


class RecordingError(ReceiverError):
    """A scenario cannot be written; the message names the file and what to do."""


def require_free(file: Path, *, force: bool) -> None:
    """Raises RecordingError if the file exists, unless it may be overwritten."""
    if file.exists() and not force:
        raise RecordingError(f"{file} exists; name another file, or add --force to overwrite it")


async def save_call(session: PhoneSession, journal: JournalReader, file: Path, *, force: bool = False) -> None:
    """Write the call of the session as a scenario. Raises RecordingError."""
    if session.hung_up_early:
        raise RecordingError("the caller hung up before a reply came, which no scenario can say: call again")
    scenario = await _scenario(session, journal)
    try:
        require_free(file, force=force)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(scenario_text(scenario), encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"{file} cannot be written: {error.strerror or error}") from error


def free_name(session: PhoneSession, folder: Path = Path(FOLDER)) -> Path:
    """A file that does not exist yet, named after the call: scenarios/ivr_1_busy.toml."""
    stem = re.sub(r"_+", "_", "_".join([session.order.play, *map(_in_a_name, actions_done(session))]))[:60].strip("_")
    names = (folder / f"{stem}{f'_{number}' if number else ''}.toml" for number in count())
    return next(path for path in names if not path.exists())


def _in_a_name(action: str) -> str:
    return action.replace("*", "star").replace("#", "hash")


async def _scenario(session: PhoneSession, journal: JournalReader) -> Scenario:
    answered = [exchange for exchange in session.exchanges if exchange.reply is not None]
    trace = await journal.settled(session.call.call_ids, len(answered))
    order, actions = session.order, " ".join(actions_done(session))
    title = f"{session.call.title}: {actions or 'the beginning'}"
    return played_scenario(
        order.play,
        order.provider.name,
        session.call.setup,
        session.player.steps,
        title=title[0].upper() + title[1:],
        records=call_records(order.provider, [callback for callback, _ in trace.callbacks]),
        handlers=expected_handlers(trace.deliveries),
    )
