"""Voicenter's part of the sandbox: its API as chapters 1, 3, 6, 7, 8 and 10 of its document have it.

What the document leaves open is chosen here and said where it is chosen. It is written from the document alone.
"""

from receiver.providers.voicenter.sandbox.api import VoicenterSandbox

SANDBOX = VoicenterSandbox

__all__ = ["SANDBOX", "VoicenterSandbox"]
