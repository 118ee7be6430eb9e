"""The files that run a receiver on a server: settings, systemd units and proxy, from templates.

`receiver init` writes them for a machine. The files in deploy/ are the same templates with the values of an example.
"""
