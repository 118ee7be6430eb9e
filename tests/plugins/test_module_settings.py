"""The settings of handler modules."""

from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from receiver import CallRecord, Context, Handlers, Setting
from receiver.errors import SettingsError
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import Provider
from receiver.providers.base.discovery import discover
from receiver.providers.voicenter import Cdr, Hangup, IvrRequest
from receiver.testing import answer, deliver_until_finished

PROVIDERS: dict[str, Provider[Any]] = {name: provider(provider.options_type()) for name, provider in discover().items()}


class LineSettings(BaseModel, extra="forbid"):
    """Settings with and without a default, and a secret."""

    did: list[str]
    rec: str = "goodbye"
    token: SecretStr = SecretStr("")


def _handlers(**options: Any) -> Handlers:
    handlers = Handlers("line", **options)

    @handlers.answer(IvrRequest, name="line.end", did=Setting("did"))
    def end(step: IvrRequest, ctx: Context) -> Hangup:
        return Hangup(rec=ctx.settings.get("rec", "bye"))

    return handlers


def _bound(handlers: Handlers, **table: Any) -> Registry:
    return Registry(handlers, PROVIDERS, handler_settings={"line": table})


def test_a_filter_may_be_a_setting() -> None:
    """The handler answers at the numbers that the user has set, and at no other."""
    registry = _bound(_handlers(), did=["071", "072"])
    assert registry.answerer(IvrRequest(did="072")) is not None
    assert registry.answerer(IvrRequest(did="073")) is None


def test_a_setting_in_a_filter_is_shown_as_its_value() -> None:
    """`receiver check` lists what a handler really listens to."""
    [handler] = _bound(_handlers(), did="072")
    assert handler.describe() == "IvrRequest, did='072'"


def test_two_handlers_with_different_settings_do_not_overlap() -> None:
    """Overlaps are found among values, not among names of settings."""
    other = Handlers("other")
    other.answer(IvrRequest, name="other.end", did=Setting("did"))(lambda step: Hangup())
    both = [*_handlers(), *other]
    assert (
        Registry(both, PROVIDERS, handler_settings={"line": {"did": "071"}, "other": {"did": "072"}}).overlaps() == []
    )
    assert (
        len(Registry(both, PROVIDERS, handler_settings={"line": {"did": "071"}, "other": {"did": "071"}}).overlaps())
        == 1
    )


def test_a_filter_without_its_setting_is_an_error() -> None:
    """It would let everything or nothing pass."""
    with pytest.raises(SettingsError, match=r"handler_settings\.line\.did is missing: line\.end needs it"):
        _bound(_handlers())


def test_the_default_of_the_model_counts_in_a_filter() -> None:
    """What is left out is not missing."""

    class WithDefault(BaseModel):
        did: str = "072"

    assert _bound(_handlers(settings=WithDefault)).answerer(IvrRequest(did="072")) is not None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "handler_settings.line.did is missing: line.end needs it"),
        ({"did": 7}, "handler_settings.line.did: "),
        ({"did": ["1", 2]}, "handler_settings.line.did.1: "),
        ({"did": [], "rce": "x"}, "handler_settings.line.rce: there is no such setting; there are did, rec, token"),
    ],
)
def test_settings_that_do_not_fit_the_model_are_named(table: dict[str, Any], message: str) -> None:
    """Before the receiver starts, with the full name of each."""
    with pytest.raises(SettingsError, match=message.replace(".", r"\.")):
        _bound(_handlers(settings=LineSettings), **table)


def test_a_wrong_secret_is_not_shown() -> None:
    """Messages name settings, and never their values."""
    with pytest.raises(SettingsError) as caught:
        _bound(_handlers(settings=LineSettings), did=[], token=["hunter2"])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", [None, ""])
def test_a_required_setting_that_is_empty_is_missing(value: Any) -> None:
    """`requires` asks for a value."""
    with pytest.raises(SettingsError, match="did is missing"):
        _bound(_handlers(requires=("did",)), did=value)


def test_a_required_setting_may_be_a_list() -> None:
    """An empty one, too: that is a value."""
    _bound(_handlers(requires=("did",)), did=[])


def test_handlers_can_be_tried_with_settings_in_their_filters() -> None:
    """`receiver.testing` takes the module's table."""
    assert answer(_handlers(), IvrRequest(did="072"), {"did": ["072"]}) == Hangup(rec="bye")


def test_retries_can_be_tried_with_settings_in_filters() -> None:
    """The same for call records."""
    handlers = Handlers("line")
    handlers.on(CallRecord, name="line.note", outcome=Setting("outcomes"))(lambda record: None)
    record = CallRecord(provider="voicenter", outcome="busy", event=Cdr())
    assert [one.state for one in deliver_until_finished(handlers, record, {"outcomes": ["busy"]})] == ["done"]
    assert deliver_until_finished(handlers, record, {"outcomes": ["failed"]}) == []
