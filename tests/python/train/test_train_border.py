"""compute_dtype and models of all kinds: layers stay what they are while they compute in another
dtype, and what is given to the model and what it gives may be of any shape."""

import copy
import pickle
import threading
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import pytest
from mlx.train import Trainer, _precision

from seeds import choices
from test_train_interrupts import At

kinds = pytest.mark.parametrize("compiled", [True, False])
X, Y = mx.full((4, 2), 1 / 3), mx.full((4, 1), 1 / 3)


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 1)

    def __call__(self, x):
        return self.inner(x)


def fitted(model, forward, compiled=False):
    """The model after two batches, with the classes that it had."""
    options = {"compute_dtype": mx.bfloat16, "compile": compiled, "forward": forward}
    before = [type(module) for module in model.modules()]
    calls = [kind.__call__ for kind in before]
    trainer = Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), **options)
    trainer.fit([(X, Y)] * 2)
    trainer.evaluate([(X, Y)])
    assert [type(module) for module in model.modules()] == before
    assert [kind.__call__ for kind in before] == calls
    assert model(X).dtype == mx.float32
    return model


def as_it_is(model, batch):
    return model(batch[0]), batch[1]


@kinds
def test_layers_are_of_their_own_class(compiled):
    seen = []

    class Chooses(Line):
        def __call__(self, x):
            seen.append(type(self.inner) is nn.Linear and type(self) is Chooses)
            return {nn.Linear: self.inner}[type(self.inner)](x)

    fitted(Chooses(), as_it_is, compiled)
    assert all(seen) and seen


@kinds
def test_no_class_is_made(compiled):
    known = []

    class Kind(type):
        def __new__(meta, name, bases, body, *, tag):
            return super().__new__(meta, name, bases, body)

        def __init__(cls, name, bases, body, *, tag):
            super().__init__(name, bases, body)

    class Tagged(Line, metaclass=Kind, tag=1):
        pass

    class Named(Line):
        def __init_subclass__(cls, *, name):
            known.append(name)

    class Known(Named, name="one"):
        pass

    class Slots(Line):
        __slots__ = ("a",)

    for kind in (Tagged, Known, Slots):
        fitted(kind(), as_it_is, compiled)
    assert known == ["one"]


@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_that_forward_makes(how):
    copies = []

    def forward(model, batch):
        copies.append(how(model))
        assert type(copies[-1]) is type(model)
        return model(batch[0]), batch[1]

    fitted(nn.Sequential(nn.Linear(2, 1)), forward)
    assert type(copies[0].layers[0]) is nn.Linear


def test_a_forward_that_evaluates():
    rows, within = [], []

    def forward(model, batch):
        if not within:
            within.append(1)
            rows.append(trainer.evaluate([(X, Y)])["loss"])
            within.pop()
        return as_it_is(model, batch)

    model, own = Line(), Line.__call__
    options = {"compute_dtype": mx.bfloat16, "compile": False, "forward": forward}
    trainer = Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), **options)
    trainer.fit([(X, Y)])
    assert type(model) is Line and Line.__call__ is own and model(X).dtype == mx.float32
    assert len(rows) == 1


def test_threads_of_forward():
    """Each has its calls from outside."""
    dtypes = []

    def forward(model, batch):
        def call():
            dtypes.append(model(batch[0]).dtype)

        threads = [threading.Thread(target=call) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return as_it_is(model, batch)

    class Slow(Line):
        met = threading.Barrier(2)

        def __call__(self, x):
            if threading.current_thread() is not threading.main_thread():
                self.met.wait(60)  # both are within now
            return self.inner(x)

    fitted(Slow(), forward)
    assert len(dtypes) == 6 and set(dtypes) == {mx.float32}


def test_other_models_of_these_classes():
    """A model that is not trained, called by forward, computes as it always does."""
    other, found = nn.Linear(2, 1), []

    def forward(model, batch):
        wanted = batch[0] @ other.weight.T + other.bias
        found.append(mx.allclose(other(batch[0]), wanted, rtol=1e-6).item())
        return as_it_is(model, batch)

    fitted(Line(), forward)
    assert found == [True] * 3


Both = namedtuple("Both", "y inner")


@dataclass(frozen=True)
class Found:
    y: Any
    inner: Any = None
    number: int = 3


RESULTS = [
    lambda y: (y, [y, {"a": y}]),
    lambda y: Both(y, [y]),
    lambda y: Found(y, Both(y, y)),
    lambda y: OrderedDict(y=y, inner=(y, None, "text")),
    lambda y: [y, mx.arange(3)],
]


def arrays(value):
    """The dtypes of all floating-point arrays in a result."""
    if isinstance(value, mx.array):
        return [value.dtype] if mx.issubdtype(value.dtype, mx.floating) else []
    parts = vars(value) if isinstance(value, Found) else value
    parts = parts.values() if isinstance(parts, dict) else parts
    return sum((arrays(part) for part in parts if not isinstance(part, (str, int, type(None)))), [])


@pytest.mark.parametrize("result", RESULTS)
@kinds
def test_what_a_model_gives(result, compiled):
    seen = []

    class Gives(Line):
        def __call__(self, x):
            given = result(self.inner(x))
            assert set(arrays(given)) == {x.dtype}
            return given

    def forward(model, batch):
        given = model(batch[0])
        seen.append((type(given), set(arrays(given))))
        y = next(iter(given.values())) if isinstance(given, dict) else None
        y = given.y if isinstance(given, (Both, Found)) else given[0] if y is None else y
        return y, batch[1]

    model = Gives()
    options = {"compute_dtype": mx.bfloat16, "compile": compiled, "forward": forward}
    Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), **options).fit([(X, Y)] * 2)
    kind = type(result(X))
    assert seen and all(one == (kind, {mx.float32}) for one in seen)


def test_what_a_model_is_given():
    """Lists, dicts and dataclasses are the same ones, and have their own arrays again."""
    seen = []

    class Takes(Line):
        def __call__(self, x, into, *, named):
            seen.append(set(arrays([into, named])))
            y = self.inner(x)
            into["list"].append(y)
            into["new"] = Both(y, y)
            named.inner.reverse()
            return y

    halves, whole = mx.ones(2, mx.bfloat16), mx.arange(2)

    def forward(model, batch):
        into, named = {"list": [batch[0], halves], "x": whole}, Found(batch[0], [batch[1], halves])
        y = model(batch[0], into, named=named)
        assert into["list"][0] is batch[0] and into["list"][1] is halves and into["x"] is whole
        assert into["list"][2].dtype == mx.float32 and set(arrays(into["new"])) == {mx.float32}
        assert named.y is batch[0] and named.inner[0] is halves and named.inner[1] is batch[1]
        return y, batch[1]

    options = {"compute_dtype": mx.bfloat16, "compile": False, "forward": forward}
    Trainer(Takes(), nn.losses.mse_loss, optim.SGD(0.1), **options).fit([(X, Y)] * 2)
    assert seen == [{mx.bfloat16}] * 2


def test_what_was_given_is_as_it_was_behind_an_error():
    class Fails(Line):
        def __call__(self, given):
            given.append(self.inner(given[0]))
            raise KeyError("x")

    given = [X]
    options = {"compute_dtype": mx.float16, "compile": False}
    forward = lambda model, batch: (model(given), batch[1])  # noqa: E731
    trainer = Trainer(Fails(), nn.losses.mse_loss, optim.SGD(0.1), forward=forward, **options)
    with pytest.raises(KeyError):
        trainer.evaluate([(X, Y)])
    assert given[0] is X and given[1].dtype == mx.float32


def test_a_call_that_is_no_method():
    """`__call__` may be anything that can be called."""

    def doubled(x):
        return 2 * x

    class Doubles(nn.Module):
        __call__ = staticmethod(doubled)

    class Model(Line):
        def __init__(self):
            super().__init__()
            self.twice = Doubles()

        def __call__(self, x):
            return self.twice(self.inner(x))

    def forward(model, batch):
        assert model.twice(batch[0]).dtype == mx.float32
        return as_it_is(model, batch)

    fitted(Model(), forward)
    assert Doubles()(3) == 6


@pytest.mark.parametrize("event", ["line", "opcode"])
@kinds
def test_an_interrupt_anywhere_leaves_classes_and_weights(compiled, event):
    def trainer():
        options = {"compute_dtype": mx.bfloat16, "compile": compiled, "metrics": ["accuracy"]}
        return Trainer(Line(), nn.losses.mse_loss, optim.SGD(0.0), **options)

    def run(one):
        one.fit([(X, Y)], one.epoch + 1)
        one.evaluate([(X, Y > 0)])

    own = Line.__call__, nn.Linear.__call__
    with At(1 << 40, event) as counted:
        run(trainer())
    random = choices("border", compiled, event)
    for n in sorted(random.sample(range(1, (1 << 40) - counted.left), 40)):
        one = trainer()
        kept = one.model.inner.weight + 0
        with At(n, event) as at:
            run(one)
        assert (Line.__call__, nn.Linear.__call__) == own, f"{n}: {at.place}"
        assert not _precision._OPEN and not _precision._CALLS, f"{n}: {at.place}"
        assert mx.array_equal(one.model.inner.weight, kept), f"{n}: {at.place}"
