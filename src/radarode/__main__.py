"""Let `python -m radarode` be the command."""

import sys

from radarode.cli import main

if __name__ == "__main__":
    sys.exit(main())
