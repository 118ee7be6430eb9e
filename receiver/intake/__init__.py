"""The path of one callback, independent of the web framework: parse it, store or answer it, reply."""
