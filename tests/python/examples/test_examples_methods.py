"""The programs of examples/python/methods do what their first lines say."""

import math

import mlx.core as mx
import numpy as np
import pytest
from examples import FULL, is_png, needs_data, shortened_mnist


def test_linear_regression():
    from methods import linear_regression

    assert linear_regression.main() < 5e-3


def test_logistic_regression():
    from methods import logistic_regression

    assert logistic_regression.main() > 0.97


def test_gcn_spreads_by_the_normalized_matrix():
    from methods import gcn

    edges, labels, _ = gcn.karate()
    assert len(edges) == 78 and len({tuple(e) for e in edges}) == 78
    matrix = np.eye(len(labels))
    matrix[edges[:, 0], edges[:, 1]] = matrix[edges[:, 1], edges[:, 0]] = 1
    root = 1 / np.sqrt(matrix.sum(axis=1))
    x = np.random.default_rng(0).normal(size=(len(labels), 5))
    spread = gcn.Graph(edges, len(labels)).spread(mx.array(x, mx.float32))
    np.testing.assert_allclose(spread, root[:, None] * matrix * root @ x, atol=1e-6)


def test_gcn():
    from methods import gcn

    found, labels = gcn.main(steps=200)
    # Member 9 stood between both and is the one that is not seen.
    assert set(np.flatnonzero(found != labels)) <= {8}
    found, labels = gcn.main("blocks", steps=200)
    assert np.mean(found == labels) > 0.9


@pytest.mark.parametrize("solver", ["runge_kutta", "dormand_prince"])
def test_neural_ode_solves_and_its_adjoint_is_the_derivative(solver):
    from methods import neural_ode

    if solver == "runge_kutta":
        solve = lambda *a: neural_ode.runge_kutta(*a, steps=20)
    else:
        solve = lambda *a: neural_ode.dormand_prince(*a, tolerance=1e-10)
    turn = mx.array([[-0.1, 1], [-1, -0.1]], mx.float64)
    start, times = mx.array([[1.0, 0], [0.5, -2]], mx.float64), [0.0, 1.0, 1.5, 3.0]
    # y' = yA turns and shrinks.
    path = neural_ode.solution(lambda p, t, y: y @ turn, solve)({}, start, times)
    for y, t in zip(path, times):
        rotation = np.array([[math.cos(t), math.sin(t)], [-math.sin(t), math.cos(t)]])
        np.testing.assert_allclose(y, math.exp(-0.1 * t) * np.array(start) @ rotation, atol=1e-5)

    def field(p, t, y):
        return mx.tanh(y @ p["a"] + mx.sin(mx.array(t, mx.float64))) @ p["b"]

    mx.random.seed(1)
    p = {n: mx.random.normal((2, 2)).astype(mx.float64) for n in "ab"}
    aims = mx.random.normal((4, 2, 2)).astype(mx.float64)
    gradients = []
    for kind in (neural_ode.solution, neural_ode.adjoint):
        path = kind(field, solve)
        loss = lambda p, y: mx.sum(mx.square(path(p, y, times) - aims))
        gradients.append(mx.grad(loss, argnums=(0, 1))(p, start))
    (through, through_y), (adjoint, adjoint_y) = gradients
    np.testing.assert_allclose(adjoint_y, through_y, rtol=2e-4, atol=1e-5)
    for name in p:
        np.testing.assert_allclose(adjoint[name], through[name], rtol=2e-4, atol=1e-5)


def test_neural_ode(tmp_path):
    from methods import neural_ode

    path = tmp_path / "spiral.png"
    assert neural_ode.main(2000 if FULL else 400, output=path) < (0.15 if FULL else 0.5)
    assert is_png(path)


def test_gaussian_process_is_the_formula():
    from methods import gaussian_process as gp

    x, y = gp.samples(12, np.random.default_rng(3))
    p = {
        n: mx.array(v, mx.float64) for n, v in (("length", -0.3), ("height", 0.2), ("noise", -1.5))
    }
    new = mx.linspace(-3, 3, 7, dtype=mx.float64)
    mean, deviation = gp.predict(p, x, y, new)
    a, b, n = np.array(x), np.array(y), np.array(new)
    k = lambda s, t: np.exp(0.4) * np.exp(-0.5 * (s[:, None] - t) ** 2 / np.exp(-0.6))
    noisy = k(a, a) + np.exp(-3) * np.eye(12)
    np.testing.assert_allclose(mean, k(n, a) @ np.linalg.solve(noisy, b), rtol=1e-9)
    variance = k(n, n) - k(n, a) @ np.linalg.solve(noisy, k(a, n))
    np.testing.assert_allclose(deviation, np.sqrt(np.diag(variance)), rtol=1e-8)
    surprise = lambda m: (b @ np.linalg.solve(m, b) + np.linalg.slogdet(2 * np.pi * m)[1]) / 2
    assert gp.surprise(p, x, y).item() == pytest.approx(surprise(noisy), rel=1e-11)
    # The gradient of the noise, by a difference.
    more, less = (k(a, a) + np.exp(-3 + s) * np.eye(12) for s in (2e-5, -2e-5))
    slope = mx.grad(gp.surprise)(p, x, y)["noise"].item()
    assert slope == pytest.approx((surprise(more) - surprise(less)) / 2e-5, rel=1e-6)


def test_gaussian_process(tmp_path):
    from methods import gaussian_process as gp

    path = tmp_path / "curve.png"
    found, inside = gp.main(output=path)
    assert inside > 0.85 and 0.1 < found["noise"] < 0.22
    assert is_png(path)


def test_bayesian_regression_agrees_with_the_closed_form(tmp_path):
    from methods import bayesian_regression as bayes

    path = tmp_path / "curves.png"
    samples, mean, covariance = bayes.main(output=path)
    found = np.array(samples, np.float64).reshape(-1, len(mean))
    deviation = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((found.mean(axis=0) - mean) / deviation, 0, atol=0.15)
    np.testing.assert_allclose(found.std(axis=0) / deviation, 1, atol=0.1)
    correlation = covariance / deviation / deviation[:, None]
    np.testing.assert_allclose(np.corrcoef(found.T), correlation, atol=0.1)
    assert bayes.spread_of_chains(samples).max() < 1.05
    assert is_png(path)


def test_kmeans():
    from methods import kmeans

    mx.random.seed(0)
    middles = mx.array([[0.0, 0], [5, 5], [-5, 5]])
    x = (middles[:, None] + 0.3 * mx.random.normal((3, 50, 2))).reshape(-1, 2)
    centres, errors = kmeans.kmeans(x, 3, 20)
    assert all(b <= a for a, b in zip(errors, errors[1:]))
    order = np.argsort(np.array(kmeans.distances(middles, centres)), axis=1)[:, 0]
    means = np.array(x).reshape(3, 50, 2).mean(axis=1)
    np.testing.assert_allclose(np.array(centres)[order], means, atol=1e-5)
    # More centres than points that differ: none of them becomes NaN.
    centres, errors = kmeans.kmeans(mx.ones((4, 2)), 3, 5)
    assert errors[-1] == 0 and np.isfinite(np.array(centres)).all()


@needs_data
def test_kmeans_of_a_photograph(tmp_path):
    import common
    from methods import kmeans
    from mlx.data import images

    cat = common.data_file(None, "clip", "cat.jpeg")
    try:
        images.load(cat)
    except ImportError:
        pytest.skip("nothing here decodes JPEG")
    path = tmp_path / "cat.png"
    errors = [kmeans.main(cat, k, 10, output=path)[1] for k in (2, 8)]
    assert errors[1] < errors[0] and errors[1] < 0.08
    assert is_png(path)


def test_pca_is_the_singular_value_decomposition():
    from methods import pca

    x = np.random.default_rng(0).normal(size=(60, 8)) @ np.diag([4, 3, 2.5, 2, 1, 0.5, 0.3, 0.1])
    mean, directions, variances = pca.components(mx.array(x, mx.float64))
    _, s, v = np.linalg.svd(x - x.mean(axis=0))
    np.testing.assert_allclose(variances, s**2 / 59, rtol=1e-9)
    np.testing.assert_allclose(np.abs(np.sum(np.array(directions) * v, axis=1)), 1, rtol=1e-9)
    np.testing.assert_allclose(
        pca.restored(mx.array(x, mx.float64), mean, directions), x, atol=1e-9
    )


@needs_data
def test_pca(monkeypatch, tmp_path):
    from methods import pca

    shortened_mnist(monkeypatch, pca, 6000)
    path = tmp_path / "digits.png"
    kept, of_test = pca.main(output=path)
    np.testing.assert_allclose(kept, [0.44, 0.745, 0.937], atol=0.01)
    np.testing.assert_allclose(of_test, kept, atol=0.05)
    assert is_png(path)


def test_cart_and_pole_obey_mechanics():
    from methods import ppo

    random = np.random.default_rng(0)
    states, right = random.normal(size=(20, 4)) * [1, 1, 0.1, 1], random.random(20) < 0.5
    new, fell = ppo.push(mx.array(states, mx.float64), mx.array(right))
    for (x, speed, angle, turn), side, after in zip(states, right, np.array(new)):
        # Lagrange's equations of a cart and a rod of mass 0.1 whose middle is at 0.5.
        matrix = [[1.1, 0.05 * np.cos(angle)], [np.cos(angle), 4 / 3 * 0.5]]
        force = (10 if side else -10) + 0.05 * turn**2 * np.sin(angle)
        pull, bend = np.linalg.solve(matrix, [force, 9.8 * np.sin(angle)])
        change = np.array([speed, pull, turn, bend])
        np.testing.assert_allclose(after, [x, speed, angle, turn] + 0.02 * change, rtol=1e-6)
    angles, places = np.abs(np.array(new)[:, 2]), np.abs(np.array(new)[:, 0])
    np.testing.assert_array_equal(fell, (angles > 12 * np.pi / 180) | (places > 2.4))


def test_advantages_are_discounted_sums_of_surprises():
    from methods import ppo

    random = np.random.default_rng(0)
    values, futures = random.normal(size=(2, 6, 3))
    done = random.random((6, 3)) < 0.3
    found = ppo.advantages(*(mx.array(a, mx.float64) for a in (values, futures)), mx.array(done))
    surprise = 1 + 0.99 * futures - values
    for cart in range(3):
        for i in range(6):
            end = next((j for j in range(i, 6) if done[j, cart]), 5)
            terms = [(0.99 * 0.95) ** (j - i) * surprise[j, cart] for j in range(i, end + 1)]
            assert found[i, cart].item() == pytest.approx(sum(terms), rel=1e-6)


def test_ppo(tmp_path):
    from methods import ppo

    path = tmp_path / "learning.png"
    agent, pushes = ppo.main(80 if FULL else 8, output=path)
    assert pushes[-1] > 3 * pushes[0]
    assert is_png(path)
    if FULL:
        assert pushes[-1] >= 475 and mx.mean(ppo.balance(agent)).item() > 490
