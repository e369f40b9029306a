defmodule Mlx.Backend do
  @moduledoc """
  Nx on MLX's arrays: `Nx.default_backend(Mlx.Backend)`.

  Operations build a graph; what reads values (`Nx.to_binary/1`, `inspect/1`, `Nx.to_number/1`)
  computes it. A tensor's array has the dtype and shape of the tensor. Types that MLX does not have
  live in a wider dtype and are rounded after each operation: u2, u4, s2, s4 as integers of 8 bits, f8
  and f8_e4m3fn as float16. c128 is refused.

  Functions, sums and products of f32 are computed in that precision, functions with an error of about
  one unit in the last place. With `config :mlx, precise: true` they are computed in float64 and
  rounded, as `Nx.BinaryBackend` does it, and so give its results to the last digit; that takes several
  times as long. Singular values, eigenvalues and QR factors are always computed in float64.
  """

  @behaviour Nx.Backend

  import Mlx.Backend.Types, only: [cast: 2, computed: 1, dtype: 1, scalar: 2, tensor: 2]
  alias Mlx.Backend.{Elementwise, Indexed, Linear, Reduce, Types, Windows}
  alias Nx.Tensor, as: T

  # Of constants also the number.
  @enforce_keys [:array]
  defstruct [:array, :number]

  @doc "The array of a tensor, from whatever backend."
  @spec array(T.t() | number) :: Mlx.Array.t()
  defdelegate array(tensor), to: Types

  @doc "A tensor of an array."
  @spec tensor(Mlx.Array.t()) :: T.t()
  defdelegate tensor(array), to: Types

  @doc """
  Compute all tensors of a container, at once; the container. A loop that reads none of its values builds
  one graph of all its rounds, unless each ends with this.
  """
  @spec eval(Nx.Container.t()) :: Nx.Container.t()
  def eval(container) do
    [container]
    |> Nx.Defn.Composite.flatten_list()
    |> Enum.map(&array/1)
    |> Mlx.eval()

    container
  end

  # --- options and places ---------------------------------------------------------------------

  def init(options), do: Keyword.validate!(options, [:device])

  def backend_copy(%T{} = tensor, __MODULE__, _options), do: tensor |> array() |> tensor(tensor)

  def backend_copy(tensor, Nx.Tensor, options),
    do: backend_copy(tensor, Nx.BinaryBackend, options)

  def backend_copy(tensor, backend, options),
    do: backend.from_binary(tensor, Nx.to_binary(tensor), options)

  def backend_transfer(tensor, __MODULE__, _options), do: tensor

  def backend_transfer(tensor, backend, options) do
    copy = backend_copy(tensor, backend, options)
    backend_deallocate(tensor)
    copy
  end

  def backend_deallocate(%T{data: %__MODULE__{array: array}}) do
    Mlx.deallocate(array)
  rescue
    Mlx.Error -> :already_deallocated
  end

  # --- in and out -----------------------------------------------------------------------------

  def constant(%T{type: type, shape: shape} = out, number, _options) do
    tensor = shape |> Mlx.full(scalar(number, type)) |> tensor(out)
    put_in(tensor.data.number, number)
  end

  def from_binary(%T{type: type, shape: shape} = out, binary, _options),
    do: binary |> Types.from_binary(type, shape) |> tensor(out)

  def to_binary(%T{type: type} = tensor, limit) do
    array = array(tensor)

    if limit >= Mlx.size(array),
      do: Types.to_binary(array, type),
      else: array |> Mlx.flatten() |> Mlx.at(0..(limit - 1)//1) |> Types.to_binary(type)
  end

  def inspect(%T{} = tensor, options) do
    size = Mlx.size(array(tensor))
    limit = if options.limit == :infinity, do: size, else: options.limit + 1
    binary = to_binary(tensor, min(limit, size))
    Nx.Backend.inspect(tensor, binary, options)
  rescue
    # what was deallocated, or fails when it is computed
    error in Mlx.Error -> "Mlx.Backend: " <> Exception.message(error)
  end

  def to_batched(out, tensor, options) do
    array = array(tensor)
    size = elem(out.shape, 0)
    count = elem(tensor.shape, 0)
    {full, rest} = {div(count, size), rem(count, size)}
    whole = for i <- 0..(full - 1)//1, do: Mlx.at(array, (i * size)..(i * size + size - 1)//1)

    last =
      cond do
        rest == 0 or options[:leftover] == :discard ->
          []

        true ->
          end_of = Mlx.at(array, (full * size)..(count - 1)//1)
          [Mlx.concatenate([end_of, Mlx.at(array, 0..(size - rest - 1)//1)], axis: 0)]
      end

    Stream.map(whole ++ last, &tensor(&1, out))
  end

  def eye(%T{shape: shape} = out, _options) do
    {lead, [n, m]} = shape |> Tuple.to_list() |> Enum.split(-2)
    n |> Mlx.eye(m: m, dtype: dtype(out.type)) |> Mlx.broadcast_to(lead ++ [n, m]) |> tensor(out)
  end

  def iota(%T{shape: shape} = out, nil, _options),
    do: Nx.size(out) |> Mlx.arange(dtype: :int64) |> Mlx.reshape(shape) |> tensor(out)

  def iota(%T{shape: shape} = out, axis, _options) do
    sizes = for i <- 0..(tuple_size(shape) - 1)//1, do: if(i == axis, do: elem(shape, i), else: 1)

    Mlx.arange(elem(shape, axis), dtype: :int64)
    |> Mlx.reshape(sizes)
    |> Mlx.broadcast_to(shape)
    |> tensor(out)
  end

  # --- types and shapes -----------------------------------------------------------------------

  def as_type(out, tensor), do: tensor |> array() |> tensor(out)

  def bitcast(out, tensor),
    do: tensor |> array() |> Types.bits(tensor.type) |> Types.from_bits(out.type) |> tensor(out)

  def reshape(out, tensor), do: tensor |> array() |> Mlx.reshape(out.shape) |> tensor(out)

  def squeeze(out, tensor, _axes), do: reshape(out, tensor)

  def broadcast(out, tensor, shape, axes) do
    array = array(tensor)
    sizes = Mlx.shape(array)
    places = axes |> Enum.with_index() |> Map.new()

    wide =
      for i <- 0..(tuple_size(shape) - 1)//1 do
        case places do
          %{^i => place} -> elem(sizes, place)
          %{} -> 1
        end
      end

    array |> Mlx.reshape(wide) |> Mlx.broadcast_to(shape) |> tensor(out)
  end

  def transpose(out, tensor, axes),
    do: tensor |> array() |> Mlx.transpose(axes: axes) |> tensor(out)

  def reverse(out, tensor, []), do: tensor |> array() |> tensor(out)
  def reverse(out, tensor, axes), do: tensor |> array() |> Mlx.flip(axis: axes) |> tensor(out)

  def concatenate(out, tensors, axis) do
    dtype = dtype(out.type)

    tensors
    |> Enum.map(&cast(array(&1), dtype))
    |> Mlx.concatenate(axis: axis)
    |> tensor(out)
  end

  def stack(out, tensors, axis) do
    dtype = dtype(out.type)
    tensors |> Enum.map(&cast(array(&1), dtype)) |> Mlx.stack(axis: axis) |> tensor(out)
  end

  def pad(out, tensor, value, config) do
    dtype = dtype(out.type)

    tensor
    |> array()
    |> cast(dtype)
    |> Windows.pad(cast(array(value), dtype), config)
    |> tensor(out)
  end

  def select(out, predicate, a, b) do
    dtype = dtype(out.type)

    predicate
    |> array()
    |> Mlx.not_equal(0)
    |> Mlx.where(cast(array(a), dtype), cast(array(b), dtype))
    |> Mlx.broadcast_to(out.shape)
    |> tensor(out)
  end

  def clip(out, tensor, min, max) do
    dtype = dtype(out.type)
    [low, high] = for t <- [min, max], do: cast(array(t), dtype)
    tensor |> array() |> below(dtype) |> cast(dtype) |> Mlx.clip(low, high) |> tensor(out)
  end

  # What int64 has no room for is beyond all limits of that dtype.
  defp below(array, :int64) do
    if Mlx.dtype(array) == :uint64,
      do: Mlx.minimum(array, 9_223_372_036_854_775_807),
      else: array
  end

  defp below(array, _dtype), do: array

  # --- element by element ---------------------------------------------------------------------

  def population_count(out, %{type: type} = tensor),
    do: tensor |> array() |> Types.bits(type) |> Elementwise.population_count() |> tensor(out)

  def count_leading_zeros(out, %{type: {_, bits} = type} = tensor) do
    tensor
    |> array()
    |> Types.bits(type)
    |> Elementwise.count_leading_zeros(bits)
    |> tensor(out)
  end

  # A product takes a tenth of a power's time, and rounds as exactly.
  def pow(out, a, %{data: %__MODULE__{number: 2}}),
    do: a |> array() |> Elementwise.square(dtype(out.type)) |> tensor(out)

  def pow(out, a, b),
    do: a |> array() |> Elementwise.pow(array(b), dtype(out.type)) |> tensor(out)

  for name <- Elementwise.unary() do
    def unquote(name)(out, tensor) do
      tensor |> array() |> Elementwise.unquote(name)(dtype(out.type)) |> tensor(out)
    end
  end

  for name <- Elementwise.binary() do
    def unquote(name)(out, a, b) do
      a |> array() |> Elementwise.unquote(name)(array(b), dtype(out.type)) |> tensor(out)
    end
  end

  def map(out, tensor, _options, function),
    do: function |> Reduce.each([{array(tensor), tensor.type}], out.type) |> tensor(out)

  # --- reductions -----------------------------------------------------------------------------

  for name <- ~w(sum product reduce_max reduce_min all any argmax argmin)a do
    def unquote(name)(out, tensor, options) do
      tensor |> array() |> Reduce.unquote(name)(options, dtype(out.type)) |> tensor(out)
    end
  end

  for {name, operation} <- [
        cumulative_sum: :cumsum,
        cumulative_product: :cumprod,
        cumulative_max: :cummax,
        cumulative_min: :cummin
      ] do
    def unquote(name)(out, tensor, options) do
      tensor
      |> array()
      |> cast(computed(dtype(out.type)))
      |> Mlx.unquote(operation)(axis: options[:axis], reverse: options[:reverse] || false)
      |> tensor(out)
    end
  end

  defdelegate reduce(out, tensor, accumulator, options, function), to: Reduce
  defdelegate sort(out, tensor, options), to: Reduce
  defdelegate argsort(out, tensor, options), to: Reduce

  # --- windows --------------------------------------------------------------------------------

  for name <- ~w(window_sum window_product window_max window_min)a do
    def unquote(name)(out, tensor, shape, options),
      do: Windows.unquote(name)(out, tensor, shape, options)
  end

  defdelegate window_reduce(out, tensor, accumulator, shape, options, function), to: Windows
  defdelegate window_scatter_max(out, tensor, source, init, shape, options), to: Windows
  defdelegate window_scatter_min(out, tensor, source, init, shape, options), to: Windows

  # --- places ---------------------------------------------------------------------------------

  defdelegate slice(out, tensor, starts, lengths, strides), to: Indexed
  defdelegate put_slice(out, tensor, starts, slice), to: Indexed

  def take(out, tensor, indices, axis),
    do: Indexed.take(out, tensor, indices, axis_of(axis))

  def take_along_axis(out, tensor, indices, axis),
    do: Indexed.take_along_axis(out, tensor, indices, axis_of(axis))

  # An option from Nx 0.8 on.
  defp axis_of(axis) when is_integer(axis), do: axis
  defp axis_of(options), do: options[:axis]

  defdelegate gather(out, tensor, indices, options), to: Indexed
  defdelegate indexed_add(out, tensor, indices, updates, options), to: Indexed
  defdelegate indexed_put(out, tensor, indices, updates, options), to: Indexed

  # --- products and matrices ------------------------------------------------------------------

  defdelegate dot(out, a, axes_a, batch_a, b, axes_b, batch_b), to: Linear
  defdelegate conv(out, tensor, kernel, options), to: Linear
  defdelegate lu(outs, tensor, options), to: Linear
  defdelegate triangular_solve(out, a, b, options), to: Linear
  defdelegate cholesky(out, tensor), to: Linear
  defdelegate eigh(outs, tensor, options), to: Linear
  defdelegate svd(outs, tensor, options), to: Linear
  defdelegate qr(outs, tensor, options), to: Linear
  def fft(out, tensor, options), do: Linear.fourier(out, tensor, options, &Mlx.FFT.fft/2)
  def ifft(out, tensor, options), do: Linear.fourier(out, tensor, options, &Mlx.FFT.ifft/2)

  # --- blocks, of Nx 0.11 and newer -----------------------------------------------------------

  # Those that are listed are computed here, all others as their function says.
  def block(%{__struct__: name} = block, out, args, function) do
    if native?(name),
      do: native(name, block, out, args),
      else: apply(function, [block | args])
  end

  @factors [Nx.Block.LinAlg.Cholesky, Nx.Block.LinAlg.Eigh, Nx.Block.LinAlg.LU] ++
             [Nx.Block.LinAlg.QR, Nx.Block.LinAlg.SVD]

  @cumulative %{
    Nx.Block.CumulativeSum => :cumulative_sum,
    Nx.Block.CumulativeProduct => :cumulative_product,
    Nx.Block.CumulativeMax => :cumulative_max,
    Nx.Block.CumulativeMin => :cumulative_min
  }

  @native [Nx.Block.LogicalNot, Nx.Block.Phase, Nx.Block.Take, Nx.Block.TakeAlongAxis] ++
            Map.keys(@cumulative)

  # Factors to the last digit as Nx has them come of its own steps.
  defp native?(name) when name in @factors, do: computed(:float32) == :float32
  defp native?(name), do: name in @native

  defp native(Nx.Block.LogicalNot, _block, out, [tensor]), do: logical_not(out, tensor)
  defp native(Nx.Block.Phase, _block, out, [tensor]), do: phase(out, tensor)
  defp native(Nx.Block.LinAlg.Cholesky, _block, out, [tensor]), do: cholesky(out, tensor)
  defp native(Nx.Block.LinAlg.Eigh, block, out, [tensor]), do: eigh(out, tensor, options(block))
  defp native(Nx.Block.LinAlg.LU, block, out, [tensor]), do: lu(out, tensor, options(block))
  defp native(Nx.Block.LinAlg.QR, block, out, [tensor]), do: qr(out, tensor, options(block))
  defp native(Nx.Block.LinAlg.SVD, block, out, [tensor]), do: svd(out, tensor, options(block))
  defp native(Nx.Block.Take, block, out, [a, indices]), do: take(out, a, indices, block.axis)

  defp native(Nx.Block.TakeAlongAxis, block, out, [a, indices]),
    do: take_along_axis(out, a, indices, block.axis)

  defp native(name, block, out, [tensor]),
    do: apply(__MODULE__, Map.fetch!(@cumulative, name), [out, tensor, options(block)])

  defp options(block), do: block |> Map.from_struct() |> Keyword.new()

  # --- memory of others, in Nx 0.9 and newer --------------------------------------------------

  @doc "A tensor in memory whose address is given; see `Mlx.Unsafe.from_pointer/3`."
  def from_pointer(%{kind: :local, address: address}, type, shape, _backend_options, options) do
    template = Nx.template(shape, type, names: options[:names])
    address |> Mlx.Unsafe.from_pointer(dtype(type), shape) |> tensor(template)
  end

  def from_pointer(pointer, _type, _shape, _backend_options, _options) do
    raise ArgumentError,
          "Mlx.Backend has memory of this process alone, kind: :local, not #{inspect(pointer)}"
  end

  @doc "Where a tensor's elements are; see `Mlx.Unsafe.pointer/1`."
  def to_pointer(tensor, options) do
    unless Keyword.get(options, :mode, :local) == :local do
      raise ArgumentError,
            "Mlx.Backend has memory of this process alone, mode: :local, not #{inspect(options)}"
    end

    {address, bytes} = tensor |> array() |> Mlx.Unsafe.pointer()
    struct!(Nx.Pointer, kind: :local, address: address, data_size: bytes)
  end
end
