defmodule Mlx.Optimizers.Rules do
  @moduledoc false
  # What each optimizer remembers of a parameter, and one step of it: (gradient, parameter, slot,
  # %{rate, step, options}) to {parameter, slot}.

  use Mlx.Operators

  # --- what is remembered ---------------------------------------------------------------------

  def init(kind, p, options) do
    for {name, sizes} <- shapes(kind, p |> Mlx.shape() |> Tuple.to_list(), options),
        into: %{},
        do: {name, Mlx.zeros(sizes, dtype: Mlx.dtype(p))}
  end

  @doc "The names and sizes of what is remembered of a parameter of these sizes."
  def shapes(kind, sizes, _options) when kind in [:adam, :adamw, :adamax],
    do: %{m: sizes, v: sizes}

  def shapes(:adadelta, sizes, _options), do: %{u: sizes, v: sizes}
  def shapes(:lion, sizes, _options), do: %{m: sizes}

  def shapes(kind, sizes, _options) when kind in [:sgd, :rmsprop, :adagrad, :muon],
    do: %{v: sizes}

  def shapes(:adafactor, sizes, options) do
    mean = if options.beta_1, do: %{exp_avg: sizes}, else: %{}
    Map.merge(mean, squares(sizes))
  end

  defp squares([_, _ | _] = sizes),
    do: %{exp_avg_sq_row: Enum.drop(sizes, -1), exp_avg_sq_col: List.delete_at(sizes, -2)}

  defp squares(sizes), do: %{exp_avg_sq: sizes}

  # --- gradient descent -----------------------------------------------------------------------

  def step(:sgd, g, p, slot, %{rate: rate, options: o}) do
    g = decayed(g, p, o.weight_decay)

    if o.momentum <= 0 do
      {p - rate * g, slot}
    else
      damped = if o.dampening > 0, do: (1 - o.dampening) * g, else: g
      v = o.momentum * slot.v + damped
      {p - rate * if(o.nesterov, do: g + o.momentum * v, else: v), %{v: v}}
    end
  end

  def step(:rmsprop, g, p, slot, %{rate: rate, options: o}) do
    v = o.alpha * slot.v + (1 - o.alpha) * Mlx.square(g)
    {p - rate * g / (Mlx.sqrt(v) + o.eps), %{v: v}}
  end

  def step(:adagrad, g, p, slot, %{rate: rate, options: o}) do
    v = slot.v + Mlx.square(g)
    {p - rate * g / (Mlx.sqrt(v) + o.eps), %{v: v}}
  end

  def step(:adadelta, g, p, slot, %{rate: rate, options: o}) do
    v = o.rho * slot.v + (1 - o.rho) * Mlx.square(g)
    d = Mlx.sqrt(slot.u + o.eps) / Mlx.sqrt(v + o.eps) * g
    u = o.rho * slot.u + (1 - o.rho) * Mlx.square(d)
    {p - rate * d, %{v: v, u: u}}
  end

  # --- Adam and its relatives -----------------------------------------------------------------

  def step(:adamw, g, p, slot, %{rate: rate, options: o} = now),
    do: step(:adam, g, p * (1 - rate * o.weight_decay), slot, now)

  def step(:adam, g, p, slot, %{rate: rate, step: step, options: o}) do
    {b1, b2} = o.betas
    m = b1 * slot.m + (1 - b1) * g
    v = b2 * slot.v + (1 - b2) * Mlx.square(g)

    if o.bias_correction do
      c1 = Mlx.astype(rate / (1 - b1 ** step), Mlx.dtype(g))
      c2 = Mlx.astype(Mlx.rsqrt(1 - b2 ** step), Mlx.dtype(g))
      {p - c1 * m / (Mlx.sqrt(v) * c2 + o.eps), %{m: m, v: v}}
    else
      {p - rate * m / (Mlx.sqrt(v) + o.eps), %{m: m, v: v}}
    end
  end

  def step(:adamax, g, p, slot, %{rate: rate, options: o}) do
    {b1, b2} = o.betas
    m = b1 * slot.m + (1 - b1) * g
    v = Mlx.maximum(b2 * slot.v, Mlx.abs(g))
    {p - rate * m / (v + o.eps), %{m: m, v: v}}
  end

  def step(:lion, g, p, slot, %{rate: rate, options: o}) do
    {b1, b2} = o.betas
    direction = Mlx.sign(b1 * slot.m + (1 - b1) * g)
    m = b2 * slot.m + (1 - b2) * g
    p = if o.weight_decay > 0, do: (1 - rate * o.weight_decay) * p, else: p
    {p - rate * direction, %{m: m}}
  end

  # --- Adafactor ------------------------------------------------------------------------------

  def step(:adafactor, g, p, slot, %{options: o} = now) do
    rate = Mlx.astype(factor_rate(p, now), Mlx.dtype(g))
    {update, slot} = normalised(g, slot, now)
    update = rate * (update / Mlx.maximum(1.0, root_mean_square(update) / o.clip_threshold))
    {update, slot} = averaged(update, slot, o.beta_1)
    p = if o.weight_decay != 0, do: p - p * (o.weight_decay * rate), else: p
    {p - update, slot}
  end

  # --- Muon -----------------------------------------------------------------------------------

  def step(:muon, g, p, slot, %{rate: rate, options: o}) do
    g = decayed(g, p, o.weight_decay)
    v = o.momentum * slot.v + (1 - o.momentum) * g
    update = if o.nesterov, do: (1 - o.momentum) * g + o.momentum * v, else: v
    {p - muon_step(update, rate, o.ns_steps), %{v: v}}
  end

  defp decayed(g, p, decay), do: if(decay != 0, do: g + decay * p, else: g)

  defp factor_rate(p, %{rate: rate, step: step, options: o}) do
    rate =
      if o.relative_step do
        largest = if o.warmup_init, do: 1.0e-6 * step, else: 1.0e-2
        Mlx.minimum(largest, Mlx.rsqrt(step))
      else
        rate
      end

    if o.scale_parameter,
      do: Mlx.maximum(elem(o.eps, 1), root_mean_square(p)) * rate,
      else: rate
  end

  defp root_mean_square(x), do: Mlx.sqrt(Mlx.mean(Mlx.square(x)))

  # The gradient over the root of its running mean square.
  defp normalised(g, slot, %{step: step, options: o}) do
    decay = Mlx.astype(1.0 - step ** o.decay_rate, Mlx.dtype(g))
    squares = Mlx.square(g) + elem(o.eps, 0)
    average = &(decay * slot[&1] + (1 - decay) * &2)

    if Mlx.ndim(g) < 2 do
      all = average.(:exp_avg_sq, squares)
      {g * Mlx.rsqrt(all), %{slot | exp_avg_sq: all}}
    else
      rows = average.(:exp_avg_sq_row, Mlx.mean(squares, axis: -1))
      columns = average.(:exp_avg_sq_col, Mlx.mean(squares, axis: -2))
      {g * one_over_root(rows, columns), %{slot | exp_avg_sq_row: rows, exp_avg_sq_col: columns}}
    end
  end

  # One over the root of the squares that these means of rows and columns stand for.
  defp one_over_root(rows, columns) do
    rows = rows / Mlx.mean(rows, axis: -1, keepdims: true)
    Mlx.expand_dims(Mlx.rsqrt(rows), -1) * Mlx.expand_dims(Mlx.rsqrt(columns), -2)
  end

  defp averaged(update, slot, nil), do: {update, slot}

  defp averaged(update, slot, beta) do
    update = beta * slot.exp_avg + (1 - beta) * update
    {update, %{slot | exp_avg: update}}
  end

  defp muon_step(update, rate, steps) do
    case update |> Mlx.shape() |> Tuple.to_list() do
      [outputs, _ | _] = sizes ->
        [columns, rows | _] = Enum.reverse(sizes)
        matrix = update |> Mlx.reshape([outputs, -1]) |> orthogonal(steps) |> Mlx.reshape(sizes)
        rate * :math.sqrt(max(1, rows / columns)) * matrix

      _vector ->
        rate * update
    end
  end

  # Roughly the nearest orthogonal matrix: iterations of a quintic that drives all singular values
  # towards 1 (Jordan et al. 2024).
  defp orthogonal(x, steps) do
    {rows, columns} = Mlx.shape(x)
    turn = if rows > columns, do: &Mlx.transpose/1, else: & &1
    x = turn.(x)
    x = x / (Mlx.Linalg.norm(x, keepdims: true) + 1.0e-7)
    1..steps//1 |> Enum.reduce(x, fn _, x -> quintic(x) end) |> turn.()
  end

  defp quintic(x) do
    {a, b, c} = {3.4445, -4.7750, 2.0315}
    gram = Mlx.matmul(x, Mlx.transpose(x))
    a * x + Mlx.matmul(Mlx.addmm(b * gram, gram, gram, alpha: c, beta: 1.0), x)
  end
end
