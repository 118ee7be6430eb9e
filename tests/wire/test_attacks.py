"""Hostile input with its expected result: values or our own error, in bounded memory."""

import tracemalloc
from time import process_time

import pytest

from receiver.errors import WireError
from receiver.wire import read
from tests.attacks import form_attacks, json_attacks, xml_attacks
from tests.attacks.attack import EITHER, REFUSED, Attack
from tests.providers.support import exact

TABLES = {"xml": xml_attacks.ATTACKS, "json": json_attacks.ATTACKS, "form": form_attacks.ATTACKS}
BYTES_FOR_A_BYTE = 80
"""Bytes of memory for each byte of input: the densest JSON, an object in seven bytes, needs 71 if parsed twice."""
BYTES_FOR_NOTHING = 1024 * 1024
SLOW_SECONDS = 2.0
"""Of processor time: a caller may wait for the event loop. What grows with the square of its size takes longer."""

every_attack = pytest.mark.parametrize(
    "attack", [pytest.param(attack, id=f"{table}-{attack.name}") for table, found in TABLES.items() for attack in found]
)


def _values(attack: Attack) -> object:
    try:
        return read(attack.body, attack.content_type).values
    except WireError:
        return REFUSED


@every_attack
def test_an_attack_has_its_expected_result(attack: Attack) -> None:
    """Values of the expected types or our own error, and no other exception, within two seconds."""
    began = process_time()
    values = _values(attack)
    assert process_time() - began < SLOW_SECONDS
    assert attack.expected is EITHER or exact(values) == exact(attack.expected)


@every_attack
def test_an_attack_takes_memory_in_proportion_to_its_size(attack: Attack) -> None:
    """Neither entities nor escapes nor empty elements multiply the memory."""
    tracemalloc.start()
    try:
        _values(attack)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < BYTES_FOR_A_BYTE * len(attack.body) + BYTES_FOR_NOTHING


def test_the_names_of_attacks_are_unique() -> None:
    """A failure names one input."""
    for found in TABLES.values():
        names = [attack.name for attack in found]
        assert sorted(set(names)) == sorted(names)
