import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten

DEFAULTS = {"affine": (64, 4), "mxfp4": (32, 4), "nvfp4": (16, 4), "mxfp8": (32, 8)}


def sample(*shape):
    return mx.array(np.random.normal(size=shape).astype(np.float32))


def full_weight(layer):
    options = dict(group_size=layer.group_size, bits=layer.bits, mode=layer.mode)
    return mx.dequantize(layer.weight, layer.scales, layer.get("biases"), **options)


@pytest.mark.parametrize("mode", DEFAULTS)
@pytest.mark.parametrize("bias", [True, False])
def test_linear(mode, bias):
    linear, x = nn.Linear(64, 5, bias=bias), sample(3, 64)
    layer = linear.to_quantized(mode=mode)
    assert (layer.group_size, layer.bits, layer.mode) == (*DEFAULTS[mode], mode)
    expected = x @ full_weight(layer).T + (linear.bias if bias else 0)
    np.testing.assert_allclose(layer(x), expected, 1e-3, 1e-3)
    assert np.abs(layer(x) - linear(x)).max() < 1
    group_size, bits = DEFAULTS[mode]
    assert repr(layer) == (
        f"QuantizedLinear(input_dims=64, output_dims=5, bias={bias}, "
        f"group_size={group_size}, bits={bits}, mode={mode})"
    )


def test_linear_is_frozen():
    layer = nn.QuantizedLinear(64, 5)
    assert layer.trainable_parameters() == {}
    assert layer.bias.tolist() == [0] * 5
    layer = nn.Linear(64, 5).to_quantized(32, 8)
    assert list(layer.trainable_parameters()) == ["bias"]
    assert layer.weight.shape == (5, 16) and layer.scales.shape == (5, 2)
    gradient = mx.grad(lambda x: layer(x).sum())(sample(2, 64))
    np.testing.assert_allclose(gradient[0], full_weight(layer).sum(0), 1e-3, 1e-3)


@pytest.mark.parametrize("mode", DEFAULTS)
def test_embedding(mode):
    embedding = nn.Embedding(5, 64)
    layer = embedding.to_quantized(mode=mode)
    weight = np.array(full_weight(layer).astype(mx.float32))
    for indices in ([[0, 4], [4, 2]], [3], 1):
        y = layer(mx.array(indices))
        assert np.array_equal(y.astype(mx.float32), weight[np.array(indices)])
    x = sample(2, 64)
    np.testing.assert_allclose(layer.as_linear(x), np.array(x) @ weight.T, 1e-3, 1e-3)
    assert layer.trainable_parameters() == {}
    assert repr(layer).startswith("QuantizedEmbedding(5, 64, group_size=")
    assert nn.QuantizedEmbedding(5, 64, mode=mode)(mx.array([1])).shape == (1, 64)


def test_embedding_of_lists():
    embedding = nn.Embedding(5, 64)
    for layer in (embedding, embedding.to_quantized()):
        for rows in ([4, 0, 4], [[1], [3]]):
            assert mx.array_equal(layer(rows), layer(mx.array(rows)))
        assert layer(3).shape == (64,)


def test_refusals():
    for make in (nn.QuantizedLinear, nn.QuantizedEmbedding, nn.QQLinear):
        with pytest.raises(ValueError, match="Invalid quantization mode 'other'"):
            make(64, 64, mode="other")
    with pytest.raises(ValueError):
        nn.QuantizedLinear(60, 5)
    with pytest.raises(ValueError, match="Quantized input is not supported"):
        nn.Embedding(5, 64).to_quantized(quantize_input=True)
    with pytest.raises(ValueError, match="only supported for 'nvfp4' and 'mxfp8'"):
        nn.Linear(64, 5).to_quantized(quantize_input=True)
    with pytest.raises(NotImplementedError, match="bias"):
        nn.Linear(64, 5).to_quantized(mode="nvfp4", quantize_input=True)


@pytest.mark.parametrize("mode", ["nvfp4", "mxfp8"])
def test_both_quantized(mode):
    linear = nn.Linear(64, 5, bias=False)
    layer = linear.to_quantized(mode=mode, quantize_input=True)
    assert isinstance(layer, nn.QQLinear) and layer.weight.dtype == mx.float32
    name = repr(layer)
    model = nn.Sequential(layer)
    model.eval()
    assert layer.weight.dtype == mx.uint32 and "scales" in layer and repr(layer) == name
    weight = full_weight(layer)
    assert np.abs(weight.astype(mx.float32) - linear.weight).max() < 0.03
    model.train()
    assert layer.weight.dtype == mx.bfloat16 and "scales" not in layer
    assert mx.array_equal(layer.weight, weight)
    layer.dequantize()  # does nothing


@pytest.mark.skipif(not hasattr(mx, "qqmm"), reason="mlx.core has no qqmm")
@pytest.mark.parametrize("mode", ["nvfp4", "mxfp8"])
def test_product_of_both_quantized(mode):
    layer, x = nn.QQLinear(64, 5, mode=mode), sample(3, 64)
    rounded = mx.dequantize(*mx.quantize(x, mode=mode), mode=mode).astype(mx.float32)
    y = layer(x)
    layer.eval()
    expected = rounded @ full_weight(layer).astype(mx.float32).T
    np.testing.assert_allclose(y, expected, 1e-2, 1e-2)
    np.testing.assert_allclose(layer(x), expected, 1e-2, 1e-2)


def model():
    inner = nn.Sequential(nn.Linear(64, 32, bias=False), nn.Tanh())
    return nn.Sequential(nn.Linear(64, 64), nn.Embedding(3, 64), inner)


def kinds(module):
    return [type(leaf).__name__ for _, leaf in leaves(module)]


def leaves(module):
    return tree_flatten(module.leaf_modules(), is_leaf=nn.Module.is_module)


def test_quantize():
    m = model()
    assert nn.quantize(m, bits=8) is None
    assert kinds(m) == ["QuantizedLinear", "QuantizedEmbedding", "QuantizedLinear", "Tanh"]
    assert {leaf.bits for _, leaf in leaves(m)[:3]} == {8}


def test_quantize_chosen_layers():
    m, seen = model(), []

    def choose(path, module):
        seen.append(path)
        return {"group_size": 32} if path == "layers.0" else isinstance(module, nn.Embedding)

    nn.quantize(m, bits=8, class_predicate=choose)
    assert seen == ["layers.0", "layers.1", "layers.2.layers.0", "layers.2.layers.1"]
    assert kinds(m) == ["QuantizedLinear", "QuantizedEmbedding", "Linear", "Tanh"]
    assert (m.layers[0].group_size, m.layers[0].bits, m.layers[1].bits) == (32, 4, 8)


def test_quantize_inputs():
    m = nn.Sequential(nn.Linear(64, 64, bias=False))
    nn.quantize(m, mode="mxfp8", quantize_input=True)
    assert kinds(m) == ["QQLinear"]


def test_quantize_refuses():
    with pytest.raises(ValueError, match="must return a bool or a dict"):
        nn.quantize(model(), class_predicate=lambda path, m: 5)
    with pytest.raises(ValueError, match="Unable to quantize model of type"):
        nn.quantize(model(), class_predicate=lambda path, m: True)


def test_weights_of_quantized_models(tmp_path):
    a, b = model(), model()
    nn.quantize(a)
    nn.quantize(b)
    a.save_weights(str(tmp_path / "weights.safetensors"))
    b.load_weights(str(tmp_path / "weights.safetensors"))
    x = sample(2, 64)
    assert np.array_equal(a.layers[0](x), b.layers[0](x))


BLOCKS = ["q4_0", "q8_0", "q4_k", "q6_k", "iq4_nl", "mxfp4_gguf", "tq2_0"]


@pytest.mark.parametrize("mode", BLOCKS)
@pytest.mark.parametrize("bias", [True, False])
def test_linear_of_blocks(mode, bias):
    linear, x = nn.Linear(256, 5, bias=bias), sample(3, 256)
    layer = linear.to_quantized(mode=mode)
    assert layer.weight.dtype == mx.uint8 and "scales" not in layer
    assert (layer.group_size, layer.bits, layer.mode) == (None, None, mode)
    weight = mx.dequantize(layer.weight, mode=mode, dtype=mx.float32)
    expected = x @ weight.T + (linear.bias if bias else 0)
    np.testing.assert_allclose(layer(x), expected, 0, 0.1)
    assert repr(layer) == (
        f"QuantizedLinear(input_dims=256, output_dims=5, bias={bias}, mode={mode})"
    )
    assert list(layer.trainable_parameters()) == (["bias"] if bias else [])
    gradient = mx.grad(lambda x: layer(x).sum())(x)
    np.testing.assert_allclose(gradient[0], weight.sum(0), 1e-3, 1e-3)
    same = nn.QuantizedLinear.from_blocks(layer.weight, mode, linear.bias if bias else None)
    assert (same(x) == layer(x)).all() and same.trainable_parameters() == {}
    assert repr(same) == repr(layer)


@pytest.mark.parametrize("mode", BLOCKS)
def test_embedding_of_blocks(mode):
    embedding = nn.Embedding(5, 256)
    embedding.set_dtype(mx.bfloat16)
    layer = embedding.to_quantized(mode=mode)
    weight = mx.dequantize(layer.weight, mode=mode, dtype=mx.bfloat16)
    y = layer(mx.array([[0, 4], [4, 2]]))
    assert y.dtype == mx.bfloat16 and (y == weight[mx.array([[0, 4], [4, 2]])]).all()
    x = sample(2, 256)
    np.testing.assert_allclose(layer.as_linear(x), x @ weight.astype(mx.float32).T, 0, 3)
    assert repr(layer) == f"QuantizedEmbedding(5, 256, mode={mode})"
    same = nn.QuantizedEmbedding.from_blocks(layer.weight, mode, mx.bfloat16)
    assert (same(mx.array(3)) == weight[3]).all() and repr(same) == repr(layer)
    assert nn.QuantizedEmbedding(5, 256, mode=mode)(mx.array([1])).shape == (1, 256)


def test_a_model_of_blocks(tmp_path):
    model, x = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 4)), sample(3, 256)
    before = model(x)
    nn.quantize(model, mode="q8_0")
    after = model(x)
    np.testing.assert_allclose(before, after, 0, 0.05)
    model.save_weights(str(tmp_path / "w.safetensors"))
    other = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 4))
    nn.quantize(other, mode="q8_0")
    other.load_weights(str(tmp_path / "w.safetensors"))
    assert (other(x) == after).all()


def test_refusals_of_blocks():
    with pytest.raises(ValueError, match="neither bits nor a group size"):
        nn.Linear(256, 4).to_quantized(bits=4, mode="q4_k")
    with pytest.raises(ValueError, match="Mode 'affine' is none of blocks"):
        nn.QuantizedLinear.from_blocks(mx.zeros((4, 144), mx.uint8), "affine")
    with pytest.raises(ValueError, match="divisible by 256"):
        nn.Linear(64, 4).to_quantized(mode="q4_k")
