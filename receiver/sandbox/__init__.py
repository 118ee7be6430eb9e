"""The sandbox: plays the providers' APIs and the calls behind them, so that nothing needs an account."""

from receiver.sandbox.app import Sandbox
from receiver.sandbox.settings import CallbackFaults, FaultRule, Phone, SandboxSettings, load_settings

__all__ = ["CallbackFaults", "FaultRule", "Phone", "Sandbox", "SandboxSettings", "load_settings"]
