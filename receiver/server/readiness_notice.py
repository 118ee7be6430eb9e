"""Tell the service manager that this process is ready or stops, by systemd's notification protocol (sd_notify)."""

import os
import socket


def notify(state: str, address: str | None = None) -> bool:
    """Send a state such as "READY=1" to `address`, by default $NOTIFY_SOCKET; False if nobody listens there."""
    address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_manager:
            to_manager.sendto(state.encode(), address)
    except OSError:
        return False  # the manager has ended; this process works without it
    return True
