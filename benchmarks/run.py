"""Run every benchmark and print one `name: value` line per figure; ratios are measured in one run.

make bench            all of them
python benchmarks/run.py sst ode   some of them
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    """Run the benchmarks, each in a process of its own so that none inherits another's memory or threads."""
    names = sys.argv[1:] or sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    failed = [name for name in names if subprocess.run([sys.executable, FOLDER / f"bench_{name}.py"]).returncode]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
