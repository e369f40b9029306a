defmodule Mlx.NN.Init do
  @moduledoc """
  Initializers: arrays of a shape with random or fixed values.

      iex> Mlx.NN.Init.he_normal({128, 64}, key: Mlx.Random.key(0)) |> Mlx.shape()
      {128, 64}

  Weights are `{outputs, ..., inputs}`, as layers have them: `fan_in` is the number of inputs of each
  output, `fan_out` that of outputs of each input. All take the options

    * `:dtype` (`:float32`)
    * `:key` of the random numbers (the next of the process's sequence)
  """

  alias Mlx.{Array, Error, Options}

  @type shape :: Mlx.shape()

  @common [:key, :dtype]

  @doc "All elements are `value`."
  @spec constant(shape, number, keyword) :: Array.t()
  def constant(shape, value, options \\ []) do
    Options.check(:constant, options, @common)
    Mlx.full(to_tuple(shape), value, dtype: dtype(options))
  end

  @doc "Zeros."
  @spec zeros(shape, keyword) :: Array.t()
  def zeros(shape, options \\ []), do: constant(shape, 0, options)

  @doc "Ones."
  @spec ones(shape, keyword) :: Array.t()
  def ones(shape, options \\ []), do: constant(shape, 1, options)

  @doc "Normal random numbers of the mean `:mean` (0) and the deviation `:std` (1)."
  @spec normal(shape, keyword) :: Array.t()
  def normal(shape, options \\ []) do
    Options.check(:normal, options, [:mean, :std] ++ @common)

    Mlx.Random.normal(
      [
        shape: to_tuple(shape),
        loc: Keyword.get(options, :mean, 0.0),
        scale: Keyword.get(options, :std, 1.0)
      ] ++ random(options)
    )
  end

  @doc "Random numbers from `:low` (0) to below `:high` (1), each as likely."
  @spec uniform(shape, keyword) :: Array.t()
  def uniform(shape, options \\ []) do
    Options.check(:uniform, options, [:low, :high] ++ @common)

    Mlx.Random.uniform(
      [
        shape: to_tuple(shape),
        low: Keyword.get(options, :low, 0.0),
        high: Keyword.get(options, :high, 1.0)
      ] ++ random(options)
    )
  end

  @doc "The identity matrix."
  @spec identity(shape, keyword) :: Array.t()
  def identity(shape, options \\ []) do
    Options.check(:identity, options, @common)

    case to_tuple(shape) do
      {n, n} -> Mlx.eye(n, dtype: dtype(options))
      other -> Error.fail(:identity, "a square matrix is needed, not #{inspect(other)}")
    end
  end

  @doc """
  Normal with the deviation `gain * sqrt(2 / (fan_in + fan_out))` (Glorot and Bengio 2010); `:gain`
  is 1.
  """
  @spec glorot_normal(shape, keyword) :: Array.t()
  def glorot_normal(shape, options \\ []) do
    Options.check(:glorot_normal, options, [:gain] ++ @common)
    {fan_in, fan_out} = fans(shape)
    normal(shape, put(options, std: gain(options) * spread(2, fan_in + fan_out)))
  end

  @doc """
  Uniform within `gain * sqrt(6 / (fan_in + fan_out))` of 0 (Glorot and Bengio 2010); `:gain` is 1.
  """
  @spec glorot_uniform(shape, keyword) :: Array.t()
  def glorot_uniform(shape, options \\ []) do
    Options.check(:glorot_uniform, options, [:gain] ++ @common)
    {fan_in, fan_out} = fans(shape)
    limit = gain(options) * spread(6, fan_in + fan_out)
    within(shape, limit, put(options, []))
  end

  @doc """
  Normal with the deviation `gain / sqrt(fan)` (He et al. 2015); `:gain` is 1, and `:mode` says which
  fan, `:fan_in` or `:fan_out`.
  """
  @spec he_normal(shape, keyword) :: Array.t()
  def he_normal(shape, options \\ []) do
    Options.check(:he_normal, options, [:gain, :mode] ++ @common)
    normal(shape, put(options, std: gain(options) * spread(1, fan(shape, options))))
  end

  @doc "Uniform within `gain * sqrt(3 / fan)` of 0 (He et al. 2015); options as of `he_normal/2`."
  @spec he_uniform(shape, keyword) :: Array.t()
  def he_uniform(shape, options \\ []) do
    Options.check(:he_uniform, options, [:gain, :mode] ++ @common)
    limit = gain(options) * spread(3, fan(shape, options))
    within(shape, limit, put(options, []))
  end

  @doc """
  Normal random numbers (options as of `normal/2`), of which in each row a share `sparsity` is zero
  (Martens 2010).
  """
  @spec sparse(shape, number, keyword) :: Array.t()
  def sparse(shape, sparsity, options \\ []) do
    Options.check(:sparse, options, [:mean, :std] ++ @common)
    {rows, columns} = matrix(shape, :sparse)

    unless is_number(sparsity) and sparsity >= 0 and sparsity <= 1,
      do: Error.fail(:sparse, "sparsity must be from 0 to 1, not #{inspect(sparsity, limit: 5)}")

    [places, values] = keys(options, 2)
    zeros = ceil(sparsity * columns)
    order = Mlx.argsort(Mlx.Random.uniform(shape: {rows, columns}, key: places), axis: 1)
    rank = Mlx.argsort(order, axis: 1)
    Mlx.where(Mlx.less(rank, zeros), 0, normal(shape, Keyword.put(options, :key, values)))
  end

  @doc """
  A random matrix with orthonormal rows or columns, whichever are fewer, times `:gain` (1).

  It is a part of the factor Q of a normal random matrix, with the signs that make Q uniform among
  orthogonal matrices (Saxe et al. 2014; Mezzadri 2007).
  """
  @spec orthogonal(shape, keyword) :: Array.t()
  def orthogonal(shape, options \\ []) do
    Options.check(:orthogonal, options, [:gain] ++ @common)
    {rows, columns} = matrix(shape, :orthogonal)
    n = max(rows, columns)
    square = Mlx.Random.normal([shape: {n, n}] ++ Keyword.take(options, [:key]))
    {q, r} = Mlx.Linalg.qr(square, stream: :cpu)
    q = Mlx.multiply(q, Mlx.sign(Mlx.diag(r)))

    q[[Mlx.Index.first(rows), Mlx.Index.first(columns)]]
    |> Mlx.multiply(gain(options))
    |> Mlx.astype(dtype(options))
  end

  @most_keys 10_000

  @doc "`n` keys, at most #{@most_keys}, made of the option `:key` or the process's sequence."
  @spec keys(keyword, pos_integer) :: [Array.t()]
  def keys(options, n) do
    unless is_integer(n) and n in 1..@most_keys do
      Error.fail(
        :keys,
        :range,
        "there are from 1 to #{@most_keys} keys, not #{inspect(n, limit: 5)}; " <>
          "Mlx.Random.split/2 gives an array of more"
      )
    end

    key = Keyword.get(Options.keywords(:keys, options), :key) || Mlx.Random.next_key()
    keys = Mlx.Random.split(key, num: n)
    for i <- 0..(n - 1)//1, do: keys[i]
  end

  @doc "Uniform within `limit` of 0."
  @spec within(shape, number, keyword) :: Array.t()
  def within(shape, limit, options \\ []) do
    Options.check(:within, options, @common)

    unless is_number(limit),
      do: Error.fail(:within, "the limit must be a number, not #{inspect(limit, limit: 5)}")

    uniform(shape, put(options, low: -limit, high: limit))
  end

  defp put(options, more), do: options |> Keyword.take(@common) |> Keyword.merge(more)
  defp gain(options), do: Options.number(:init, options, :gain, 1.0)
  defp dtype(options), do: Keyword.get(options, :dtype, :float32)

  defp random(options) do
    case Keyword.get(options, :key) do
      nil -> [dtype: dtype(options)]
      key -> [dtype: dtype(options), key: key]
    end
  end

  # sqrt(share / fan): nothing is drawn where a fan is 0
  defp spread(_share, 0), do: 0.0
  defp spread(share, fan), do: :math.sqrt(share / fan)

  defp fan(shape, options) do
    {fan_in, fan_out} = fans(shape)

    mode = Keyword.get(options, :mode, :fan_in)

    case Options.one_of(:init, :mode, mode, [:fan_in, :fan_out]) do
      :fan_in -> fan_in
      :fan_out -> fan_out
    end
  end

  defp fans(shape) do
    case to_list(shape) do
      [_, _ | _] = sizes ->
        [outputs | rest] = sizes
        {window, [inputs]} = Enum.split(rest, -1)
        {inputs * Enum.product(window), outputs * Enum.product(window)}

      other ->
        Error.fail(:init, "at least two axes are needed, not the shape #{inspect(other)}")
    end
  end

  defp matrix(shape, name) do
    case to_tuple(shape) do
      {_rows, _columns} = sizes -> sizes
      other -> Error.fail(name, "a matrix is needed, not the shape #{inspect(other)}")
    end
  end

  defp to_tuple(shape), do: shape |> to_list() |> List.to_tuple()

  defp to_list(shape) do
    sizes = if is_tuple(shape), do: Tuple.to_list(shape), else: shape

    if is_list(sizes) and not List.improper?(sizes) and
         Enum.all?(sizes, &(is_integer(&1) and &1 >= 0)),
       do: sizes,
       else: Error.fail(:init, "a shape is needed, not #{inspect(shape, limit: 5)}")
  end
end
