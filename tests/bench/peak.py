"""Run a `receiver` command, then print how long it took and how much memory it used: `python -m tests.bench.peak …`.

The system's count of a child's memory starts with its parent's, so the command measures itself.
"""

import json
import sys
import time

from receiver.cli import app
from tests.bench.servers import peak_mb


def main() -> None:
    """Run the command of the arguments."""
    before, began = peak_mb("self"), time.perf_counter()
    code = app(standalone_mode=False) or 0
    took = time.perf_counter() - began
    print(json.dumps({"seconds": took, "peak_mb": peak_mb("self"), "start_mb": before}))
    sys.exit(code)


if __name__ == "__main__":
    main()
