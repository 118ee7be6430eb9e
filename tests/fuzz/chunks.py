"""One chunk of a run, which one process does at a time."""

import asyncio
import logging
import os
import sys
from dataclasses import dataclass, field

from tests.fuzz.checking import check_wire, started
from tests.fuzz.inputs import Input
from tests.fuzz.making import Maker

CHUNK = 5_000
"""Inputs that share a seed and a receiver; independent of the number of processes."""
ONE_IN = 10
"""The whole receiver takes a millisecond for an input, the parser alone a tenth of that."""


@dataclass
class Tally:
    """The results of one chunk."""

    inputs: int = 0
    sent: int = 0
    found: list[tuple[Input, str]] = field(default_factory=list)


def fuzz(seed: str, size: int, one_in: int) -> Tally:
    """Parse the inputs of one seed, and send some of them."""
    maker, tally = Maker(seed), Tally()
    for_app: list[Input] = []
    for number in range(size):
        made = maker.make()
        tally.inputs += 1
        if why := check_wire(made):
            tally.found.append((made, why))
        if number % one_in == 0:
            for_app.append(made)
    tally.sent = len(for_app)
    tally.found += asyncio.run(_sent(for_app))
    return tally


async def _sent(many: list[Input]) -> list[tuple[Input, str]]:
    async with started() as app:
        found = await app.check(many)
    return found + app.lost


def be_quiet() -> None:
    """Silence output and warnings: odd input is expected here."""
    logging.getLogger().addHandler(logging.NullHandler())
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open until the process ends
