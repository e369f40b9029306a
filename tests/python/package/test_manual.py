"""What the catalog says of each operation: parameters, result, errors, and examples, which are run."""

import doctest
import inspect
import re

import mlx.core as mx
import pytest

KIND = type(mx.add)
MODULES = ["", "linalg", "fft", "random", "fast", "distributed", "metal", "cuda"]
TRANSFORMS = [mx.grad, mx.value_and_grad, mx.vjp, mx.jvp, mx.vmap, mx.compile, mx.checkpoint]


def operations():
    """Names with their modules in front, second names left out."""
    for module in MODULES:
        place = getattr(mx, module) if module else mx
        for name, f in sorted(vars(place).items()):
            if type(f) is KIND and f.__name__ == name:
                yield pytest.param(f, id=f"{module}.{name}" if module else name)


OPERATIONS = list(operations())


def sections(f):
    parts = re.split(r"^(Args|Returns|Raises|Example):\n", f.__doc__, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def parameters(f):
    """Names in the signatures, which stand in front of the first empty line."""
    text = re.sub(r"\[[^\[\]]*(?:\[[^\]]*\][^\[\]]*)*\]|'[^']*'", "", f.__doc__.split("\n\n")[0])
    found = re.findall(r"[(,]\s*\*?(\w+)\s*(?=[:=,)])", text)
    return {name for name in found if name not in ("self", "axes" if "axes" not in text else "")}


@pytest.mark.parametrize("f", OPERATIONS)
def test_every_parameter_is_told(f):
    told = set(re.findall(r"^    \*?(\w+)(?: \(.*?\))?:", sections(f).get("Args", ""), re.M))
    assert parameters(f) == told


@pytest.mark.parametrize("f", OPERATIONS)
def test_result_is_told(f):
    gives = not re.search(r"-> None", f.__doc__.split("\n\n")[0])
    assert ("Returns" in sections(f)) == gives


def run_example(f):
    """A failure prints what was expected."""
    test = doctest.DocTestParser().get_doctest(
        sections(f)["Example"], {"mx": mx}, f.__name__, None, 0
    )
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("f", OPERATIONS)
def test_example(f):
    run_example(f)


@pytest.mark.parametrize("f", TRANSFORMS)
def test_transforms_say_the_same_of_themselves(f):
    told = re.findall(r"^    (\w+):", sections(f)["Args"], re.M)
    assert told == list(inspect.signature(f).parameters) and "Returns" in sections(f)
    run_example(f)


def test_methods_say_the_same():
    assert sections(mx.array.cumsum)["Returns"] == sections(mx.cumsum)["Returns"]
    assert "self" not in sections(mx.array.cumsum)["Args"]


# Refusals that the texts above name.
REFUSED = [
    ("ValueError", "mx.add(mx.zeros(2),mx.zeros(3))"),
    ("ValueError", "mx.bitwise_and(mx.array(1.0),1)"),
    ("ValueError", "mx.bitwise_invert(mx.array(1.0))"),
    ("ValueError", "mx.clip(mx.array([1]),None,None)"),
    ("ValueError", "mx.view(mx.zeros(3,mx.uint8),mx.int32)"),
    ("RangeError", "mx.sum(mx.array([1]),axis=3)"),
    ("ValueError", "mx.sum(mx.zeros((2,2)),axis=(0,0))"),
    ("ValueError", "mx.max(mx.zeros(0))"),
    ("ValueError", "mx.argmax(mx.zeros(0))"),
    ("ValueError", "mx.quantile(mx.array([1.0]),0.5,method='x')"),
    ("ValueError", "mx.histogram(mx.array([1.0]),bins=0)"),
    ("RangeError", "mx.bincount(mx.array([-1]))"),
    ("ValueError", "mx.diff(mx.array([1]),n=-1)"),
    ("ValueError", "mx.partition(mx.array([1]),5)"),
    ("ValueError", "mx.topk(mx.array([1]),5)"),
    ("ValueError", "mx.searchsorted(mx.array([1]),mx.array(1),side='x')"),
    ("ValueError", "mx.nonzero(mx.array(1))"),
    ("ValueError", "mx.reshape(mx.array([1]),(2,))"),
    ("ValueError", "mx.broadcast_to(mx.array([1,2]),(3,))"),
    ("ValueError", "mx.transpose(mx.array([1]),(0,1))"),
    ("ValueError", "mx.squeeze(mx.array([1,2]),0)"),
    ("RangeError", "mx.expand_dims(mx.array([1]),5)"),
    ("ValueError", "mx.flatten(mx.zeros((1,1)),1,0)"),
    ("ValueError", "mx.unflatten(mx.zeros(4),0,(3,))"),
    ("ValueError", "mx.diag(mx.zeros((1,1,1)))"),
    ("ValueError", "mx.diagonal(mx.array([1]))"),
    ("RangeError", "mx.as_strided(mx.array([1]),(3,),(1,))"),
    ("ValueError", "mx.broadcast_shapes((2,),(3,))"),
    ("ValueError", "mx.concatenate([])"),
    ("ValueError", "mx.stack([mx.array([1]),mx.array([1,2])])"),
    ("ValueError", "mx.meshgrid(mx.array([1]),indexing='x')"),
    ("ValueError", "mx.split(mx.array([1,2,3]),2)"),
    ("ValueError", "mx.pad(mx.array([1]),-1)"),
    ("ValueError", "mx.tile(mx.array([1]),-1)"),
    ("ValueError", "mx.repeat(mx.array([1]),-1)"),
    ("ValueError", "mx.arange(0,1,0)"),
    ("ValueError", "mx.arange(0,mx.inf)"),
    ("ValueError", "mx.linspace(0,1,-1)"),
    ("ValueError", "mx.zeros(-1)"),
    ("ValueError", "mx.full((2,),mx.array([1,2,3]))"),
    ("ValueError", "mx.eye(-1)"),
    ("ValueError", "mx.tril(mx.array([1]))"),
    ("RangeError", "mx.eval(mx.take(mx.array([1]),mx.array([5])))"),
    ("RangeError", "mx.take(mx.array([1]),mx.array([0]),axis=3)"),
    ("RangeError", "mx.eval(mx.take_along_axis(mx.array([1]),mx.array([5]),axis=0))"),
    ("RangeError", "mx.eval(mx.put_along_axis(mx.array([1]),mx.array([5]),mx.array([1]),axis=0))"),
    ("ValueError", "mx.take_along_axis(mx.zeros((2,2)),mx.array([[0],[0],[0]]),axis=1)"),
    ("ValueError", "mx.slice(mx.array([1]),mx.array([0]),(0,),(5,))"),
    ("ValueError", "mx.slice_update(mx.array([1]),mx.array([1,2]),mx.array([0]),(0,))"),
    ("ValueError", "mx.matmul(mx.zeros((2,3)),mx.zeros((2,3)))"),
    ("ValueError", "mx.inner(mx.zeros(2),mx.zeros(3))"),
    ("ValueError", "mx.addmm(mx.array(1.0),mx.zeros((2,3)),mx.zeros((2,3)))"),
    ("ValueError", "mx.tensordot(mx.zeros((2,3)),mx.zeros((2,3)),1)"),
    ("ValueError", "mx.vecdot(mx.zeros(2),mx.zeros(3))"),
    ("ValueError", "mx.hadamard_transform(mx.zeros(11))"),
    ("ValueError", "mx.einsum('ij,jk',mx.array([1.0]))"),
    ("ValueError", "mx.einsum_path('ij,jk',mx.array([1.0]))"),
    ("ValueError", "mx.gather_mm(mx.zeros((2,3)),mx.zeros((2,3)))"),
    ("ValueError", "mx.gather_mm(mx.zeros((1,2,3)),mx.zeros((1,3,2)),rhs_indices=mx.array([0.5]))"),
    ("ValueError", "mx.block_masked_mm(mx.zeros((2,2)),mx.zeros((2,2)),17)"),
    ("ValueError", "mx.segmented_mm(mx.zeros((1,4)),mx.zeros((4,1)),mx.array([[0.5,1]]))"),
    ("ValueError", "mx.conv1d(mx.zeros((1,2,1)),mx.zeros((1,3,1)))"),
    ("ValueError", "mx.conv1d(mx.zeros((1,4,2)),mx.zeros((1,3,1)))"),
    ("ValueError", "mx.convolve(mx.array([1.0]),mx.array([1.0]),mode='x')"),
    ("ValueError", "mx.convolve(mx.array([]),mx.array([1.0]))"),
    ("ValueError", "mx.random.split(mx.array([1,2,3]))"),
    ("ValueError", "mx.random.uniform(mx.zeros(3),1,(2,))"),
    ("RangeError", "mx.random.permutation(mx.array([1]),axis=3)"),
    ("ValueError", "mx.random.choice(3,(5,),replace=False)"),
    ("ValueError", "mx.linalg.det(mx.zeros((2,3)))"),
    ("RuntimeError", "mx.eval(mx.linalg.inv(mx.zeros((2,2))))"),
    ("RuntimeError", "mx.eval(mx.linalg.solve(mx.zeros((2,2)),mx.zeros(2)))"),
    ("ValueError", "mx.linalg.qr(mx.array([1.0]))"),
    ("ValueError", "mx.linalg.norm(mx.zeros((2,2)),ord='x')"),
    ("ValueError", "mx.linalg.matrix_norm(mx.zeros((2,2)),ord='x')"),
    ("ValueError", "mx.linalg.cross(mx.zeros(4),mx.zeros(4))"),
    ("RangeError", "mx.linalg.vector_norm(mx.array([1.0]),axis=3)"),
    ("ValueError", "mx.linalg.matrix_transpose(mx.array([1.0]))"),
    ("RangeError", "mx.fft.fft(mx.array([1.0]),axis=3)"),
    ("ValueError", "mx.fft.fft(mx.array([1.0]),n=0)"),
    ("ValueError", "mx.fft.fft(mx.array([1.0]),norm='x')"),
    ("ValueError", "mx.fft.fftn(mx.array([1.0]),s=(1,2),axes=(0,))"),
    ("ValueError", "mx.fft.fftfreq(0)"),
    ("RangeError", "mx.fft.fftshift(mx.array([1]),axes=3)"),
    ("ValueError", "mx.fft.stft(mx.zeros(4),n_fft=16,center=False)"),
    ("ValueError", "mx.fast.rms_norm(mx.zeros(2),mx.zeros(3),1e-5)"),
    ("ValueError", "mx.fast.layer_norm(mx.zeros(2),mx.zeros(3),None,1e-5)"),
    (
        "ValueError",
        "mx.fast.rope(mx.zeros((1,1,2,4)),4,traditional=False,base=None,scale=1.0,offset=0)",
    ),
    (
        "ValueError",
        "mx.fast.rope(mx.zeros((1,1,2,4)),8,traditional=False,base=1.0,scale=1.0,offset=0)",
    ),
    (
        "ValueError",
        "mx.fast.scaled_dot_product_attention(mx.zeros((1,1,2,4)),mx.zeros((1,1,2,3)),mx.zeros((1,1,2,3)),scale=1.0)",
    ),
    ("ValueError", "mx.fast.cross_entropy(mx.zeros((2,3)),mx.array([1]))"),
    ("RangeError", "mx.eval(mx.fast.cross_entropy(mx.zeros((1,3)),mx.array([7])))"),
    ("ValueError", "mx.fast.gated_delta_update(*[mx.zeros((1,2))]*5)"),
    ("ValueError", "mx.quantize(mx.zeros((2,64)),mode='x')"),
    ("ValueError", "mx.quantize(mx.zeros((2,63)))"),
    ("ValueError", "mx.quantized_matmul(mx.ones((1,32)), *mx.quantize(mx.ones((2, 64))))"),
    ("ValueError", "mx.to_fp8(mx.array([1]))"),
    ("ValueError", "mx.from_fp8(mx.array([1.0]))"),
    ("ValueError", "mx.distributed.send(mx.array([1]),dst=0)"),
    ("ValueError", "mx.random.truncated_normal(mx.zeros(3),1,(2,))"),
    ("RangeError", "mx.cumsum(mx.array([1]),axis=4)"),
    ("RangeError", "mx.softmax(mx.array([1]),axis=4)"),
    ("RangeError", "mx.sort(mx.array([1]),axis=4)"),
    ("ValueError", "mx.where(mx.array([True]),mx.zeros(2),mx.zeros(3))"),
    ("ValueError", "mx.isclose(mx.zeros(2),mx.zeros(3))"),
    ("ValueError", "mx.trace(mx.array([1]))"),
    ("RangeError", "mx.moveaxis(mx.array([1]),3,0)"),
    ("RangeError", "mx.swapaxes(mx.array([1]),3,0)"),
    ("ValueError", "mx.matrix_transpose(mx.array([1]))"),
    ("RangeError", "mx.unstack(mx.array([1]),axis=2)"),
    ("RangeError", "mx.flip(mx.array([1]),axis=2)"),
]


@pytest.mark.parametrize(("kind", "source"), REFUSED)
def test_errors_are_told(kind, source):
    name = re.match(r"(?:mx\.eval\()?mx\.([\w.]+)", source).group(1)
    f = mx
    for part in name.split("."):
        f = getattr(f, part)
    with pytest.raises(Exception) as e:
        eval(source, {"mx": mx})
    assert type(e.value).__name__ == kind
    assert f"    {kind}: " in sections(f)["Raises"]
