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
          [bitwise_and: :bitwise_and, bitwise_or: :bitwise_or] ++
          [bitwise_xor: :bitwise_xor, divide: :divide]

  @erfc_middle {[
                  2.15311535474403846e-8,
                  5.64188496988670089e-1,
                  8.88314979438837594,
                  6.61191906371416295e1,
                  2.98635138197400131e2,
                  8.81952221241769090e2,
                  1.71204761263407058e3,
                  2.05107837782607147e3,
                  1.23033935479799725e3
                ],
                [
                  1.0,
                  1.57449261107098347e1,
                  1.17693950891312499e2,
                  5.37181101862009858e2,
                  1.62138957456669019e3,
                  3.29079923573345963e3,
                  4.36261909014324716e3,
                  3.43936767414372164e3,
                  1.23033935480374942e3
                ]}

  @erfc_far {[
               1.63153871373020978e-2,
               3.05326634961232344e-1,
               3.60344899949804439e-1,
               1.25781726111229246e-1,
               1.60837851487422766e-2,
               6.58749161529837803e-4
             ],
             [
               1.0,
               2.56852019228982242,
               1.87295284992346725,
               5.27905102951428412e-1,
               6.05183413124413191e-2,
               2.33520497626869185e-3
             ]}

  @compare ~w(equal not_equal less less_equal greater greater_equal)a

  def unary do
    Keyword.keys(@functions ++ @exact) ++
      ~w(abs cbrt sign round real imag is_nan is_infinity erfc logical_not phase)a
  end

  def binary do
    Keyword.keys(@same) ++
      @compare ++
      ~w(min max atan2 remainder quotient left_shift right_shift logical_and logical_or logical_xor)a
  end

  # --- of one ---------------------------------------------------------------------------------

  for {name, operation} <- @functions do
    def unquote(name)(a, dtype), do: a |> cast(computed(dtype)) |> Mlx.unquote(operation)()
  end

  for {name, operation} <- @exact do
    def unquote(name)(a, dtype), do: a |> cast(dtype) |> Mlx.unquote(operation)()
  end

  # Of complex numbers the principal root.
  def cbrt(a, :complex64) do
    a = cast(a, :complex64)
    root = a |> Mlx.log() |> Mlx.divide(3) |> Mlx.exp()
    a |> Mlx.equal(0) |> Mlx.where(a, root)
  end

  def cbrt(a, dtype), do: a |> cast(computed(dtype)) |> Mlx.cbrt()

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

  # Where erf is near 1 what is left of 1 has few digits: there a ratio of polynomials times
  # exp(-x^2) (W. J. Cody, Rational Chebyshev Approximations for the Error Function, 1969).
  def erfc(a, dtype) do
    x = cast(a, :float64)
    y = Mlx.abs(x)
    inverse = Mlx.divide(1.0, Mlx.square(Mlx.maximum(y, 1.0)))
    middle = ratio(Mlx.minimum(y, 4.0), @erfc_middle)
    far = Mlx.multiply(inverse, ratio(inverse, @erfc_far))
    far = Mlx.divide(Mlx.subtract(1 / :math.sqrt(:math.pi()), far), Mlx.maximum(y, 1.0))

    tail = y |> Mlx.less_equal(4.0) |> Mlx.where(middle, far) |> Mlx.multiply(gauss(y))
    tail = Mlx.where(Mlx.less(x, 0.0), Mlx.subtract(2.0, tail), tail)
    near = Mlx.subtract(1.0, Mlx.erf(x))
    Mlx.less(y, 0.46875) |> Mlx.where(near, tail) |> cast(dtype)
  end

  # exp(-y^2), whose exponent is exact in two parts: that of y cut to sixteenths, and the rest.
  defp gauss(y) do
    y = Mlx.minimum(y, 30.0)
    cut = y |> Mlx.multiply(16.0) |> Mlx.floor() |> Mlx.divide(16.0)
    rest = Mlx.multiply(Mlx.subtract(y, cut), Mlx.add(y, cut))
    Mlx.multiply(Mlx.exp(Mlx.negative(Mlx.square(cut))), Mlx.exp(Mlx.negative(rest)))
  end

  defp ratio(x, {above, below}), do: Mlx.divide(polynomial(x, above), polynomial(x, below))

  # From the highest power.
  defp polynomial(x, [first | rest]),
    do: Enum.reduce(rest, Mlx.full_like(x, first), &Mlx.add(Mlx.multiply(&2, x), &1))

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

  @doc "How many bits of unsigned integers are set: each is shifted to the end and counted."
  def population_count(a), do: for(i <- 0..(@bits[Mlx.dtype(a)] - 1), do: bit(a, i)) |> sum_all()

  @doc "How many of the places from the top, of so many bits, have a prefix of zeros."
  def count_leading_zeros(a, bits) do
    for(i <- 0..(bits - 1), do: Mlx.equal(Mlx.right_shift(a, scalar(i, a)), scalar(0, a)))
    |> Enum.map(&cast(&1, Mlx.dtype(a)))
    |> sum_all()
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
    def unquote(name)(a, b, _dtype), do: compare(&(Mlx.unquote(name) / 2), a, b)
  end

  # No dtype has all numbers of uint64 and of signed ones: negative ones are less than all.
  defp compare(operation, a, b) do
    case {mixed?(a, b), unsigned?(a)} do
      {true, true} ->
        Mlx.where(Mlx.less(b, 0), operation.(1, 0), operation.(a, Mlx.astype(b, :uint64)))

      {true, false} ->
        Mlx.where(Mlx.less(a, 0), operation.(0, 1), operation.(Mlx.astype(a, :uint64), b))

      {false, _} ->
        {a, b} = merged(a, b)
        operation.(a, b)
    end
  end

  defp mixed?(a, b) do
    case {Mlx.dtype(a), Mlx.dtype(b)} do
      {:uint64, other} -> other in [:int8, :int16, :int32, :int64]
      {other, :uint64} -> other in [:int8, :int16, :int32, :int64]
      _same -> false
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

  def square(a, dtype), do: a |> cast(computed(dtype)) |> Mlx.square()
  def pow(a, b, dtype), do: Mlx.power(cast(a, computed(dtype)), cast(b, computed(dtype)))
  def atan2(a, b, dtype), do: Mlx.arctan2(cast(a, computed(dtype)), cast(b, computed(dtype)))

  for {name, operation, chosen} <- [{:min, :minimum, :less}, {:max, :maximum, :greater}] do
    def unquote(name)(a, b, dtype) do
      {x, y} = {cast(a, dtype), cast(b, dtype)}

      if mixed?(a, b),
        do: compare(&(Mlx.unquote(chosen) / 2), a, b) |> Mlx.where(x, y),
        else: Mlx.unquote(operation)(x, y)
    end
  end

  # Of the sign of a, where Python's is of the sign of b.
  def remainder(a, b, dtype) do
    if mixed?(a, b),
      do: magnitude(a) |> Mlx.remainder(magnitude(b)) |> cast(dtype) |> negated(a),
      else: signed_remainder(cast(a, dtype), cast(b, dtype), dtype)
  end

  # What uint64 has room for, of uint64 or a signed dtype.
  defp magnitude(a) do
    if unsigned?(a), do: a, else: a |> cast(:int64) |> Mlx.abs() |> Mlx.astype(:uint64)
  end

  defp negated(a, sign) do
    if unsigned?(sign), do: a, else: sign |> Mlx.less(0) |> Mlx.where(Mlx.negative(a), a)
  end

  defp signed_remainder(a, b, dtype) do
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
    if mixed?(a, b),
      do:
        magnitude(a) |> Mlx.floor_divide(magnitude(b)) |> cast(dtype) |> negated(a) |> negated(b),
      else: whole_quotient(cast(a, dtype), cast(b, dtype))
  end

  defp whole_quotient(a, b) do
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

  # Of uint64 as uint64, also where the dtype beside a signed one has a sign.
  def right_shift(a, b, dtype) do
    own = if mixed?(a, b) and unsigned?(a), do: :uint64, else: dtype
    cast(Mlx.right_shift(cast(a, own), cast(b, own)), dtype)
  end

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
