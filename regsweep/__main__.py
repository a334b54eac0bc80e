"""``python -m regsweep``."""

from regsweep.app import main

if __name__ == "__main__":
    main()
