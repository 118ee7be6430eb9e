"""Model-based test of journal and deliveries, on both databases: random operations in random order."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from storage import Claim, Database, State, journal, queue, queue_admin, retention
from storage.values import Filter
from tests.postgres import make_database
from tests.storage.support import NOON, append, finish, new_callback

HANDLERS = ("crm", "csv")
CALLS = ("a", "b", "")
CONTENTS = tuple("uvwxyz")


@dataclass
class Waiting:
    """A delivery in the model."""

    callback: int
    handler: str
    key: str
    state: State = State.DUE
    attempts: int = 0
    failures: int = 0


@dataclass
class Model:
    """The expected content of the database."""

    originals: dict[tuple[str, str], int] = field(default_factory=dict)
    callbacks: dict[int, int | None] = field(default_factory=dict)
    deliveries: dict[int, Waiting] = field(default_factory=dict)

    def claimable(self, handler: str) -> list[int]:
        """The due deliveries of a handler that no earlier unfinished one of the same call blocks."""
        open_ = {id_: one for id_, one in self.deliveries.items() if one.state in {State.DUE, State.RUNNING}}
        return [
            id_
            for id_, one in open_.items()
            if one.handler == handler
            and one.state is State.DUE
            and not any(
                rival.handler == handler
                and rival.key == one.key
                and (other < id_ or (other > id_ and rival.state is State.RUNNING))
                for other, rival in open_.items()
            )
        ]


class Journal(RuleBasedStateMachine):
    """The operations, each applied to the database and to the model."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.database = Database(self.url)
        self.database.migrate()
        self.model = Model()
        self.claims: dict[int, Claim] = {}
        with self.database.begin() as connection:
            queue_admin.drop(connection, queue_admin.DeliveryFilter(), "the last run")
            retention.prune(connection, NOON.replace(year=2999), 10**6)

    def teardown(self) -> None:
        """Finish what is claimed, and close the database."""
        for claim in self.claims.values():
            finish(self.database, [claim])
        self.database.close()

    @rule(batch=st.lists(st.tuples(st.sampled_from(CONTENTS), st.sampled_from(CALLS)), min_size=1, max_size=4))
    def store(self, batch: list[tuple[str, str]]) -> None:
        """Store callbacks, some of them repeats."""
        news = [
            new_callback(f"{content}{call}", call_id=call, call_key=call, deliveries=HANDLERS)
            for content, call in batch
        ]
        results = append(self.database, *news)
        for (content, call), result in zip(batch, results, strict=True):
            original = self.model.originals.get((content, call))
            assert result.duplicate_of == original
            self.model.callbacks[result.id] = original
            if original is None:
                self.model.originals[content, call] = result.id
                self._expect_deliveries(result.id, call)

    def _expect_deliveries(self, callback: int, call: str) -> None:
        with self.database.read_only() as connection:
            made = queue.of_callback(connection, callback)
        assert [one.handler for one in made] == list(HANDLERS)
        for one in made:
            self.model.deliveries[one.id] = Waiting(callback, one.handler, call or f"#{callback}")

    @rule(handler=st.sampled_from(HANDLERS), places=st.integers(1, 3))
    def claim(self, handler: str, places: int) -> None:
        """A worker claims what it may, and no more."""
        with self.database.begin() as connection:
            taken = queue.claim(connection, "w", {handler: places}, 3600)
        claimable = self.model.claimable(handler)
        assert {claim.delivery_id for claim in taken} <= set(claimable)
        assert len(taken) == min(places, len(claimable))
        for claim in taken:
            one = self.model.deliveries[claim.delivery_id]
            one.state, one.attempts = State.RUNNING, one.attempts + 1
            assert (claim.attempt, claim.callback.id) == (one.attempts, one.callback)
            self.claims[claim.delivery_id] = claim

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), state=st.sampled_from((State.DONE, State.DUE, State.DEAD, State.DROPPED)))
    def end(self, data: st.DataObject, state: State) -> None:
        """An attempt ends with any result."""
        id_ = data.draw(st.sampled_from(sorted(self.claims)))
        result = "done" if state is State.DONE else "failed"
        assert finish(self.database, [self.claims.pop(id_)], state, result=result) == [True]
        one = self.model.deliveries[id_]
        one.state = state
        one.failures += state is not State.DONE

    @rule()
    def requeue(self) -> None:
        """An operator requeues dead deliveries."""
        with self.database.begin() as connection:
            count = queue_admin.requeue(connection, queue_admin.DeliveryFilter(states=[State.DEAD]))
        dead = [one for one in self.model.deliveries.values() if one.state is State.DEAD]
        assert count == len(dead)
        for one in dead:
            one.state = State.DUE

    @rule()
    def prune(self) -> None:
        """An operator prunes all finished callbacks."""
        with self.database.begin() as connection:
            gone = retention.prune(connection, NOON.replace(year=2999), 10**6)
        unsettled = {State.DUE, State.RUNNING, State.DEAD}
        kept = {one.callback for one in self.model.deliveries.values() if one.state in unsettled}
        assert gone == len(self.model.callbacks) - len(kept)
        self.model.callbacks = {id_: first for id_, first in self.model.callbacks.items() if id_ in kept}
        self.model.originals = {key: id_ for key, id_ in self.model.originals.items() if id_ in kept}
        self.model.deliveries = {id_: one for id_, one in self.model.deliveries.items() if one.callback in kept}

    @invariant()
    def the_database_equals_the_model(self) -> None:
        """Callbacks, repeats, states and failures are equal."""
        with self.database.read_only() as connection:
            stored = {one.id: one.duplicate_of for one in journal.page(connection, Filter(), 0, 10_000)}
            found = {one.id: one for id_ in stored for one in queue.of_callback(connection, id_)}
        assert stored == self.model.callbacks
        assert {id_: (one.state, one.attempts, len(one.failures)) for id_, one in found.items()} == {
            id_: (one.state, one.attempts, one.failures) for id_, one in self.model.deliveries.items()
        }


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_journal_and_deliveries_behave_like_their_model(backend: str, request: pytest.FixtureRequest) -> None:
    """Random histories of store, claim, finish, requeue and prune."""
    with TemporaryDirectory() as folder:
        if backend == "sqlite":
            url = f"sqlite:///{Path(folder)}/journal.db"
        else:
            url = make_database(request.getfixturevalue("postgres_server"))
        machine = type("JournalOn", (Journal,), {"url": url})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
