"""Plays simulated calls against a receiver, or against any other function that replies to requests."""

from receiver.simulator.clock import Clock, RealClock, VirtualClock
from receiver.simulator.http_sender import HttpSender
from receiver.simulator.player import Exchange, Player, Send, Step

__all__ = ["Clock", "Exchange", "HttpSender", "Player", "RealClock", "Send", "Step", "VirtualClock"]
