defmodule Mlx.Backend.Reduce do
  @moduledoc false
  # Reductions, sorting, and reductions by functions.

  import Mlx.Backend.Types, only: [array: 1, cast: 2, computed: 1, dtype: 1, placed: 2, tensor: 2]

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
    fold(out, places, tensor.type, sizes, accumulator, function)
  end

  @doc "Fold the first axis of places with a function, from an accumulator; the rest is that of out."
  def fold(out, places, type, sizes, accumulator, function) do
    first = accumulator |> Nx.as_type(out.type) |> Nx.broadcast(List.to_tuple(sizes)) |> array()

    places
    |> Enum.reduce(first, &each(function, [{&1, type}, {&2, out.type}], out.type))
    |> Mlx.reshape(out.shape)
    |> tensor(out)
  end

  @doc "What a function of scalars gives for the elements of arrays of one shape, with their types."
  def each(function, [{first, _type} | _] = given, type) do
    {arrays, types} = Enum.unzip(given)
    shape = Mlx.shape(first)
    call = fn arrays -> scalar(function, Enum.zip(arrays, types), type) end

    cond do
      shape == {} -> call.(arrays)
      0 in Tuple.to_list(shape) -> Mlx.zeros(shape, dtype: dtype(type))
      true -> arrays |> Enum.map(&Mlx.flatten/1) |> together(call) |> Mlx.reshape(shape)
    end
  end

  defp scalar(function, given, type) do
    tensors = for {array, type} <- given, do: placed(array, Nx.template({}, type))
    function |> apply(tensors) |> Nx.as_type(type) |> array()
  end

  # All at once, or one by one where the function asks for values.
  defp together(arrays, call) do
    Mlx.vmap(call).(arrays)
  rescue
    _error in Mlx.Error ->
      arrays
      |> Enum.map(&Mlx.split(&1, Mlx.size(&1)))
      |> Enum.zip_with(fn parts -> parts |> Enum.map(&Mlx.reshape(&1, [])) |> call.() end)
      |> Mlx.stack()
  end
end
