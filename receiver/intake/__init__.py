"""The path of one callback, free of the web framework: read it, store or answer it, reply."""
