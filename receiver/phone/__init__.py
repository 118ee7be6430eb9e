"""A telephone in the terminal: plays a provider's call against a running receiver, by keys or from a script."""
