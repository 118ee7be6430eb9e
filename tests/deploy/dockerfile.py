"""The steps of deploy/Dockerfile, run in a folder where no container can be built."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@dataclass
class Stage:
    """What follows one FROM."""

    base: str
    name: str = ""
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """The arguments of each instruction of that name."""
        return [argument for name, argument in self.instructions if name == word]

    def last(self, word: str) -> str:
        """Those of the last one, which counts."""
        return self.all(word)[-1]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it sets."""
        pairs = (part.partition("=") for line in self.all("ENV") for part in shlex.split(line))
        return {name: value for name, _, value in pairs}

    def copied(self) -> Iterator[tuple[str, list[str], str]]:
        """Each COPY: its --from, its sources and its destination."""
        for line in self.all("COPY"):
            parts = shlex.split(line)
            options = [part for part in parts if part.startswith("--")]
            *sources, destination = [part for part in parts if part not in options]
            yield "".join(options).removeprefix("--from="), sources, destination


def arguments_and_stages(text: str) -> tuple[dict[str, str], list[Stage]]:
    """The ARGs before the first FROM with their defaults, and the stages."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", "", plain).splitlines():
        word, _, argument = line.strip().partition(" ")
        if word == "ARG" and not stages:
            name, _, default = argument.partition("=")
            arguments[name] = default
        elif word == "FROM":
            base, _, name = argument.partition(" AS ")
            stages.append(Stage(base, name))
        elif word:
            stages[-1].instructions.append((word, argument.strip()))
    return arguments, stages


def read() -> tuple[dict[str, str], list[Stage]]:
    """The project's Dockerfile."""
    return arguments_and_stages(DOCKERFILE.read_text(encoding="utf-8"))


def build(scratch: Path) -> None:
    """Do what a builder does in the first stage, with `scratch` as the root folder."""
    first, last = read()[1]
    work = scratch / first.last("WORKDIR").lstrip("/")
    for _, sources, destination in first.copied():
        for source in sources:
            _copy(ROOT / source, work / destination, into=destination.endswith("/"))
    made = [place for _, places, _ in last.copied() for place in places]
    for command in first.all("RUN"):
        for place in made:
            command = command.replace(place, f"{scratch}{place}")
        # The variables of the stage are left out: they only tell pip to keep no cache.
        done = subprocess.run(command, shell=True, cwd=work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def _copy(source: Path, target: Path, *, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        return
    target = target / source.name if into else target
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def environment(scratch: Path) -> dict[str, str]:
    """The variables of the container that runs, with `scratch` as the root folder."""
    own = read()[1][-1].environment
    for place in ("/opt/receiver", "/data"):
        own = {name: value.replace(place, f"{scratch}{place}") for name, value in own.items()}
    return {**own, "PATH": own["PATH"].replace("$PATH", os.environ.get("PATH", ""))}


def exec_form(line: str) -> list[str]:
    """The words of a CMD in its JSON form."""
    words: list[str] = json.loads(line[line.index("[") :])
    return words
