"""The states of alarms, in the journal; in memory while the journal is unreachable."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from receiver.operations.alarms.patience import in_time
from storage import Database, StoreError, alarms
from storage.alarms import AlarmState


class AlarmBook:
    """States of alarms. What could not be stored is kept, and stored as soon as that is possible."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, AlarmState] = {}
        self._unsaved: dict[str, AlarmState] = {}

    async def load(self) -> dict[str, AlarmState]:
        """Every alarm by its name; the last known ones if the journal is unreachable."""
        try:
            if self._unsaved:
                await self._store(self._unsaved.values())
            self._known = await in_time(self._database.read(alarms.load))
        except StoreError:
            return {**self._known, **self._unsaved}
        return dict(self._known)

    async def save(self, states: Iterable[AlarmState]) -> None:
        """Store states, now or when the journal can be reached."""
        self._unsaved |= {state.name: state for state in states}
        try:
            await self._store(self._unsaved.values())
        except StoreError:
            return

    async def forget_old(self, now: datetime) -> None:
        """Delete what ended long ago. Raises StoreError."""
        await in_time(self._database.write(lambda connection: alarms.forget_old(connection, now)))

    async def _store(self, states: Iterable[AlarmState]) -> None:
        batch = list(states)

        def store(connection: Connection) -> None:
            alarms.save(connection, batch)

        await in_time(self._database.write(store))
        self._known |= {state.name: state for state in batch}
        self._unsaved.clear()
