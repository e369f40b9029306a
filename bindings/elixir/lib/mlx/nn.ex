defmodule Mlx.NN do
  @moduledoc """
  Layers as functions of their inputs and a map of parameters, which `init_` functions make.

      alias Mlx.NN

      parameters = %{hidden: NN.init_linear(784, 128), out: NN.init_linear(128, 10)}

      model = fn p, x -> x |> NN.linear(p.hidden) |> NN.relu() |> NN.linear(p.out) end
      loss = fn p, x, y -> model.(p, x) |> NN.Losses.cross_entropy(y, reduction: :mean) end
      {value, gradients} = Mlx.value_and_grad(loss).(parameters, x, y)

  Parameters are trees: maps, lists and tuples of arrays. Nothing is hidden: dropout takes its key, batch
  normalization takes and gives its running averages, and what is not to be trained stays out of the
  tree that is differentiated. Names of parameters, shapes and first values are those of Python's
  `mlx.nn`, so that files of weights serve both: `Mlx.Tree.put_named(parameters, Mlx.IO.load(file))`.

  `init_` functions take `:key` (the next of the process's sequence of random numbers), `:dtype`
  (`:float32`) and, where there is a weight, `:weight`: a function of a shape and options, such as
  `&Mlx.NN.Init.he_normal/2`. Convolutions and pooling are in `Mlx.NN.Conv`, recurrent layers in
  `Mlx.NN.Recurrent`, attention and encodings of positions in `Mlx.NN.Attention`.
  """

  use Mlx.Operators
  alias Mlx.{Array, Error, Options}
  alias Mlx.NN.Init

  # Options of all functions that make parameters.
  @made [:key, :dtype, :weight]

  @type parameters :: %{optional(atom) => Array.t() | parameters | [parameters]}

  # --- affine maps ----------------------------------------------------------------------------

  @doc """
  Parameters of `linear/2`: `:weight` `{outputs, inputs}` and `:bias` `{outputs}`, uniform within
  `1 / sqrt(inputs)` of 0. Options: `:bias` (true), and those of the module.
  """
  @spec init_linear(pos_integer, pos_integer, keyword) :: parameters
  def init_linear(inputs, outputs, options \\ []) do
    Options.check(:init_linear, options, [:bias | @made])
    sizes!(:init_linear, inputs: inputs, outputs: outputs)
    limit = 1 / :math.sqrt(inputs)
    [key, bias_key] = Init.keys(options, 2)

    %{weight: weight({outputs, inputs}, limit, key, options)}
    |> put_if(Options.flag(:init_linear, options, :bias, true), :bias, fn ->
      Init.within({outputs}, limit, keyed(options, bias_key))
    end)
  end

  @doc """
  `x Wᵀ + b`, without `b` where there is no `:bias`.

      iex> parameters = %{weight: Mlx.array([[1.0, 2.0]]), bias: Mlx.array([0.5])}
      iex> Mlx.array([[3.0, 4.0]]) |> Mlx.NN.linear(parameters) |> Mlx.to_list()
      [[11.5]]
  """
  @spec linear(Array.t(), parameters) :: Array.t()
  def linear(x, %{weight: w, bias: b}), do: Mlx.addmm(b, x, transposed(w))
  def linear(x, %{weight: w}), do: Mlx.matmul(x, transposed(w))
  def linear(_x, other), do: parameters!(:linear, other, [:weight])

  @doc """
  Parameters of `bilinear/3`: `:weight` `{outputs, inputs2, inputs1}` and `:bias`, uniform within
  `1 / sqrt(inputs1)` of 0. Options: `:bias` (true), and those of the module.
  """
  @spec init_bilinear(pos_integer, pos_integer, pos_integer, keyword) :: parameters
  def init_bilinear(inputs1, inputs2, outputs, options \\ []) do
    Options.check(:init_bilinear, options, [:bias | @made])
    sizes!(:init_bilinear, inputs1: inputs1, inputs2: inputs2, outputs: outputs)
    limit = 1 / :math.sqrt(inputs1)
    [key, bias_key] = Init.keys(options, 2)

    %{weight: weight({outputs, inputs2, inputs1}, limit, key, options)}
    |> put_if(Options.flag(:init_bilinear, options, :bias, true), :bias, fn ->
      Init.within({outputs}, limit, keyed(options, bias_key))
    end)
  end

  @doc "`y_k = x1ᵀ W_k x2 + b_k`."
  @spec bilinear(Array.t(), Array.t(), parameters) :: Array.t()
  def bilinear(x1, x2, parameters) do
    %{weight: w} = parameters!(:bilinear, parameters, [:weight])
    {outputs, inputs2, inputs1} = cube(Mlx.shape(w))
    y = Mlx.matmul(x1, transposed(Mlx.reshape(w, [outputs * inputs2, inputs1])))
    y = Mlx.unflatten(y, -1, [outputs, inputs2])
    Mlx.matmul(y, Mlx.expand_dims(x2, -1)) |> Mlx.squeeze(axis: -1) |> biased(parameters)
  end

  defp cube({_, _, _} = shape), do: shape

  defp cube(shape),
    do: Error.fail(:bilinear, "the weight must have 3 axes, not the shape #{inspect(shape)}")

  @doc """
  Parameters of `embedding/2`: `:weight` `{count, dims}`, normal with the deviation `1 / sqrt(dims)`.
  """
  @spec init_embedding(pos_integer, pos_integer, keyword) :: parameters
  def init_embedding(count, dims, options \\ []) do
    Options.check(:init_embedding, options, @made)
    sizes!(:init_embedding, count: count, dims: dims)
    initial = Options.function(:init_embedding, options, :weight, 2, &Init.normal/2)
    options = Keyword.take(options, [:key, :dtype]) ++ [std: 1 / :math.sqrt(dims)]
    %{weight: initial.({count, dims}, options)}
  end

  @doc "The vector of each integer: from `{...}` to `{..., dims}`."
  @spec embedding(Array.t(), parameters) :: Array.t()
  def embedding(x, %{weight: w}), do: Mlx.take(w, x, axis: 0)
  def embedding(_x, other), do: parameters!(:embedding, other, [:weight])

  @doc """
  `x Wᵀ`, the scores of all integers: an embedding's matrix at the output (Press and Wolf 2016).
  """
  @spec embedding_as_linear(Array.t(), parameters) :: Array.t()
  def embedding_as_linear(x, %{weight: w}), do: Mlx.matmul(x, transposed(w))
  def embedding_as_linear(_x, other), do: parameters!(:embedding_as_linear, other, [:weight])

  # --- quantized --------------------------------------------------------------------------------

  @doc """
  Parameters of `linear/2` or `embedding/2` with the weight in words of few bits: `:weight`, `:scales` and,
  where the mode has them, `:biases`. Options: `:group_size`, `:bits`, `:mode` of `Mlx.quantize/2`.
  """
  @spec quantize(parameters, keyword) :: parameters
  def quantize(parameters, options \\ []) do
    %{weight: w} = parameters!(:quantize, parameters, [:weight])
    parts = Enum.zip([:weight, :scales, :biases], Mlx.quantize(w, options))
    Map.merge(parameters, Map.new(parts))
  end

  @doc "`linear/2` with parameters of `quantize/2`, whose options are those that they were made with."
  @spec quantized_linear(Array.t(), parameters, keyword) :: Array.t()
  def quantized_linear(x, parameters, options \\ []) do
    %{weight: w, scales: scales} = parameters!(:quantized_linear, parameters, [:weight, :scales])
    Options.check(:quantized_linear, options, [:group_size, :bits, :mode])
    options = [biases: Map.get(parameters, :biases), transpose: true] ++ options
    Mlx.quantized_matmul(x, w, scales, options) |> biased(parameters)
  end

  @doc "`embedding/2` likewise."
  @spec quantized_embedding(Array.t(), parameters, keyword) :: Array.t()
  def quantized_embedding(x, parameters, options \\ []) do
    %{weight: w, scales: scales} =
      parameters!(:quantized_embedding, parameters, [:weight, :scales])

    Options.check(:quantized_embedding, options, [:group_size, :bits, :mode])
    row = fn a -> a && Mlx.take(a, x, axis: 0) end
    Mlx.dequantize(row.(w), row.(scales), [biases: row.(Map.get(parameters, :biases))] ++ options)
  end

  # --- dropout --------------------------------------------------------------------------------

  @doc """
  Elements are zero with the probability `p`, and the others are multiplied by `1 / (1 - p)`. A key of
  `nil` is for evaluation: `x` stays as it is.

      iex> x = Mlx.ones([4])
      iex> x |> Mlx.NN.dropout(nil, 0.5) |> Mlx.to_list()
      [1.0, 1.0, 1.0, 1.0]
  """
  @spec dropout(Array.t(), Array.t() | nil, number) :: Array.t()
  def dropout(x, key, p \\ 0.5), do: drop(x, key, p, Mlx.shape(x))

  @doc """
  The same for whole channels of `{n, h, w, c}` or `{h, w, c}` (Tompson et al. 2015).
  """
  @spec dropout2d(Array.t(), Array.t() | nil, number) :: Array.t()
  def dropout2d(x, key, p \\ 0.5), do: drop_channels(x, key, p, 2)

  @doc "The same for whole channels of `{n, d, h, w, c}` or `{d, h, w, c}`."
  @spec dropout3d(Array.t(), Array.t() | nil, number) :: Array.t()
  def dropout3d(x, key, p \\ 0.5), do: drop_channels(x, key, p, 3)

  defp drop(x, key, p, mask) when is_number(p) and p >= 0 and p < 1 do
    if key == nil or p == 0,
      do: x,
      else: Mlx.Random.bernoulli(p: 1 - p, shape: mask, key: key) * x * (1 / (1 - p))
  end

  defp drop(_x, _key, p, _mask),
    do: Error.fail(:dropout, "the probability must be in [0, 1), not #{inspect(p, limit: 5)}")

  defp drop_channels(x, key, p, spatial) do
    sizes = x |> Mlx.shape() |> Tuple.to_list()
    batch = length(sizes) - spatial - 1

    if batch not in [0, 1] do
      Error.fail(:dropout, "#{spatial} spatial axes, channels and perhaps a batch are needed")
    end

    mask = Enum.take(sizes, batch) ++ List.duplicate(1, spatial) ++ Enum.take(sizes, -1)
    drop(x, key, p, List.to_tuple(mask))
  end

  # --- normalization --------------------------------------------------------------------------

  @doc "Ones and zeros for the normalizations: `:weight` and `:bias` of `{dims}`."
  @spec init_norm(pos_integer, keyword) :: parameters
  def init_norm(dims, options \\ []) do
    Options.check(:init_norm, options, [:bias, :key, :dtype])
    sizes!(:init_norm, dims: dims)

    inner = Keyword.take(options, [:dtype])

    %{weight: Init.ones({dims}, inner)}
    |> put_if(Options.flag(:init_norm, options, :bias, true), :bias, fn ->
      Init.zeros({dims}, inner)
    end)
  end

  @doc """
  Normalized over the last axis (Ba et al. 2016), times `:weight` plus `:bias` where they are there.
  Options: `:eps`, added to the variance (1.0e-5).
  """
  @spec layer_norm(Array.t(), parameters, keyword) :: Array.t()
  def layer_norm(x, parameters \\ %{}, options \\ []) do
    parameters!(:layer_norm, parameters)
    Options.check(:layer_norm, options, [:eps])
    Mlx.Fast.layer_norm(x, Map.get(parameters, :weight), Map.get(parameters, :bias), eps(options))
  end

  @doc """
  `x / sqrt(mean(x²) + eps)` over the last axis (Zhang and Sennrich 2019), times `:weight`. Options:
  `:eps` (1.0e-5).
  """
  @spec rms_norm(Array.t(), parameters, keyword) :: Array.t()
  def rms_norm(x, parameters \\ %{}, options \\ []) do
    parameters!(:rms_norm, parameters)
    Options.check(:rms_norm, options, [:eps])
    Mlx.Fast.rms_norm(x, Map.get(parameters, :weight), eps(options))
  end

  @doc """
  Each channel of each example `{n, ..., c}` normalized (Ulyanov et al. 2016). Options: `:eps`
  (1.0e-5).
  """
  @spec instance_norm(Array.t(), parameters, keyword) :: Array.t()
  def instance_norm(x, parameters \\ %{}, options \\ []) do
    parameters!(:instance_norm, parameters)
    Options.check(:instance_norm, options, [:eps])
    n = Mlx.ndim(x)
    if n < 3, do: Error.fail(:instance_norm, "{n, ..., c} is needed, not #{n} axes")
    {_mean, centred, var} = moments(x, Enum.to_list(1..(n - 2)//1), & &1)
    centred |> divided(var, x, options) |> scaled(parameters)
  end

  @doc """
  Groups of channels of each example `{n, ..., c}` normalized (Wu and He 2018).

  Options:

    * `:eps` (1.0e-5)
    * `:pytorch_compatible` groups have neighbouring channels, as in PyTorch (false); else channel `c`
      is in group `rem(c, groups)`
  """
  @spec group_norm(Array.t(), pos_integer, parameters, keyword) :: Array.t()
  def group_norm(x, groups, parameters \\ %{}, options \\ []) do
    parameters!(:group_norm, parameters)
    Options.check(:group_norm, options, [:eps, :pytorch_compatible])
    sizes = x |> Mlx.shape() |> Tuple.to_list()
    check_groups(sizes, groups)
    [n | rest] = sizes
    {spatial, [dims]} = Enum.split(rest, -1)
    flat = Mlx.reshape(x, [n, Enum.product(spatial), dims])
    neighbours = Options.flag(:group_norm, options, :pytorch_compatible, false)
    {_mean, centred, var} = moments(flat, [1], &over_groups(&1, groups, neighbours))
    centred |> divided(var, x, options) |> Mlx.reshape(sizes) |> scaled(parameters)
  end

  defp check_groups(sizes, groups) do
    fits = is_integer(groups) and groups > 0 and length(sizes) > 1
    fits = fits and rem(List.last(sizes), groups) == 0

    unless fits do
      Error.fail(
        :group_norm,
        "#{inspect(groups, limit: 5)} groups do not divide channels of #{inspect(sizes)}"
      )
    end
  end

  # For each channel the mean over its group: from {n, 1, dims} to the same shape.
  defp over_groups(moments, groups, neighbours) do
    {n, 1, dims} = Mlx.shape(moments)
    size = div(dims, groups)
    sizes = if neighbours, do: [n, groups, size], else: [n, size, groups]
    grouped = Mlx.reshape(moments, sizes)
    mean = Mlx.mean(grouped, axis: if(neighbours, do: 2, else: 1), keepdims: true)
    mean |> Mlx.broadcast_to(sizes) |> Mlx.reshape([n, 1, dims])
  end

  @doc "The running averages of `batch_norm/4`: `:running_mean`, zeros, and `:running_var`, ones."
  @spec init_batch_state(pos_integer, keyword) :: parameters
  def init_batch_state(dims, options \\ []) do
    sizes!(:init_batch_state, dims: dims)
    Options.check(:init_batch_state, options, [:key, :dtype])
    %{running_mean: Init.zeros({dims}, options), running_var: Init.ones({dims}, options)}
  end

  @doc """
  Each channel of `{n, c}`, `{n, l, c}` or `{n, h, w, c}` normalized over all else (Ioffe and Szegedy
  2015): the result, and the running averages after it.

  Training takes the batch's own mean and variance, and the averages (of the unbiased variance) move
  towards them; evaluation takes the averages.

      {y, state} = NN.batch_norm(x, parameters.norm, state, training: true)

  Options: `:training` (false), `:momentum` of the averages (0.1), `:eps` (1.0e-5).
  """
  @spec batch_norm(Array.t(), parameters, parameters, keyword) :: {Array.t(), parameters}
  def batch_norm(x, parameters, state, options \\ []) do
    parameters!(:batch_norm, parameters)
    Options.check(:batch_norm, options, [:training, :momentum, :eps])
    parameters!(:batch_norm, state, [:running_mean, :running_var])
    momentum = Options.number(:batch_norm, options, :momentum, 0.1, 0..1)
    n = Mlx.ndim(x)
    if n < 2 or n > 4, do: Error.fail(:batch_norm, "2, 3 or 4 axes are needed, not #{n}")

    if Options.flag(:batch_norm, options, :training, false),
      do: batch_norm_training(x, parameters, state, momentum, options),
      else: {batch_norm_evaluation(x, parameters, state, options), state}
  end

  defp batch_norm_evaluation(x, parameters, state, options) do
    scaled((x - state.running_mean) * Mlx.rsqrt(state.running_var + eps(options)), parameters)
  end

  defp batch_norm_training(x, parameters, state, new, options) do
    dims = x |> Mlx.shape() |> Tuple.to_list() |> List.last()
    count = div(Mlx.size(x), max(dims, 1))
    if count < 2, do: Error.fail(:batch_norm, "training needs more than one value per channel")
    {mean, centred, var} = moments(x, Enum.to_list(0..(Mlx.ndim(x) - 2)//1), & &1)

    track = fn old, batch ->
      (1 - new) * old + new * Mlx.astype(Mlx.reshape(batch, [dims]), Mlx.dtype(old))
    end

    state = %{
      running_mean: track.(state.running_mean, mean),
      running_var: track.(state.running_var, var * (count / (count - 1)))
    }

    {centred |> divided(var, x, options) |> scaled(parameters), state}
  end

  # Mean, x without it, and the mean of its square; halves are float32 inside.
  defp moments(x, axes, pool) do
    x = if Mlx.dtype(x) in [:float16, :bfloat16], do: Mlx.astype(x, :float32), else: x
    mean = pool.(Mlx.mean(x, axis: axes, keepdims: true))
    centred = x - mean
    {mean, centred, pool.(Mlx.mean(Mlx.square(centred), axis: axes, keepdims: true))}
  end

  defp divided(centred, var, x, options) do
    y = centred * Mlx.rsqrt(var + eps(options))
    if Mlx.dtype(x) in [:float16, :bfloat16], do: Mlx.astype(y, Mlx.dtype(x)), else: y
  end

  defp scaled(x, parameters) do
    x = if w = Map.get(parameters, :weight), do: w * x, else: x
    biased(x, parameters)
  end

  defp eps(options), do: Options.number(:norm, options, :eps, 1.0e-5, :above)

  # --- activations ----------------------------------------------------------------------------

  @doc "`max(x, 0)` (Nair and Hinton 2010)."
  @spec relu(Array.t()) :: Array.t()
  def relu(x), do: Mlx.maximum(x, 0)

  @doc "`max(x, 0)²` (So et al. 2021)."
  @spec relu2(Array.t()) :: Array.t()
  def relu2(x), do: Mlx.square(relu(x))

  @doc "`min(max(x, 0), 6)` (Krizhevsky 2010)."
  @spec relu6(Array.t()) :: Array.t()
  def relu6(x), do: Mlx.minimum(relu(x), 6.0)

  @doc "`x` where positive, else `slope * x` (Maas et al. 2013)."
  @spec leaky_relu(Array.t(), number) :: Array.t()
  def leaky_relu(x, slope \\ 0.01), do: Mlx.where(Mlx.greater(x, 0), x, slope * x)

  @doc "`x` where positive, else `alpha * x`; `alpha` is learned (He et al. 2015)."
  @spec prelu(Array.t(), Array.t()) :: Array.t()
  def prelu(x, alpha), do: Mlx.maximum(0, x) + alpha * Mlx.minimum(0, x)

  @doc "`x` where positive, else `alpha * (exp(x) - 1)` (Clevert et al. 2015)."
  @spec elu(Array.t(), number) :: Array.t()
  def elu(x, alpha \\ 1.0),
    do: Mlx.where(Mlx.greater(x, 0), x, alpha * Mlx.expm1(Mlx.minimum(x, 0)))

  @doc "`1.0507 * elu(x, 1.67326)` (Klambauer et al. 2017)."
  @spec selu(Array.t()) :: Array.t()
  def selu(x), do: elu(x, 1.67326) * 1.0507

  @doc "`max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1)` (Barron 2017)."
  @spec celu(Array.t(), number) :: Array.t()
  def celu(x, alpha \\ 1.0),
    do: Mlx.maximum(x, 0.0) + alpha * Mlx.expm1(Mlx.minimum(x, 0.0) / alpha)

  @doc "`1 / (1 + exp(-x))`."
  @spec sigmoid(Array.t()) :: Array.t()
  def sigmoid(x), do: Mlx.sigmoid(x)

  @doc "The hyperbolic tangent."
  @spec tanh(Array.t()) :: Array.t()
  def tanh(x), do: Mlx.tanh(x)

  @doc "`x * sigmoid(x)`, also called swish (Hendrycks and Gimpel 2016)."
  @spec silu(Array.t()) :: Array.t()
  def silu(x), do: x * Mlx.sigmoid(x)

  @doc "`log(1 + exp(x))` without overflow."
  @spec softplus(Array.t()) :: Array.t()
  def softplus(x), do: Mlx.logaddexp(x, 0)

  @doc "`log(sigmoid(x))` without underflow."
  @spec log_sigmoid(Array.t()) :: Array.t()
  def log_sigmoid(x), do: -softplus(-x)

  @doc "`x / (1 + |x|)`."
  @spec softsign(Array.t()) :: Array.t()
  def softsign(x), do: x / (1 + Mlx.abs(x))

  @doc "`x` moved towards 0 by `lambda`, 0 if it is nearer than that."
  @spec softshrink(Array.t(), number) :: Array.t()
  def softshrink(x, lambda \\ 0.5),
    do: Mlx.where(Mlx.less_equal(Mlx.abs(x), lambda), 0, x - Mlx.sign(x) * lambda)

  @doc "0 where `|x| <= lambda`, else `x`."
  @spec hard_shrink(Array.t(), number) :: Array.t()
  def hard_shrink(x, lambda \\ 0.5), do: Mlx.where(Mlx.less_equal(Mlx.abs(x), lambda), 0, x)

  @doc "`x` limited to what lies between `least` and `most`."
  @spec hard_tanh(Array.t(), number, number) :: Array.t()
  def hard_tanh(x, least \\ -1.0, most \\ 1.0), do: Mlx.minimum(Mlx.maximum(x, least), most)

  @doc "`x * min(max(x + 3, 0), 6) / 6` (Howard et al. 2019)."
  @spec hardswish(Array.t()) :: Array.t()
  def hardswish(x), do: x * Mlx.minimum(Mlx.maximum(x + 3, 0), 6) / 6

  @doc "`x` times the normal distribution function, `x * (1 + erf(x / sqrt(2))) / 2`."
  @spec gelu(Array.t()) :: Array.t()
  def gelu(x), do: x * (1 + Mlx.erf(x / :math.sqrt(2))) / 2

  @doc "`x * (1 + tanh(sqrt(2 / π) * (x + 0.044715 * x³))) / 2`, within 0.0005 of `gelu/1`."
  @spec gelu_approx(Array.t()) :: Array.t()
  def gelu_approx(x),
    do: 0.5 * x * (1 + Mlx.tanh(:math.sqrt(2 / :math.pi()) * (x + 0.044715 * x ** 3)))

  @doc "`x * sigmoid(1.702 * x)`, within 0.021 of `gelu/1`."
  @spec gelu_fast_approx(Array.t()) :: Array.t()
  def gelu_fast_approx(x), do: x * Mlx.sigmoid(1.702 * x)

  @doc "`x * tanh(softplus(x))` (Misra 2019)."
  @spec mish(Array.t()) :: Array.t()
  def mish(x), do: x * Mlx.tanh(softplus(x))

  @doc "1 where `x >= threshold`, else 0, as int32."
  @spec step(Array.t(), number) :: Array.t()
  def step(x, threshold \\ 0.0), do: Mlx.where(Mlx.greater_equal(x, threshold), 1, 0)

  @doc "`a * sigmoid(b)` of the halves of `x` along an axis (Dauphin et al. 2016)."
  @spec glu(Array.t(), integer) :: Array.t()
  def glu(x, axis \\ -1) do
    [a, b] = Mlx.split(x, 2, axis: axis)
    a * Mlx.sigmoid(b)
  end

  @doc "`exp(x) / sum(exp(x))` along an axis."
  @spec softmax(Array.t(), integer) :: Array.t()
  def softmax(x, axis \\ -1), do: Mlx.softmax(x, axis: axis)

  @doc "`softmax/2` of `-x`."
  @spec softmin(Array.t(), integer) :: Array.t()
  def softmin(x, axis \\ -1), do: Mlx.softmax(-x, axis: axis)

  @doc """
  The logarithm of `softmax/2`. The maximum is subtracted first, so that large numbers in common cost
  no digits; halves are float32 inside.
  """
  @spec log_softmax(Array.t(), integer) :: Array.t()
  def log_softmax(x, axis \\ -1) do
    {m, norm} = Mlx.NN.Losses.log_normalizer(x, axis)
    Mlx.astype(x - m - norm, inexact(x))
  end

  # --- for the modules beside this one --------------------------------------------------------

  @doc false
  # An array's dtype or a dtype, float32 instead of integers'.
  def inexact(dtype) when dtype in [:float16, :bfloat16, :float32, :float64, :complex64],
    do: dtype

  def inexact(dtype) when is_atom(dtype) and dtype != nil, do: :float32
  def inexact(x), do: x |> Mlx.dtype() |> inexact()

  @doc false
  def biased(x, %{bias: b}), do: x + b
  def biased(x, _parameters), do: x

  @doc false
  def transposed(w), do: Mlx.swapaxes(w, -1, -2)

  @doc false
  def parameters!(name, parameters, keys \\ []) do
    unless is_map(parameters) and Enum.all?(keys, &is_map_key(parameters, &1)) do
      Error.fail(name, "parameters must be #{map_of(keys)}, not #{given(parameters)}")
    end

    parameters
  end

  defp map_of([]), do: "a map"
  defp map_of(keys), do: "a map with #{Enum.map_join(keys, ", ", &inspect/1)}"

  defp given(map) when is_map(map) and not is_struct(map), do: map |> Map.keys() |> map_of()
  defp given(other), do: inspect(other, limit: 5)

  @doc false
  def sizes!(name, sizes) do
    for {what, n} <- sizes, not (is_integer(n) and n > 0) do
      Error.fail(name, "#{what} must be a positive integer, not #{inspect(n, limit: 5)}")
    end
  end

  @doc false
  def weight(shape, limit, key, options) do
    uniform = &Init.within(&1, limit, &2)
    initial = Options.function(:weight, options, :weight, 2, uniform)
    initial.(shape, keyed(options, key))
  end

  @doc false
  def keyed(options, key), do: [key: key] ++ Keyword.take(options, [:dtype])

  @doc false
  def put_if(map, true, key, value), do: Map.put(map, key, value.())
  def put_if(map, _no, _key, _value), do: map
end
