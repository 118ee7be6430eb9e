"""`receiver handlers`: what listens to what, in which order, and how it has done lately."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.markup import escape

from receiver.cli.main import app, report_errors
from receiver.cli.options import AsJson, DatabaseUrl, HandlerModules
from receiver.cli.output import console, errors, print_json, printable
from receiver.cli.times import local_time
from receiver.components import Components, is_sqlite, load_components, open_database
from receiver.intake.responder import deadline_of
from receiver.plugins.failures import shown_path
from receiver.plugins.handlers import Handler
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import Kind
from receiver.settings import Settings, load
from storage import Database, StoreError
from storage.database import parse_url
from storage.handler_results import HandlerResults, of_deliveries, of_questions

A_DAY = timedelta(days=1)

Results = Mapping[str, HandlerResults]
"""By the name of the handler."""


@app.command("handlers")
def list_handlers(as_json: AsJson = False, database_url: DatabaseUrl = None, handlers: HandlerModules = None) -> None:
    """List the handlers: what each listens to and in which order, where it stands, and how it has done lately."""
    with report_errors():
        settings = load(database_url=database_url, handlers=handlers)
        components = load_components(settings)
        results = _results(settings, components)
    groups = list(_groups(components.registry))
    for title, members in groups:
        if as_json:
            for place, handler in enumerate(members, 1):
                print_json(_values(components, handler, place, results))
        else:
            _print_group(components, title, members, results)
    if not groups and not as_json:
        console.print("No handler is loaded: the setting `handlers` names their modules.", highlight=False)


def _results(settings: Settings, components: Components) -> Results | None:
    """How the handlers have done; None where there is no journal, or none that can be read."""
    if is_sqlite(settings):
        file = Path(parse_url(settings.database_url.get_secret_value()).database or "").resolve()
        if not file.exists():
            errors.print(f"There is no journal {escape(str(file))} yet: no results are shown.", soft_wrap=True)
            return None
    try:
        with open_database(settings) as database:
            return _read_results(database, components)
    except StoreError as error:
        errors.print(f"{escape(str(error))}: no results are shown.", soft_wrap=True)
        return None


def _read_results(database: Database, components: Components) -> Results:
    since = datetime.now(UTC) - A_DAY
    kinds = {kind.name for kind in _kinds(components).values() if kind.replies}
    with database.read_only() as connection:
        delivered = of_deliveries(connection, since)
        asked = of_questions(connection, sorted(kinds), since)
    results: dict[str, HandlerResults] = {}
    for handler in components.registry:
        found = asked if handler.answers else delivered
        known = [found[name] for name in (handler.name, *handler.aliases) if name in found]
        for one in known:
            results[handler.name] = results[handler.name].joined(one) if handler.name in results else one
    return results


def _kinds(components: Components) -> dict[type, Kind]:
    """The kinds of all providers by their events."""
    return {kind.event: kind for provider in components.providers.values() for kind in provider.kinds}


def _groups(registry: Registry) -> Iterator[tuple[str, list[Handler]]]:
    """What is listened to, with its handlers in their order; questions come first."""
    for answers in (True, False):
        members = [handler for handler in registry if handler.answers is answers]
        for subject in dict.fromkeys(handler.subject for handler in members):
            rule = "the first whose filters match answers" if answers else "each whose filters match is called"
            yield f"{subject.__name__}: {rule}", [handler for handler in members if handler.subject is subject]


def _print_group(components: Components, title: str, members: list[Handler], results: Results | None) -> None:
    """A block for each handler: no terminal is so narrow that a name must be cut."""
    console.print(f"[bold]{escape(title)}[/]", highlight=False)
    for place, handler in enumerate(members, 1):
        console.print(f"  {place}. {escape(handler.name)}", highlight=False, soft_wrap=True)
        for line in _lines(components, handler, results):
            console.print(f"     {escape(printable(line))}", highlight=False, soft_wrap=True)
    console.print()


def _lines(components: Components, handler: Handler, results: Results | None) -> Iterator[str]:
    values = _values(components, handler, 0, results)
    if values["file"]:
        yield shown_path(values["file"]) + (f":{values['line']}" if values["line"] else "")
    if handler.filters:
        yield "filters: " + ", ".join(f"{name}={text}" for name, text in values["filters"].items())
    if handler.aliases:
        yield f"also named: {', '.join(handler.aliases)}"
    yield from _limits(values)
    if results is not None:
        yield from _outcome(values)


def _limits(values: Mapping[str, Any]) -> Iterator[str]:
    history = ", with the history of the call" if values["history"] else ""
    if values["answers"]:
        yield f"deadline {values['deadline']:g} s{history}"
    else:
        attempts = f"{values['attempts']} attempts of at most {values['timeout']:g} s"
        yield f"{attempts}, {values['concurrency']} side by side{history}"


def _outcome(values: Mapping[str, Any]) -> Iterator[str]:
    last = values["last"]
    if last is None:
        yield "no result yet"
    else:
        at = local_time(datetime.fromisoformat(last["at"]))
        yield f"last: {last['result']} at {at}{': ' if last['reason'] else ''}{last['reason'] or ''}"
    yield f"failures in the last day: {values['failures']}"


def _values(components: Components, handler: Handler, place: int, results: Results | None) -> dict[str, Any]:
    """A handler as JSON values. Without a journal `last` and `failures` are None."""
    usual, settings = components.registry.defaults, components.settings
    kind = _kinds(components).get(handler.subject)
    file, line = handler.source
    known = None if results is None else results.get(handler.name, HandlerResults())
    return {
        "name": handler.name,
        "aliases": list(handler.aliases),
        "answers": handler.answers,
        "subject": handler.subject.__name__,
        "kind": kind.name if kind else None,
        "place": place,
        "file": file or None,
        "line": line or None,
        "filters": {name: _filter_text(wanted) for name, wanted in handler.filters.items()},
        "history": handler.history,
        "deadline": deadline_of(kind, usual.deadline) if kind and handler.answers else None,
        "timeout": None if handler.answers else handler.timeout or usual.handler_timeout,
        "attempts": None if handler.answers else handler.attempts or usual.attempts,
        "concurrency": None if handler.answers else handler.concurrency or settings.handler_concurrency,
        "last": _last(known) if known is not None and known.at is not None else None,
        "failures": None if known is None else known.failures,
    }


def _last(results: HandlerResults) -> dict[str, Any]:
    at = results.at.isoformat() if results.at else None
    return {"at": at, "result": results.result, "reason": results.reason or None}


def _filter_text(wanted: object) -> str:
    """A filter as its author would recognise it; of a function its name."""
    if not callable(wanted):
        return repr(wanted)
    name = getattr(wanted, "__name__", "")
    return name if name.isidentifier() else "a function"
