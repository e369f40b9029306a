"""Random numbers: keys, distributions, forms of arguments; values that are known for a seed."""

import mlx.core as mx
import numpy as np
import pytest

from memory import peak_of
from ops_check import same
from seeds import generator

N = 20000
REFERENCE = {
    "one": [3, 3, 4, 3, 3, 3, 3, 1, 3, 3, 0, 3],
    "single": 3,
    "two": [[3, 4, 0, 3, 3, 1], [2, 2, 2, 2, 1, 0]],
}


def sample(f, *args, **words):
    a = f(*args, shape=(N,), key=mx.random.key(1), **words)
    return np.array(a.astype(mx.float32))


def test_keys():
    assert mx.random.key(3).tolist() == [0, 3]
    assert mx.random.key(2**63).tolist() == [2147483648, 0]
    assert mx.random.split(mx.random.key(0)).tolist() == [
        [4146024105, 967050713],
        [2718843009, 1272950319],
    ]
    assert (
        mx.random.split(mx.random.key(0), 3).shape
        == mx.random.split(mx.random.key(0), num=3).shape
        == (3, 2)
    )
    with pytest.raises(TypeError):
        mx.random.key(-1)


@pytest.mark.parametrize("sizes", [65, 100, 1000])
def test_more_axes_than_an_array_has_are_refused(sizes):
    shape = (0,) * sizes
    draws = [mx.random.uniform, mx.random.normal, mx.random.bernoulli, mx.random.gumbel]
    draws += [lambda shape: mx.random.randint(0, 3, shape)]
    draws += [lambda shape: mx.random.truncated_normal(-1, 1, shape)]
    draws += [lambda shape: mx.random.laplace(shape)]
    for draw in draws:
        with pytest.raises(ValueError, match="dimensions"):
            draw(shape=shape)


def test_known_numbers():
    mx.random.seed(3)
    np.testing.assert_allclose(mx.random.normal((2,)).tolist(), [0.0523083, -0.690768], rtol=1e-5)
    np.testing.assert_allclose(mx.random.uniform(key=mx.random.key(1)).item(), 0.11815, rtol=1e-4)


def test_sequence():
    mx.random.seed(7)
    first = [mx.random.normal((3,)).tolist() for _ in range(2)]
    mx.random.seed(seed=7)
    assert first == [mx.random.normal((3,)).tolist() for _ in range(2)] and first[0] != first[1]


def test_state():
    mx.random.seed(5)
    state = mx.random.state
    assert len(state) == 1 and state[0].dtype == mx.uint32 and [k.shape for k in state] == [(2,)]
    kept = mx.array(state[0])
    a = mx.random.uniform(shape=(4,)).tolist()
    state[0] = kept
    assert a == mx.random.uniform(shape=(4,)).tolist()
    with pytest.raises(IndexError):
        state[1]
    with pytest.raises(TypeError):
        state[0] = 3


def test_uniform():
    x = sample(mx.random.uniform, -1, 3)
    assert x.min() >= -1 and x.max() < 3 and abs(x.mean() - 1) < 0.05
    assert mx.random.uniform().shape == ()
    assert mx.random.uniform(mx.array([0, 10]), mx.array([1, 11]), shape=(3, 2)).shape == (3, 2)
    assert mx.random.uniform(0, 1, [2], mx.float16).dtype == mx.float16
    assert mx.random.uniform(shape=[2], dtype=None).dtype == mx.float32
    with pytest.raises(ValueError):
        mx.random.uniform(mx.array([0, 1]), 2)
    with pytest.raises(ValueError):
        mx.random.uniform(0, 1, [2], mx.int32)
    with pytest.raises(TypeError):
        mx.random.uniform(shape=3)


def test_normal():
    x = sample(mx.random.normal, loc=2.0, scale=mx.array(3.0))
    assert abs(x.mean() - 2) < 0.1 and abs(x.std() - 3) < 0.1
    assert mx.random.normal([2, 2], loc=mx.array([0.0, 5.0]), dtype=mx.float16).dtype == mx.float16
    assert mx.random.normal().shape == ()


@pytest.mark.parametrize(
    "name, mean, std", [("laplace", 0, np.sqrt(2)), ("gumbel", 0.5772, np.pi / np.sqrt(6))]
)
def test_moments(name, mean, std):
    x = sample(getattr(mx.random, name))
    assert abs(x.mean() - mean) < 0.05 and abs(x.std() - std) < 0.05


def test_truncated_normal():
    x = sample(mx.random.truncated_normal, -1, 0.5)
    assert x.min() > -1 and x.max() < 0.5
    assert mx.random.truncated_normal(mx.array([0.0, 0.5]), 1).shape == (2,)


def test_randint():
    x = sample(mx.random.randint, -2, 3)
    assert set(x) == {-2, -1, 0, 1, 2}
    assert mx.random.randint(0, 5).dtype == mx.int32
    assert mx.random.randint(low=0, high=5, shape=[2], dtype=mx.uint8).dtype == mx.uint8


def test_bernoulli():
    x = sample(mx.random.bernoulli, 0.3)
    assert abs(x.mean() - 0.3) < 0.02
    assert mx.random.bernoulli().dtype == mx.bool_
    assert mx.random.bernoulli(mx.array([0.0, 1.0])).tolist() == [False, True]
    assert mx.random.bernoulli(mx.array([0.1, 0.9]), (3, 2)).shape == (3, 2)


def test_categorical():
    logits = mx.log(mx.array([0.2, 0.5, 0.3]))
    x = np.array(mx.random.categorical(logits, num_samples=N, key=mx.random.key(0)))
    np.testing.assert_allclose(np.bincount(x) / N, [0.2, 0.5, 0.3], atol=0.02)
    m = mx.zeros((4, 3))
    assert mx.random.categorical(m).shape == (4,) and mx.random.categorical(m, axis=0).shape == (3,)
    assert mx.random.categorical(m, shape=(2, 4)).shape == (2, 4)
    with pytest.raises(ValueError):
        mx.random.categorical(m, shape=(2, 4), num_samples=3)


@pytest.mark.parametrize("count", [1, 3, 8, 9, 1000])
def test_one_distribution_is_drawn_from_its_cumulative_sums(count):
    """With equal logits a sample is the uniform number, of which random.bits has the bits, times
    their number."""
    key = mx.random.key(17)
    wanted = np.floor(np.array(mx.random.uniform(shape=(count,), key=key)) * 16).tolist()
    for logits in [
        mx.zeros((16,)),
        mx.zeros((1, 16)),
        mx.zeros((16,), mx.float16),
        mx.full((1, 1, 16), 3, dtype=mx.int32),
    ]:
        found = mx.random.categorical(logits, num_samples=count, key=key)
        assert found.dtype == mx.uint32 and found.shape == (*logits.shape[:-1], count)
        assert found.flatten().tolist() == wanted
    assert mx.random.categorical(mx.zeros((16,)), shape=(count,), key=key).tolist() == wanted
    assert (
        mx.random.categorical(mx.zeros((16, 1)), axis=0, shape=(count,), key=key).tolist() == wanted
    )


def test_samples_as_the_reference_draws_them():
    """Stated facts of mlx 0.32.4."""
    key, logits = mx.random.key(3), mx.array([1.0, 0.5, -1.0, 2.0, 0.0])
    one = mx.random.categorical(logits[None], num_samples=12, key=key)
    assert one.tolist() == [REFERENCE["one"]]
    assert mx.random.categorical(logits, num_samples=12, key=key).tolist() == REFERENCE["one"]
    assert mx.random.categorical(logits, key=key).item() == REFERENCE["single"]
    assert (
        mx.random.categorical(mx.stack([logits, -logits]), num_samples=6, key=key).tolist()
        == REFERENCE["two"]
    )


SHAPES = [
    ((2, 3), -1),
    ((4, 1000), -1),
    ((3, 70_000), 1),
    ((1500, 3), 0),
    ((5, 40, 3), 1),
    ((2, 2500, 7), 1),
    ((2, 3, 1100), 0),
]


@pytest.mark.parametrize("shape, axis", SHAPES)
@pytest.mark.parametrize("samples", [None, 1, 5])
def test_many_distributions_take_the_largest_of_logits_plus_noise(shape, axis, samples):
    key, logits = mx.random.key(5), mx.random.normal(shape, key=mx.random.key(6))
    logits = (
        mx.where(logits > 2.5, mx.nan, mx.where(logits < -2, -mx.inf, logits))
        .swapaxes(0, -1)
        .swapaxes(0, -1)
    )
    wide = logits if samples is None else logits[..., None]
    noise = mx.random.gumbel((*shape, samples) if samples else shape, key=key)
    wanted = np.argmax(np.array(wide + noise), axis % len(shape))
    found = mx.random.categorical(logits, axis, num_samples=samples, key=key)
    assert found.dtype == mx.uint32
    np.testing.assert_array_equal(np.array(found), wanted)
    if samples is None:
        half = mx.random.categorical(logits.astype(mx.bfloat16), axis, key=key)
        wanted = np.argmax(np.array(logits.astype(mx.bfloat16).astype(mx.float32) + noise), axis)
        np.testing.assert_array_equal(np.array(half), wanted)


def test_broadcast_logits_and_keys_of_a_batch():
    key, logits = mx.random.key(5), mx.random.normal((4, 50), key=mx.random.key(6))
    noise = mx.random.gumbel((300, 4, 50), key=key)
    found = mx.random.categorical(logits, shape=(300, 4), key=key)
    np.testing.assert_array_equal(np.array(found), np.argmax(np.array(logits + noise), -1))
    keys = mx.random.split(key, 3)
    for x, axes in [
        (logits, (None, 0)),
        (mx.stack([logits, -logits, logits * 2]), (0, 0)),
        (mx.stack([logits] * 3), (0, None)),
    ]:
        k = keys if axes[1] == 0 else key
        many = mx.vmap(lambda l, s: mx.random.categorical(l, key=s), axes)(x, k)
        one = [
            mx.random.categorical(x[i] if axes[0] == 0 else x, key=k[i] if axes[1] == 0 else k)
            for i in range(3)
        ]
        assert many.tolist() == [o.tolist() for o in one]


def test_noise_never_stands_in_memory():
    logits = mx.random.normal((2, 50_000), key=mx.random.key(6))
    mx.eval(logits)
    x = mx.random.categorical(logits, num_samples=100, key=mx.random.key(1))
    assert peak_of(lambda: mx.eval(x)) < 2e6  # the noise has 40 MB


def test_infinite_logits():
    inf = np.inf
    for logits, among in [
        ([inf, 0, inf], {0, 2}),
        ([-inf] * 3, {0, 1, 2}),
        ([0, -inf, -inf], {0}),
        ([-inf, 1, -inf], {1}),
    ]:
        assert (
            set(mx.random.categorical(mx.array([logits]), num_samples=200).flatten().tolist())
            == among
        )


def test_no_samples():
    assert mx.random.categorical(mx.zeros((20,)), num_samples=0).shape == (0,)
    assert mx.random.categorical(mx.zeros((3, 20)), num_samples=0).shape == (3, 0)
    assert mx.random.categorical(mx.zeros((3, 20)), shape=(0, 3)).shape == (0, 3)
    with pytest.raises(ValueError):
        mx.random.categorical(mx.zeros((3, 0)))


def test_many_samples_of_many_categories_need_little_memory():
    p = generator(0).uniform(0.1, 1, 1000)
    logits = mx.log(mx.array(p))
    mx.eval(logits)
    x = mx.random.categorical(logits, num_samples=500_000, key=mx.random.key(1))
    assert peak_of(lambda: mx.eval(x)) < 100e6
    counts = np.bincount(np.array(x), minlength=1000)
    expected = p / p.sum() * 500_000
    chi = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi - 999) < 5 * np.sqrt(2 * 999)


def density_moments(low, high):
    """Mean and standard deviation between two ends on one side of 0, by quadrature."""
    near = min(abs(low), abs(high))
    x = np.linspace(near, min(max(abs(low), abs(high)), near + 14 / near), 400_001)
    w = np.exp(-(x**2 - near**2) / 2)
    mean = (x * w).sum() / w.sum()
    return mean, np.sqrt(((x - mean) ** 2 * w).sum() / w.sum())


FAR = [(6, 7), (-7, -6), (10, 11), (20, np.inf), (-np.inf, -8), (30, 30.0625), (-100, -99)]


@pytest.mark.parametrize("low, high", FAR)
@pytest.mark.parametrize("arrays", [False, True])
def test_truncated_normal_far_out(low, high, arrays):
    ends = [mx.array([v] * 4, mx.float32)[:, None] for v in (low, high)] if arrays else (low, high)
    x = np.array(mx.random.truncated_normal(*ends, (4, N // 4), key=mx.random.key(5))).astype(
        np.float64
    )
    mean, std = density_moments(low, high)
    assert x.min() >= low and x.max() <= high
    assert abs(abs(x).mean() - mean) < 5 * std / np.sqrt(N) and abs(x.std() / std - 1) < 0.05


def test_truncated_normal_between_nothing():
    assert mx.random.truncated_normal(2.0, -2.0, (3,)).tolist() == [2, 2, 2]
    assert mx.random.truncated_normal(5, 5, (3,)).tolist() == [5, 5, 5]
    assert mx.random.truncated_normal(mx.array([]), mx.array([])).shape == (0,)
    for dtype in (mx.float16, mx.bfloat16, mx.float64):
        with mx.stream(mx.cpu):
            x = np.array(mx.random.truncated_normal(9, 10, (500,), dtype).astype(mx.float32))
        assert x.min() >= 9 and x.max() <= 10 and x.mean() < 9.3


def test_permutation():
    assert sorted(mx.random.permutation(10).tolist()) == list(range(10))
    x = mx.arange(12).reshape(3, 4)
    assert sorted(map(tuple, mx.random.permutation(x).tolist())) == sorted(map(tuple, x.tolist()))
    assert mx.sort(mx.random.permutation(x, axis=1), 1).tolist() == x.tolist()


def test_multivariate_normal():
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]], np.float32)
    x = np.array(
        mx.random.multivariate_normal(
            mx.array([1.0, -1.0]), mx.array(covariance), [N], key=mx.random.key(2)
        )
    )
    np.testing.assert_allclose(x.mean(0), [1, -1], atol=0.05)
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.1)


def test_a_key_gives_the_same_numbers_whatever_the_state():
    key = mx.random.key(9)
    same(mx.random.normal((5,), key=key), mx.random.normal((5,), key=key).tolist())


def test_processes():
    group = mx.distributed.init()
    assert group.size() == 1 and group.rank() == 0
    same(mx.distributed.all_sum(mx.array([1, 2]), group=group), [1, 2])
    same(mx.distributed.all_gather(mx.array([1, 2])), [1, 2])
    with pytest.raises(ValueError):
        mx.distributed.send(mx.array([1]), 0)
    with pytest.raises(TypeError):
        mx.distributed.all_max(mx.array([1]), group=3)
