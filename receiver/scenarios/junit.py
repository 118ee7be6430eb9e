"""Write the results of scenarios as JUnit XML, for CI servers."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from receiver.scenarios.report import problem_lines
from receiver.scenarios.runner import ScenarioResult


def write_junit(results: Sequence[ScenarioResult], path: Path) -> None:
    """Write one test suite with a test case for each scenario. Raises OSError."""
    failures = sum(not result.has_passed for result in results)
    seconds = f"{sum(result.seconds for result in results):.3f}"
    counts = {"name": "scenarios", "tests": str(len(results)), "failures": str(failures), "time": seconds}
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", counts)
    for result in results:
        names = {"classname": str(result.loaded.path.parent), "name": result.loaded.name}
        case = ET.SubElement(suite, "testcase", {**names, "time": f"{result.seconds:.3f}"})
        if not result.has_passed:
            text = "\n".join(line for problem in result.problems for line in problem_lines(result.loaded, problem))
            failure = ET.SubElement(case, "failure", {"message": _xml_text(result.problems[0].text)})
            failure.text = _xml_text(text)
    ET.indent(suites)
    ET.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def _xml_text(text: str) -> str:
    """Text without the characters that XML cannot contain."""
    return "".join(char if char in "\t\n\r" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
