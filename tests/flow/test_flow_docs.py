"""The page about flows names everything that an author can write."""

import inspect
from dataclasses import fields

import pytest

from receiver import flow as flows
from receiver.flow import Caller, Flow, ProblemKind
from receiver.flow.builder import Asking, Builder, Dialling
from tests.test_docs import cells, code, read, section

PAGE = read("docs/flow.md")
METHODS = [name for name in vars(Builder) if inspect.isfunction(getattr(Builder, name)) and name != "add"]


def first_cells(heading: str) -> list[str]:
    """The first cell of each row of a section's tables, without the marks of code."""
    return [row[0].strip("`") for row in cells(section(PAGE, heading)) if row[0].startswith("`")]


def test_every_public_name_is_on_the_page() -> None:
    """What may be imported from the package."""
    assert [name for name in flows.__all__ if name not in PAGE] == []


def test_every_kind_of_node_has_its_row_with_what_it_needs() -> None:
    """The signature in the table is the method's: its parameters without a default, in order."""
    for name in METHODS:
        parameters = list(inspect.signature(getattr(Builder, name)).parameters.values())[1:]
        needed = [
            f"{one.name}=..." if one.kind is inspect.Parameter.KEYWORD_ONLY else one.name
            for one in parameters
            if one.default is inspect.Parameter.empty and one.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        shown = next(cell for cell in first_cells("Nodes") if cell.startswith(f"{name}("))
        assert set(needed) <= set(shown.split("(", 1)[1].rstrip(")").split(", ")), name


@pytest.mark.parametrize("method", METHODS)
def test_every_option_of_a_node_is_on_the_page(method: str) -> None:
    """In a table of options, or in the text."""
    options = set(inspect.signature(getattr(Builder, method)).parameters) - {"self", "asking", "dialling"}
    named = {word.split("=")[0].split("(")[0] for word in code(PAGE)}
    for signature in first_cells("Nodes"):
        named |= {word.split("=")[0] for word in signature.split("(", 1)[-1].rstrip(")").split(", ")}
    assert options <= named | {"name"}


def test_the_tables_of_options_are_complete() -> None:
    """What asking nodes share, what `dial` takes, and what a flow takes."""
    assert first_cells("Tries") == list(Asking.__annotations__)
    assert first_cells("Calls") == list(Dialling.__annotations__)
    assert first_cells("The flow") == list(inspect.signature(Flow).parameters)


def test_every_field_of_a_caller_is_on_the_page() -> None:
    """In the order of the class, and no other."""
    rows = [row[0].strip("`") for row in cells(section(PAGE, "Functions")) if len(row) == 3]
    assert rows[1:] == [one.name for one in fields(Caller)]
    assert "now" in code(section(PAGE, "Functions"))


def test_every_kind_of_problem_is_on_the_page() -> None:
    """With what it means."""
    assert first_cells("Problems")[1:] == list(ProblemKind)
