"""Several threads that read one stream, and streams that are copied."""

import copy
import threading

import mlx.data as dx
import pytest

COUNT = 400


def numbers():
    return dx.buffer_from_vector([{"x": i} for i in range(COUNT)]).to_stream()


def lines():
    return dx.stream_python_iterable(lambda: ({"x": i} for i in range(COUNT)))


def read(*streams):
    """What threads find, each in one of the streams; None where one has not ended after a minute."""
    found = []
    threads = [
        threading.Thread(target=lambda s=s: found.extend(list(s)), daemon=True) for s in streams
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return None if any(t.is_alive() for t in threads) else sorted(s["x"] for s in found)


STREAMS = [
    lambda: numbers().prefetch(4, 2),
    lambda: numbers().prefetch(1, 1),
    lambda: numbers().map(dict).shuffle(9).prefetch(4, 3),
    lambda: lines(),
    lambda: lines().filter(lambda s: True).take(COUNT),
    lambda: lines().flat_map(lambda s: (s for _ in range(1))).prefetch(3, 2).repeat(1),
]


@pytest.mark.parametrize("make", STREAMS)
@pytest.mark.parametrize("threads", [2, 5])
def test_threads_share_the_samples_of_a_stream(make, threads):
    stream = make()
    assert read(*[stream] * threads) == list(range(COUNT))
    stream.reset()
    assert read(*[stream] * threads) == list(range(COUNT))


def test_streams_of_one_prefetched_stream_end():
    shared = numbers().prefetch(4, 2)
    assert read(shared.map(dict), shared.key_transform("x", int), shared) == list(range(COUNT))


def test_a_copy_of_a_stream_goes_on_by_itself():
    stream = numbers().take(5)
    next(stream)
    other = copy.deepcopy(stream)
    assert [s["x"] for s in other] == [s["x"] for s in stream] == [1, 2, 3, 4]
