"""How far a sweep is, and how long the rest of it takes."""


class Pace:
    """The time that is left, from whole turns: ``at_once`` runs, which start and end together.

    Within a turn the runs that have ended say little: those of a pack end together. The first turn
    of a stage loads and may compile; it measures nothing, but where the next one begins.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.seconds_a_run: float | None = None
        self.since, self.left = 0.0, 0  # when the turn began, and the runs that were left then
        self.ended = 0  # within the turn
        self.measured = (0.0, 0)  # seconds and runs of the stage's whole turns
        self.first = True

    def stage_begins(self, now: float, left: int) -> None:
        """The pace of the stage before holds until this one has its own."""
        self.since, self.left, self.ended = now, left, 0
        self.measured, self.first = (0.0, 0), True

    def note(self, now: float, left: int, *, round_over: bool = False) -> None:
        """``left`` runs are left at ``now``, in seconds."""
        self.ended = self.left - left
        if self.ended < (1 if round_over else self.at_once):
            return
        if not self.first:
            seconds, runs = self.measured
            self.measured = seconds + now - self.since, runs + self.ended
            self.seconds_a_run = self.measured[0] / self.measured[1]
        self.since, self.left, self.ended, self.first = now, left, 0, False

    def seconds_left(self, now: float) -> float | None:
        """Until the last run ends; ``None`` before a turn has been measured.

        The runs of a turn count as done by the time that has passed, as far as those that have
        ended allow: as many at the least, and as many more as train at once at the most.
        """
        if self.seconds_a_run is None:
            return None
        done = (now - self.since) / self.seconds_a_run
        done = min(max(done, self.ended), self.ended + self.at_once, self.left)
        return (self.left - done) * self.seconds_a_run


def clock(seconds: float) -> str:
    """Seconds as ``0:07``, ``12:34`` or ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rough(seconds: float) -> str:
    """Seconds in the unit that people would say them in."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 95:
        return f"about {10 * round(seconds / 10)} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 95 else f"about {minutes / 60:.1f} h"
