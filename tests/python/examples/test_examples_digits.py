"""The programs that draw digits: their mathematics on numbers, short runs, and with MLX_TEST_FULL=1
what a judge says of their drawings."""

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from examples import FULL, is_png, needs_data, samples, shortened_mnist


def judge():
    from digit_judge import Judge

    return Judge() if FULL else Judge(1000, 6400, 1)


def is_good(by, images, precision, distance):
    """Whether a judge takes so many of them for real, sees most of the digits, and finds them near
    to real ones as a whole."""
    found, digits, far = by.precision(images), by.digits(images), by.frechet(images)
    print(f"precision {found:.3f}, digits {digits}, distance {far:.1f}")
    return found >= precision and np.count_nonzero(digits) >= 8 and far < distance


def told_apart(model, diffusion, images, t):
    """The digits (N,) with which the model explains noisy images (N, 28, 28) best (Li et al. 2023,
    "Your Diffusion Model is Secretly a Zero-Shot Classifier")."""
    x, wrong = 2 * images[..., None] - 1, np.zeros((10, len(images)))
    times = mx.full((len(x),), t)
    for seed in range(2):
        mx.random.seed(seed)
        noise = mx.random.normal(x.shape)
        noisy, wanted = diffusion.noisy(x, noise, times), diffusion.velocity(x, noise, times)
        for digit in range(10):
            found = model(noisy, times, mx.full((len(x),), digit))
            wrong[digit] += np.array(mx.mean(mx.square(found - wanted), axis=(1, 2, 3)))
    return wrong.argmin(0)


def test_a_step_back_is_bayes_rule():
    from generative import ddpm

    mx.random.seed(0)
    diffusion, t, image = ddpm.Diffusion(100), 60, 0.3
    kept, before, beta = (
        np.array(a, np.float64)[t] for a in (diffusion.kept, diffusion.before, diffusion.beta)
    )
    assert kept == pytest.approx(before * (1 - beta), rel=1e-5)
    assert diffusion.kept[-1].item() < 1e-3 and diffusion.kept[0].item() > 0.99
    one = lambda value: mx.full((1, 1, 1, 1), value)
    x = diffusion.noisy(one(image), one(0.7), mx.array([t]))
    velocity = diffusion.velocity(one(image), one(0.7), mx.array([t]))
    velocity = mx.full((200000,), velocity.item())
    assert x.item() == pytest.approx(np.sqrt(kept) * image + np.sqrt(1 - kept) * 0.7, rel=1e-5)
    # What lies one step before, by its prior from the image and its likelihood by x.
    precision = 1 / (1 - before) + (1 - beta) / beta
    mean = np.sqrt(before) * image / (1 - before) + np.sqrt(1 - beta) * x.item() / beta
    back = np.array(diffusion.back(mx.full((200000,), x.item()), velocity, t))
    assert back.mean() == pytest.approx(mean / precision, abs=5 / np.sqrt(precision * 200000))
    assert back.std() == pytest.approx(precision**-0.5, rel=0.01)


class Oracle(nn.Module):
    """Knows the velocity in images that are all one image."""

    def __init__(self, diffusion, image):
        super().__init__()
        self.diffusion, self.image = diffusion, image

    def __call__(self, x, time, digit):
        image, other = self.diffusion.parts(time)
        return (image * x - self.image) / other


def test_squares_of_pixels_become_channels_and_pixels_again():
    from generative import ddpm

    images = mx.arange(2 * 784).reshape(2, 28, 28, 1)
    folded = ddpm.fold(images)
    np.testing.assert_array_equal(folded[1, 3, 5].reshape(2, 2), images[1, 6:8, 10:12, 0])
    np.testing.assert_array_equal(ddpm.unfold(folded), images)


def test_samples_of_one_image_are_that_image():
    from generative import ddpm

    diffusion = ddpm.Diffusion(30)
    image = mx.random.uniform(-1, 1, (28, 28, 1))
    samples = diffusion.sample(Oracle(diffusion, image), mx.array([3, 1, 4]))
    np.testing.assert_allclose(samples, np.broadcast_to(image, samples.shape), atol=1e-4)


@needs_data
def test_ddpm_tells_digits_apart():
    """After 200 steps the right digit explains an image best, of ten, in most cases."""
    from generative import ddpm

    images, labels, test, test_labels = samples.mnist()
    mx.random.seed(0)
    diffusion, model = ddpm.Diffusion(), ddpm.UNet(16)
    data = 2 * images[:3200, ..., None] - 1, labels[:3200]
    average = ddpm.train(model, diffusion, *data, epochs=2, batch=32, seed=0)[1]
    found = told_apart(average, diffusion, test[:200], 150)
    assert np.mean(found == np.array(test_labels[:200])) > 0.5


@needs_data
def test_ddpm(monkeypatch, tmp_path):
    from generative import ddpm

    path, options = tmp_path / "digits.png", {"batch": 32, "width": 8, "steps": 8}
    shortened_mnist(monkeypatch, ddpm, 640)
    loss, digits = ddpm.main(output=path, **({} if FULL else {"epochs": 1, **options}))
    assert digits.shape == (80, 28, 28) and is_png(path)
    assert loss < (0.16 if FULL else 1.2)
    if FULL:
        by = judge()
        seen = np.array(mx.argmax(by.model(digits), axis=1))
        assert np.mean(seen == np.arange(80) % 10) > 0.95
        assert is_good(by, digits, 0.5, 150)


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
    """Its digits are nearer to real ones than what has their mean and covariance."""
    from digit_judge import gaussian
    from generative import gan

    path, options = tmp_path / "digits.png", {"epochs": 4, "batch": 32, "width": 24}
    shortened_mnist(monkeypatch, gan, 6400)
    generator = gan.main(output=path, **({} if FULL else options))
    mx.random.seed(1)
    digits = generator(mx.random.normal((500, gan.CODES)))[..., 0]
    assert digits.shape == (500, 28, 28) and is_png(path)
    # Black paper comes first, with some ink in the middle.
    assert 0.05 < mx.mean(digits).item() < 0.25
    images = samples.mnist()[0]
    by = judge()
    assert by.frechet(digits) < by.frechet(gaussian(images[:5000]))
    if FULL:
        assert is_good(by, digits, 0.12, 100)
