"""Which endpoint a path belongs to: literal, with parameters, below another path."""

import uuid
from typing import ClassVar

import pytest
from starlette import routing

from receiver.providers.base.contract import Endpoint
from receiver.providers.base.route_table import RouteTable, compile_path
from receiver.providers.spokn import Spokn
from receiver.providers.spokn.options import SpoknOptions


def test_a_table_finds_literal_paths_and_patterns() -> None:
    """A literal path goes before a pattern that fits it too."""
    table: RouteTable[str] = RouteTable()
    assert not table
    for path in ("/a", "/a/{name}", "/a/b", "/n/{id:int}/c"):
        table.add(path, path)
    found = {path: table.find(path) for path in ("/a", "/a/b", "/a/x", "/a/x/y", "/n/7/c", "/n/x/c", "/", "")}
    assert found == {
        "/a": "/a",
        "/a/b": "/a/b",
        "/a/x": "/a/{name}",
        "/a/x/y": None,
        "/n/7/c": "/n/{id:int}/c",
        "/n/x/c": None,
        "/": None,
        "": None,
    }
    assert table.words == {"", "a", "b", "n", "c"}


@pytest.mark.parametrize("type_", ["", ":str", ":int", ":float", ":uuid", ":path"])
@pytest.mark.parametrize(
    "value", ["7", "a", "1.5", "a/b", "a\n", "ש", "٣", ".", str(uuid.UUID(int=7)), uuid.UUID(int=7).hex, "", "7/"]
)
def test_a_parameter_matches_what_starlette_matches(type_: str, value: str) -> None:
    """In the middle of a path, and with dots around it that are no pattern."""
    path = f"/a.b/{{one{type_}}}/c.d"
    for sent in (f"/a.b/{value}/c.d", f"/axb/{value}/c.d", f"/a.b/{value}/c.d/"):
        expected = routing.compile_path(path)[0].fullmatch(sent)
        assert bool(compile_path(path).fullmatch(sent)) == bool(expected)


@pytest.mark.parametrize("path", ["/a/{}", "/a/{7}", "/a/{b:word}", "/a/{b:}", "/a/{b c}"])
def test_a_malformed_parameter_is_an_error_that_says_what_to_write(path: str) -> None:
    """It names the path, and the types there are."""
    with pytest.raises(ValueError, match=r"/a/\{.*: write \{name\} or \{name:type\} with one of str, int"):
        compile_path(path)


class Several(Spokn):
    """A provider whose endpoints could fit the same path."""

    endpoints: ClassVar[tuple[Endpoint, ...]] = tuple(
        Endpoint(path) for path in ("{any}", "", "status", "status/{account:int}", "{a}/{b}/c")
    )


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/spokn", ""),
        ("/spokn/status", "status"),
        ("/spokn/other", "{any}"),
        ("/spokn/status/7", "status/{account:int}"),
        ("/spokn/x/y/c", "{a}/{b}/c"),
        ("/before/status", "status"),
        ("/before/status/7", "status/{account:int}"),
        ("/far/before/status/7", "status/{account:int}"),
    ],
)
def test_a_stored_path_leads_to_the_endpoint_it_came_to(path: str, endpoint: str) -> None:
    """A literal path goes before a pattern, as for a request; also where the provider's path has changed since."""
    assert Several(SpoknOptions()).endpoint_of(path).path == endpoint
