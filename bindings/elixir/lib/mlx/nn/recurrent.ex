defmodule Mlx.NN.Recurrent do
  @moduledoc """
  Recurrent layers over inputs `{..., l, d}`: the state at each position depends on the one before. All
  states `{..., l, h}` are given back.

      parameters = Recurrent.init_lstm(8, 16)
      {states, cells} = Recurrent.lstm(x, parameters)

  Parameters are uniform within `1 / sqrt(h)` of 0. Their names, shapes and the order of the gates in
  them are those of Python's `mlx.nn`.
  """

  use Mlx.Operators
  alias Mlx.{Array, Error, NN, Options}
  alias Mlx.NN.Init

  # --- a plain one ----------------------------------------------------------------------------

  @doc "Parameters of `rnn/3`: `:Wxh` `{h, d}`, `:Whh` `{h, h}`, `:bias` `{h}`. Options: `:bias` (true)."
  @spec init_rnn(pos_integer, pos_integer, keyword) :: NN.parameters()
  def init_rnn(inputs, hidden, options \\ []) do
    [x, h, b] = keys(inputs, hidden, options, 3)

    %{Wxh: x.({hidden, inputs}), Whh: h.({hidden, hidden})}
    |> with_bias(options, bias: fn -> b.({hidden}) end)
  end

  @doc """
  `h_t = f(W_xh x_t + W_hh h_(t-1) + b)` (Elman 1990).

  Options: `:hidden` the state before the first one (zeros), `:nonlinearity` `f` (`&Mlx.tanh/1`).
  """
  @spec rnn(Array.t(), NN.parameters(), keyword) :: Array.t()
  def rnn(x, parameters, options \\ []) do
    NN.parameters!(:rnn, parameters, [:Wxh, :Whh])
    Options.check(:rnn, options, [:hidden, :nonlinearity])
    f = Options.function(:rnn, options, :nonlinearity, 1, &Mlx.tanh/1)

    x
    |> projected(Map.get(parameters, :Wxh), Map.get(parameters, :bias))
    |> walk({options[:hidden]}, fn step, {hidden} ->
      {f.(carried(step, hidden, Map.get(parameters, :Whh)))}
    end)
    |> states(0)
  end

  # --- gated ----------------------------------------------------------------------------------

  @doc """
  Parameters of `gru/3`: `:Wx` `{3 h, d}`, `:Wh` `{3 h, h}`, `:b` `{3 h}`, of the gates r, z, n; and
  `:bhn` `{h}`. Options: `:bias` (true).
  """
  @spec init_gru(pos_integer, pos_integer, keyword) :: NN.parameters()
  def init_gru(inputs, hidden, options \\ []) do
    [x, h, b, bn] = keys(inputs, hidden, options, 4)

    %{Wx: x.({3 * hidden, inputs}), Wh: h.({3 * hidden, hidden})}
    |> with_bias(options, b: fn -> b.({3 * hidden}) end, bhn: fn -> bn.({hidden}) end)
  end

  @doc """
  Gated recurrent unit (Cho et al. 2014).

      r_t = sigmoid(W_xr x_t + W_hr h_(t-1) + b_r)
      z_t = sigmoid(W_xz x_t + W_hz h_(t-1) + b_z)
      n_t = tanh(W_xn x_t + b_n + r_t * (W_hn h_(t-1) + b_hn))
      h_t = (1 - z_t) * n_t + z_t * h_(t-1)

  Options: `:hidden` the state before the first one (zeros).
  """
  @spec gru(Array.t(), NN.parameters(), keyword) :: Array.t()
  def gru(x, parameters, options \\ []) do
    NN.parameters!(:gru, parameters, [:Wx, :Wh])
    Options.check(:gru, options, [:hidden])

    x
    |> projected(Map.get(parameters, :Wx), Map.get(parameters, :b))
    |> walk({options[:hidden]}, fn step, {hidden} -> {gru_step(step, hidden, parameters)} end)
    |> states(0)
  end

  defp gru_step(step, hidden, parameters) do
    [xr, xz, xn] = Mlx.split(step, 3, axis: -1)
    bias = Map.get(parameters, :bhn, 0)
    {xr, xz, hn} = gru_gates(xr, xz, bias, hidden, parameters)
    z = Mlx.sigmoid(xz)
    n = Mlx.tanh(xn + Mlx.sigmoid(xr) * hn)
    if hidden == nil, do: (1 - z) * n, else: (1 - z) * n + z * hidden
  end

  defp gru_gates(xr, xz, bias, nil, _parameters), do: {xr, xz, bias}

  defp gru_gates(xr, xz, bias, hidden, parameters) do
    [hr, hz, hn] = Mlx.split(product(hidden, Map.get(parameters, :Wh)), 3, axis: -1)
    {xr + hr, xz + hz, hn + bias}
  end

  @doc """
  Parameters of `lstm/3`: `:Wx` `{4 h, d}`, `:Wh` `{4 h, h}`, `:bias` `{4 h}`, of the gates i, f, g, o.
  Options: `:bias` (true).
  """
  @spec init_lstm(pos_integer, pos_integer, keyword) :: NN.parameters()
  def init_lstm(inputs, hidden, options \\ []) do
    [x, h, b] = keys(inputs, hidden, options, 3)

    %{Wx: x.({4 * hidden, inputs}), Wh: h.({4 * hidden, hidden})}
    |> with_bias(options, bias: fn -> b.({4 * hidden}) end)
  end

  @doc """
  Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000): all states, and all cells.

      i_t = sigmoid(W_xi x_t + W_hi h_(t-1) + b_i), likewise f_t and o_t
      g_t = tanh(W_xg x_t + W_hg h_(t-1) + b_g)
      c_t = f_t * c_(t-1) + i_t * g_t
      h_t = o_t * tanh(c_t)

  Options: `:hidden` and `:cell` before the first position (zeros).
  """
  @spec lstm(Array.t(), NN.parameters(), keyword) :: {Array.t(), Array.t()}
  def lstm(x, parameters, options \\ []) do
    NN.parameters!(:lstm, parameters, [:Wx, :Wh])
    Options.check(:lstm, options, [:hidden, :cell])

    steps =
      x
      |> projected(Map.get(parameters, :Wx), Map.get(parameters, :bias))
      |> walk({options[:hidden], options[:cell]}, fn step, {hidden, cell} ->
        step |> carried(hidden, Map.get(parameters, :Wh)) |> lstm_step(cell)
      end)

    {states(steps, 0), states(steps, 1)}
  end

  defp lstm_step(step, cell) do
    [i, f, g, o] = Mlx.split(step, 4, axis: -1)
    new = Mlx.sigmoid(i) * Mlx.tanh(g)
    cell = if cell == nil, do: new, else: Mlx.sigmoid(f) * cell + new
    {Mlx.sigmoid(o) * Mlx.tanh(cell), cell}
  end

  # --- what they share ------------------------------------------------------------------------

  # Makers of arrays of a shape, each with a key of its own.
  defp keys(inputs, hidden, options, n) do
    NN.sizes!(:init_recurrent, inputs: inputs, hidden: hidden)
    Options.check(:init_recurrent, options, [:bias, :key, :dtype, :weight])
    limit = 1 / :math.sqrt(hidden)
    for key <- Init.keys(options, n), do: &NN.weight(&1, limit, key, options)
  end

  defp with_bias(parameters, options, biases) do
    wanted = Options.flag(:init_recurrent, options, :bias, true)

    Enum.reduce(biases, parameters, fn {name, make}, parameters ->
      NN.put_if(parameters, wanted, name, make)
    end)
  end

  defp projected(x, w, b) do
    sizes = x |> Mlx.shape() |> Tuple.to_list()

    unless length(sizes) > 1 and Enum.at(sizes, -2) > 0 do
      Error.fail(
        :recurrent,
        "a sequence {..., l, d} with elements is needed, not of the shape #{inspect(Mlx.shape(x))}"
      )
    end

    if b, do: Mlx.addmm(b, x, NN.transposed(w)), else: product(x, w)
  end

  defp product(x, w), do: Mlx.matmul(x, NN.transposed(w))

  defp carried(step, nil, _w), do: step
  defp carried(step, hidden, w), do: step + product(hidden, w)

  # The states, as tuples, of the positions of {..., l, d}.
  defp walk(x, before, function) do
    axis = Mlx.ndim(x) - 2
    length = elem(Mlx.shape(x), axis)
    steps = Mlx.split(x, length, axis: axis)

    {states, _last} =
      Enum.map_reduce(steps, before, fn step, before ->
        state = function.(Mlx.squeeze(step, axis: axis), before)
        {state, state}
      end)

    states
  end

  defp states(steps, i), do: steps |> Enum.map(&elem(&1, i)) |> Mlx.stack(axis: -2)
end
