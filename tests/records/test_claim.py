import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from regsweep.errors import InputError
from regsweep.records import claim
from regsweep.records.claim import ClaimLost, Held, Terms, claim_on, claimed, here
from regsweep.records.folder import hold

HOLD = """
import sys
from pathlib import Path
from regsweep.records.claim import Terms
from regsweep.records.folder import hold
with hold("hydra.sweep.dir", Path(sys.argv[1]), terms=Terms("far", beat=0.05, lapse=60)):
    print("held", flush=True)
    sys.stdin.read()
    print("published", flush=True)
"""
# A busy machine may have a process wait: who lives is watched for long, as that ends at once.
PATIENT = Terms("near", beat=0.05, lapse=60)
QUICK = Terms("near", beat=0.05, lapse=0.3)


@pytest.fixture
def far(tmp_path):
    """A process of another machine that holds ``tmp_path``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def claims(folder):
    return sorted(path.name for path in (folder / ".claim").iterdir())


def test_another_machines_process_that_lives_is_named(tmp_path, far):
    who = claim_on(tmp_path).who

    with pytest.raises(InputError) as caught, hold("hydra.sweep.dir", tmp_path, terms=PATIENT):
        pass

    assert who.startswith(f"pid {far.pid} on {socket.gethostname()} (since 20")
    assert str(caught.value) == (
        f"hydra.sweep.dir={tmp_path}: {who} is at work in this folder; wait for it, or take another"
    )
    assert claims(tmp_path) == ["1"]


def test_so_it_is_for_a_folder_in_its_own(tmp_path, far):
    below = tmp_path / "0"
    with pytest.raises(InputError, match=f"is at work in {tmp_path};"):
        hold("hydra.run.dir", below, [], PATIENT).__enter__()


@pytest.mark.parametrize("skew", [-86400, 86400])
def test_one_that_was_killed_holds_until_its_claim_lapses(tmp_path, far, caplog, skew):
    far.kill()
    far.wait()
    of_its_clock = time.time() + skew
    os.utime(tmp_path / ".claim" / "1", (of_its_clock, of_its_clock))
    began = time.monotonic()

    with hold("hydra.sweep.dir", tmp_path, terms=QUICK):
        assert time.monotonic() - began >= QUICK.lapse
        assert claims(tmp_path) == ["2"]

    assert f"no sign of pid {far.pid} on " in caplog.text


def test_one_that_was_suspended_ends_with_one_message_when_it_wakes(tmp_path, far):
    far.send_signal(signal.SIGSTOP)

    with hold("hydra.sweep.dir", tmp_path, terms=QUICK):
        far.send_signal(signal.SIGCONT)
        assert far.wait(timeout=60) == 1
        assert far.stdout.read() == ""
        assert far.stderr.read() == (
            f"regsweep: {tmp_path}: {claim_on(tmp_path).who} has taken it; this process writes "
            "nothing more there\n"
        )
        assert claims(tmp_path) == ["2"]


def test_a_folder_that_was_let_go_of_is_free_at_once(tmp_path, far):
    far.communicate("", timeout=60)

    with hold("hydra.sweep.dir", tmp_path, terms=Terms("near")):
        assert claim_on(tmp_path).machine == "near"


def test_of_many_that_wait_for_one_claim_to_lapse_one_gets_the_folder(tmp_path, far):
    far.kill()
    got, refused, together = [], [], threading.Barrier(8)

    def wait(machine):
        together.wait()
        try:
            with claimed(tmp_path, "", Terms(machine, beat=0.05, lapse=1)) as mine:
                got.append(mine)
                ended.wait()
        except Held as held:
            refused.append(held.claim.token)

    ended = threading.Event()
    threads = [threading.Thread(target=wait, args=(f"machine {i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while len(refused) < 7 and time.monotonic() < deadline:
        time.sleep(0.01)
    ended.set()
    for thread in threads:
        thread.join()

    assert len(got) == 1
    assert refused == [got[0].token] * 7


def test_one_that_was_being_made_when_its_maker_ended_lapses(tmp_path):
    (tmp_path / ".claim").mkdir()
    (tmp_path / ".claim" / "3").touch()

    with claimed(tmp_path, "", QUICK):
        assert claims(tmp_path) == ["4"]


def test_a_number_that_others_have_left_behind_takes_nothing(tmp_path, monkeypatch):
    with claimed(tmp_path, "", PATIENT) as first:
        pass
    numbers, late = claim._numbers, []

    def slow(folder):
        """As seen before the others came."""
        seen = numbers(folder)
        if not late:
            late.append(True)
            (folder / "1").rename(folder / "3")
        return seen

    monkeypatch.setattr(claim, "_numbers", slow)
    with claimed(tmp_path, "", PATIENT) as mine:
        assert (first.number, mine.number) == (1, 4)
        assert claims(tmp_path) == ["4"]


def test_what_cannot_be_renewed_for_so_long_is_lost(tmp_path, monkeypatch):
    def fail(*words):
        raise OSError(5, "Input/output error")

    with claimed(tmp_path, "", QUICK):
        monkeypatch.setattr(claim, "_write", fail)
        with pytest.raises(ClaimLost, match="cannot be renewed"):
            time.sleep(60)


def test_one_failure_to_renew_is_none(tmp_path, monkeypatch):
    write, failed = claim._write, []

    def fail_once(*words):
        if not failed:
            failed.append(True)
            raise OSError(5, "Input/output error")
        write(*words)

    with claimed(tmp_path, "", PATIENT) as mine:
        before = claim_on(tmp_path).beat
        monkeypatch.setattr(claim, "_write", fail_once)
        deadline = time.monotonic() + 60
        while claim_on(tmp_path).beat == before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert failed
        assert mine.stands


def test_what_cannot_be_let_go_of_lapses_and_it_is_said(tmp_path, monkeypatch, caplog):
    def fail(*words):
        raise OSError(28, "No space left on device")

    with claimed(tmp_path, "", here()):
        monkeypatch.setattr(claim, "_write", fail)

    assert f"{tmp_path}: not said to be free ([Errno 28] No space left" in caplog.text


def test_signals_are_left_to_who_heeded_them(tmp_path):
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    own = signal.getsignal(signal.SIGTERM)
    try:
        with claimed(tmp_path, "", here()):
            signal.raise_signal(signal.SIGTERM)
        assert came == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_is_no_claim_is_named(tmp_path):
    (tmp_path / ".claim").mkdir()
    (tmp_path / ".claim" / "7").write_text("mine\n")

    with pytest.raises(InputError) as caught, hold("hydra.sweep.dir", tmp_path):
        pass

    assert str(caught.value) == (
        f"{tmp_path}/.claim/7: no claim on the folder; remove it if no process is at work there"
    )
