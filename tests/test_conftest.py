import pytest

from tests.conftest import MAY_LACK, lacks

pytest_plugins = ["pytester"]

SKIPPED = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("needs a browser")

def test_of_a_browser(browser): ...

@pytest.mark.skipif(True, reason="needs a CUDA GPU")
def test_of_a_gpu(): ...

def test_of_ray():
    pytest.importorskip("no_such_module", reason="needs ray")
"""

HOOKS = "from tests.conftest import pytest_make_collect_report, pytest_runtest_makereport"


@pytest.mark.parametrize(
    ("allowed", "failed"), [(None, 0), ("", 3), ("a CUDA GPU", 2), ("a CUDA GPU,ray", 1)]
)
def test_a_skip_that_is_not_allowed_fails(pytester, monkeypatch, request, allowed, failed):
    if allowed is None:
        monkeypatch.delenv(MAY_LACK, raising=False)
    else:
        monkeypatch.setenv(MAY_LACK, allowed)
    pytester.makeconftest(HOOKS)
    pytester.makepyfile(SKIPPED)

    outcomes = pytester.runpytest_inprocess("-p", "no:cacheprovider").parseoutcomes()

    # What is skipped where it is set up is an error.
    assert sum(outcomes.get(name, 0) for name in ("failed", "errors")) == failed
    assert outcomes.get("skipped", 0) == 3 - failed


def test_so_does_the_skip_of_a_module(pytester, monkeypatch):
    monkeypatch.setenv(MAY_LACK, "a CUDA GPU")
    pytester.makeconftest(HOOKS)
    pytester.makepyfile('import pytest; pytest.importorskip("no_such_module", reason="needs it")')

    assert pytester.runpytest_inprocess("-p", "no:cacheprovider").parseoutcomes() == {"errors": 1}


def test_what_is_allowed_is_matched_by_its_name(monkeypatch):
    monkeypatch.setenv(MAY_LACK, "a CUDA GPU")

    assert not lacks("needs a CUDA GPU, and a lot of memory")
    assert lacks("needs a C++ compiler")
    assert lacks("no reason at all")
