"""Plays simulated calls against a receiver, or against any other function that replies to requests."""

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
