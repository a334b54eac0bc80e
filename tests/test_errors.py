from regsweep.errors import bad_value, nearest


def test_a_bad_value_names_key_value_and_what_is_right():
    assert str(bad_value("optimizer.lr", -1, "a number above 0")) == (
        "optimizer.lr=-1: expected a number above 0"
    )


def test_nearest_offers_the_likely_name_and_all_known():
    assert nearest("wieght", ["weight", "scope"]) == "did you mean weight? known: scope, weight"
    assert nearest("zzz", ["weight", "scope"]) == "known: scope, weight"
    assert nearest("zzz", []) == "there are none"
