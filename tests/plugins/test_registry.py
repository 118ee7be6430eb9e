"""The handlers that are loaded, and replacing all of them at once."""

from dataclasses import replace
from typing import Any

import pytest

from receiver import CallRecord, Handlers
from receiver.components import make_providers
from receiver.plugins.handlers import HandlerDefaults
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import Provider
from receiver.providers.voicenter import Cdr, Hangup, IvrRequest
from receiver.settings import Settings


def providers(**options: Any) -> dict[str, Provider[Any]]:
    """Every provider; these are Voicenter's options."""
    return make_providers(Settings(providers={"voicenter": options}))


def listening(*names: str) -> Handlers:
    """Handlers of call records."""
    handlers = Handlers("office")
    for name in names:
        handlers.on(CallRecord, name=name)(lambda record: None)
    return handlers


def test_handlers_carry_the_settings_of_their_module() -> None:
    """Of no other module, and none where nothing is set."""
    registry = Registry(listening("a"), providers(), handler_settings={"office": {"url": "x"}, "other": {"y": 1}})
    assert [handler.settings for handler in registry] == [{"url": "x"}]
    assert [handler.settings for handler in Registry(listening("a"), providers())] == [{}]


def test_replacing_changes_handlers_settings_and_defaults_for_all_who_hold_the_registry() -> None:
    """Whatever was asked before is asked anew, and what is memoised does not stay."""
    registry = Registry(listening("old", "both"), providers())
    cdr = registry.providers["voicenter"].kind("CDR")
    assert cdr is not None
    names = registry.listener_names
    assert registry.unconditional(cdr) == ("old", "both")
    answering = listening("both", "new")
    answering.answer(IvrRequest, history=True)(lambda step, ctx: Hangup())
    registry.replace(
        Registry(
            answering,
            providers(),
            handler_settings={"office": {"url": "x"}},
            defaults=HandlerDefaults(deadline=1),
        )
    )
    assert registry.unconditional(cdr) == ("both", "new")
    assert registry.listener_names is not names
    assert registry.answerer(IvrRequest()) is not None
    assert (registry.named("old"), registry.listener("old")) == (None, None)
    assert {handler.settings["url"] for handler in registry} == {"x"}
    assert (registry.defaults.deadline, registry.answers_with_history) == (1, True)


def test_replacing_gives_the_providers_their_new_options() -> None:
    """The objects stay, because routes have them; so does what follows from their options."""
    given = providers(language="en")
    registry, voicenter = Registry([], given), given["voicenter"]
    fallback = [{"kind": "GET_IVR_ACTION", "action": "HANGUP"}]
    assert voicenter.fallback(IvrRequest()) is None
    registry.replace(Registry([], providers(language="ru", fallbacks=fallback)))
    assert registry.providers["voicenter"] is voicenter
    assert voicenter.options.language == "ru"
    assert voicenter.fallback(IvrRequest()) == Hangup()


def test_those_who_asked_are_called_when_handlers_are_replaced() -> None:
    """After the handlers are there."""
    registry, seen = Registry([], providers()), []
    registry.on_replace(lambda: seen.append([handler.name for handler in registry]))
    registry.replace(Registry(listening("new"), providers()))
    assert seen == [["new"]]


def test_only_handlers_that_deliveries_go_to_are_listeners() -> None:
    """A name that answers now has no deliveries, whatever it had before."""
    handlers = Handlers()
    handlers.answer(IvrRequest, name="answers")(lambda step: Hangup())
    handlers.on(Cdr, name="listens", aliases=["listened"])(lambda cdr: None)
    registry = Registry(handlers, providers())
    assert registry.named("answers") is not None
    assert registry.listener("answers") is None
    assert registry.listener("listened") is registry.listener("listens")


@pytest.mark.parametrize("change", [{"deadline": 0.5}, {"attempts": 3}, {"handler_timeout": 1.5}])
def test_defaults_are_the_settings_of_the_same_names(change: dict[str, Any]) -> None:
    """So that none of them has two defaults."""
    settings = Settings(**change)
    names = HandlerDefaults.__dataclass_fields__
    assert {name: Settings.model_fields[name].default for name in names} == {
        name: getattr(HandlerDefaults(), name) for name in names
    }
    assert replace(HandlerDefaults(), **change) == HandlerDefaults(**{name: getattr(settings, name) for name in names})
