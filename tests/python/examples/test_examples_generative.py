"""The programs of examples/python/generative do what their first lines say."""

import numpy as np
import pytest
from examples import FULL, is_png, needs_data, shortened_mnist


@needs_data
def test_vae(monkeypatch, tmp_path):
    from generative import vae

    shortened_mnist(monkeypatch, vae, 12800)
    path = tmp_path / "vae.png"
    assert vae.main(epochs=3 if FULL else 1, output=path) < (115 if FULL else 190)
    assert is_png(path)


def test_flow_is_a_density_and_learns():
    from generative import flow
    import mlx.core as mx

    value, model = flow.main(1500 if FULL else 250)
    assert value > (-0.9 if FULL else -1.5)
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
