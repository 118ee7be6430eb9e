"""Plain values to events, replies to plain values: one folder a provider, none of which knows another."""
