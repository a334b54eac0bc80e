from random import Random

import pytest

from regsweep.compare.pace import Pace, clock, rough

# A sweep of five arms with 12 trials and 4 confirm seeds each on two cores, as it went: seconds,
# and what happened then: a stage began, so many runs ended, or a round was over.
RECORDED = [
    (5.6, "search", 69), (12.5, "ended", 8), (13.0, "ended", 8), (13.2, "over", 0),
    (15.4, "ended", 16), (15.5, "over", 0), (17.5, "ended", 8), (17.7, "ended", 8),
    (17.7, "over", 0), (18.1, "ended", 1), (18.1, "over", 0), (18.1, "confirm", 20),
    (20.5, "ended", 5), (21.0, "ended", 5), (22.0, "ended", 5), (22.1, "ended", 5),
]  # fmt: skip


def simulated(start, turn, confirm, seed):
    """A sweep of 81 trials, 16 a round in two packs, and 5 arms of 10 confirm seeds.

    ``turn`` seconds for two packs of 8, ``start`` before the first; in the confirm stage a run
    takes ``confirm`` times as long, and begins with 3 s of compiling.
    """
    random, now, events = Random(seed), 0.0, [(0.0, "search", 131)]
    for runs in (16, 16, 16, 16, 16, 1):
        packs = [pack for pack in (8, runs - 8) if pack > 0] if runs > 8 else [runs]
        ends = sorted(
            (now + start + turn * random.uniform(0.9, 1.1) * (0.2 + 0.1 * pack), pack)
            for pack in packs
        )
        events += [(end, "ended", pack) for end, pack in ends]
        now, start = ends[-1][0] + 0.3, 0
        events.append((now, "over", 0))
    events.append((now, "confirm", 50))
    free = [now + 3, now + 3]
    for _ in range(10):
        free.sort()
        free[0] += turn * confirm * 5 / 8 * random.uniform(0.9, 1.1)
        events.append((free[0], "ended", 5))
    return sorted(events, key=lambda event: event[0])


def estimates(events, at_once):
    """Ten times between any two events: seconds, and what was said to be left."""
    pace, left = Pace(at_once), 0
    for (now, what, runs), (then, *_) in zip(events, [*events[1:], events[-1]], strict=True):
        if what in ("search", "confirm"):
            left = runs
            pace.stage_begins(now, left)
        elif what == "over":
            pace.note(now, left, round_over=True)
        else:
            left -= runs
            pace.note(now, left)
        times = [now + (then - now) * tenth / 10 for tenth in range(10)]
        yield from ((time, pace.seconds_left(time)) for time in times)


CASES = [
    pytest.param(simulated(start, turn, confirm, seed), turn, id=f"{start}-{turn}-{confirm}-{seed}")
    for start in (5, 20, 60)
    for turn in (20, 300)
    for confirm in (0.85, 1.0, 1.25)
    for seed in range(2)
]


@pytest.mark.parametrize(("events", "turn"), [pytest.param(RECORDED, 2.3, id="recorded"), *CASES])
def test_what_is_left_is_right_within_a_factor_of_one_and_a_half(events, turn):
    end = events[-1][0]
    said = [(end - now, left) for now, left in estimates(events, 16) if left is not None]

    assert len(said) > 50
    for true, left in said:
        # Towards the end, packs are all that is known.
        assert true / 1.5 <= left <= true * 1.5 or abs(true - left) < turn / 2, (true, left)


def test_nothing_is_said_before_a_turn_has_been_measured():
    pace = Pace(16)
    assert pace.seconds_left(0) is None
    pace.stage_begins(0, 131)
    for now, left, over in ((44, 123, False), (45, 115, True), (70, 107, False)):
        pace.note(now, left, round_over=over)
        assert pace.seconds_left(now) is None

    pace.note(71, 99, round_over=True)
    assert pace.seconds_left(71) == pytest.approx(99 * 26 / 16)
    assert pace.seconds_left(81) == pytest.approx(99 * 26 / 16 - 10)
    assert pace.seconds_left(200) == pytest.approx(83 * 26 / 16)  # the turn is late


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (67, "1:07"), (3599.9, "59:59"), (36_123, "10:02:03")]
)
def test_what_has_passed_is_told_to_the_second(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (9.9, "a few seconds"), (10, "about 10 s"), (94, "about 90 s"), (96, "about 2 min"),
        (5640, "about 94 min"), (5700, "about 1.6 h"), (36_000, "about 10.0 h"),
    ],
)  # fmt: skip
def test_what_is_left_is_told_roughly(seconds, text):
    assert rough(seconds) == text
