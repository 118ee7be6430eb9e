"""The process around the app: listening sockets, starting, draining, and several processes on one port."""
