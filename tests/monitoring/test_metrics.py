"""/metrics, its table in the docs, and the rules and the dashboard in deploy/ that use it."""

import json
import re
import shutil
import subprocess
from math import isnan
from pathlib import Path

import pytest

from receiver.metrics import Metrics
from receiver.operations.figures import JournalFigures
from storage import Database, State
from tests.storage.support import append, claim, finish, new_callback
from tests.storage.test_spool import Unreliable
from tests.support import running
from tests.test_docs import ROOT, cells, read

pytestmark = pytest.mark.anyio
PROMTOOL = shutil.which("promtool")
RULES = ROOT / "deploy/prometheus/rules.yml"
DASHBOARD = ROOT / "deploy/grafana/receiver.json"
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed: apt-get install prometheus")


@pytest.fixture
async def metrics(tmp_path: Path) -> str:
    """What a running receiver serves after a record, a question and a rejected request."""
    async with running(tmp_path, metrics=True) as started:
        await started.client.post("/voicenter", json={"ivruniqueid": "1"})
        await started.client.post("/voicenter", json={"METHOD": "GET_IVR_ACTION", "DATA": {"DID": "1"}})
        await started.client.get("/nothing")
        return (await started.client.get("/metrics")).text


def types(metrics: str) -> dict[str, str]:
    """The types of the metrics, without the times at which their counters were created."""
    found = dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics, re.MULTILINE))
    return {name: kind for name, kind in found.items() if not name.endswith("_created")}


def promtool(*arguments: str, cwd: Path | None = None, given: str = "") -> None:
    """Run promtool, which must find nothing."""
    done = subprocess.run(
        [str(PROMTOOL), *arguments], input=given, cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_every_metric_is_in_the_table(metrics: str) -> None:
    """With its type, its labels and its meaning, and the table has no other."""
    meanings = dict(re.findall(r"^# HELP (\S+) (.*)$", metrics, re.MULTILINE))
    labels = {
        described.name: getattr(collector, "_labelnames", ())
        for collector in Metrics()._registry._collector_to_names
        for described in collector.describe()  # type: ignore[attr-defined]  # checked when it runs
    }
    rows = [
        [
            f"`{name}`",
            kind,
            ", ".join(f"`{label}`" for label in labels.get(name.removesuffix("_total"), ())),
            meanings[name],
        ]
        for name, kind in types(metrics).items()
    ]
    written = [row for row in cells(read("docs/metrics.md")) if row[0].startswith("`receiver_")]
    assert written == sorted(rows)


@needs_promtool
async def test_the_names_follow_the_conventions_of_prometheus(metrics: str) -> None:
    """Units in names, _total for counters, a meaning for each."""
    assert 'receiver_requests_refused_total{reason="path"} 1.0' in metrics
    promtool("check", "metrics", given=metrics)


@pytest.mark.parametrize("file", [RULES, DASHBOARD], ids=lambda file: file.name)
async def test_rules_and_dashboard_use_metrics_that_exist(file: Path, metrics: str) -> None:
    """Each name is one of a running receiver, or is recorded by the rules."""
    text = file.read_text(encoding="utf-8")
    used = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\breceiver_\w+", text)}
    assert len(used) > 10
    assert used - types(metrics).keys() == set()
    recorded = set(re.findall(r"record: (\S+)", RULES.read_text(encoding="utf-8")))
    assert set(re.findall(r"\breceiver:\w+:\w+", text)) <= recorded


async def test_the_dashboard_shows_every_metric(metrics: str) -> None:
    """None is left for operators to find."""
    text = DASHBOARD.read_text(encoding="utf-8")
    assert [name for name in types(metrics) if name not in text] == []
    panels = json.loads(text)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["description"] for panel in panels)


@needs_promtool
@pytest.mark.parametrize("test", ["rules_test.yml", "rules_of_a_week_test.yml"])
def test_the_rules_ring_when_they_should(test: str, tmp_path: Path) -> None:
    """By the tests beside this one, for `promtool test rules`."""
    shutil.copy(RULES, tmp_path)
    shutil.copy(Path(__file__).parent / test, tmp_path)
    promtool("check", "rules", "rules.yml", cwd=tmp_path)
    promtool("test", "rules", test, cwd=tmp_path)


async def test_figures_of_the_journal_are_read_in_the_background(database: Database, tmp_path: Path) -> None:
    """A scrape shows the last ones; NaN before the first, and while the database is unreachable."""
    unreliable, metrics = Unreliable(database), Metrics()
    figures = JournalFigures(unreliable, [tmp_path])  # type: ignore[arg-type]  # stands in for the real one
    figures.watch(metrics)
    assert "receiver_deliveries_dead NaN" in metrics.text().decode()
    append(database, *(new_callback(str(number), deliveries=("crm",)) for number in range(3)))
    finish(database, claim(database, {"crm": 2}), State.DEAD, result="failed", error="no")
    await figures.read()
    text = metrics.text().decode()
    assert "receiver_deliveries_dead 2.0" in text
    assert "receiver_deliveries_due 1.0" in text
    assert "receiver_alarms_active 0.0" in text
    unreliable.is_unreachable = True
    await figures.read()
    assert isnan(figures._value_of("receiver_deliveries_due")())
    assert figures._value_of("receiver_disk_free_bytes")() > 0
