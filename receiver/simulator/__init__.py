"""Plays a provider's calls against a receiver, or against anything else that takes requests and gives replies."""

from receiver.simulator.clock import Clock, RealClock, VirtualClock
from receiver.simulator.http_sender import HttpSender
from receiver.simulator.player import CALLEE_ACTIONS, Exchange, Player, Send, Step, action_word

__all__ = [
    "CALLEE_ACTIONS",
    "Clock",
    "Exchange",
    "HttpSender",
    "Player",
    "RealClock",
    "Send",
    "Step",
    "VirtualClock",
    "action_word",
]
