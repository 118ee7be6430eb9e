"""uvicorn's server, which ends with exit code 0 when it is told to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


class StoppableServer(uvicorn.Server):
    """Stops on SIGTERM and SIGINT with exit code 0; uvicorn itself would end by the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals inside the block; in another thread than the first one they are not ours."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
