"""Both XML-RPC parsers agree on mutated samples; `make fuzz` tests twenty times as many."""

import pytest

from receiver.wire import fast_xmlrpc
from receiver.wire.message import DEFAULT_LIMITS
from tests.fuzz import readers


@pytest.mark.parametrize("seed", range(5))
def test_the_fast_path_and_the_parser_agree_on_mutated_samples(seed: int) -> None:
    """With cached shapes and without."""
    assert list(readers.disagreements(str(seed), 1_000)) == []


def test_the_differential_test_finds_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast path with one wrong character is found."""
    read = fast_xmlrpc.read

    def errs(*arguments: object) -> fast_xmlrpc.PlainCall | None:
        call = read(*arguments)  # type: ignore[arg-type]  # passed on unchanged
        if call is not None:
            call.texts = [text + "x" for text in call.texts]
        return call

    monkeypatch.setattr(fast_xmlrpc, "read", errs)
    assert fast_xmlrpc.read("", DEFAULT_LIMITS) is None
    assert next(readers.disagreements("0", 100))
