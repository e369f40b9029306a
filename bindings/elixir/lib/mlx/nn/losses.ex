defmodule Mlx.NN.Losses do
  @moduledoc """
  Losses.

      iex> logits = Mlx.array([[2.0, 0.0], [0.0, 0.0]])
      iex> Mlx.NN.Losses.cross_entropy(logits, Mlx.array([0, 1]), reduction: :mean) |> Mlx.shape()
      {}

  The option `:reduction` says what becomes of the losses of single examples: `:none` gives them all,
  `:mean` their mean and `:sum` their sum. Defaults are those of Python's `mlx.nn.losses`.

  Losses of integers are float32. Predictions and targets have one shape; only the vectors of
  `triplet_loss/4` and `cosine_similarity_loss/3` are broadcast against each other.
  """

  use Mlx.Operators
  alias Mlx.{Array, Error, Options}

  @doc """
  `-sum_k t_k log(softmax(logits)_k)` along an axis. Targets are the true classes, integers of the
  shape of `logits` without the axis, or probabilities of the shape of `logits`.

  Options:

    * `:weights` are multiplied with the losses
    * `:axis` of the classes (-1)
    * `:label_smoothing` mixes the targets with so much of the uniform distribution, below 1 (0;
      Szegedy et al. 2016)
    * `:reduction` (`:none`)
  """
  @spec cross_entropy(Array.t(), Array.t(), keyword) :: Array.t()
  def cross_entropy(logits, targets, options \\ []) do
    Options.check(:cross_entropy, options, [:weights, :axis, :label_smoothing, :reduction])
    axis = Options.axis(:cross_entropy, options, -1)
    smoothing = Keyword.get(options, :label_smoothing, 0)
    check_smoothing(smoothing)
    probabilities = Mlx.ndim(targets) == Mlx.ndim(logits)
    check_targets(:cross_entropy, logits, targets, axis, probabilities)
    {m, norm} = log_normalizer(logits, axis)

    loss =
      if probabilities,
        do: Mlx.sum((norm - (logits - m)) * targets, axis: axis),
        else: Mlx.squeeze(norm - (at_class(logits, targets, axis) - m), axis: axis)

    loss = smoothed(loss, norm - (logits - m), smoothing, axis)
    dtype = Mlx.NN.inexact(logits)
    dtype = if probabilities, do: Mlx.result_type([dtype, targets]), else: dtype
    loss |> Mlx.astype(dtype) |> weighted(options[:weights]) |> reduce(options, :none)
  end

  defp check_smoothing(s) when is_number(s) and s >= 0 and s < 1, do: :ok

  defp check_smoothing(other),
    do: Error.fail(:cross_entropy, "label_smoothing must be in [0, 1), not #{inspect(other)}")

  defp check_targets(name, logits, targets, axis, probabilities) do
    sizes = logits |> Mlx.shape() |> Tuple.to_list()
    wanted = if probabilities, do: sizes, else: List.delete_at(sizes, axis)

    if Tuple.to_list(Mlx.shape(targets)) != wanted do
      Error.fail(
        name,
        "targets of #{inspect(Mlx.shape(targets))} do not fit inputs of #{inspect(Mlx.shape(logits))}"
      )
    end
  end

  # infinite losses of the other classes times 0 would be NaN
  defp smoothed(loss, _uniform, s, _axis) when s == 0, do: loss
  defp smoothed(loss, u, s, axis), do: (1 - s) * loss + s * Mlx.mean(u, axis: axis)

  @doc false
  # The maximum m and log(sum(exp(x - m))) along the axis, which stays, in float32 at least.
  def log_normalizer(x, axis) do
    m = Mlx.stop_gradient(Mlx.max(x, axis: axis, keepdims: true))
    m = if Mlx.dtype(x) in [:float64, :complex64], do: m, else: Mlx.astype(m, :float32)
    {m, Mlx.log(Mlx.sum(Mlx.exp(x - m), axis: axis, keepdims: true))}
  end

  defp at_class(x, classes, axis),
    do: Mlx.take_along_axis(x, Mlx.expand_dims(classes, axis), axis: axis)

  @doc """
  `-t log(p) - (1 - t) log(1 - p)`.

  Options:

    * `:with_logits` the inputs are scores `x` with `p = sigmoid(x)` (true); else probabilities, whose
      logarithms stop at -100
    * `:weights` are multiplied with the losses
    * `:reduction` (`:mean`)
  """
  @spec binary_cross_entropy(Array.t(), Array.t(), keyword) :: Array.t()
  def binary_cross_entropy(inputs, targets, options \\ []) do
    Options.check(:binary_cross_entropy, options, [:with_logits, :weights, :reduction])
    [inputs, targets] = alike(:binary_cross_entropy, [inputs, targets])

    loss =
      if Options.flag(:binary_cross_entropy, options, :with_logits, true),
        do: Mlx.logaddexp(-(inputs * targets), inputs * (1 - targets)),
        else: -(targets * log_at_least(inputs) + (1 - targets) * log_at_least(1 - inputs))

    loss |> weighted(options[:weights]) |> reduce(options, :mean)
  end

  defp log_at_least(p), do: Mlx.maximum(Mlx.log(p), -100)

  @doc "`|y - t|`. Options: `:reduction` (`:mean`)."
  @spec l1_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def l1_loss(predictions, targets, options \\ []) do
    Options.check(:l1_loss, options, [:reduction])
    [predictions, targets] = alike(:l1_loss, [predictions, targets])
    reduce(Mlx.abs(predictions - targets), options, :mean)
  end

  @doc "`(y - t)²`. Options: `:reduction` (`:mean`)."
  @spec mse_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def mse_loss(predictions, targets, options \\ []) do
    Options.check(:mse_loss, options, [:reduction])
    [predictions, targets] = alike(:mse_loss, [predictions, targets])
    reduce(Mlx.square(predictions - targets), options, :mean)
  end

  @doc """
  Minus the log probability of the true class: inputs are log probabilities, targets integers.
  Options: `:axis` of the classes (-1), `:reduction` (`:none`).
  """
  @spec nll_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def nll_loss(inputs, targets, options \\ []) do
    Options.check(:nll_loss, options, [:axis, :reduction])
    axis = Options.axis(:nll_loss, options, -1)
    check_targets(:nll_loss, inputs, targets, axis, false)
    [inputs] = common([inputs])
    reduce(-Mlx.squeeze(at_class(inputs, targets, axis), axis: axis), options, :none)
  end

  @doc """
  Minus the log density of a normal distribution, `(log(v) + (t - m)² / v) / 2`, of means `m`,
  samples `t` and variances `v`.

  Options:

    * `:full` adds the constant `log(2π) / 2` (false)
    * `:eps` the least variance (1.0e-6)
    * `:reduction` (`:mean`)
  """
  @spec gaussian_nll_loss(Array.t(), Array.t(), Array.t(), keyword) :: Array.t()
  def gaussian_nll_loss(inputs, targets, variances, options \\ []) do
    Options.check(:gaussian_nll_loss, options, [:full, :eps, :reduction])
    [inputs, targets, variances] = alike(:gaussian_nll_loss, [inputs, targets, variances])
    v = Mlx.maximum(variances, Options.number(:gaussian_nll_loss, options, :eps, 1.0e-6))
    loss = 0.5 * (Mlx.log(v) + Mlx.square(targets - inputs) / v)
    full = Options.flag(:gaussian_nll_loss, options, :full, false)
    reduce(if(full, do: loss + 0.5 * :math.log(2 * :math.pi()), else: loss), options, :mean)
  end

  @doc """
  The divergence `sum_k q_k (log q_k - log p_k)` along an axis (Kullback and Leibler 1951): inputs are
  the logarithms of `p`, the predicted probabilities, targets those of `q`. Options: `:axis` (-1),
  `:reduction` (`:none`).
  """
  @spec kl_div_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def kl_div_loss(inputs, targets, options \\ []) do
    Options.check(:kl_div_loss, options, [:axis, :reduction])
    [inputs, targets] = alike(:kl_div_loss, [inputs, targets])
    loss = Mlx.exp(targets) * (targets - inputs)
    reduce(Mlx.sum(loss, axis: Options.axis(:kl_div_loss, options, -1)), options, :none)
  end

  @doc """
  `d² / (2 beta)` where `d = |y - t| < beta`, else `d - beta / 2` (Girshick 2015). Options: `:beta`
  (1), `:reduction` (`:mean`).
  """
  @spec smooth_l1_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def smooth_l1_loss(predictions, targets, options \\ []) do
    Options.check(:smooth_l1_loss, options, [:beta, :reduction])
    [predictions, targets] = alike(:smooth_l1_loss, [predictions, targets])
    beta = Options.number(:smooth_l1_loss, options, :beta, 1.0, :from)
    d = Mlx.abs(predictions - targets)

    loss =
      if beta == 0,
        do: d,
        else: Mlx.where(Mlx.less(d, beta), 0.5 * Mlx.square(d) / beta, d - 0.5 * beta)

    reduce(loss, options, :mean)
  end

  @doc """
  `max(d(a, positive) - d(a, negative) + margin, 0)` (Schroff et al. 2015), where `d` is a norm of the
  difference.

  Options:

    * `:axis` of the vectors' elements (-1)
    * `:p` which norm (2)
    * `:margin` how much nearer the positive ones should be (1)
    * `:eps` added below the root, so that its derivative stays finite (1.0e-6)
    * `:reduction` (`:none`)
  """
  @spec triplet_loss(Array.t(), Array.t(), Array.t(), keyword) :: Array.t()
  def triplet_loss(anchors, positives, negatives, options \\ []) do
    Options.check(:triplet_loss, options, [:axis, :p, :margin, :eps, :reduction])
    [anchors, positives, negatives] = common([anchors, positives, negatives])
    p = Options.number(:triplet_loss, options, :p, 2, :above)
    axis = Options.axis(:triplet_loss, options, -1)
    eps = Options.number(:triplet_loss, options, :eps, 1.0e-6)
    distance = fn a, b -> (Mlx.sum(Mlx.abs(a - b) ** p, axis: axis) + eps) ** (1 / p) end
    difference = distance.(anchors, positives) - distance.(anchors, negatives)

    reduce(
      Mlx.maximum(difference + Options.number(:triplet_loss, options, :margin, 1.0), 0),
      options,
      :none
    )
  end

  @doc "`max(1 - y t, 0)` for scores `y` and targets of -1 or 1. Options: `:reduction` (`:none`)."
  @spec hinge_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def hinge_loss(inputs, targets, options \\ []) do
    Options.check(:hinge_loss, options, [:reduction])
    [inputs, targets] = alike(:hinge_loss, [inputs, targets])
    reduce(Mlx.maximum(1 - inputs * targets, 0), options, :none)
  end

  @doc """
  `d² / 2` where `d = |y - t| <= delta`, else `delta (d - delta / 2)` (Huber 1964). Options: `:delta`
  (1), `:reduction` (`:none`).
  """
  @spec huber_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def huber_loss(inputs, targets, options \\ []) do
    Options.check(:huber_loss, options, [:delta, :reduction])
    [inputs, targets] = alike(:huber_loss, [inputs, targets])
    delta = Options.number(:huber_loss, options, :delta, 1.0, :from)
    d = Mlx.abs(inputs - targets)
    far = delta * (d - 0.5 * delta)
    reduce(Mlx.where(Mlx.less_equal(d, delta), 0.5 * Mlx.square(d), far), options, :none)
  end

  @doc "`log(cosh(y - t))` without overflow. Options: `:reduction` (`:none`)."
  @spec log_cosh_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def log_cosh_loss(inputs, targets, options \\ []) do
    Options.check(:log_cosh_loss, options, [:reduction])
    [inputs, targets] = alike(:log_cosh_loss, [inputs, targets])
    e = inputs - targets
    reduce(Mlx.logaddexp(e, -e) - :math.log(2), options, :none)
  end

  @doc """
  The cosine of the angle between vectors, `a b / max(|a| |b|, eps)`. Options: `:axis` of the vectors'
  elements (1), `:eps` (1.0e-8), `:reduction` (`:none`).
  """
  @spec cosine_similarity_loss(Array.t(), Array.t(), keyword) :: Array.t()
  def cosine_similarity_loss(a, b, options \\ []) do
    Options.check(:cosine_similarity_loss, options, [:axis, :eps, :reduction])
    [a, b] = common([a, b])
    axis = Options.axis(:cosine_similarity_loss, options, 1)
    norms = Mlx.Linalg.norm(a, axis: axis) * Mlx.Linalg.norm(b, axis: axis)
    least = Options.number(:cosine_similarity_loss, options, :eps, 1.0e-8)
    reduce(Mlx.sum(a * b, axis: axis) / Mlx.maximum(norms, least), options, :none)
  end

  @doc """
  `max(-t (y1 - y2) + margin, 0)`: targets are 1 where `y1` should be higher, -1 where `y2` should.
  Options: `:margin` (0), `:reduction` (`:none`).
  """
  @spec margin_ranking_loss(Array.t(), Array.t(), Array.t(), keyword) :: Array.t()
  def margin_ranking_loss(inputs1, inputs2, targets, options \\ []) do
    Options.check(:margin_ranking_loss, options, [:margin, :reduction])
    [inputs1, inputs2, targets] = alike(:margin_ranking_loss, [inputs1, inputs2, targets])
    margin = Options.number(:margin_ranking_loss, options, :margin, 0.0)
    reduce(Mlx.maximum(margin - targets * (inputs1 - inputs2), 0), options, :none)
  end

  # --- what they share ------------------------------------------------------------------------

  # Differences and products of integers may be none of their dtype.
  defp common(arrays) do
    dtype = arrays |> Mlx.result_type() |> Mlx.NN.inexact()
    Enum.map(arrays, &Mlx.astype(&1, dtype))
  end

  defp alike(name, [first | others] = arrays) do
    for other <- others, do: same_shape(name, first, other)
    common(arrays)
  end

  defp same_shape(name, a, b) do
    if Mlx.shape(a) != Mlx.shape(b) do
      Error.fail(name, "shapes differ: #{inspect(Mlx.shape(a))} and #{inspect(Mlx.shape(b))}")
    end
  end

  defp weighted(loss, nil), do: loss

  defp weighted(loss, weights) do
    same_shape(:weights, loss, weights)
    loss * weights
  end

  defp reduce(loss, options, fallback) do
    given = Keyword.get(options, :reduction, fallback)

    case Options.one_of(:loss, :reduction, given, [:none, :mean, :sum]) do
      :none -> loss
      :mean -> Mlx.mean(loss)
      :sum -> Mlx.sum(loss)
    end
  end
end
