"""The queue of deliveries: claims, leases, results, and the order within each call."""

from sqlalchemy import update

from storage import Database, State, queue, queue_admin
from storage.queue import LOST, RELEASED, WINDOW
from storage.tables import BLOCKED
from storage.tables import deliveries as table
from tests.storage.support import append, claim, finish, new_callback


def test_a_delivery_is_due_as_soon_as_its_callback_is_stored(database: Database) -> None:
    """Both are created in one transaction."""
    [appended] = append(database, new_callback(deliveries=("crm", "csv")))
    taken = claim(database, {"crm": 1, "csv": 1})
    assert [(one.handler, one.callback.id, one.attempt) for one in taken] == [
        ("crm", appended.id, 1),
        ("csv", appended.id, 1),
    ]


def test_a_claimed_delivery_cannot_be_claimed_again(database: Database) -> None:
    """A claim is exclusive until its lease ends."""
    append(database, new_callback(deliveries=("crm",)))
    assert len(claim(database, {"crm": 5}, worker="one")) == 1
    assert claim(database, {"crm": 5}, worker="two") == []


def test_events_of_one_call_reach_a_handler_one_after_the_other(database: Database) -> None:
    """The second cannot be claimed before the first is finished; other calls do not wait."""
    for content, key in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        append(database, new_callback(content, deliveries=("crm",), call_key=key))
    first = claim(database, {"crm": 9})
    assert [one.callback.body for one in first] == [b"a1", b"b1"]
    assert claim(database, {"crm": 9}) == []
    finish(database, first)
    assert [one.callback.body for one in claim(database, {"crm": 9})] == [b"a2"]


def test_a_call_waits_for_the_retry_of_its_earlier_event(database: Database) -> None:
    """A failure keeps the order: the later event waits until the earlier one has been retried."""
    append(database, new_callback("a1", deliveries=("crm",), call_key="a"))
    append(database, new_callback("a2", deliveries=("crm",), call_key="a"))
    finish(database, claim(database, {"crm": 9}), State.DUE, result="failed", error="no", retry_in=3600)
    assert claim(database, {"crm": 9}) == []


def test_a_dead_delivery_does_not_block_the_next_of_its_call(database: Database) -> None:
    """The next delivery is due."""
    append(database, new_callback("a1", deliveries=("crm",), call_key="a"))
    append(database, new_callback("a2", deliveries=("crm",), call_key="a"))
    finish(database, claim(database, {"crm": 9}), State.DEAD, result="dropped", error="never")
    assert [one.callback.body for one in claim(database, {"crm": 9})] == [b"a2"]


def test_handlers_do_not_wait_for_each_other(database: Database) -> None:
    """The order of a call is kept for each handler separately."""
    append(database, new_callback("a1", deliveries=("crm", "csv"), call_key="a"))
    append(database, new_callback("a2", deliveries=("crm", "csv"), call_key="a"))
    crm, csv = claim(database, {"crm": 1, "csv": 1})
    finish(database, [csv])
    assert [(one.handler, one.callback.body) for one in claim(database, {"crm": 1, "csv": 1})] == [("csv", b"a2")]
    assert crm.handler == "crm"


def test_no_more_are_claimed_than_there_are_places(database: Database) -> None:
    """Each handler gets at most as many as it has free places."""
    for number in range(5):
        append(database, new_callback(str(number), deliveries=("crm",)))
    assert len(claim(database, {"crm": 3})) == 3
    assert len(claim(database, {"crm": 0})) == 0


def test_an_ended_lease_is_claimed_again_and_the_lost_attempt_recorded(database: Database) -> None:
    """The deliveries of a crashed worker are claimed, and the crash is visible."""
    append(database, new_callback(deliveries=("crm",)))
    claim(database, {"crm": 1}, worker="gone", lease=0)
    [again] = claim(database, {"crm": 1}, worker="w")
    assert again.attempt == 2
    with database.read_only() as connection:
        [delivery] = queue.of_callback(connection, again.callback.id)
    assert [(attempt.number, attempt.result) for attempt in delivery.failures] == [(1, LOST)]


def test_a_worker_whose_lease_was_taken_over_cannot_finish(database: Database) -> None:
    """Only the worker that holds the lease records the result."""
    append(database, new_callback(deliveries=("crm",)))
    late = claim(database, {"crm": 1}, lease=0)
    claim(database, {"crm": 1}, worker="other")
    assert finish(database, late, State.DEAD, result="failed") == [False]
    with database.read_only() as connection:
        assert queue.counts(connection) == {("crm", State.RUNNING): 1}


def test_a_renewed_lease_does_not_end(database: Database) -> None:
    """A handler may run longer than a lease."""
    append(database, new_callback(deliveries=("crm",)))
    [taken] = claim(database, {"crm": 1}, lease=0)
    with database.begin() as connection:
        queue.renew(connection, "w", [taken.delivery_id], 60)
    assert claim(database, {"crm": 1}, worker="other") == []
    assert finish(database, [taken]) == [True]


def test_a_worker_releases_unknown_leases(database: Database) -> None:
    """A claim may be committed and its result lost. The leases of other workers, and known ones, are kept."""
    for number in range(3):
        append(database, new_callback(str(number), deliveries=("crm",)))
    [known], [unknown] = claim(database, {"crm": 1}), claim(database, {"crm": 1})
    claim(database, {"crm": 1}, worker="other")
    with database.begin() as connection:
        assert queue.release_unknown(connection, "w", [known.delivery_id]) == 1
    [again] = claim(database, {"crm": 3})
    assert (again.delivery_id, again.attempt, again.uncounted_attempts) == (unknown.delivery_id, 2, 1)
    assert finish(database, [known]) == [True]


def test_a_failed_attempt_is_a_row_with_its_error_and_traceback(database: Database) -> None:
    """The error of each attempt can be read."""
    append(database, new_callback(deliveries=("crm",)))
    first = {"result": "failed", "error": "boom", "traceback": "line 1", "took_us": 7}
    finish(database, claim(database, {"crm": 1}), State.DUE, **first)
    finish(database, claim(database, {"crm": 1}), State.DEAD, result="failed", error="bang")
    with database.read_only() as connection:
        [delivery] = queue.of_callback(connection, 1)
    assert [(one.number, one.error, one.traceback, one.took_us) for one in delivery.failures] == [
        (1, "boom", "line 1", 7),
        (2, "bang", "", 0),
    ]
    assert (delivery.state, delivery.attempts, delivery.reason) == (State.DEAD, 2, "bang")
    assert delivery.finished_at is not None
    assert delivery.due_at is None


def test_the_time_until_the_next_due_delivery_is_known(database: Database) -> None:
    """None if nothing waits, 0 if a delivery is due, else the remaining seconds."""
    with database.read_only() as connection:
        assert queue.seconds_to_next(connection, ["crm"]) is None
    append(database, new_callback(deliveries=("crm",)))
    with database.read_only() as connection:
        assert queue.seconds_to_next(connection, ["crm"]) == 0
    finish(database, claim(database, {"crm": 1}), State.DUE, result="retry", retry_in=100)
    with database.read_only() as connection:
        seconds = queue.seconds_to_next(connection, ["crm"])
    assert seconds is not None
    assert 90 < seconds <= 100


def test_an_interrupted_attempt_does_not_count(database: Database) -> None:
    """Frequent restarts of the receiver must not make a delivery dead."""
    append(database, new_callback(deliveries=("crm",)))
    finish(database, claim(database, {"crm": 1}), State.DUE, result=RELEASED)
    [again] = claim(database, {"crm": 1})
    assert again.attempt - again.uncounted_attempts == 1


def test_a_long_queue_of_one_call_hides_no_other_call(database: Database) -> None:
    """Deliveries that wait for their call are blocked, so that a claim reads few rows and finds the others."""
    many = [new_callback(f"a{number}", deliveries=("crm",), call_key="a") for number in range(3 * WINDOW)]
    append(database, *many, new_callback("b", deliveries=("crm",), call_key="b"))
    first = claim(database, {"crm": 2})
    assert [one.callback.body for one in first] == [b"a0", b"b"]
    for number in range(1, 5):
        finish(database, [first[0]])
        first = claim(database, {"crm": 2})
        assert [one.callback.body for one in first] == [b"a%d" % number]


def test_a_blocked_delivery_is_due_when_the_failed_one_before_it_is_dead(database: Database) -> None:
    """The next delivery of the call is due at once, however long it was blocked."""
    append(database, new_callback("a1", deliveries=("crm",), call_key="a"))
    append(database, new_callback("a2", deliveries=("crm",), call_key="a"))
    finish(database, claim(database, {"crm": 9}), State.DUE, result="failed", retry_in=0)
    retried = claim(database, {"crm": 9})
    assert [one.callback.body for one in retried] == [b"a1"]
    finish(database, retried, State.DEAD, result="failed")
    assert [one.callback.body for one in claim(database, {"crm": 9})] == [b"a2"]


def test_a_requeued_delivery_waits_for_a_later_one_that_runs(database: Database) -> None:
    """Only one delivery of a call runs at a time, also after a requeue."""
    append(database, new_callback("a1", deliveries=("crm",), call_key="a"))
    append(database, new_callback("a2", deliveries=("crm",), call_key="a"))
    finish(database, claim(database, {"crm": 9}), State.DEAD, result="failed")
    running = claim(database, {"crm": 9})
    assert [one.callback.body for one in running] == [b"a2"]
    with database.begin() as connection:
        assert queue_admin.requeue(connection, queue_admin.DeliveryFilter(ids=[1])) == 1
    assert claim(database, {"crm": 9}) == []
    finish(database, running)
    assert [one.callback.body for one in claim(database, {"crm": 9})] == [b"a1"]


def test_stuck_deliveries_are_recovered(database: Database) -> None:
    """A blocked delivery without an earlier unfinished one becomes due; others stay blocked."""
    for content, key in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        append(database, new_callback(content, deliveries=("crm",), call_key=key))
    with database.begin() as connection:
        connection.execute(update(table).values(due_at=BLOCKED))
        assert queue.recover_stuck(connection, ["csv"]) == 0
        assert queue.recover_stuck(connection, ["crm"]) == 2
        assert queue.recover_stuck(connection, ["crm"]) == 0
    assert [one.callback.body for one in claim(database, {"crm": 9})] == [b"a1", b"b1"]
