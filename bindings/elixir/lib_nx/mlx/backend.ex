defmodule Mlx.Backend do
  @moduledoc """
  Nx on MLX's arrays: `Nx.default_backend(Mlx.Backend)`.

  Operations build a graph; what reads values (`Nx.to_binary/1`, `inspect/1`, `Nx.to_number/1`)
  computes it. A tensor's array has the dtype and shape of the tensor. Types that MLX does not have
  (c128, f8, and integers of fewer than 8 bits) are refused.

  Functions of f32 are computed in that precision, with an error of about one unit in the last place.
  With `config :mlx, precise: true` they are computed in float64 and rounded, as `Nx.BinaryBackend`
  does it, and so give its results to the last digit; that takes several times as long.
  """

  @behaviour Nx.Backend

  import Mlx.Backend.Types, except: [array: 1, tensor: 1]
  alias Mlx.Backend.{Elementwise, Indexed, Linear, Reduce, Types, Windows}
  alias Nx.Tensor, as: T

  @enforce_keys [:array]
  defstruct [:array]

  @doc "The array of a tensor, from whatever backend."
  @spec array(T.t() | number) :: Mlx.Array.t()
  defdelegate array(tensor), to: Types

  @doc "A tensor of an array."
  @spec tensor(Mlx.Array.t()) :: T.t()
  defdelegate tensor(array), to: Types

  # --- options and places ---------------------------------------------------------------------

  @impl true
  def init(options), do: Keyword.validate!(options, [:device])

  @impl true
  def backend_copy(%T{} = tensor, __MODULE__, _options), do: tensor |> array() |> tensor(tensor)

  def backend_copy(tensor, Nx.Tensor, options),
    do: backend_copy(tensor, Nx.BinaryBackend, options)

  def backend_copy(tensor, backend, options),
    do: backend.from_binary(tensor, Nx.to_binary(tensor), options)

  @impl true
  def backend_transfer(tensor, __MODULE__, _options), do: tensor

  def backend_transfer(tensor, backend, options) do
    copy = backend_copy(tensor, backend, options)
    backend_deallocate(tensor)
    copy
  end

  @impl true
  def backend_deallocate(%T{data: %__MODULE__{array: array}}) do
    Mlx.deallocate(array)
  rescue
    Mlx.Error -> :already_deallocated
  end

  # --- in and out -----------------------------------------------------------------------------

  @impl true
  def constant(%T{type: type, shape: shape} = out, number, _options),
    do: shape |> Mlx.full(scalar(number, type)) |> tensor(out)

  @impl true
  def from_binary(%T{type: type, shape: shape} = out, binary, _options),
    do: binary |> Mlx.from_binary(dtype(type), shape) |> tensor(out)

  @impl true
  def to_binary(%T{type: {_, bits}} = tensor, limit) do
    array = array(tensor)

    if limit >= Mlx.size(array),
      do: array |> Mlx.to_binary(),
      else: array |> Mlx.flatten() |> Mlx.to_binary() |> binary_part(0, limit * div(bits, 8))
  end

  @impl true
  def inspect(%T{} = tensor, options) do
    size = Mlx.size(array(tensor))
    limit = if options.limit == :infinity, do: size, else: options.limit + 1
    binary = to_binary(tensor, min(limit, size))
    Nx.Backend.inspect(tensor, binary, options)
  end

  @impl true
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

  @impl true
  def eye(%T{shape: shape} = out, _options) do
    {lead, [n, m]} = shape |> Tuple.to_list() |> Enum.split(-2)
    n |> Mlx.eye(m: m, dtype: dtype(out.type)) |> Mlx.broadcast_to(lead ++ [n, m]) |> tensor(out)
  end

  @impl true
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

  @impl true
  def as_type(out, tensor), do: tensor |> array() |> tensor(out)

  @impl true
  def bitcast(out, tensor), do: tensor |> array() |> Mlx.view(dtype(out.type)) |> tensor(out)

  @impl true
  def reshape(out, tensor), do: tensor |> array() |> Mlx.reshape(out.shape) |> tensor(out)

  @impl true
  def squeeze(out, tensor, _axes), do: reshape(out, tensor)

  @impl true
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

  @impl true
  def transpose(out, tensor, axes),
    do: tensor |> array() |> Mlx.transpose(axes: axes) |> tensor(out)

  @impl true
  def reverse(out, tensor, []), do: tensor |> array() |> tensor(out)
  def reverse(out, tensor, axes), do: tensor |> array() |> Mlx.flip(axis: axes) |> tensor(out)

  @impl true
  def concatenate(out, tensors, axis) do
    dtype = dtype(out.type)

    tensors
    |> Enum.map(&cast(array(&1), dtype))
    |> Mlx.concatenate(axis: axis)
    |> tensor(out)
  end

  @doc "Tensors along a new axis (Nx 0.8 and newer)."
  def stack(out, tensors, axis) do
    dtype = dtype(out.type)
    tensors |> Enum.map(&cast(array(&1), dtype)) |> Mlx.stack(axis: axis) |> tensor(out)
  end

  @impl true
  def pad(out, tensor, value, config) do
    dtype = dtype(out.type)

    tensor
    |> array()
    |> cast(dtype)
    |> Windows.pad(cast(array(value), dtype), config)
    |> tensor(out)
  end

  @impl true
  def select(out, predicate, a, b) do
    dtype = dtype(out.type)

    predicate
    |> array()
    |> Mlx.not_equal(0)
    |> Mlx.where(cast(array(a), dtype), cast(array(b), dtype))
    |> Mlx.broadcast_to(out.shape)
    |> tensor(out)
  end

  @impl true
  def clip(out, tensor, min, max) do
    dtype = dtype(out.type)
    [a, low, high] = for t <- [tensor, min, max], do: cast(array(t), dtype)
    a |> Mlx.clip(low, high) |> tensor(out)
  end

  # --- element by element ---------------------------------------------------------------------

  for name <- Elementwise.unary() do
    @impl true
    def unquote(name)(out, tensor) do
      tensor |> array() |> Elementwise.unquote(name)(dtype(out.type)) |> tensor(out)
    end
  end

  for name <- Elementwise.binary() do
    @impl true
    def unquote(name)(out, a, b) do
      a |> array() |> Elementwise.unquote(name)(array(b), dtype(out.type)) |> tensor(out)
    end
  end

  @impl true
  def map(out, tensor, _options, function) do
    tensor |> function.() |> Nx.broadcast(out.shape) |> array() |> tensor(out)
  end

  # --- reductions -----------------------------------------------------------------------------

  for name <- ~w(sum product reduce_max reduce_min all any argmax argmin)a do
    @impl true
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
    @impl true
    def unquote(name)(out, tensor, options) do
      tensor
      |> array()
      |> cast(dtype(out.type))
      |> Mlx.unquote(operation)(axis: options[:axis], reverse: options[:reverse] || false)
      |> tensor(out)
    end
  end

  @impl true
  defdelegate reduce(out, tensor, accumulator, options, function), to: Reduce
  @impl true
  defdelegate sort(out, tensor, options), to: Reduce
  @impl true
  defdelegate argsort(out, tensor, options), to: Reduce

  # --- windows --------------------------------------------------------------------------------

  for name <- ~w(window_sum window_product window_max window_min)a do
    @impl true
    def unquote(name)(out, tensor, shape, options),
      do: Windows.unquote(name)(out, tensor, shape, options)
  end

  @impl true
  defdelegate window_reduce(out, tensor, accumulator, shape, options, function), to: Windows
  @impl true
  defdelegate window_scatter_max(out, tensor, source, init, shape, options), to: Windows
  @impl true
  defdelegate window_scatter_min(out, tensor, source, init, shape, options), to: Windows

  # --- places ---------------------------------------------------------------------------------

  @impl true
  defdelegate slice(out, tensor, starts, lengths, strides), to: Indexed
  @impl true
  defdelegate put_slice(out, tensor, starts, slice), to: Indexed
  @impl true
  defdelegate take(out, tensor, indices, axis), to: Indexed
  @impl true
  defdelegate take_along_axis(out, tensor, indices, axis), to: Indexed
  @impl true
  defdelegate gather(out, tensor, indices, options), to: Indexed
  @impl true
  defdelegate indexed_add(out, tensor, indices, updates, options), to: Indexed
  @impl true
  defdelegate indexed_put(out, tensor, indices, updates, options), to: Indexed

  # --- products and matrices ------------------------------------------------------------------

  @impl true
  defdelegate dot(out, a, axes_a, batch_a, b, axes_b, batch_b), to: Linear
  @impl true
  defdelegate conv(out, tensor, kernel, options), to: Linear
  @impl true
  defdelegate lu(outs, tensor, options), to: Linear
  @impl true
  defdelegate triangular_solve(out, a, b, options), to: Linear
  @impl true
  defdelegate cholesky(out, tensor), to: Linear
  @impl true
  defdelegate eigh(outs, tensor, options), to: Linear
  @impl true
  defdelegate svd(outs, tensor, options), to: Linear
  @impl true
  defdelegate qr(outs, tensor, options), to: Linear
  @impl true
  def fft(out, tensor, options), do: Linear.fourier(out, tensor, options, &Mlx.FFT.fft/2)
  @impl true
  def ifft(out, tensor, options), do: Linear.fourier(out, tensor, options, &Mlx.FFT.ifft/2)
end
