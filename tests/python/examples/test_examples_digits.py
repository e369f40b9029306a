"""The programs that draw digits: their mathematics on numbers, short runs, and with MLX_TEST_FULL=1
what a judge says of their drawings."""

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from examples import FULL, is_png, needs_data, shortened_mnist


def is_good(images, precision):
    """Whether a judge takes so many of them for real, and sees most of the digits."""
    from digit_judge import Judge

    judge = Judge()
    found, digits = judge.precision(images), judge.digits(images)
    print(f"precision {found:.3f}, digits {digits}")
    return found >= precision and np.count_nonzero(digits) >= 8


def test_a_step_back_is_bayes_rule():
    from generative import ddpm

    mx.random.seed(0)
    diffusion, t, image = ddpm.Diffusion(100), 60, 0.3
    kept, before, beta = (
        np.array(a, np.float64)[t] for a in (diffusion.kept, diffusion.before, diffusion.beta)
    )
    assert kept == pytest.approx(before * (1 - beta), rel=1e-5)
    assert diffusion.kept[-1].item() < 1e-3 and diffusion.kept[0].item() > 0.99
    noise = mx.full((200000,), 0.7)
    x = diffusion.noisy(mx.full((1, 1, 1, 1), image), mx.full((1, 1, 1, 1), 0.7), mx.array([t]))
    assert x.item() == pytest.approx(np.sqrt(kept) * image + np.sqrt(1 - kept) * 0.7, rel=1e-5)
    # What lies one step before, by its prior from the image and its likelihood by x.
    precision = 1 / (1 - before) + (1 - beta) / beta
    mean = np.sqrt(before) * image / (1 - before) + np.sqrt(1 - beta) * x.item() / beta
    back = np.array(diffusion.back(mx.full((200000,), x.item()), noise, t))
    assert back.mean() == pytest.approx(mean / precision, abs=5 / np.sqrt(precision * 200000))
    assert back.std() == pytest.approx(precision**-0.5, rel=0.01)


class Oracle(nn.Module):
    """Knows the noise in images that are all one image."""

    def __init__(self, diffusion, image):
        super().__init__()
        self.diffusion, self.image = diffusion, image

    def __call__(self, x, time):
        kept = self.diffusion.kept[time][:, None, None, None]
        return (x - mx.sqrt(kept) * self.image) / mx.sqrt(1 - kept)


def test_samples_of_one_image_are_that_image():
    from generative import ddpm

    diffusion = ddpm.Diffusion(30)
    image = mx.random.uniform(-1, 1, (28, 28, 1))
    samples = diffusion.sample(Oracle(diffusion, image), 3)
    np.testing.assert_allclose(samples, np.broadcast_to(image, samples.shape), atol=1e-4)


@needs_data
def test_ddpm(monkeypatch, tmp_path):
    from generative import ddpm

    path, options = tmp_path / "digits.png", {"batch": 32, "width": 8, "steps": 8}
    shortened_mnist(monkeypatch, ddpm, 640)
    loss, digits = ddpm.main(epochs=3 if FULL else 1, output=path, **({} if FULL else options))
    assert digits.shape == (64, 28, 28) and is_png(path)
    assert loss < (0.055 if FULL else 0.9)
    if FULL:
        assert is_good(digits, 0.1)


def test_the_penalty_is_the_squared_gradient():
    from generative import gan

    # Of a linear critic the gradient is its weights; the penalty's own gradient twice that.
    weights = mx.random.normal((28, 28, 1))
    images = mx.random.uniform(shape=(5, 28, 28, 1))
    penalty = lambda w: gan.steepness(lambda x: mx.sum(w * x, axis=(1, 2, 3)), images)
    value, gradient = mx.value_and_grad(penalty)(weights)
    assert value.item() == pytest.approx(mx.sum(mx.square(weights)).item(), rel=1e-5)
    np.testing.assert_allclose(gradient, 2 * weights, rtol=1e-5)


def test_the_penalty_has_a_derivative_by_each_weight_of_the_critic():
    from generative import gan

    mx.random.seed(0)
    critic = gan.Critic(4)
    critic.set_dtype(mx.float64)
    images = mx.random.uniform(shape=(3, 28, 28, 1)).astype(mx.float64)
    gradients = nn.value_and_grad(critic, lambda: gan.steepness(critic, images))()[1]
    step, layer = 1e-6, critic.conv1
    weight, values = layer.weight, []
    for sign in (1, -1):
        layer.weight = weight.at[2, 1, 1, 0].add(mx.array(sign * step, mx.float64))
        values.append(gan.steepness(critic, images).item())
    found = gradients["conv1"]["weight"][2, 1, 1, 0].item()
    assert found == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


@needs_data
def test_gan(monkeypatch, tmp_path):
    from generative import gan

    path = tmp_path / "digits.png"
    shortened_mnist(monkeypatch, gan, 480)
    digits = gan.main(epochs=3 if FULL else 1, batch=64 if FULL else 32, output=path)
    assert digits.shape == (64, 28, 28) and is_png(path)
    # Black paper comes first, with some ink in the middle.
    assert 0.02 < mx.mean(digits).item() < 0.5
    if FULL:
        assert is_good(digits, 0.12)
