"""The providers, one folder each: plain values to events, and replies to plain values."""
