"""Scenarios: calls as TOML files that are played against the handlers, without a server or a network."""

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
