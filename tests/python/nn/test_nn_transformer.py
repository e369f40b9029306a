import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten

from ops_check import near


def sample(*shape):
    return mx.array(np.random.normal(size=shape).astype(np.float32))


def attention(layer, q, k, v, mask=0.0):
    """One head after the other, with NumPy."""

    def project(linear, x):
        bias = np.array(linear.bias) if "bias" in linear else 0
        return np.array(x) @ np.array(linear.weight).T + bias

    q, k, v = (
        np.split(project(linear, x), layer.num_heads, axis=-1)
        for linear, x in ((layer.query_proj, q), (layer.key_proj, k), (layer.value_proj, v))
    )
    outputs = []
    for qh, kh, vh in zip(q, k, v):
        scores = qh @ kh.swapaxes(-1, -2) / math.sqrt(qh.shape[-1]) + np.array(mask)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        outputs.append(weights / weights.sum(-1, keepdims=True) @ vh)
    return project(layer.out_proj, np.concatenate(outputs, axis=-1))


@pytest.mark.parametrize("bias", [False, True])
def test_attention(bias):
    layer = nn.MultiHeadAttention(8, 2, 3, 4, 5, 6, 7, bias)
    q, k, v = sample(2, 5, 3), sample(2, 6, 4), sample(2, 6, 5)
    y = layer(q, k, v)
    assert y.shape == (2, 5, 7)
    near(y, attention(layer, q, k, v), 128)


def test_attention_masks():
    layer, x = nn.MultiHeadAttention(8, 2), sample(2, 5, 8)
    mask = nn.MultiHeadAttention.create_additive_causal_mask(5)
    least = np.finfo(np.float32).min
    assert np.array_equal(mask, np.triu(np.full((5, 5), least), 1))
    expected = attention(layer, x, x, x, mask)
    near(layer(x, x, x, mask), expected, 128)
    near(layer(x, x, x, mask == 0), expected, 128)
    half = nn.MultiHeadAttention.create_additive_causal_mask(3, mx.float16)
    assert half.dtype == mx.float16 and half[0, 1].item() == -65504


def test_attention_refuses():
    with pytest.raises(ValueError, match=r"number of heads \(8 % 3\)"):
        nn.MultiHeadAttention(8, 3)


@pytest.mark.parametrize("norm_first", [True, False])
def test_encoder_layer(norm_first):
    layer, x = nn.TransformerEncoderLayer(8, 2, 12, norm_first=norm_first), sample(2, 4, 8)

    def attend(y):
        return layer.attention(y, y, y)

    def mlp(y):
        return layer.linear2(nn.relu(layer.linear1(y)))

    if norm_first:
        h = x + attend(layer.ln1(x))
        expected = h + mlp(layer.ln2(h))
    else:
        h = layer.ln1(x + attend(x))
        expected = layer.ln2(h + mlp(h))
    near(layer(x, None), expected, 128)


@pytest.mark.parametrize("norm_first", [True, False])
def test_decoder_layer(norm_first):
    layer = nn.TransformerDecoderLayer(8, 2, norm_first=norm_first)
    x, memory = sample(2, 4, 8), sample(2, 3, 8)
    assert layer.linear1.weight.shape == (32, 8)

    def attend(y):
        return layer.self_attention(y, y, y)

    def recall(y):
        return layer.cross_attention(y, memory, memory)

    def mlp(y):
        return layer.linear2(nn.relu(layer.linear1(y)))

    if norm_first:
        h = x + attend(layer.ln1(x))
        h = h + recall(layer.ln2(h))
        expected = h + mlp(layer.ln3(h))
    else:
        h = layer.ln1(x + attend(x))
        h = layer.ln2(h + recall(h))
        expected = layer.ln3(h + mlp(h))
    near(layer(x, memory, None, None), expected, 128)


def test_transformer():
    model = nn.Transformer(8, 2, 2, 1, 12, activation=nn.gelu)
    source, target = sample(2, 3, 8), sample(2, 4, 8)
    memory = source
    for layer in model.encoder.layers:
        memory = layer(memory, None)
    memory = model.encoder.ln(memory)
    expected = model.decoder.ln(model.decoder.layers[0](target, memory, None, None))
    near(model(source, target, None, None, None), expected, 128)


def test_custom_parts():
    encoder = nn.Identity()  # an empty module, so false
    model = nn.Transformer(8, 2, 1, 1, custom_encoder=encoder, custom_decoder=encoder)
    assert model.encoder is encoder and model.decoder is encoder


def test_checkpoint_gives_the_same_gradients():
    plain = nn.TransformerEncoder(2, 8, 2, 12)
    again = nn.TransformerEncoder(2, 8, 2, 12, checkpoint=True)
    again.update(plain.parameters())
    x = sample(2, 4, 8)
    gradients = [
        nn.value_and_grad(model, lambda x: (model(x, None) ** 2).sum())(x)[1]
        for model in (plain, again)
    ]
    for (name, a), (other, b) in zip(*map(tree_flatten, gradients)):
        assert name == other
        near(a, b, 128)


def test_dropout_only_in_training():
    layer, x = nn.TransformerEncoderLayer(8, 2, dropout=0.5), sample(2, 4, 8)
    assert not np.array_equal(layer(x, None), layer(x, None))
    layer.eval()
    assert np.array_equal(layer(x, None), layer(x, None))
