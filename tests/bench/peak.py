"""A `receiver` command that says last how long it took and how much memory it needed: `python -m tests.bench.peak …`.

The system's own count of a child's memory begins with that of its parent; therefore the command counts itself.
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
