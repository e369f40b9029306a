"""Random index expressions, as source text that NumPy and every implementation of mlx can evaluate.

As a script it is a worker of reference_worker.py.
"""

import random

import numpy as np

SHAPES = [
    (),
    (1,),
    (5,),
    (0,),
    (2, 3),
    (4, 1),
    (3, 0),
    (2, 3, 4),
    (1, 4, 2),
    (2, 3, 2, 3),
    (2, 1, 3, 1, 2),
]


def bound(rng, n, beyond):
    return "" if rng.random() < 0.4 else str(rng.randint(-n - beyond, n - 1 + beyond))


def slice_text(rng, n, beyond):
    step = rng.choice(["", "", ":", ":1", ":2", ":3", ":-1", ":-2"])
    return f"{bound(rng, n, beyond)}:{bound(rng, n, beyond)}{step}" if n or beyond else ":"


def index_array(rng, n, block):
    """A nested list of indices of an axis, of a shape that broadcasts to the block."""
    shape = [d if rng.random() < 0.7 else 1 for d in block[rng.randint(0, len(block)) :]]
    size = int(np.prod(shape))
    values = [rng.randint(-n, n - 1) for _ in range(size)]
    return np.array(values, np.int64).reshape(shape).tolist()


def entry(rng, n, block, arrays, beyond, ints):
    """What stands for one axis of size n; slices may reach beyond it."""
    choice = rng.random()
    if n and choice < 0.3 and (ints or not arrays):
        return str(rng.randint(-n, n - 1))
    if n and choice < 0.6 and arrays:
        return f"A({index_array(rng, n, block)})"
    return slice_text(rng, n, beyond)


def key(rng, shape, beyond=None, new=True, ints=True):
    """An index of an array of this shape that is in range.

    With arrays, the reference reads and writes out of bounds where a slice reaches beyond its axis;
    in assignments it takes the sizes of the wrong axes behind None.
    """
    arrays = rng.random() < 0.6
    beyond = (0 if arrays else 2) if beyond is None else beyond
    block = [rng.randint(1, 3) for _ in range(rng.randint(0, 2))]
    used = rng.randint(0, len(shape))
    front = rng.randint(0, used)
    ellipsis = used < len(shape) and rng.random() < 0.5 or rng.random() < 0.2
    axes = list(shape[:front]) + list(
        shape[len(shape) - (used - front) :] if ellipsis else shape[front:used]
    )
    entries = [entry(rng, n, block, arrays, beyond, ints) for n in axes]
    if ellipsis:
        entries.insert(front, "...")
    for _ in range(rng.choice([0, 0, 0, 1, 2]) if new else 0):
        entries.insert(rng.randint(0, len(entries)), "None")
    return ", ".join(entries) + ("," if len(entries) == 1 and rng.random() < 0.3 else "") or "..."


def wrong_key(rng, shape):
    """An index that no array of this shape has."""
    return rng.choice(
        [
            ", ".join([":"] * (len(shape) + 1)),
            "..., ...",
            "1.5",
            "'a'",
            "{}",
            "A([0.5])",
            "'a':",
            ":1.5",
            ", ".join(["None"] * 3 + [":"] * (len(shape) + 1)),
        ]
    )


def value_shape(rng, shape):
    """A shape that broadcasts to this one, mostly."""
    if rng.random() < 0.05:
        return (7, *shape)
    return tuple(1 if rng.random() < 0.2 else n for n in shape[rng.randint(0, len(shape)) :])


def in_numpy(shape):
    return np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)


def reads(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        shape = rng.choice(SHAPES)
        text = wrong_key(rng, shape) if rng.random() < 0.05 else key(rng, shape)
        yield shape, f"y = x[{text}]"


def is_unique(shape, text):
    """Does the index name no place twice? Otherwise which value stays is open."""
    places = eval(f"x[{text}]", {"x": in_numpy(shape), "A": np.array})
    return np.unique(places).size == places.size


def writes(seed, count):
    rng = random.Random(seed)
    while count:
        shape = rng.choice(SHAPES)
        # the reference orders axes otherwise beside integers
        text = key(rng, shape, new=False, ints=False)
        place = np.shape(eval(f"x[{text}]", {"x": in_numpy(shape), "A": np.array}))
        method = rng.choice(["=", "=", "=", "add", "subtract", "multiply", "maximum", "minimum"])
        if method == "=" and not is_unique(shape, text):
            continue
        count -= 1
        if rng.random() < 0.2:  # the reference has an order of axes of its own
            place = rng.sample(place, len(place))
        value = rng.choice(["7", "True"]) if rng.random() < 0.2 else f"V{value_shape(rng, place)}"
        yield (
            shape,
            (
                f"y = +x; y[{text}] = {value}"
                if method == "="
                else f"y = x.at[{text}].{method}({value})"
            ),
        )


def evaluate(shape, statement):
    """What mlx makes of a statement: dtype, shape and elements, or the name of an exception's
    type."""
    import mlx.core as mx

    def values(*value_shape):
        size = int(np.prod(value_shape))
        return mx.array((np.arange(size, dtype=np.int32) * 3 % 11 - 4).reshape(value_shape))

    names = {"x": mx.array(in_numpy(shape)), "A": mx.array, "V": values}
    try:
        exec(statement.replace("y = +x", "y = mx.array(x)"), {**names, "mx": mx}, names)
        y = names["y"]
        return [str(y.dtype), list(y.shape), y.tolist()]
    except Exception as error:
        return type(error).__name__


if __name__ == "__main__":
    from reference_worker import serve

    serve(lambda shape, text: evaluate(tuple(shape), text))
