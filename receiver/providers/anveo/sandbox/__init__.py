"""Anveo's part of the sandbox: the action CLICK2CALL.BUTTON.CREATE."""

from receiver.providers.anveo.sandbox.api import AnveoSandbox

SANDBOX = AnveoSandbox

__all__ = ["SANDBOX", "AnveoSandbox"]
