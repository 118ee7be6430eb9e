"""ViviPhone's part of the sandbox: the 22 methods of its API, the buttons behind them, and their calls."""

from receiver.providers.viviphone.sandbox.api import ViviPhoneSandbox

SANDBOX = ViviPhoneSandbox

__all__ = ["SANDBOX", "ViviPhoneSandbox"]
