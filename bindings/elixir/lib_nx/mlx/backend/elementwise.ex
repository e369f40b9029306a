defmodule Mlx.Backend.Elementwise do
  @moduledoc false
  # Operations element by element, of arrays and the dtype of the result.

  import Mlx.Backend.Types, only: [cast: 2, computed: 1, float?: 1]

  @functions [
    exp: :exp,
    expm1: :expm1,
    log: :log,
    log1p: :log1p,
    sigmoid: :sigmoid,
    cos: :cos,
    sin: :sin,
    tan: :tan,
    cosh: :cosh,
    sinh: :sinh,
    tanh: :tanh,
    acos: :arccos,
    asin: :arcsin,
    atan: :arctan,
    acosh: :arccosh,
    asinh: :arcsinh,
    atanh: :arctanh,
    sqrt: :sqrt,
    rsqrt: :rsqrt,
    cbrt: :cbrt,
    erf: :erf,
    erf_inv: :erfinv
  ]

  @exact [
    bitwise_not: :bitwise_invert,
    ceil: :ceil,
    floor: :floor,
    conjugate: :conjugate,
    negate: :negative
  ]

  @same [add: :add, subtract: :subtract, multiply: :multiply] ++
          [min: :minimum, max: :maximum, bitwise_and: :bitwise_and, bitwise_or: :bitwise_or] ++
          [bitwise_xor: :bitwise_xor, divide: :divide]

  @compare ~w(equal not_equal less less_equal greater greater_equal)a

  def unary do
    Keyword.keys(@functions ++ @exact) ++
      ~w(abs sign round real imag is_nan is_infinity erfc count_leading_zeros population_count
        logical_not phase)a
  end

  def binary do
    Keyword.keys(@same) ++
      @compare ++
      ~w(pow atan2 remainder quotient left_shift right_shift logical_and logical_or logical_xor)a
  end

  # --- of one ---------------------------------------------------------------------------------

  for {name, operation} <- @functions do
    def unquote(name)(a, dtype), do: a |> cast(computed(dtype)) |> Mlx.unquote(operation)()
  end

  for {name, operation} <- @exact do
    def unquote(name)(a, dtype), do: a |> cast(dtype) |> Mlx.unquote(operation)()
  end

  def abs(a, _dtype), do: if(unsigned?(a), do: a, else: Mlx.abs(a))
  def real(a, _dtype), do: Mlx.real(a)
  def imag(a, dtype), do: a |> cast(:complex64) |> Mlx.imag() |> cast(dtype)
  def is_nan(a, _dtype), do: Mlx.isnan(a)
  def is_infinity(a, _dtype), do: Mlx.isinf(a)
  def logical_not(a, _dtype), do: Mlx.equal(a, 0)
  def phase(a, dtype), do: Mlx.arctan2(imag(a, dtype), a |> Mlx.real() |> cast(dtype))

  def sign(a, _dtype) do
    if unsigned?(a), do: Mlx.minimum(a, 1), else: Mlx.sign(a)
  end

  # Halves go away from zero.
  def round(a, _dtype) do
    if float?(Mlx.dtype(a)) do
      whole = Mlx.trunc(a)
      away = Mlx.greater_equal(Mlx.abs(Mlx.subtract(a, whole)), 0.5)
      Mlx.where(away, Mlx.add(whole, Mlx.sign(a)), whole)
    else
      a
    end
  end

  # Where erf is near 1 what is left of 1 has few digits in the dtype: float64 has more.
  def erfc(a, dtype) do
    a |> cast(:float64) |> Mlx.erf() |> then(&Mlx.subtract(1.0, &1)) |> cast(dtype)
  end

  @bits %{
    uint8: 8,
    int8: 8,
    uint16: 16,
    int16: 16,
    uint32: 32,
    int32: 32,
    uint64: 64,
    int64: 64
  }
  @unsigned %{8 => :uint8, 16 => :uint16, 32 => :uint32, 64 => :uint64}

  # Each bit is shifted to the end and counted.
  def population_count(a, _dtype) do
    {bits, a} = as_bits(a)

    for(i <- 0..(bits - 1), do: bit(a, i)) |> sum_all()
  end

  # As many as the places from the top whose prefix is zero.
  def count_leading_zeros(a, _dtype) do
    {bits, a} = as_bits(a)

    for(i <- 0..(bits - 1), do: Mlx.equal(Mlx.right_shift(a, scalar(i, a)), scalar(0, a)))
    |> Enum.map(&cast(&1, Mlx.dtype(a)))
    |> sum_all()
  end

  defp as_bits(a) do
    bits = @bits[Mlx.dtype(a)]
    {bits, Mlx.view(a, @unsigned[bits])}
  end

  defp bit(a, i), do: Mlx.bitwise_and(Mlx.right_shift(a, scalar(i, a)), scalar(1, a))
  defp scalar(i, a), do: Mlx.array(i, Mlx.dtype(a))
  defp sum_all([first | rest]), do: Enum.reduce(rest, first, &Mlx.add/2)

  defp unsigned?(a), do: Mlx.dtype(a) in [:uint8, :uint16, :uint32, :uint64, :bool]

  # --- of two ---------------------------------------------------------------------------------

  for {name, operation} <- @same do
    def unquote(name)(a, b, dtype), do: Mlx.unquote(operation)(cast(a, dtype), cast(b, dtype))
  end

  for name <- @compare do
    def unquote(name)(a, b, _dtype) do
      {a, b} = merged(a, b)
      Mlx.unquote(name)(a, b)
    end
  end

  defp merged(a, b) do
    type =
      Nx.Type.merge(Mlx.Backend.Types.type(Mlx.dtype(a)), Mlx.Backend.Types.type(Mlx.dtype(b)))

    dtype = Mlx.Backend.Types.dtype(type)
    {cast(a, dtype), cast(b, dtype)}
  end

  def logical_and(a, b, _dtype), do: Mlx.logical_and(truth(a), truth(b))
  def logical_or(a, b, _dtype), do: Mlx.logical_or(truth(a), truth(b))
  def logical_xor(a, b, _dtype), do: Mlx.not_equal(truth(a), truth(b))
  defp truth(a), do: Mlx.not_equal(a, 0)

  def pow(a, b, dtype), do: Mlx.power(cast(a, computed(dtype)), cast(b, computed(dtype)))
  def atan2(a, b, dtype), do: Mlx.arctan2(cast(a, computed(dtype)), cast(b, computed(dtype)))

  # Of the sign of a, where Python's is of the sign of b.
  def remainder(a, b, dtype) do
    {a, b} = {cast(a, dtype), cast(b, dtype)}

    cond do
      unsigned?(a) ->
        Mlx.remainder(a, b)

      float?(dtype) ->
        Mlx.abs(a) |> Mlx.remainder(Mlx.abs(b)) |> Mlx.copysign(a)

      true ->
        r = Mlx.remainder(a, b)

        other =
          Mlx.logical_and(Mlx.not_equal(r, 0), Mlx.not_equal(Mlx.less(r, 0), Mlx.less(a, 0)))

        Mlx.where(other, Mlx.subtract(r, b), r)
    end
  end

  # Towards zero, where Python's goes down.
  def quotient(a, b, dtype) do
    {a, b} = {cast(a, dtype), cast(b, dtype)}
    q = Mlx.floor_divide(a, b)

    if unsigned?(a) do
      q
    else
      inexact = Mlx.not_equal(Mlx.multiply(q, b), a)
      negative = Mlx.not_equal(Mlx.less(a, 0), Mlx.less(b, 0))
      Mlx.where(Mlx.logical_and(inexact, negative), Mlx.add(q, 1), q)
    end
  end

  def left_shift(a, b, dtype), do: Mlx.left_shift(cast(a, dtype), cast(b, dtype))
  def right_shift(a, b, dtype), do: Mlx.right_shift(cast(a, dtype), cast(b, dtype))

  # --- casts ----------------------------------------------------------------------------------

  @above 9_223_372_036_854_775_808.0

  # Towards zero, and of what is out of range the bits that the dtype has; infinities become the ends
  # of its range and NaN 0.
  def to_integer(a, dtype) do
    {low, high} = range(dtype)
    a = if Mlx.dtype(a) == :float64, do: a, else: Mlx.astype(a, :float64)
    finite = Mlx.where(Mlx.isfinite(a), Mlx.trunc(a), 0.0)

    whole =
      finite |> Mlx.clip(-@above, @above - 1024.0) |> Mlx.astype(:int64) |> Mlx.astype(dtype)

    whole = if dtype == :uint64, do: large(finite, whole), else: whole
    whole = Mlx.where(Mlx.isposinf(a), Mlx.array(high, dtype), whole)
    Mlx.where(Mlx.isneginf(a), Mlx.array(low, dtype), whole)
  end

  # What int64 has no room for.
  defp large(finite, whole) do
    large = finite |> Mlx.clip(0.0, 2 * @above - 2048.0) |> Mlx.astype(:uint64)
    Mlx.where(Mlx.greater_equal(finite, @above), large, whole)
  end

  defp range(dtype) do
    bits = @bits[dtype]

    if dtype in Map.values(@unsigned),
      do: {0, Bitwise.bsl(1, bits) - 1},
      else: {-Bitwise.bsl(1, bits - 1), Bitwise.bsl(1, bits - 1) - 1}
  end
end
