defmodule Mlx.Backend.Indexed do
  @moduledoc false
  # Slices at places that may be tensors, gathers and scatters.

  import Mlx.Backend.Types, only: [array: 1, cast: 2, dtype: 1, tensor: 2]
  alias Nx.Tensor, as: T

  # --- slices ---------------------------------------------------------------------------------

  # A slice that would go beyond the end starts earlier.
  def slice(out, tensor, starts, lengths, strides) do
    a = array(tensor)
    sizes = Tuple.to_list(Mlx.shape(a))

    if Enum.all?(starts, &is_integer/1) do
      starts = clamped(starts, sizes, lengths)
      stops = for {s, n} <- Enum.zip(starts, lengths), do: s + n
      Mlx.Job.part(:slice, {a, starts, stops, strides}) |> tensor(out)
    else
      part = Mlx.slice(a, start_array(starts, sizes, lengths), axes(sizes), lengths)
      zeros = Enum.map(sizes, fn _ -> 0 end)
      Mlx.Job.part(:slice, {part, zeros, lengths, strides}) |> tensor(out)
    end
  end

  def put_slice(out, tensor, starts, slice) do
    dtype = dtype(out.type)
    [a, part] = for t <- [tensor, slice], do: cast(array(t), dtype)
    sizes = Tuple.to_list(Mlx.shape(a))
    lengths = Tuple.to_list(Mlx.shape(part))

    if Enum.all?(starts, &is_integer/1) do
      starts = clamped(starts, sizes, lengths)
      stops = for {s, n} <- Enum.zip(starts, lengths), do: s + n
      ones = Enum.map(sizes, fn _ -> 1 end)
      Mlx.Job.part(:slice_update, {a, part, starts, stops, ones}) |> tensor(out)
    else
      a |> Mlx.slice_update(part, start_array(starts, sizes, lengths), axes(sizes)) |> tensor(out)
    end
  end

  defp axes(sizes), do: Enum.to_list(0..(length(sizes) - 1)//1)

  defp clamped(starts, sizes, lengths) do
    for {s, n, k} <- Enum.zip([starts, sizes, lengths]), do: s |> min(n - k) |> max(0)
  end

  defp start_array(starts, sizes, lengths) do
    parts =
      for {s, n, k} <- Enum.zip([starts, sizes, lengths]) do
        s = if match?(%T{}, s), do: array(s), else: Mlx.array(s)
        s |> cast(:int64) |> Mlx.clip(0, n - k) |> cast(:int32) |> Mlx.reshape([1])
      end

    Mlx.concatenate(parts, axis: 0)
  end

  # --- gathers --------------------------------------------------------------------------------

  # Indices are refused, when they are computed with, where their axis has no such element.

  def take(out, tensor, indices, axis) do
    a = array(tensor)
    a |> Mlx.take(within(array(indices), size(a, axis)), axis: axis) |> tensor(out)
  end

  def take_along_axis(out, tensor, indices, axis) do
    a = array(tensor)
    indices = within(array(indices), size(a, axis))
    a |> Mlx.take_along_axis(indices, axis: axis) |> tensor(out)
  end

  defp size(a, axis), do: elem(Mlx.shape(a), axis)

  # MLX counts negative indices from the end; Nx has none such, and they go on before the start.
  defp within(indices, n) do
    case Mlx.dtype(indices) do
      dtype when dtype in [:int32, :int64] ->
        indices |> Mlx.less(0) |> Mlx.where(Mlx.subtract(indices, n), indices)

      dtype when dtype in [:int8, :int16] ->
        indices |> cast(:int32) |> within(n)

      _unsigned ->
        indices
    end
  end

  # The axes that indices name come first, as one axis of their places.
  def gather(out, tensor, indices, options) do
    {a, places, rest} = by_place(array(tensor), array(indices), options[:axes])
    lead = indices.shape |> Tuple.to_list() |> Enum.drop(-1)
    a |> Mlx.take(places, axis: 0) |> Mlx.reshape(lead ++ rest) |> tensor(out)
  end

  # The array with the indexed axes flattened in front, the numbers of places, the other sizes.
  defp by_place(a, indices, axes) do
    n = tuple_size(Mlx.shape(a))
    k = indices |> Mlx.shape() |> Tuple.to_list() |> List.last()
    axes = axes || Enum.to_list(0..(k - 1)//1)
    others = Enum.to_list(0..(n - 1)//1) -- axes
    sizes = for i <- axes, do: elem(Mlx.shape(a), i)
    rest = for i <- others, do: elem(Mlx.shape(a), i)
    front = a |> Mlx.transpose(axes: axes ++ others) |> Mlx.reshape([Enum.product(sizes) | rest])
    {front, places(Mlx.reshape(indices, [-1, k]), sizes), rest}
  end

  defp places(indices, [n]), do: indices |> Mlx.flatten() |> within(n)

  # Where one is not within its axis the place is beyond the end.
  defp places(indices, sizes) do
    {steps, count} = sizes |> Enum.reverse() |> Enum.map_reduce(1, &{&2, &1 * &2})
    indices = cast(indices, :int64)
    limits = Mlx.array(sizes, :int64)
    inside = Mlx.logical_and(Mlx.greater_equal(indices, 0), Mlx.less(indices, limits))
    steps = Mlx.array(Enum.reverse(steps), :int64)

    inside
    |> Mlx.all(axis: 1)
    |> Mlx.where(indices |> Mlx.multiply(steps) |> Mlx.sum(axis: 1), count)
  end

  # --- scatters -------------------------------------------------------------------------------

  def indexed_add(out, tensor, indices, updates, options),
    do: scatter(:scatter_add, out, tensor, indices, updates, options)

  def indexed_put(out, tensor, indices, updates, options),
    do: scatter(:scatter, out, tensor, indices, updates, options)

  defp scatter(kind, out, tensor, indices, updates, options) do
    dtype = dtype(out.type)
    a = cast(array(tensor), dtype)
    axes = axes_of(options[:axes], indices)
    {front, places, rest} = by_place(a, array(indices), axes)
    new = updates |> array() |> cast(dtype) |> Mlx.reshape([Mlx.size(places), 1 | rest])
    others = axes(Tuple.to_list(Mlx.shape(a))) -- axes
    order = axes ++ others
    back = for i <- axes(order), do: Enum.find_index(order, &(&1 == i))
    sizes = for i <- order, do: elem(Mlx.shape(a), i)

    Mlx.Job.part(kind, {front, [places], new, [0]})
    |> Mlx.reshape(sizes)
    |> Mlx.transpose(axes: back)
    |> tensor(out)
  end

  defp axes_of(nil, indices) do
    k = indices.shape |> Tuple.to_list() |> List.last()
    Enum.to_list(0..(k - 1)//1)
  end

  defp axes_of(axes, _indices), do: axes
end
