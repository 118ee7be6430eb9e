"""A share of a run: what one process does at a time."""

import asyncio
import logging
import os
import sys
from dataclasses import dataclass, field

from tests.fuzz.checking import check_wire, started
from tests.fuzz.inputs import Input
from tests.fuzz.making import Maker

CHUNK = 5_000
"""Inputs that share a seed and a receiver: the same whatever the number of processes."""
ONE_IN = 10
"""The whole receiver takes a millisecond for an input, the reader alone a tenth of that."""


@dataclass
class Tally:
    """What became of the inputs of one chunk."""

    inputs: int = 0
    sent: int = 0
    found: list[tuple[Input, str]] = field(default_factory=list)


def fuzz(seed: str, size: int, one_in: int) -> Tally:
    """The inputs of one seed, each read, and some of them sent."""
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
    """Warnings about what is odd in the input are what all of this is about."""
    logging.getLogger().addHandler(logging.NullHandler())
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the life of the process
