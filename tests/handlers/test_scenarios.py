"""The scenario that the docs show for each bundled module."""

import re
from pathlib import Path

import pytest

from receiver.scenarios import ScenarioRunner, load_scenario
from receiver.settings import Settings

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"^```toml\n(# scenarios/(\w+)\.toml\n.*?)^```$",
    (ROOT / "docs" / "modules.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
MODULES = {path.stem for path in (ROOT / "handlers").iterdir() if not path.name.startswith(("_", "."))}


def test_each_module_has_a_scenario() -> None:
    """A module is shown at work, in a form that can be copied."""
    assert {name for _, name in BLOCKS} == MODULES


@pytest.mark.anyio
@pytest.mark.parametrize(("text", "name"), BLOCKS, ids=[name for _, name in BLOCKS])
async def test_the_scenario_of_a_module_passes(
    text: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the docs show is what the module does."""
    monkeypatch.chdir(tmp_path)  # modules write their files into the working folder
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    async with ScenarioRunner(Settings()) as runner:
        result = await runner.run(load_scenario(path))
    assert [problem.text for problem in result.problems] == []
