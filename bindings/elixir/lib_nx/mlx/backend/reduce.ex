defmodule Mlx.Backend.Reduce do
  @moduledoc false
  # Reductions, sorting, and reductions by functions.

  import Mlx.Backend.Types, only: [array: 1, cast: 2, computed: 1, tensor: 2]

  def sum(a, options, dtype), do: a |> cast(computed(dtype)) |> Mlx.sum(over(options))
  def product(a, options, dtype), do: a |> cast(computed(dtype)) |> Mlx.prod(over(options))
  def reduce_max(a, options, _dtype), do: Mlx.max(a, over(options))
  def reduce_min(a, options, _dtype), do: Mlx.min(a, over(options))
  def all(a, options, _dtype), do: a |> Mlx.not_equal(0) |> Mlx.all(over(options))
  def any(a, options, _dtype), do: a |> Mlx.not_equal(0) |> Mlx.any(over(options))

  defp over(options), do: [axis: options[:axes], keepdims: options[:keep_axes] || false]

  def argmax(a, options, dtype), do: arg(&Mlx.argmax/2, a, options, dtype)
  def argmin(a, options, dtype), do: arg(&Mlx.argmin/2, a, options, dtype)

  # Of equal ones the first, or with tie_break: :high the last, which is the first from behind.
  defp arg(operation, a, options, dtype) do
    {a, axis, size} = flat(a, options[:axis])
    keep = options[:keep_axis] || false

    if options[:tie_break] == :high do
      from_behind = operation.(Mlx.flip(a, axis: axis), axis: axis, keepdims: keep)
      Mlx.subtract(Mlx.array(size - 1, dtype), cast(from_behind, dtype))
    else
      operation.(a, axis: axis, keepdims: keep)
    end
  end

  defp flat(a, nil), do: {Mlx.flatten(a), 0, Mlx.size(a)}
  defp flat(a, axis), do: {a, axis, elem(Mlx.shape(a), axis)}

  # --- sorting --------------------------------------------------------------------------------

  def sort(out, tensor, options) do
    tensor
    |> array()
    |> Mlx.sort(axis: options[:axis], descending: options[:direction] == :desc)
    |> tensor(out)
  end

  def argsort(out, tensor, options) do
    tensor
    |> array()
    |> Mlx.argsort(axis: options[:axis], descending: options[:direction] == :desc)
    |> tensor(out)
  end

  # --- by a function --------------------------------------------------------------------------

  # The function is called for one place of the axes after the other, with all the rest at once.
  def reduce(out, tensor, accumulator, options, function) do
    a = array(tensor)
    n = tuple_size(Mlx.shape(a))
    axes = options[:axes] || Enum.to_list(0..(n - 1)//1)
    rest = Enum.to_list(0..(n - 1)//1) -- axes
    sizes = for i <- rest, do: elem(Mlx.shape(a), i)
    places = Mlx.reshape(Mlx.transpose(a, axes: axes ++ rest), [-1 | sizes])
    fold(out, places, sizes, accumulator, function)
  end

  @doc "Fold the first axis with a function, from an accumulator; the rest has the shape of out."
  def fold(out, places, sizes, accumulator, function) do
    type = out.type
    first = accumulator |> Nx.as_type(type) |> Nx.broadcast(List.to_tuple(sizes))

    places
    |> Enum.reduce(first, fn place, acc ->
      place |> Mlx.Backend.Types.tensor() |> function.(acc) |> Nx.as_type(type)
    end)
    |> array()
    |> Mlx.reshape(out.shape)
    |> tensor(out)
  end
end
