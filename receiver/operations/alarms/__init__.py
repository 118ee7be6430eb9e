"""Alarms: conditions that are evaluated while the receiver runs, and the messages about what is wrong."""
