"""Queue administration: find, requeue and drop deliveries."""

from storage import Database, State, queue, queue_admin, replays
from storage.enqueue import enqueue
from storage.queue_admin import DeliveryFilter
from storage.values import Filter, NewDelivery
from tests.storage.support import append, claim, finish, new_callback


def _dead(database: Database, *contents: str) -> None:
    append(database, *(new_callback(one, call_id=one, deliveries=("crm",), call_key=one) for one in contents))
    finish(database, claim(database, {"crm": 99}), State.DEAD, result="failed", error="boom")


def test_deliveries_are_found_by_state_handler_and_callback(database: Database) -> None:
    """Newest first, each with its callback."""
    _dead(database, "a", "b")
    append(database, new_callback("c", deliveries=("crm", "csv")))
    with database.read_only() as connection:
        dead = queue_admin.find(connection, DeliveryFilter(states=[State.DEAD]), 10)
        assert [(delivery.id, callback.body) for delivery, callback in dead] == [(2, b"b"), (1, b"a")]
        assert len(queue_admin.find(connection, DeliveryFilter(handler="csv"), 10)) == 1
        assert len(queue_admin.find(connection, DeliveryFilter(callbacks=Filter(call_id="a")), 10)) == 1
        assert len(queue_admin.find(connection, DeliveryFilter(ids=[2]), 10)) == 1


def test_a_requeued_delivery_is_due_and_has_all_its_attempts_again(database: Database) -> None:
    """Its failures can still be read, and no longer count."""
    _dead(database, "a")
    with database.begin() as connection:
        assert queue_admin.requeue(connection, DeliveryFilter(states=[State.DEAD])) == 1
    [again] = claim(database, {"crm": 1})
    assert (again.attempt, again.uncounted_attempts) == (2, 1)
    finish(database, [again], State.DEAD, result="failed", error="again")
    with database.read_only() as connection:
        delivery = queue.get(connection, again.delivery_id)
    assert delivery is not None
    assert [attempt.number for attempt in delivery.failures] == [1, 2]


def test_requeue_never_doubles_a_delivery_that_waits(database: Database) -> None:
    """After a replay the callback waits already; of two dead deliveries only the newest is requeued."""
    _dead(database, "a")
    with database.begin() as connection:
        number = replays.begin(connection, who="", why="", what="")
        assert enqueue(connection, [NewDelivery(1, "crm", "a", replay_id=number)])[0] == 1
        assert queue_admin.requeue(connection, DeliveryFilter(states=[State.DEAD])) == 0
    finish(database, claim(database, {"crm": 1}), State.DEAD, result="failed")
    with database.begin() as connection:
        assert queue_admin.requeue(connection, DeliveryFilter(states=[State.DEAD])) == 1
        assert queue_admin.requeue(connection, DeliveryFilter(states=[State.DEAD])) == 0


def test_a_running_delivery_is_neither_requeued_nor_dropped(database: Database) -> None:
    """Its worker records its result."""
    append(database, new_callback(deliveries=("crm",)))
    claim(database, {"crm": 1})
    with database.begin() as connection:
        assert queue_admin.requeue(connection, DeliveryFilter(ids=[1])) == 0
        assert queue_admin.drop(connection, DeliveryFilter(ids=[1]), "why") == 0


def test_a_dropped_delivery_has_its_reason_and_blocks_nothing(database: Database) -> None:
    """The next delivery of its call is due."""
    append(database, new_callback("a1", deliveries=("crm",), call_key="a"))
    append(database, new_callback("a2", deliveries=("crm",), call_key="a"))
    with database.begin() as connection:
        assert queue_admin.drop(connection, DeliveryFilter(ids=[1]), "a test call") == 1
    assert [one.callback.body for one in claim(database, {"crm": 9})] == [b"a2"]
    with database.read_only() as connection:
        delivery = queue.get(connection, 1)
    assert delivery is not None
    assert (delivery.state, delivery.reason) == (State.DROPPED, "a test call")


def test_an_unknown_delivery_is_none(database: Database) -> None:
    """It is not an error."""
    with database.read_only() as connection:
        assert queue.get(connection, 7) is None
