"""What `receiver export --number` writes: everything that is stored about one phone number."""

from collections.abc import Iterator, Mapping
from typing import Any

from receiver.cli.json_values import callback_details, event_of
from receiver.cli.paging import PAGE, progress_bar
from receiver.operations.about_number import Found, find_about
from receiver.operations.phone_numbers import number_redactor
from receiver.providers.base.contract import Provider
from storage import Database, StoredCallback, journal, queue, rejections
from storage.erasure import Place

COLUMNS = ("what", "row")


def find_with_progress(database: Database, number: str, country_code: str) -> Found:
    """The numbers of the rows about a phone number. Raises NumberError."""
    mask = number_redactor(number, country_code)
    with progress_bar() as progress:
        bars = {place: progress.add_task(place.name.lower(), total=None) for place in Place}

        def show(place: Place, done: int, total: int) -> None:
            progress.update(bars[place], completed=done, total=total)

        return find_about(database, mask, show)


def pages_of(database: Database, ids: list[int]) -> Iterator[list[StoredCallback]]:
    """These callbacks, in pages."""
    for at in range(0, len(ids), PAGE):
        with database.read_only() as connection:
            page = [journal.get(connection, number) for number in ids[at : at + PAGE]]
        yield [callback for callback in page if callback is not None]


def everything(database: Database, found: Found, providers: Mapping[str, Provider[Any]]) -> Iterator[Mapping[str, Any]]:
    """Callbacks with their events, replies, deliveries and errors; then rejected requests."""
    for page in pages_of(database, found.callbacks):
        for callback in page:
            with database.read_only() as connection:
                deliveries = queue.of_callback(connection, callback.id)
            details = callback_details(callback, deliveries, event_of(callback, providers))
            yield {"what": "callback", "row": details}
    with database.read_only() as connection:
        refused = rejections.with_ids(connection, found.refusals)
    for one in refused:
        values = {name: getattr(one, name) for name in type(one).__dataclass_fields__}
        yield {"what": "rejected request", "row": {**values, "at": one.at.isoformat()}}
