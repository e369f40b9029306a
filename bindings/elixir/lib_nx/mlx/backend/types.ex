defmodule Mlx.Backend.Types do
  @moduledoc false
  # Tensors and arrays, types and dtypes.

  alias Mlx.Backend.Elementwise
  alias Nx.Tensor, as: T

  @doc "The array of a tensor, from whatever backend."
  @spec array(T.t() | number) :: Mlx.Array.t()
  def array(%T{data: %{__struct__: Mlx.Backend, array: array}}), do: array

  def array(%T{type: type, shape: shape} = tensor),
    do: tensor |> Nx.to_binary() |> from_binary(type, shape)

  def array(number), do: number |> Nx.tensor(backend: Nx.BinaryBackend) |> array()

  @doc "A tensor of an array, in the type, shape and names of another."
  @spec tensor(Mlx.Array.t(), T.t()) :: T.t()
  def tensor(array, %T{type: type} = out) do
    count()
    array |> cast(dtype(type)) |> fit(type) |> placed(out)
  end

  @doc "The same of an array that has the type already."
  def placed(array, %T{} = out),
    do: %{out | data: %{__struct__: Mlx.Backend, array: array, number: nil}}

  @left :"$mlx_operations"

  @doc "What a function gives that makes at most n tensors; an error where it makes more."
  def within(n, function) do
    former = Process.put(@left, n)

    try do
      function.()
    after
      if former, do: Process.put(@left, former), else: Process.delete(@left)
    end
  end

  defp count do
    case :erlang.get(@left) do
      :undefined -> :ok
      0 -> Mlx.Error.fail(:defn, :range, "the expression has too many operations for one graph")
      n -> :erlang.put(@left, n - 1)
    end
  end

  @doc "A tensor of an array."
  @spec tensor(Mlx.Array.t()) :: T.t()
  def tensor(array) do
    {shape, dtype} = Mlx.Native.info(array)
    names = List.duplicate(nil, tuple_size(shape))

    %T{
      type: type(dtype),
      shape: shape,
      names: names,
      data: %{__struct__: Mlx.Backend, array: array, number: nil}
    }
  end

  @doc "The array in another dtype, as Nx casts."
  def cast(array, dtype),
    do: if(Mlx.dtype(array) == dtype, do: array, else: convert(array, dtype))

  # Floats become integers towards zero; what has no integer becomes 0, or the nearest there is.
  defp convert(array, dtype) do
    if float?(Mlx.dtype(array)) and integer?(dtype),
      do: Elementwise.to_integer(array, dtype),
      else: Mlx.astype(array, dtype)
  end

  def float?(dtype), do: dtype in [:float16, :bfloat16, :float32, :float64]

  def integer?(dtype),
    do: dtype in ~w(uint8 uint16 uint32 uint64 int8 int16 int32 int64)a

  @types [
    uint8: {:u, 8},
    uint16: {:u, 16},
    uint32: {:u, 32},
    uint64: {:u, 64},
    int8: {:s, 8},
    int16: {:s, 16},
    int32: {:s, 32},
    int64: {:s, 64},
    float16: {:f, 16},
    float32: {:f, 32},
    float64: {:f, 64},
    bfloat16: {:bf, 16},
    complex64: {:c, 64}
  ]

  @doc "The dtype of a type of Nx's."
  @spec dtype(Nx.Type.t()) :: Mlx.dtype()
  for {dtype, type} <- @types, do: def(dtype(unquote(type)), do: unquote(dtype))

  # Types that MLX does not have live in a wider dtype, and are fitted after each operation.
  def dtype({:u, bits}) when bits < 8, do: :uint8
  def dtype({:s, bits}) when bits < 8, do: :int8
  def dtype({kind, 8}) when kind in [:f, :f8_e4m3fn], do: :float16

  def dtype({kind, bits}),
    do: raise(ArgumentError, "Mlx.Backend has no type #{kind}#{bits}")

  @doc "The type of Nx's of a dtype; of :bool u8."
  @spec type(atom) :: Nx.Type.t()
  for {dtype, type} <- @types, do: def(type(unquote(dtype)), do: unquote(type))
  def type(:bool), do: {:u, 8}

  @doc "A number as an array of a type of Nx's, integers cut to its bits."
  def scalar(number, type), do: Mlx.array(wrapped(number, type), dtype(type))

  # As bits of an integer of that size.
  defp wrapped(number, {kind, bits}) when is_integer(number) and kind in [:s, :u] do
    <<unsigned::unsigned-size(bits)>> = <<number::size(bits)>>
    <<signed::signed-size(bits)>> = <<number::size(bits)>>
    if kind == :u, do: unsigned, else: signed
  end

  defp wrapped(number, _type), do: number

  # --- narrow types ---------------------------------------------------------------------------

  # The nearest values that a type has.
  defp fit(array, {kind, bits} = type) when bits < 8 or (bits == 8 and kind not in [:u, :s]),
    do: array |> bits(type) |> from_bits(type)

  defp fit(array, _type), do: array

  @doc "The bits of an array of a type, as an array of unsigned integers."
  def bits(array, {kind, bits}) when kind in [:u, :s] and bits < 8,
    do: array |> Mlx.view(:uint8) |> Mlx.bitwise_and(Bitwise.bsl(1, bits) - 1)

  # What float16 has more is rounded off, halves to even; NaN stays.
  def bits(array, {:f, 8}) do
    wide = array |> Mlx.view(:uint16) |> Mlx.astype(:uint32)
    odd = wide |> Mlx.right_shift(8) |> Mlx.bitwise_and(1)
    near = wide |> Mlx.add(0x7F) |> Mlx.add(odd)

    Mlx.where(Mlx.isnan(array), wide, near) |> Mlx.right_shift(8) |> Mlx.astype(:uint8)
  end

  def bits(array, {:f8_e4m3fn, 8}) do
    nan = Mlx.isnan(array)
    Mlx.where(nan, Mlx.array(0x7F, :uint8), array |> Mlx.clip(-448.0, 448.0) |> Mlx.to_fp8())
  end

  def bits(array, {_kind, bits}), do: Mlx.view(array, dtype({:u, bits}))

  @doc "An array of a type of its bits."
  def from_bits(bits, {:s, n}) when n < 8,
    do: bits |> Mlx.left_shift(8 - n) |> Mlx.view(:int8) |> Mlx.right_shift(8 - n)

  def from_bits(bits, {:u, n}) when n < 8, do: bits

  def from_bits(bits, {:f, 8}),
    do: bits |> Mlx.astype(:uint16) |> Mlx.left_shift(8) |> Mlx.view(:float16)

  def from_bits(bits, {:f8_e4m3fn, 8}), do: Mlx.from_fp8(bits, dtype: :float16)
  def from_bits(bits, type), do: Mlx.view(bits, dtype(type))

  @doc "An array of a type from its elements, one after the other."
  def from_binary(binary, {_kind, bits} = type, shape) when bits < 8,
    do: for(<<n::size(bits) <- binary>>, into: <<>>, do: <<n>>) |> unpacked(type, shape)

  def from_binary(binary, {kind, 8} = type, shape) when kind not in [:u, :s],
    do: unpacked(binary, type, shape)

  def from_binary(binary, type, shape), do: Mlx.from_binary(binary, dtype(type), shape)

  defp unpacked(bytes, type, shape),
    do: bytes |> Mlx.from_binary(:uint8, shape) |> from_bits(type)

  @doc "The elements of an array of a type, one after the other."
  def to_binary(array, {_kind, bits} = type) when bits < 8 do
    bytes = array |> bits(type) |> Mlx.to_binary()
    for <<n <- bytes>>, into: <<>>, do: <<n::size(bits)>>
  end

  def to_binary(array, {kind, 8} = type) when kind not in [:u, :s],
    do: array |> bits(type) |> Mlx.to_binary()

  def to_binary(array, _type), do: Mlx.to_binary(array)

  @doc "The dtype in which functions of a dtype are computed."
  def computed(dtype) do
    if dtype in [:float16, :bfloat16, :float32] and Application.get_env(:mlx, :precise, false),
      do: :float64,
      else: dtype
  end
end
