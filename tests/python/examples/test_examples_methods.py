"""The programs of examples/python/methods do what their first lines say."""

import examples  # noqa: F401 (puts the folder on the path)


def test_linear_regression():
    from methods import linear_regression

    assert linear_regression.main() < 5e-3


def test_logistic_regression():
    from methods import logistic_regression

    assert logistic_regression.main() > 0.97
