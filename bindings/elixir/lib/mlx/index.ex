defmodule Mlx.Index do
  @moduledoc false
  # Parts of arrays by indices and ranges, for Access and Mlx.at, Mlx.put_at.

  alias Mlx.{Error, Job}

  @most 2_147_483_647

  @doc "The part at an index, a range, an array of indices, or a list of such for the first axes."
  def get(array, key) do
    case spec(array, key) do
      {:take, indices} -> Mlx.take(array, indices, axis: 0)
      {starts, stops, strides, gone} -> cut(array, starts, stops, strides, gone)
    end
  end

  @doc "The array with another part there."
  def put(array, key, value) do
    case spec(array, key) do
      {:take, _indices} ->
        Error.fail(:put, "an array of indices cannot be put to; see Mlx.put_along_axis/4")

      {starts, stops, strides, gone} ->
        value = Mlx.as_array(value, Mlx.dtype(array))
        Job.part(:slice_update, {array, widen(value, array, gone), starts, stops, strides})
    end
  end

  defp cut(array, starts, stops, strides, gone) do
    part = Job.part(:slice, {array, starts, stops, strides})
    if gone == [], do: part, else: Mlx.squeeze(part, axis: gone)
  end

  # Axes that an index took away stand again before those of the value that are left.
  defp widen(value, array, gone) do
    n = tuple_size(Mlx.shape(array))
    kept = for axis <- 0..(n - 1)//1, axis not in gone, do: axis
    rank = tuple_size(Mlx.shape(value))
    known = Enum.drop(kept, max(length(kept) - rank, 0))
    added = for axis <- gone, Enum.any?(known, &(&1 < axis)), do: axis

    if added == [] or rank == 0,
      do: value,
      else: Mlx.expand_dims(value, Enum.map(added, &(&1 - n)))
  end

  defp spec(_array, %Mlx.Array{} = indices), do: {:take, indices}

  defp spec(array, key) do
    sizes = array |> Mlx.shape() |> Tuple.to_list()
    keys = if is_list(key), do: key, else: [key]

    if length(keys) > length(sizes) do
      Error.fail(:index, :range, "#{length(keys)} indices for an array of #{length(sizes)} axes")
    end

    pairs = Enum.zip(sizes, keys ++ List.duplicate(0..-1//1, length(sizes) - length(keys)))
    parts = for {size, part} <- pairs, do: part(part, size)
    {starts, stops, strides, gone} = unzip(parts)
    {starts, stops, strides, for({true, axis} <- Enum.with_index(gone), do: axis)}
  end

  defp unzip(parts) do
    {for({a, _, _, _} <- parts, do: a), for({_, b, _, _} <- parts, do: b),
     for({_, _, c, _} <- parts, do: c), for({_, _, _, d} <- parts, do: d)}
  end

  # {start, stop, stride, whether the axis goes}
  defp part(i, size) when is_integer(i) do
    if i < -size or i >= size do
      Error.fail(:index, :range, "the index #{i} is out of range for an axis of #{size}")
    end

    {i, stop(i), 1, true}
  end

  # Elixir reads 1..-1 as counting down; here it goes to the end. Negative bounds stay: the library
  # counts them from the end, for other sizes, too, where a function is traced shapeless.
  defp part(%Range{first: first, last: last, step: -1}, _size) when first >= 0 and last < 0,
    do: {first, stop(last), 1, false}

  defp part(%Range{first: first, last: last, step: step}, _size) when step > 0,
    do: {first, stop(last), step, false}

  defp part(%Range{first: first, last: 0, step: step}, _size), do: {first, -@most, step, false}

  defp part(%Range{first: first, last: last, step: step}, _size),
    do: {first, last - 1, step, false}

  defp part(other, _size) do
    Error.fail(
      :index,
      "an index must be an integer, a range or an array, not #{inspect(other, limit: 5)}"
    )
  end

  defp stop(-1), do: @most
  defp stop(last), do: last + 1
end
