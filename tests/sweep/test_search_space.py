import pytest

from regsweep.errors import InputError
from regsweep.sweep.search_space import search_space


def test_every_group_with_a_search_node_is_searched():
    config = {
        "seed": 0,
        "regularizer": {"name": "l1", "weight": 1, "search": {"weight": "interval(0, 1)"}},
        "optimizer": {"lr": 1, "search": {"lr": "1e-3,1e-4"}},
        "model": {"search": None},
        "trainer": {"search": {}},
    }

    assert search_space(config) == {
        "regularizer.weight": "interval(0, 1)",
        "optimizer.lr": "1e-3,1e-4",
    }


def test_a_searched_key_that_does_not_exist_is_named():
    config = {"regularizer": {"name": "none", "search": {"weight": "interval(0, 1)"}}}

    with pytest.raises(InputError) as caught:
        search_space(config)

    assert str(caught.value) == (
        "regularizer.search.weight: regularizer=none has no key weight to search"
    )
