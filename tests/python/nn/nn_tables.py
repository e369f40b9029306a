"""The cases of `nn_cases`: a name and an expression each, on a line and indented ones after it."""

TABLE = r"""
linear: layer(nn.Linear(4, 3), x(2, 4))
linear deep: layer(nn.Linear(4, 3, bias=False), x(2, 5, 4))
linear vector: layer(nn.Linear(4, 3), x(4))
linear wrong: layer(nn.Linear(4, 3), x(2, 5))
linear half: nn.Linear(4, 3).apply(lambda p: p.astype(mx.float16))(x(2, 4, dtype=mx.float16))
bilinear: layer(nn.Bilinear(3, 2, 4), x(5, 3), x(5, 2))
bilinear deep: layer(nn.Bilinear(3, 2, 4, bias=False), x(2, 5, 3), x(2, 5, 2))
identity: layer(nn.Identity(3, a=4), x(2))
embedding: layer(nn.Embedding(5, 3), mx.array([[0, 4], [4, 2]]))
embedding as linear: nn.Embedding(5, 3).as_linear(x(2, 3))
sequential: layer(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), mx.tanh, nn.Linear(3, 1)), x(4, 2))
celu: layer(nn.CELU(2.0), x(9))
elu: layer(nn.ELU(2.0), x(9))
gelu: layer(nn.GELU(), x(9))
gelu tanh: layer(nn.GELU("tanh"), x(9))
gelu fast: layer(nn.GELU("fast"), x(9))
gelu other: nn.GELU("other")
glu: layer(nn.GLU(0), x(4, 3))
glu odd: nn.glu(x(3))
hard shrink: layer(nn.HardShrink(1), x(9))
hard tanh: layer(nn.HardTanh(), x(9))
hard tanh limits: nn.hard_tanh(x(9), -0.5, 0.25)
hardswish: layer(nn.Hardswish(), x(9, scale=5.0))
leaky relu: layer(nn.LeakyReLU(0.3), x(9))
log sigmoid: layer(nn.LogSigmoid(), x(9))
log softmax: layer(nn.LogSoftmax(), x(3, 4))
mish: layer(nn.Mish(), x(9))
prelu: layer(nn.PReLU(3, 0.1), x(2, 3))
relu: layer(nn.ReLU(), x(9))
relu2: layer(nn.ReLU2(), x(9))
relu6: layer(nn.ReLU6(), x(9, scale=9.0))
selu: layer(nn.SELU(), x(9))
silu: layer(nn.SiLU(), x(9))
sigmoid: layer(nn.Sigmoid(), x(9))
softmax: layer(nn.Softmax(), x(3, 4))
softmin: layer(nn.Softmin(), x(3, 4))
softplus: layer(nn.Softplus(), x(9))
softshrink: layer(nn.Softshrink(1), x(9))
softsign: layer(nn.Softsign(), x(9))
step: nn.Step(0.5)(x(9))
tanh: layer(nn.Tanh(), x(9))
integers: [f(mx.array([-3, 0, 1, 7])) for f in (nn.relu, nn.relu6, nn.silu, nn.elu)]
integers kept: [f(mx.array([-3, 0, 1, 7])) for f in (nn.hard_shrink, nn.hard_tanh, nn.step)]
halves: [f(x(9, dtype=mx.float16)) for f in (nn.relu, nn.silu, nn.gelu, nn.mish, nn.selu)]
bfloat16s: [f(x(9, dtype=mx.bfloat16)) for f in (nn.relu, nn.silu, nn.gelu_approx, nn.mish)]
numbers: [f(2.0) for f in (nn.relu, nn.silu, nn.gelu, nn.tanh, nn.elu, nn.sigmoid)]
conv1d: layer(nn.Conv1d(4, 6, 3), x(2, 7, 4))
conv1d options: layer(nn.Conv1d(4, 6, 3, 2, 1, 2, 2, False), x(2, 9, 4))
conv1d groups: nn.Conv1d(4, 6, 3, groups=3)
conv2d: layer(nn.Conv2d(3, 4, 3), x(2, 5, 6, 3))
conv2d options: layer(nn.Conv2d(4, 6, (3, 2), (1, 2), (2, 1), (1, 2), 2, False), x(2, 6, 5, 4))
conv3d: layer(nn.Conv3d(2, 3, 2), x(1, 3, 4, 3, 2))
conv3d options: layer(nn.Conv3d(2, 3, (2, 1, 2), 2, (1, 0, 1), bias=False), x(1, 3, 4, 3, 2))
conv channels: nn.Conv1d(4, 6, 3)(x(2, 7, 3))
conv transpose 1d: layer(nn.ConvTranspose1d(4, 6, 3), x(2, 5, 4))
conv transpose 1d options: layer(nn.ConvTranspose1d(4, 6, 3, 2, 1, 2, 1, False), x(2, 5, 4))
conv transpose 2d: layer(nn.ConvTranspose2d(3, 4, (2, 3), 2, 1, output_padding=1), x(2, 4, 3, 3))
conv transpose 3d: layer(nn.ConvTranspose3d(2, 3, 2, 2), x(1, 2, 3, 2, 2))
instance norm: layer(nn.InstanceNorm(4), x(2, 5, 4))
instance norm affine: layer(nn.InstanceNorm(4, 1e-3, True), x(2, 3, 3, 4))
instance norm flat: nn.InstanceNorm(4)(x(2, 4))
layer norm: layer(nn.LayerNorm(6), x(2, 3, 6))
layer norm without bias: layer(nn.LayerNorm(6, 1e-3, bias=False), x(2, 6))
layer norm plain: layer(nn.LayerNorm(6, affine=False), x(2, 6))
rms norm: layer(nn.RMSNorm(6), x(2, 3, 6))
group norm: layer(nn.GroupNorm(2, 6), x(2, 3, 6))
group norm neighbours: layer(nn.GroupNorm(2, 6, 1e-3, pytorch_compatible=True), x(2, 3, 2, 6))
group norm flat: layer(nn.GroupNorm(3, 6, affine=False), x(2, 6))
group norm wrong: nn.GroupNorm(4, 6)
batch norm: layer(nn.BatchNorm(4), x(5, 4))
batch norm images: layer(nn.BatchNorm(4, 1e-3, 0.3), x(2, 3, 3, 4))
batch norm eval: [(b := nn.BatchNorm(4))(x(2, 5, 4)), b.eval()(x(3, 4)), dict(b)]
batch norm plain: layer(nn.BatchNorm(4, affine=False, track_running_stats=False).eval(), x(5, 4))
batch norm single: nn.BatchNorm(4)(x(1, 4))
batch norm deep: nn.BatchNorm(4)(x(1, 2, 3, 2, 4))
dropout: layer(nn.Dropout(0.3), x(4, 5))
dropout none: layer(nn.Dropout(0.0), x(4, 5))
dropout eval: layer(nn.Dropout(0.3).eval(), x(4, 5))
dropout half: nn.Dropout()(x(4, 5, dtype=mx.float16))
dropout wrong: nn.Dropout(1.0)
dropout 2d: layer(nn.Dropout2d(0.5), x(2, 3, 3, 4))
dropout 2d one: layer(nn.Dropout2d(0.5), x(3, 3, 4))
dropout 2d flat: nn.Dropout2d(0.5)(x(3, 4))
dropout 3d: layer(nn.Dropout3d(0.5), x(2, 2, 2, 2, 4))
dropout 3d one: layer(nn.Dropout3d(0.5), x(2, 2, 2, 4))
max pool 1d: layer(nn.MaxPool1d(2), x(2, 7, 3))
max pool 1d over: layer(nn.MaxPool1d(3, 2, 1), x(2, 7, 3))
max pool 1d gaps: layer(nn.MaxPool1d(2, 3), x(2, 9, 3))
max pool ties: layer(nn.MaxPool1d(2), mx.zeros((1, 4, 1)))
max pool integers: nn.MaxPool1d(2, 2, 1)(mx.array([[[-3], [-2], [-5], [7]]]))
max pool empty: nn.MaxPool1d(9)(x(2, 5, 4))
max pool 2d: layer(nn.MaxPool2d(2), x(1, 5, 4, 2))
max pool 2d over: layer(nn.MaxPool2d((3, 2), (2, 1), (1, 0)), x(1, 5, 5, 2))
max pool 3d: layer(nn.MaxPool3d(2, 1), x(1, 3, 3, 4, 2))
average pool 1d: layer(nn.AvgPool1d(3, 2, 1), x(2, 7, 3))
average pool integers: nn.AvgPool1d(2, 2, 1)(mx.arange(10).reshape(1, 5, 2))
average pool 2d: layer(nn.AvgPool2d(2), x(1, 4, 6, 2))
average pool 2d over: layer(nn.AvgPool2d(2, 1, 1), x(1, 3, 3, 2))
average pool 3d: layer(nn.AvgPool3d((1, 2, 3)), x(1, 3, 3, 3, 2))
pool wrong kernel: nn.MaxPool2d((2, 3, 4))
pool wrong stride: nn.MaxPool1d(2, 0)
pool wrong padding: nn.AvgPool2d(2, padding=-1)
upsample: layer(nn.Upsample(2), x(1, 3, 2))
upsample nearest: [nn.Upsample(s)(x(1, 9, 1)) for s in (0.3, 0.4, 0.5, 0.9, 1.0, 1.2, 1.5, 2.5,
    3.3)]
upsample nearest corners: nn.Upsample(1.5, "nearest", True)(x(1, 9, 1))
upsample images: layer(nn.Upsample((2, 3)), x(1, 2, 3, 2))
upsample linear: [nn.Upsample(s, "linear")(x(1, 9, 1)) for s in (0.3, 0.4, 1.0, 1.2, 2.5, 3.3)]
upsample linear images: layer(nn.Upsample((2, 1.5), "linear"), x(1, 3, 4, 2))
upsample linear corners: layer(nn.Upsample((2, 1.5), "linear", True), x(1, 3, 4, 2))
upsample linear volumes: layer(nn.Upsample(2, "linear"), x(1, 2, 2, 3, 1))
upsample linear soft: [nn.Upsample(s, "linear", antialias=True)(x(1, 9, 1)) for s in (0.4, 1.5)]
upsample cubic: [nn.Upsample(s, "cubic")(x(1, 9, 1)) for s in (0.4, 0.5, 1.7, 2.0)]
upsample cubic images: layer(nn.Upsample((2, 0.7), "cubic"), x(1, 4, 4, 2))
upsample cubic corners: layer(nn.Upsample(2.5, "cubic", True), x(1, 4, 2))
upsample cubic soft: [nn.Upsample(s, "cubic", antialias=True)(x(1, 9, 1)) for s in (0.5, 2.0)]
upsample half: nn.Upsample(2, "linear")(x(1, 4, 1, dtype=mx.float16))
upsample wrong: nn.Upsample(2, "other")
upsample corners and soft: nn.Upsample(2, "cubic", True, True)
upsample flat: nn.Upsample(2)(x(3, 4))
upsample scales: nn.Upsample((2, 3))(x(1, 3, 4))
rope: layer(nn.RoPE(4), x(2, 3, 5, 6))
rope traditional: layer(nn.RoPE(4, True, 100.0, 0.5), x(2, 3, 5, 4), offset=3)
rope offsets: nn.RoPE(4)(x(2, 3, 5, 4), offset=mx.array([1, 2]))
sinusoids: layer(nn.SinusoidalPositionalEncoding(8), mx.arange(5))
sinusoids options: layer(nn.SinusoidalPositionalEncoding(8, 1e-3, 0.5, 2.0, True, True), x(2, 3))
sinusoids two: nn.SinusoidalPositionalEncoding(2)(x(3))
sinusoids odd: nn.SinusoidalPositionalEncoding(7)
alibi: layer(nn.ALiBi(), x(2, 3, 4, 5))
alibi offset: nn.ALiBi()(x(1, 8, 4, 6), offset=2)
alibi mask: nn.ALiBi()(x(1, 6, 3, 3, dtype=mx.float16), mask=mx.array([[0, -9, -9]] * 3))
alibi matrix: nn.ALiBi.create_alibi_matrix(5, 4, 3, 1)
alibi slopes: [nn.ALiBi.create_alibi_slope(h, mx.float32) for h in range(1, 18)]
rnn: drop_repr(layer(nn.RNN(3, 4), x(2, 5, 3)))
rnn hidden: nn.RNN(3, 4, bias=False, nonlinearity=mx.sin)(x(5, 3), x(4))
rnn wrong: nn.RNN(3, 4, nonlinearity=5)
gru: layer(nn.GRU(3, 4), x(2, 5, 3))
gru hidden: layer(nn.GRU(3, 4, False), x(2, 5, 3), x(2, 4))
lstm: layer(nn.LSTM(3, 4), x(2, 5, 3))
lstm hidden: layer(nn.LSTM(3, 4, False), x(5, 3), x(4), x(4, scale=1.0))
attention: layer(nn.MultiHeadAttention(8, 2), x(2, 5, 8), x(2, 6, 8), x(2, 6, 8, scale=1.0))
attention sizes: layer(nn.MultiHeadAttention(8, 2, 3, 4, 5, 6, 7, True), x(2, 5, 3), x(2, 6, 4),
    x(2, 6, 5))
attention wrong: nn.MultiHeadAttention(8, 3)
attention masks: [nn.MultiHeadAttention.create_additive_causal_mask(4, d) for d in (mx.float32,
    mx.float16)]
attention masked: nn.MultiHeadAttention(8, 2)(*[x(2, 4, 8)] * 3, causal(4))
encoder layer: layer(nn.TransformerEncoderLayer(8, 2, 12, 0.1), x(2, 4, 8), causal(4))
encoder layer norm last: layer(nn.TransformerEncoderLayer(8, 2, norm_first=False), x(2, 4, 8), None)
encoder: layer(nn.TransformerEncoder(2, 8, 2, 12, activation=nn.gelu), x(2, 4, 8), causal(4))
encoder checkpointed: layer(nn.TransformerEncoder(2, 8, 2, 12, checkpoint=True), x(2, 4, 8), None)
decoder layer: layer(nn.TransformerDecoderLayer(8, 2, 12, 0.1), x(2, 4, 8), x(2, 3, 8), causal(4),
    None)
decoder norm last: layer(nn.TransformerDecoder(1, 8, 2, 12, norm_first=False), x(2, 4, 8), x(2, 3,
    8), None, None)
transformer: layer(nn.Transformer(8, 2, 1, 1, 12), x(2, 3, 8), x(2, 4, 8), None, causal(4), None)
transformer encoder: layer(nn.Transformer(8, 2, 1, 1, 12, custom_decoder=Second()), x(2, 3, 8),
    x(2, 4, 8), None, None, None)
quantized linear: layer(nn.QuantizedLinear(64, 5), x(2, 64))
quantized linear options: layer(nn.QuantizedLinear(64, 5, False, 32, 8), x(2, 64))
quantized linear modes: [nn.QuantizedLinear(64, 5, mode=m)(x(2, 64)) for m in ("mxfp4", "mxfp8",
    "nvfp4")]
quantized linear wrong: nn.QuantizedLinear(60, 5)
quantized linear mode: nn.QuantizedLinear(64, 5, mode="other")
quantized from linear: layer(nn.Linear(64, 5).to_quantized(32, 8), x(2, 64))
quantized from plain linear: layer(nn.Linear(64, 5, False).to_quantized(mode="mxfp4"), x(2, 64))
quantized embedding: layer(nn.QuantizedEmbedding(5, 64), mx.array([[0, 4], [4, 2]]))
quantized embedding mode: layer(nn.QuantizedEmbedding(5, 64, mode="mxfp8"), mx.array([0, 4]))
quantized embedding as linear: nn.Embedding(5, 64).to_quantized().as_linear(x(2, 64))
quantized embedding input: nn.Embedding(5, 64).to_quantized(quantize_input=True)
doubly quantized: [(q := nn.QQLinear(64, 5)), q.eval(), dict(q), q.train(), dict(q)]
doubly quantized mode: nn.Linear(64, 5, False).to_quantized(mode="mxfp8", quantize_input=True)
doubly quantized affine: nn.Linear(64, 5, False).to_quantized(quantize_input=True)
doubly quantized bias: nn.Linear(64, 5).to_quantized(mode="nvfp4", quantize_input=True)
quantize: quantized(mixed())
quantize some: quantized(mixed(), class_predicate=lambda path, m: path.endswith("0"))
quantize by dicts: quantized(mixed(), 64, 2, class_predicate=lambda path, m: eight_bits(path))
quantize mode: quantized(mixed(), mode="mxfp4")
quantize all: quantized(mixed(), class_predicate=lambda path, m: True)
quantize nonsense: quantized(mixed(), class_predicate=lambda path, m: "yes")
all to sharded: layer(nn.AllToShardedLinear(4, 3), x(2, 4))
all to sharded from linear: layer(nn.AllToShardedLinear.from_linear(nn.Linear(4, 6), segments=3),
    x(2, 4))
sharded to all: layer(nn.ShardedToAllLinear(4, 3), x(2, 4))
sharded to all from linear: layer(nn.ShardedToAllLinear.from_linear(nn.Linear(4, 6, False)), x(2,
    4))
quantized all to sharded: layer(nn.QuantizedAllToShardedLinear(64, 3), x(2, 64))
quantized sharded to all: layer(nn.QuantizedShardedToAllLinear(64, 3, False, 32, 8), x(2, 64))
quantized sharded: nn.QuantizedShardedToAllLinear.from_quantized_linear(nn.QuantizedLinear(64,
    3))(x(2, 64))
shard linear: nn.layers.distributed.shard_linear(nn.Linear(4, 6), "sharded-to-all")(x(2, 4))
shard unknown: nn.layers.distributed.shard_linear(nn.Linear(4, 6), "other")
fully sharded: layer(nn.FullyShardedModule(nn.Linear(4, 3)), x(2, 4))
fully sharded as linear: nn.FullyShardedModule(nn.Embedding(4, 3)).as_linear(x(2, 3))
fully shard: nn.fully_shard(nn.Linear(4, 3))
randomness left: [f() for f in (random_after(k) for k in range(4))]
cross entropy: [losses.cross_entropy(x(3, 4), mx.array([0, 3, 2]), reduction=r) for r in REDUCTIONS]
cross entropy axis: losses.cross_entropy(x(4, 3), mx.array([0, 3, 2]), axis=0, label_smoothing=0.1)
cross entropy probabilities: losses.cross_entropy(x(3, 4), probabilities(3, 4), label_smoothing=0.2)
cross entropy weights: losses.cross_entropy(x(3, 4), mx.array([0, 3, 2]), weights=x(3))
cross entropy gradient: mx.grad(lambda z: losses.cross_entropy(z, mx.array([0, 3]),
    reduction="sum"))(x(2, 4))
cross entropy half: losses.cross_entropy(x(3, 4, dtype=mx.float16), mx.array([0, 3, 2]))
cross entropy shapes: losses.cross_entropy(x(3, 4), mx.array([0, 3]))
cross entropy smoothing: losses.cross_entropy(x(3, 4), mx.array([0, 3, 2]), label_smoothing=1.0)
binary cross entropy: [losses.binary_cross_entropy(x(6), bits(6), reduction=r) for r in REDUCTIONS]
binary cross entropy probabilities: losses.binary_cross_entropy(mx.array([0, 0.3, 1, 1]),
    mx.array([0, 1.0, 1, 0]), with_logits=False, reduction="none")
binary cross entropy weights: losses.binary_cross_entropy(x(6), bits(6), x(6))
binary cross entropy shapes: losses.binary_cross_entropy(x(6), bits(5))
l1: [losses.l1_loss(x(6), bits(6), reduction=r) for r in REDUCTIONS]
mse: [losses.mse_loss(x(6), bits(6), reduction=r) for r in REDUCTIONS]
mse shapes: losses.mse_loss(x(6), bits(5))
nll: [losses.nll_loss(x(3, 4), mx.array([0, 3, 2]), reduction=r) for r in REDUCTIONS]
gaussian nll: [losses.gaussian_nll_loss(x(6), bits(6), bits(6), f, reduction="none")
    for f in (False, True)]
kl: [losses.kl_div_loss(x(3, 4), x(3, 4, scale=1.0), reduction=r) for r in REDUCTIONS]
smooth l1: [losses.smooth_l1_loss(x(6), bits(6), b, "none") for b in (0.5, 1.0, 2.0)]
triplet: [losses.triplet_loss(x(3, 4), bits(3, 4), x(3, 4, scale=1.0), p=p) for p in (1, 2, 3)]
triplet near: losses.triplet_loss(mx.zeros((2, 3)), mx.full((2, 3), 1e-3), mx.full((2, 3), 2e-3),
    margin=0)
hinge: [losses.hinge_loss(x(6), bits(6), r) for r in REDUCTIONS]
huber: [losses.huber_loss(x(6), bits(6), d) for d in (0.3, 1.0)]
log cosh: [losses.log_cosh_loss(x(6) * s, bits(6)) for s in (1, 100)]
cosine similarity: [losses.cosine_similarity_loss(x(3, 4), bits(3, 4), axis=a) for a in (0, 1)]
cosine similarity zero: losses.cosine_similarity_loss(mx.zeros((3, 4)), x(3, 4))
margin ranking: losses.margin_ranking_loss(x(6), bits(6), mx.array([1, -1] * 3), 0.2)
margin ranking shapes: losses.margin_ranking_loss(x(6), bits(6), mx.array([1, -1]))
reduction: losses.l1_loss(x(6), bits(6), "other")
init: [f(x(3, 3)) for f in (nn.init.constant(2), nn.init.normal(1, 2), nn.init.uniform(1, 2),
    nn.init.identity())]
init glorot: [f(x(2, 3, 4), g) for f in (nn.init.glorot_normal(), nn.init.glorot_uniform())
    for g in (1.0, 2.0)]
init he: [f(x(2, 3, 4), m, 2.0) for f in (nn.init.he_normal(), nn.init.he_uniform())
    for m in ("fan_in", "fan_out")]
init he mode: nn.init.he_normal()(x(2, 3), "other")
init glorot flat: nn.init.glorot_normal()(x(3))
init sparse: nn.init.sparse(0.3)(x(4, 5))
init orthogonal: [nn.init.orthogonal(2.0)(x(*shape)) for shape in ((3, 5), (5, 3))]
init identity: nn.init.identity()(x(2, 3))
init half: [f(mx.float16)(x(3, 3)) for f in (nn.init.identity, nn.init.glorot_uniform)]
value and grad: nn.value_and_grad(m := nn.Linear(3, 2), lambda x: m(x).sum())(x(4, 3))
value and grad frozen: nn.value_and_grad(m := nn.Linear(3, 2).freeze(keys="bias"),
    lambda x: m(x).sum())(x(4, 3))
value and grad more: nn.value_and_grad(m := nn.Linear(3, 2), lambda x, k=1: (m(x).sum() * k,
    x))(x(4, 3), k=2)
average gradients: [nn.average_gradients({"a": [x(3)]}, all_reduce_size=n) for n in (0, 1)]
clip sharded: [nn.utils.clip_grad_norm_sharded({"a": [x(3)]}, n) for n in (0.5, 100.0)]
trained mlp: trained(nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 1)), x(16, 4))
trained by adam: trained(nn.Sequential(nn.Linear(4, 8), nn.Mish(), nn.Linear(8, 1)), x(16, 4),
    optim.AdamW(0.01, weight_decay=0.1))
trained with dropout: trained(nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1)),
    x(16, 4))
trained with norms: trained(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm(8), nn.ReLU(),
    nn.LayerNorm(8),
    nn.Linear(8, 1)), x(16, 4))
trained cnn: trained(nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm(4), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 3), nn.AvgPool2d(2)), x(4, 8, 8, 2), optim.SGD(0.05, 0.9))
trained autoencoder: trained(nn.Sequential(nn.Conv1d(2, 4, 3, 2, 1), nn.SiLU(),
    nn.ConvTranspose1d(4, 2, 4, 2, 1),
    nn.InstanceNorm(2), nn.Upsample(2, "linear")), x(4, 8, 2))
trained gru: trained(nn.Sequential(nn.GRU(3, 5), nn.Linear(5, 1)), x(4, 6, 3), optim.Adamax(0.01))
trained lstm: trained(nn.Sequential(nn.LSTM(3, 5), lambda y: y[0], nn.Linear(5, 1)), x(4, 6, 3),
    optim.Adam(0.01))
trained transformer: trained(nn.Sequential(nn.Embedding(7, 8), Masked(nn.TransformerEncoder(2, 8,
    2, 16, 0.1)),
    nn.Linear(8, 7)), mx.arange(12).reshape(2, 6) % 7, optim.Adam(0.01))
trained by lion: trained(nn.Sequential(nn.Linear(4, 8), nn.SELU(), nn.Linear(8, 1)), x(16, 4),
    optim.Lion(0.003))
trained partly: trained(nn.Sequential(nn.Linear(4, 8).freeze(), nn.Tanh(), nn.Linear(8, 1)), x(16,
    4))
trained compiled: trained(nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1)), x(16,
    4),
    optim.Adam(0.01), compiled=True)
trained compiled with averages: trained(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm(8),
    nn.Linear(8, 1)), x(16, 4),
    compiled=True)
trained around quantized: trained(nn.Sequential(nn.Linear(4, 64), nn.QuantizedLinear(64, 4),
    nn.Linear(4, 1)), x(16, 4))
in a batch: mx.vmap(nn.Sequential(nn.Linear(4, 3), nn.GELU(), nn.LayerNorm(3)))(x(5, 2, 4))
derivative along: mx.jvp(nn.Sequential(nn.Linear(4, 3), nn.SELU(), nn.RMSNorm(3)), [x(2, 4)],
    [bits(2, 4)])
optimizer sgd nesterov: optimized(optim.SGD(0.05, 0.9, weight_decay=0.1, nesterov=True))
optimizer sgd dampened: optimized(optim.SGD(0.05, 0.9, dampening=0.3))
optimizer rmsprop: optimized(optim.RMSprop(0.01))
optimizer adagrad: optimized(optim.Adagrad(0.05))
optimizer adadelta: optimized(optim.AdaDelta(0.5))
optimizer adam corrected: optimized(optim.Adam(0.01, bias_correction=True))
optimizer adamw corrected: optimized(optim.AdamW(0.01, bias_correction=True))
optimizer adamax: optimized(optim.Adamax(0.01))
optimizer lion decay: optimized(optim.Lion(0.003, weight_decay=0.1))
optimizer adafactor: optimized(optim.Adafactor())
optimizer adafactor plain: optimized(optim.Adafactor(0.01, relative_step=False,
    scale_parameter=False, beta_1=0.9, weight_decay=0.1))
optimizer muon: optimized(optim.Muon(0.02))
optimizer muon plain: optimized(optim.Muon(0.02, nesterov=False, ns_steps=3))
optimizer cosine: optimized(optim.SGD(optim.cosine_decay(0.1, 5, 0.01)))
optimizer exponential: optimized(optim.SGD(optim.exponential_decay(0.1, 0.8)))
optimizer step decay: optimized(optim.SGD(optim.step_decay(0.1, 0.5, 2)))
optimizer joined: optimized(optim.Adam(optim.join_schedules([optim.linear_schedule(0, 0.1, 3),
    optim.cosine_decay(0.1, 9)], [3])))
optimizer several: optimized(optim.MultiOptimizer([optim.Adam(0.01), optim.SGD(0.05)],
    [lambda path, g: "bias" in path]))
optimizer state: state_of(optim.Adam(0.01)), state_of(optim.Adafactor()), state_of(optim.SGD(0.1,
    0.9))
clipped: optim.clip_grad_norm({"a": [x(3), x(2, 2)]}, 0.5)
"""
