defmodule Mlx.Backend.Types do
  @moduledoc false
  # Tensors and arrays, types and dtypes.

  alias Mlx.Backend.Elementwise
  alias Nx.Tensor, as: T

  @doc "The array of a tensor, from whatever backend."
  @spec array(T.t() | number) :: Mlx.Array.t()
  def array(%T{data: %{__struct__: Mlx.Backend, array: array}}), do: array

  def array(%T{type: type, shape: shape} = tensor),
    do: tensor |> Nx.to_binary() |> Mlx.from_binary(dtype(type), shape)

  def array(number), do: number |> Nx.tensor(backend: Nx.BinaryBackend) |> array()

  @doc "A tensor of an array, in the type, shape and names of another."
  @spec tensor(Mlx.Array.t(), T.t()) :: T.t()
  def tensor(array, %T{type: type} = out) do
    count()
    %{out | data: %{__struct__: Mlx.Backend, array: cast(array, dtype(type))}}
  end

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
      data: %{__struct__: Mlx.Backend, array: array}
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

  @doc "The dtype in which functions of a dtype are computed."
  def computed(dtype) do
    if dtype in [:float16, :bfloat16, :float32] and Application.get_env(:mlx, :precise, false),
      do: :float64,
      else: dtype
  end
end
