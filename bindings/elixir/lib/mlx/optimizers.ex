defmodule Mlx.Optimizers do
  @moduledoc """
  Optimizers: rules that turn gradients into new parameters, as functions over maps of state.

      optimizer = Optimizers.adamw(Optimizers.cosine_decay(1.0e-3, 1000))
      state = Optimizers.init(optimizer, parameters)

      {loss, gradients} = Mlx.value_and_grad(loss).(parameters, x, y)
      {parameters, state} = Optimizers.update(optimizer, gradients, parameters, state)

  The state is a tree of arrays: `:step`, and in `:slots` what the rule remembers, in the structure of
  the parameters. So it is saved as they are, and goes through `Mlx.compile/2`. A learning rate is a
  number, an array, or a schedule: a function of the step, an array of uint64, or for parameters of float64
  one of float64. Another optimizer may go on with a state, for instance the same one with another rate.

  What has no gradient (`nil`, or a key that is not there) stays. Numbers and defaults are those of
  Python's `mlx.optimizers`.
  """

  use Mlx.Operators
  alias Mlx.{Array, Error, Options, Tree}
  alias Mlx.Optimizers.{Rules, Schedules}

  @enforce_keys [:rules]
  defstruct [:rules]

  @typedoc "`rules`: `{filter, kind, rate, options}`, the first whose filter holds decides."
  @type t :: %__MODULE__{rules: [tuple]}
  @type schedule :: (Array.t() -> Array.t())
  @type rate :: number | Array.t() | schedule
  @type state :: %{step: Array.t(), slots: term}
  @type filter :: (path :: list, gradient :: Array.t() -> boolean)

  # --- using one ------------------------------------------------------------------------------

  @doc "The state before the first step."
  @spec init(t, term) :: state
  def init(optimizer, parameters) do
    Options.one(:init, optimizer, __MODULE__)
    {arrays, template} = Tree.flatten(parameters)

    slots =
      for {{path, p}, a} <- Enum.zip(Tree.parts(template, parameters), arrays) do
        {kind, _rate, options} = rule(optimizer, path, p)
        Rules.init(kind, a, options)
      end

    %{step: Mlx.array(0, :uint64), slots: Tree.unflatten(template, slots)}
  end

  @doc """
  One step: the new parameters and the new state.

      iex> alias Mlx.Optimizers
      iex> optimizer = Optimizers.sgd(0.5)
      iex> parameters = %{w: Mlx.array([1.0, 2.0])}
      iex> state = Optimizers.init(optimizer, parameters)
      iex> gradients = %{w: Mlx.array([1.0, -1.0])}
      iex> {parameters, state} = Optimizers.update(optimizer, gradients, parameters, state)
      iex> {Mlx.to_list(parameters.w), Mlx.item(state.step)}
      {[0.5, 2.5], 1}
  """
  @spec update(t, term, parameters, state) :: {parameters, state} when parameters: term
  def update(optimizer, gradients, parameters, state) do
    Options.one(:update, optimizer, __MODULE__)
    %{step: before, slots: slots} = state!(state)
    {arrays, template} = Tree.flatten(parameters)
    parts = Enum.zip([Tree.parts(template, gradients), arrays, Tree.parts(template, slots)])
    counts = for {{_path, %Array{} = g}, p, _slot} <- parts, uniq: true, do: count(dtype(g, p))
    nows = Map.new(counts, &{&1, now(optimizer, before, &1)})

    {arrays, slots} =
      Enum.unzip(
        for {{path, g}, p, {_, slot}} <- parts, do: next(optimizer, path, g, p, slot, nows)
      )

    slots = Tree.unflatten(template, slots)
    {Tree.unflatten(template, arrays), %{step: before + 1, slots: slots}}
  end

  defp next(_optimizer, _path, nil, p, slot, _nows), do: {p, slot}

  defp next(optimizer, path, g, p, slot, nows) do
    {kind, rate, options} = rule(optimizer, path, g)
    fitting!(path, kind, options, g, p, slot)
    dtype = dtype(g, p)
    %{step: step, rates: rates} = nows[count(dtype)]
    now = %{step: step, rate: own_rate(rates[rate], dtype), options: options}
    Rules.step(kind, Mlx.astype(g, dtype), p, slot, now)
  end

  # What a step is computed in: the gradient's dtype, but all digits that a parameter has.
  defp dtype(g, p) do
    dtype = Mlx.NN.inexact(g)
    if Mlx.dtype(p) == :float64 and dtype != :complex64, do: :float64, else: dtype
  end

  # Steps are counted in integers; formulas of them have the digits of float32, of float64 those of float64.
  defp count(:float64), do: :float64
  defp count(_dtype), do: :uint64

  defp now(optimizer, before, dtype) do
    before = Mlx.astype(before, dtype)
    %{step: before + 1, rates: rates(optimizer, before)}
  end

  defp own_rate(nil, _dtype), do: nil
  defp own_rate(rate, dtype) when is_number(rate), do: Mlx.array(rate, dtype)
  defp own_rate(rate, dtype), do: Mlx.astype(rate, dtype)

  # A gradient or state of another model may be broadcast otherwise.
  defp fitting!(path, kind, options, g, p, slot) do
    own = sizes(p)
    known = is_map(slot) and not is_struct(slot)

    check(:update, sizes(g) == own, fn ->
      "the gradient of #{name(path)} is #{shown(g)}, not #{shown(p)}"
    end)

    check(
      :update,
      known and
        Map.new(slot, fn {key, a} -> {key, sizes(a)} end) ==
          Rules.shapes(kind, own, options),
      fn -> "the state of #{name(path)} is of another model or optimizer than #{kind}" end
    )
  end

  defp sizes(a), do: a |> Mlx.shape() |> Tuple.to_list()
  defp shown(a), do: a |> Mlx.shape() |> inspect()
  defp name([]), do: "the parameter"
  defp name(path), do: Enum.join(path, ".")

  # The rates of this step, by what the rules have for them.
  defp rates(optimizer, step) do
    for {_filter, _kind, rate, _options} <- optimizer.rules,
        into: %{},
        do: {rate, rate(rate, step)}
  end

  defp rate(nil, _step), do: nil
  defp rate(%Array{} = rate, _step), do: rate
  defp rate(rate, _step) when is_number(rate), do: rate
  defp rate(schedule, step) when is_function(schedule, 1), do: schedule.(step)

  defp rule(%{rules: rules}, path, g) do
    {_filter, kind, rate, options} = Enum.find(rules, fn rule -> elem(rule, 0).(path, g) end)
    {kind, rate, options}
  end

  # --- rules ----------------------------------------------------------------------------------

  @doc """
  Gradient descent. With the gradient g, decayed as g + weight_decay p:

      v = momentum v + (1 - dampening) g
      p = p - rate v

  Options: `:momentum` (0), `:weight_decay` (0), `:dampening` (0), `:nesterov` steps along g + momentum v
  instead (false; Nesterov 1983).
  """
  @spec sgd(rate, keyword) :: t
  def sgd(rate, options \\ []) do
    o =
      Options.read(:sgd, options,
        momentum: 0.0,
        weight_decay: 0.0,
        dampening: 0.0,
        nesterov: false
      )

    numbers(:sgd, o, momentum: 0, weight_decay: 0, dampening: 0)

    check(:sgd, not o.nesterov or (o.momentum > 0 and o.dampening == 0), fn ->
      "nesterov needs a momentum and no dampening"
    end)

    new(:sgd, rate, o)
  end

  @doc """
  Steps divided by the root of a running mean of squared gradients (Tieleman and Hinton 2012):

      v = alpha v + (1 - alpha) g²
      p = p - rate g / (sqrt(v) + eps)

  Options: `:alpha` (0.99), `:eps` (1.0e-8).
  """
  @spec rmsprop(rate, keyword) :: t
  def rmsprop(rate, options \\ []) do
    o = Options.read(:rmsprop, options, alpha: 0.99, eps: 1.0e-8)
    numbers(:rmsprop, o, alpha: 0, eps: :above)
    new(:rmsprop, rate, o)
  end

  @doc """
  Steps divided by the root of the sum of squared gradients (Duchi et al. 2011). Options: `:eps`
  (1.0e-8).
  """
  @spec adagrad(rate, keyword) :: t
  def adagrad(rate, options \\ []) do
    o = Options.read(:adagrad, options, eps: 1.0e-8)
    numbers(:adagrad, o, eps: :above)
    new(:adagrad, rate, o)
  end

  @doc """
  Steps in the parameters' own units (Zeiler 2012):

      v = rho v + (1 - rho) g²
      d = sqrt(u + eps) / sqrt(v + eps) g
      u = rho u + (1 - rho) d²
      p = p - rate d

  Options: `:rho` (0.9), `:eps` (1.0e-6).
  """
  @spec adadelta(rate, keyword) :: t
  def adadelta(rate, options \\ []) do
    o = Options.read(:adadelta, options, rho: 0.9, eps: 1.0e-6)
    numbers(:adadelta, o, rho: 0, eps: :above)
    new(:adadelta, rate, o)
  end

  @doc """
  Steps along a running mean of gradients, divided by their running size (Kingma and Ba 2015):

      m = b1 m + (1 - b1) g
      v = b2 v + (1 - b2) g²
      p = p - rate m / (sqrt(v) + eps)

  Options: `:betas` (`{0.9, 0.999}`), `:eps` (1.0e-8), `:bias_correction` divides m by 1 - b1^t and v by
  1 - b2^t in step t, as the paper does (false).
  """
  @spec adam(rate, keyword) :: t
  def adam(rate, options \\ []), do: adam(:adam, rate, options, [])

  @doc """
  `adam/2` with weight decay apart from the gradient (Loshchilov and Hutter 2019): p (1 - rate
  weight_decay), then a step. Options as there, and `:weight_decay` (0.01).
  """
  @spec adamw(rate, keyword) :: t
  def adamw(rate, options \\ []), do: adam(:adamw, rate, options, weight_decay: 0.01)

  defp adam(kind, rate, options, more) do
    defaults = [betas: {0.9, 0.999}, eps: 1.0e-8, bias_correction: false] ++ more
    o = Options.read(kind, options, defaults)
    numbers(kind, o, [eps: 0] ++ for({name, _} <- more, do: {name, 0}))
    new(kind, rate, betas(kind, o))
  end

  @doc """
  `adam/2` with the largest gradient of late in place of the mean square (Kingma and Ba 2015):

      v = max(b2 v, |g|)
      p = p - rate m / (v + eps)

  Options: `:betas` (`{0.9, 0.999}`), `:eps` (1.0e-8).
  """
  @spec adamax(rate, keyword) :: t
  def adamax(rate, options \\ []) do
    o = Options.read(:adamax, options, betas: {0.9, 0.999}, eps: 1.0e-8)
    numbers(:adamax, o, eps: 0)
    new(:adamax, rate, betas(:adamax, o))
  end

  @doc """
  Steps of equal size along the sign of a running mean (Chen et al. 2023):

      c = b1 m + (1 - b1) g
      m = b2 m + (1 - b2) g
      p = p - rate (sign(c) + weight_decay p)

  Options: `:betas` (`{0.9, 0.99}`), `:weight_decay` (0).
  """
  @spec lion(rate, keyword) :: t
  def lion(rate, options \\ []) do
    o = Options.read(:lion, options, betas: {0.9, 0.99}, weight_decay: 0.0)
    numbers(:lion, o, weight_decay: 0)
    new(:lion, rate, betas(:lion, o))
  end

  @doc """
  Adaptive steps with memory that grows as rows plus columns (Shazeer and Stern 2018): of a matrix of
  squared gradients only the means along its rows and columns are kept.

  Options:

    * `:eps` is added to squared gradients, and the smallest scale of a parameter (`{1.0e-30, 1.0e-3}`)
    * `:clip_threshold` the largest root mean square of an update before it is scaled (1)
    * `:decay_rate` the mean of squares decays with 1 - t^decay_rate in step t (-0.8)
    * `:beta_1` steps along a running mean of updates (nil)
    * `:weight_decay` as of `adamw/2` (0)
    * `:scale_parameter` steps in proportion to the root mean square of the parameter (true)
    * `:relative_step` a step size of min(0.01, 1/sqrt(t)) in step t instead of the rate (true)
    * `:warmup_init` with `:relative_step`, at most 1.0e-6 t (false)
  """
  @spec adafactor(rate | nil, keyword) :: t
  def adafactor(rate \\ nil, options \\ []) do
    defaults = [
      eps: {1.0e-30, 1.0e-3},
      clip_threshold: 1.0,
      decay_rate: -0.8,
      beta_1: nil,
      weight_decay: 0.0,
      scale_parameter: true,
      relative_step: true,
      warmup_init: false
    ]

    o = Options.read(:adafactor, options, defaults)

    numbers(:adafactor, o, clip_threshold: :above, weight_decay: 0)

    check(:adafactor, match?({a, b} when is_number(a) and is_number(b), o.eps), fn ->
      "eps must be two numbers"
    end)

    check(:adafactor, is_number(o.decay_rate), fn -> "decay_rate must be a number" end)

    check(
      :adafactor,
      o.beta_1 == nil or (is_number(o.beta_1) and o.beta_1 >= 0 and o.beta_1 < 1),
      fn -> "beta_1 must be nil or in [0, 1)" end
    )

    check(:adafactor, rate != nil or o.relative_step, fn ->
      "a rate or relative_step is needed"
    end)

    %__MODULE__{rules: [{&all/2, :adafactor, rate && valid_rate(rate), o}]}
  end

  @doc """
  Momentum, made orthogonal for matrices (Jordan et al. 2024). With the gradient decayed as g +
  weight_decay p:

      v = momentum v + (1 - momentum) g
      p = p - rate sqrt(max(1, rows / columns)) orthogonal(v)

  Kernels of convolutions count as matrices of {outputs, all else}; what has one axis moves along v.
  Embeddings and the last layer do better with `adamw/2`: see `multi/2`.

  Options: `:momentum` (0.95), `:weight_decay` (0.01), `:nesterov` steps along (1 - momentum) g +
  momentum v (true), `:ns_steps` iterations towards orthogonality (5).
  """
  @spec muon(rate, keyword) :: t
  def muon(rate, options \\ []) do
    defaults = [momentum: 0.95, weight_decay: 0.01, nesterov: true, ns_steps: 5]
    o = Options.read(:muon, options, defaults)
    numbers(:muon, o, momentum: 0, weight_decay: 0)
    Schedules.counts!(:muon, ns_steps: o.ns_steps)
    check(:muon, o.ns_steps <= 100, fn -> "ns_steps must be at most 100, not #{o.ns_steps}" end)
    new(:muon, rate, o)
  end

  @doc """
  Several optimizers, each for a part of the parameters: pairs of a filter, a function of a parameter's
  path (a list of keys) and its gradient, and an optimizer; the first whose filter holds decides, the
  last optimizer takes what no filter wants.

      Optimizers.multi([{fn path, g -> Mlx.ndim(g) == 2 and :embed not in path end, Optimizers.muon(0.02)}],
        Optimizers.adamw(1.0e-3))
  """
  @spec multi([{filter, t}], t) :: t
  def multi(parts, last) do
    Options.one(:multi, last, __MODULE__)

    for part <- listed(parts), not match?({f, %__MODULE__{}} when is_function(f, 2), part) do
      Error.fail(
        :multi,
        "a part must be a pair of a filter, a function of path and gradient, and an optimizer, " <>
          "not #{inspect(part, limit: 5)}"
      )
    end

    rules =
      for {filter, %__MODULE__{rules: rules}} <- parts, {inner, kind, rate, options} <- rules do
        {fn path, g -> filter.(path, g) and inner.(path, g) end, kind, rate, options}
      end

    %__MODULE__{rules: rules ++ last.rules}
  end

  defp listed(parts) when is_list(parts), do: parts
  defp listed(other), do: Error.fail(:multi, "parts are a list, not #{inspect(other, limit: 5)}")

  defp state!(%{step: %Array{}, slots: _} = state), do: state

  defp state!(other) do
    Error.fail(
      :update,
      "a state of init/2 or update/4 is needed, not #{inspect(other, limit: 5)}"
    )
  end

  defp all(_path, _gradient), do: true

  defp new(kind, rate, options),
    do: %__MODULE__{rules: [{&all/2, kind, valid_rate(rate), options}]}

  defp valid_rate(rate) when (is_number(rate) and rate >= 0) or is_function(rate, 1), do: rate
  defp valid_rate(%Array{} = rate), do: rate

  defp valid_rate(other) do
    Error.fail(
      :optimizer,
      "a rate is a number from 0, an array or a function of the step, not #{inspect(other, limit: 5)}"
    )
  end

  defp betas(name, o) do
    betas = if is_list(o.betas), do: List.to_tuple(o.betas), else: o.betas

    fits =
      is_tuple(betas) and tuple_size(betas) == 2 and
        Enum.all?(Tuple.to_list(betas), &(is_number(&1) and &1 >= 0 and &1 < 1))

    check(name, fits, fn -> "betas must be two numbers in [0, 1), not #{inspect(betas)}" end)
    %{o | betas: betas}
  end

  # Options that are numbers from 0, or above it.
  defp numbers(name, o, least) do
    for {key, least} <- least do
      value = Map.fetch!(o, key)
      fits = is_number(value) and if(least == :above, do: value > 0, else: value >= least)
      wanted = if least == :above, do: "above 0", else: "from #{least}"

      check(name, fits, fn ->
        "#{key} must be a number #{wanted}, not #{inspect(value, limit: 5)}"
      end)
    end
  end

  defp check(_name, true, _message), do: :ok
  defp check(name, false, message), do: Error.fail(name, message.())

  # --- gradients ------------------------------------------------------------------------------

  @doc """
  Gradients scaled so that the norm of all of them together is at most `max_norm`, and the norm before
  (Pascanu et al. 2013).
  """
  @spec clip_grad_norm(gradients, number) :: {gradients, Array.t()} when gradients: term
  def clip_grad_norm(gradients, max_norm) when is_number(max_norm) and max_norm >= 0 do
    squares = for g <- Tree.leaves(gradients), do: Mlx.sum(Mlx.square(g))
    norm = Mlx.sqrt(Enum.reduce(squares, 0.0, &Mlx.add(&2, &1)))
    scale = Mlx.minimum(max_norm / (norm + 1.0e-6), 1.0)
    {Tree.map(gradients, &Mlx.multiply(&1, Mlx.astype(scale, Mlx.NN.inexact(&1)))), norm}
  end

  def clip_grad_norm(_gradients, other),
    do: Error.fail(:clip_grad_norm, "the norm must be >= 0, not #{inspect(other, limit: 5)}")

  # --- schedules ------------------------------------------------------------------------------

  @doc "A schedule: `init * decay_rate ** step`."
  @spec exponential_decay(number, number) :: schedule
  defdelegate exponential_decay(init, decay_rate), to: Schedules

  @doc "A schedule: `init * decay_rate ** div(step, step_size)`."
  @spec step_decay(number, number, pos_integer) :: schedule
  defdelegate step_decay(init, decay_rate, step_size), to: Schedules

  @doc """
  A schedule: half a cosine wave from `init` down to `stop` in `steps` steps, then `stop` (Loshchilov and
  Hutter 2016).
  """
  @spec cosine_decay(number, pos_integer, number) :: schedule
  defdelegate cosine_decay(init, steps, stop \\ 0.0), to: Schedules

  @doc "A schedule: a straight line from `init` to `stop` in `steps` steps, then `stop`."
  @spec linear_schedule(number, number, pos_integer) :: schedule
  defdelegate linear_schedule(init, stop, steps), to: Schedules

  @doc """
  One schedule after the other, each counting from its own boundary: `boundaries` has, for every schedule
  but the first, the step at which it begins.
  """
  @spec join_schedules([schedule], [pos_integer]) :: schedule
  defdelegate join_schedules(schedules, boundaries), to: Schedules
end
