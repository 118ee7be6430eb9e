"""Train a dictionary for `storage.compression` on the providers' samples: `python -m tests.dictionary NUMBER`.

Existing dictionaries are never replaced: stored bodies need them. Numbers in the samples are shuffled first, so that
the dictionary learns names and markup, not the samples' own numbers.
"""

import random
import re
from pathlib import Path
from typing import Annotated, Any

import typer
import zstandard

import storage
from receiver.components import make_providers
from receiver.providers.base.contract import CallbackRequest, Mode, Provider
from receiver.providers.base.samples import Sample, find_samples
from receiver.settings import Settings

BYTES = 8 * 1024
VARIANTS = 40


def main(number: Annotated[int, typer.Argument(help="One more than the newest number.")]) -> None:
    """Train a dictionary and write it beside the others."""
    file = Path(storage.__file__).parent / "dictionaries" / f"{number}.zstd"
    if file.exists():
        raise typer.BadParameter(f"{file} exists already, and stored bodies may need it")
    rng = random.Random(number)
    providers = make_providers(Settings(handlers=[]))
    contents: list[Any] = [
        content
        for sample in find_samples()
        for _ in range(VARIANTS)
        for content in (_shuffled(sample.body, rng), _reply(providers[sample.provider], sample))
        if content
    ]
    trained = zstandard.train_dictionary(BYTES, contents, dict_id=number)
    file.write_bytes(trained.as_bytes())
    typer.echo(f"{file}: {len(trained)} bytes from {len(contents)} bodies and replies")


def _shuffled(body: bytes, rng: random.Random) -> bytes:
    """The body with random digits in each run of three or more."""
    return re.sub(rb"[0-9]{3,}", lambda run: b"".join(b"%d" % rng.randrange(10) for _ in run[0]), body)


def _reply(provider: Provider[Any], sample: Sample) -> bytes:
    path = sample.target.partition("?")[0]
    request = CallbackRequest(provider.endpoint_of(path), sample.method, path, b"", tuple(sample.headers), sample.body)
    parsed = provider.read(request)
    kind = provider.kind(parsed.callbacks[0].kind)
    asks = kind is not None and kind.mode is Mode.ASK
    reply = (
        provider.error_reply(parsed.callbacks[0].kind) if asks else provider.acknowledgement(parsed.callbacks[0].kind)
    )
    return provider.write(reply, parsed.dialect).body


if __name__ == "__main__":
    typer.run(main)
