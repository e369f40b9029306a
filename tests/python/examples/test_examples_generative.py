"""The programs of examples/python/generative do what their first lines say."""

import numpy as np
import pytest
from examples import FULL, is_png, needs_data, shortened_mnist


@needs_data
def test_vae(monkeypatch, tmp_path):
    from generative import vae

    shortened_mnist(monkeypatch, vae, 12800)
    path = tmp_path / "vae.png"
    assert vae.main(epochs=10 if FULL else 1, output=path) < (108 if FULL else 190)
    assert is_png(path)


def log_density_of_moons(points, noise=0.06):
    """The true one: a normal distribution around each point of the half circles."""
    angle = np.pi * (np.arange(2000) + 0.5) / 2000
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)
    circles = np.concatenate([upper, -upper])
    squares = ((np.array(points, np.float64)[:, None] - circles) ** 2).sum(-1)
    return np.log(np.exp(-squares / (2 * noise**2)).mean(1) / (2 * np.pi * noise**2))


def test_flow_is_a_density_and_learns():
    from generative import flow
    import mlx.core as mx

    value, model = flow.main(3000 if FULL else 1500)
    points = flow.moons(1000)
    # How far it is from the truth, in nats: the divergence of Kullback and Leibler.
    far = np.mean(log_density_of_moons(points) - np.array(model.log_density(points)))
    assert 0 < far < (0.07 if FULL else 0.1) and value == pytest.approx(-0.464 - far, abs=0.04)
    # The density over a grid that holds nearly all of it sums to one.
    side = mx.linspace(-4, 4, 400)
    x, y = mx.meshgrid(side, side)
    points = mx.stack([x.flatten(), y.flatten()], axis=-1)
    mass = mx.sum(mx.exp(model.log_density(points))) * (8 / 399) ** 2
    assert mass.item() == pytest.approx(1, abs=0.03)
    # Forward undoes inverse.
    z = mx.random.normal((64, 2))
    back = z
    for layer in model.layers:
        back = layer.forward(back)
    for layer in reversed(model.layers):
        back = layer.inverse(back)[0]
    np.testing.assert_allclose(back, z, atol=1e-3)
