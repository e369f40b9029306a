defmodule Mlx.Index do
  @moduledoc false
  # Parts of arrays by indices and ranges, for Access and Mlx.at, Mlx.put_at.

  alias Mlx.{Error, Job}

  @most 2_147_483_647

  @doc "The part at an index, a range, indices or a mask, or a list of such for the first axes."
  def get(array, key) do
    case spec(array, key) do
      {:take, axis, indices, keys} ->
        {array, axis, indices} = array |> get(keys) |> flat(axis, indices)
        Mlx.take(array, indices, axis: axis)

      {starts, stops, strides, gone} ->
        cut(array, starts, stops, strides, gone)
    end
  end

  @doc "The array with another part there."
  def put(array, key, value) do
    value = Mlx.as_array(value, Mlx.dtype(array))

    case spec(array, key) do
      {:take, axis, indices, []} ->
        {rows, axis, indices} = flat(array, axis, indices)
        rows |> put_rows(axis, indices, value) |> Mlx.reshape(Mlx.shape(array))

      {:take, axis, indices, keys} ->
        part = get(array, keys)
        put(array, keys, put(part, full(axis) ++ [indices], value))

      {starts, stops, strides, gone} ->
        Job.part(:slice_update, {array, widen(value, array, gone), starts, stops, strides})
    end
  end

  @doc "The range of the first n of an axis; as a bound -1 is the last."
  def first(0), do: 1..0//1
  def first(n), do: 0..(n - 1)//1

  # --- indices and masks ----------------------------------------------------------------------

  defp full(n), do: List.duplicate(0..-1//1, n)

  # Of a list with indices or a mask: their axis once the other keys are taken, and those with all of
  # that axis instead; none where there is nothing else.
  defp indexed(array, keys) do
    case Enum.split_while(keys, &(not is_struct(&1, Mlx.Array))) do
      {before, [indices | others]} ->
        single!(others)
        axis = Enum.count(before, &(not is_integer(&1)))
        axes = if mask?(indices), do: Mlx.ndim(indices), else: 1
        rest = before ++ full(axes) ++ others
        plain = Enum.all?(before ++ others, &(&1 == 0..-1//1))
        if length(rest) > Mlx.ndim(array), do: too_many(length(rest), Mlx.ndim(array))
        {:take, axis, indices, if(plain, do: [], else: rest)}

      {_keys, []} ->
        nil
    end
  end

  defp single!(others) do
    if Enum.any?(others, &is_struct(&1, Mlx.Array)),
      do: Error.fail(:index, "of a list one may be an array; see Mlx.take_along_axis/3")
  end

  defp mask?(indices), do: Mlx.dtype(indices) == :bool

  # The axes that a mask stands for are one, and the mask is the places on it where it holds.
  defp flat(array, axis, indices) do
    if mask?(indices), do: flat_mask(array, axis, indices), else: {array, axis, indices}
  end

  defp flat_mask(array, axis, mask) do
    {before, rest} = array |> Mlx.shape() |> Tuple.to_list() |> Enum.split(axis)
    {own, after_} = Enum.split(rest, Mlx.ndim(mask))

    if List.to_tuple(own) != Mlx.shape(mask) do
      Error.fail(
        :index,
        "a mask has the shape of its axes, #{inspect(List.to_tuple(own))}, " <>
          "not #{inspect(Mlx.shape(mask))}"
      )
    end

    {places} = mask |> Mlx.reshape([Mlx.size(mask)]) |> Mlx.nonzero()
    {Mlx.reshape(array, before ++ [Mlx.size(mask)] ++ after_), axis, places}
  end

  # Along the axis, one slab for each index.
  defp put_rows(array, axis, indices, value) do
    {before, [_ | after_]} = array |> Mlx.shape() |> Tuple.to_list() |> Enum.split(axis)
    own = Tuple.to_list(Mlx.shape(indices))
    to = axis + length(own)
    n = to + length(after_)
    first = Enum.to_list(axis..(to - 1)//1)

    updates =
      value
      |> Mlx.broadcast_to(before ++ own ++ after_)
      |> Mlx.transpose(axes: first ++ (Enum.to_list(0..(n - 1)//1) -- first))
      |> Mlx.reshape(own ++ before ++ [1] ++ after_)

    Job.part(:scatter, {array, [indices], updates, [axis]})
  end

  # --- slices ---------------------------------------------------------------------------------

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

  defp spec(array, key) do
    keys = if is_list(key) and not List.improper?(key), do: key, else: [key]
    indexed(array, keys) || sliced(array, keys)
  end

  defp sliced(array, keys) do
    sizes = array |> Mlx.shape() |> Tuple.to_list()
    if length(keys) > length(sizes), do: too_many(length(keys), length(sizes))

    parts =
      for {size, part} <- Enum.zip(sizes, keys ++ full(length(sizes) - length(keys))),
          do: part(part, size)

    {starts, stops, strides, gone} = unzip(parts)
    {starts, stops, strides, for({true, axis} <- Enum.with_index(gone), do: axis)}
  end

  @spec too_many(integer, integer) :: no_return
  defp too_many(keys, axes),
    do: Error.fail(:index, :range, "#{keys} indices for an array of #{axes} axes")

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
