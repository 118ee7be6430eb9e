"""The clients are made from the definitions."""

import ast
from pathlib import Path

import pytest

from tests.api.generate import modules
from tests.api.generate_docs import pages


def _short(value: Path | str) -> str:
    return "/".join(value.parts[-3:]) if isinstance(value, Path) else ""


def _without_formatting(source: str) -> tuple[set[str], str]:
    """The imports in any order, and the rest."""
    tree = ast.parse(source)
    imports = {ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)}
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return imports, ast.unparse(tree)


@pytest.mark.parametrize(("path", "text"), modules().items(), ids=_short)
def test_a_generated_file_is_what_its_source_gives_today(path: Path, text: str) -> None:
    """`python -m tests.api.generate` would change nothing."""
    assert _without_formatting(path.read_text(encoding="utf-8")) == _without_formatting(text)


@pytest.mark.parametrize(("path", "text"), pages().items(), ids=_short)
def test_a_providers_page_has_the_calls_of_today(path: Path, text: str) -> None:
    """Docs, commands and clients come from one definition."""
    assert path.read_text(encoding="utf-8") == text
