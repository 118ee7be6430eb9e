"""Scenarios: a call as a TOML file, which is played against the handlers without a server and without a network."""

from receiver.scenarios.checks import Problem
from receiver.scenarios.model import LoadedScenario, Scenario, ScenarioError, find_scenarios, load_scenario
from receiver.scenarios.runner import ScenarioResult, ScenarioRunner

__all__ = [
    "LoadedScenario",
    "Problem",
    "Scenario",
    "ScenarioError",
    "ScenarioResult",
    "ScenarioRunner",
    "find_scenarios",
    "load_scenario",
]
