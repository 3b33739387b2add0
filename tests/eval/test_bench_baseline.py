"""A regression of more than a fifth is found, whatever machine it runs on."""

from types import SimpleNamespace

from tests.bench.conftest import kernel, ratios, regressions


def case(name, least_s, times=(1.0,)):
    return SimpleNamespace(fullname=f"tests/bench/{name}",
                           stats=SimpleNamespace(min=least_s, data=list(times)))


def test_a_case_is_measured_in_kernels_of_its_own_run():
    quick = ratios([case("a", 0.010)], calibration_s=0.001)
    slow = ratios([case("a", 0.030)], calibration_s=0.003)  # a machine of a third of the speed
    assert quick == slow == {"a": 10.0}


def test_what_takes_no_time_or_was_not_run_is_not_gated():
    assert ratios([case("a", 1e-6), case("b", 1.0, times=())], 0.001) == {}


def test_more_than_a_fifth_is_a_regression_and_a_new_case_is_none():
    found = {"same": 10.0, "a bit": 11.9, "slow": 12.1, "new": 99.0}
    assert regressions(found, {"same": 10.0, "a bit": 10.0, "slow": 10.0, "gone": 1.0}) == ["slow"]


def test_the_kernel_takes_a_moment():
    assert 0.0 < kernel() < 5.0
