"""Spokn's part of the sandbox: the click-to-call API of its technical reference, and the schema of its replies."""

from receiver.providers.spokn.sandbox.api import SpoknSandbox

SANDBOX = SpoknSandbox

__all__ = ["SANDBOX", "SpoknSandbox"]
