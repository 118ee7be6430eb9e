"""Both XML-RPC readers agree, whatever is sent; `make fuzz` asks for twenty times as many."""

import pytest

from receiver.wire import fast_xmlrpc
from receiver.wire.message import DEFAULT_LIMITS
from tests.fuzz import readers


@pytest.mark.parametrize("seed", range(5))
def test_the_fast_path_and_the_parser_agree_on_mutated_samples(seed: int) -> None:
    """With the shapes that the samples leave behind, and without."""
    assert list(readers.disagreements(str(seed), 1_000)) == []


def test_the_differential_test_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast path that errs in one character is found at once."""
    read = fast_xmlrpc.read

    def errs(*arguments: object) -> fast_xmlrpc.PlainCall | None:
        call = read(*arguments)  # type: ignore[arg-type]  # passed on as they came
        if call is not None:
            call.texts = [text + "x" for text in call.texts]
        return call

    monkeypatch.setattr(fast_xmlrpc, "read", errs)
    assert fast_xmlrpc.read("", DEFAULT_LIMITS) is None
    assert next(readers.disagreements("0", 100))
