"""``python -m regsweep``."""

from regsweep.cli.app import main

if __name__ == "__main__":
    main()
