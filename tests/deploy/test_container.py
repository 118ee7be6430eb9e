"""deploy/Dockerfile: what can be read in it. tests/test_distribution.py runs its steps."""

from tests.deploy import dockerfile
from tests.deploy.dockerfile import ROOT


def test_the_container_runs_as_a_user_without_rights() -> None:
    """By its number, which Kubernetes can check; the user is made with that number and owns the data."""
    last = dockerfile.read()[1][-1]
    user = last.last("USER")
    [made] = [line for line in last.all("RUN") if "useradd" in line]
    assert user.isdigit()
    assert int(user) > 0
    assert f"--uid {user} " in made
    assert f"--owner receiver --group receiver {last.last('VOLUME')} {last.last('WORKDIR')}" in made


def test_the_base_is_an_argument_that_may_have_a_digest() -> None:
    """Both stages begin with it, so that one digest pins both."""
    arguments, stages = dockerfile.read()
    assert arguments.keys() == {"BASE"}
    assert [stage.base for stage in stages] == ["${BASE}", "${BASE}"]


def test_the_build_tools_stay_in_the_first_stage() -> None:
    """The last stage gets the installed receiver alone."""
    _, stages = dockerfile.read()
    assert list(stages[-1].copied()) == [("build", ["/opt/receiver"], "/opt/receiver")]


def test_everything_that_is_copied_exists_and_is_sent_to_the_builder() -> None:
    """.dockerignore leaves out all else, such as a journal or settings with a secret."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    sources = {source for _, sources, _ in dockerfile.read()[1][0].copied() for source in sources}
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == sources
    assert all((ROOT / source).exists() for source in sources)
