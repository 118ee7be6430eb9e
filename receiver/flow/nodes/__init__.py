"""The kinds of nodes that a flow is made of."""

from receiver.flow.nodes.acting import DialNode, EndNode, MessageNode, SayNode, TransferNode
from receiver.flow.nodes.asking import AskingNode, EntryNode, LanguageNode, MenuNode
from receiver.flow.nodes.base import Exit, Node
from receiver.flow.nodes.deciding import FunctionNode, HoursNode

__all__ = [
    "AskingNode",
    "DialNode",
    "EndNode",
    "EntryNode",
    "Exit",
    "FunctionNode",
    "HoursNode",
    "LanguageNode",
    "MenuNode",
    "MessageNode",
    "Node",
    "SayNode",
    "TransferNode",
]
