defmodule Mlx.Backend.Windows do
  @moduledoc false
  # Windows are views of the padded array: an axis for each place and one for each part of a window.

  import Mlx.Backend.Types,
    only: [array: 1, cast: 2, dtype: 1, from_binary: 3, scalar: 2, tensor: 2]

  alias Mlx.Backend.Reduce

  # --- padding --------------------------------------------------------------------------------

  @doc "The array with {before, after, between} on each axis, where negative ones cut."
  def pad(a, value, config) do
    a |> spread(value, Enum.map(config, &elem(&1, 2))) |> around(value, config)
  end

  defp spread(a, value, between) do
    sizes = Tuple.to_list(Mlx.shape(a))

    if Enum.all?(between, &(&1 == 0)) or Enum.any?(sizes, &(&1 == 0)) do
      a
    else
      wide = for {n, k} <- Enum.zip(sizes, between), do: n + (n - 1) * k
      full = Mlx.full(wide, value)
      zeros = Enum.map(sizes, fn _ -> 0 end)
      strides = Enum.map(between, &(&1 + 1))
      Mlx.Job.part(:slice_update, {full, a, zeros, wide, strides})
    end
  end

  defp around(a, value, config) do
    widths = for {low, high, _} <- config, do: [max(low, 0), max(high, 0)]

    padded =
      if Enum.all?(widths, &(&1 == [0, 0])),
        do: a,
        else: Mlx.pad(a, widths, constant_values: value)

    sizes = Tuple.to_list(Mlx.shape(padded))
    starts = for {low, _, _} <- config, do: max(-low, 0)
    stops = for {n, {_, high, _}} <- Enum.zip(sizes, config), do: n - max(-high, 0)

    if Enum.all?(starts, &(&1 == 0)) and stops == sizes,
      do: padded,
      else: Mlx.Job.part(:slice, {padded, starts, stops, Enum.map(starts, fn _ -> 1 end)})
  end

  # --- views ----------------------------------------------------------------------------------

  # The windows of an array that is padded already: {places..., window...}
  defp view(a, window, strides, dilations) do
    sizes = Tuple.to_list(Mlx.shape(a))
    steps = sizes |> steps()
    window = Tuple.to_list(window)

    places =
      for {n, w, s, d} <- Enum.zip([sizes, window, strides, dilations]),
          do: max(div(n - (w - 1) * d - 1, s) + 1, 0)

    jumps = for({k, s} <- Enum.zip(steps, strides), do: k * s)
    inner = for({k, d} <- Enum.zip(steps, dilations), do: k * d)

    a
    |> Mlx.contiguous()
    |> Mlx.as_strided(shape: places ++ window, strides: jumps ++ inner)
  end

  defp steps(sizes) do
    {steps, _} = sizes |> Enum.reverse() |> Enum.map_reduce(1, &{&2, &1 * &2})
    Enum.reverse(steps)
  end

  defp padded(a, value, options) do
    pad(a, value, for({low, high} <- options[:padding], do: {low, high, 0}))
  end

  defp windows(a, value, shape, options) do
    n = tuple_size(shape)
    dilations = options[:window_dilations] || List.duplicate(1, n)
    dilations = if is_integer(dilations), do: List.duplicate(dilations, n), else: dilations
    a |> padded(value, options) |> view(shape, options[:strides], dilations)
  end

  defp inner(shape), do: Enum.to_list(tuple_size(shape)..(2 * tuple_size(shape) - 1)//1)

  # --- reductions -----------------------------------------------------------------------------

  def window_sum(out, t, shape, options), do: over(out, t, shape, options, 0, &Mlx.sum/2)
  def window_product(out, t, shape, options), do: over(out, t, shape, options, 1, &Mlx.prod/2)

  def window_max(out, t, shape, options),
    do: over(out, t, shape, options, Nx.Type.min_binary(out.type), &Mlx.max/2)

  def window_min(out, t, shape, options),
    do: over(out, t, shape, options, Nx.Type.max_binary(out.type), &Mlx.min/2)

  defp over(out, tensor, shape, options, neutral, operation) do
    neutral =
      if is_bitstring(neutral),
        do: from_binary(neutral, out.type, {}),
        else: scalar(neutral, out.type)

    windows = tensor |> array() |> cast(dtype(out.type)) |> windows(neutral, shape, options)

    if tuple_size(shape) == 0,
      do: tensor(windows, out),
      else: windows |> operation.(axis: inner(shape)) |> tensor(out)
  end

  def window_reduce(out, tensor, accumulator, shape, options, function) do
    value = accumulator |> array() |> cast(dtype(out.type))
    windows = tensor |> array() |> cast(dtype(out.type)) |> windows(value, shape, options)
    n = tuple_size(shape)
    places = windows |> Mlx.shape() |> Tuple.to_list() |> Enum.take(n)
    order = inner(shape) ++ Enum.to_list(0..(n - 1)//1)
    parts = windows |> Mlx.transpose(axes: order) |> Mlx.reshape([-1 | places])
    Reduce.fold(out, parts, out.type, places, accumulator, function)
  end

  # --- scatters -------------------------------------------------------------------------------

  def window_scatter_max(out, tensor, source, init, shape, options),
    do:
      window_scatter(
        out,
        tensor,
        source,
        init,
        shape,
        options,
        Nx.Type.min_binary(tensor.type),
        &Mlx.argmax/2
      )

  def window_scatter_min(out, tensor, source, init, shape, options),
    do:
      window_scatter(
        out,
        tensor,
        source,
        init,
        shape,
        options,
        Nx.Type.max_binary(tensor.type),
        &Mlx.argmin/2
      )

  # Each element of source is added where its window has its largest element; of equal ones the
  # last.
  defp window_scatter(out, tensor, source, init, shape, options, neutral, operation) do
    a = array(tensor)
    n = tuple_size(shape)
    ones = List.duplicate(1, n)
    value = from_binary(neutral, tensor.type, {})
    whole = padded(a, value, options)
    sizes = Mlx.shape(whole)
    numbers = Mlx.arange(Mlx.size(whole), dtype: :int32) |> Mlx.reshape(sizes)

    [parts, places] =
      for x <- [whole, numbers], do: flat(view(x, shape, options[:strides], ones), n)

    count = elem(Mlx.shape(parts), 1)
    last = operation.(Mlx.flip(parts, axis: 1), axis: 1, keepdims: true)
    chosen = Mlx.subtract(Mlx.array(count - 1), cast(last, :int32))
    targets = places |> Mlx.take_along_axis(chosen, axis: 1) |> Mlx.flatten()
    dtype = dtype(out.type)
    start = Mlx.full([Mlx.size(whole)], cast(array(init), dtype))
    updates = source |> array() |> cast(dtype) |> Mlx.reshape([-1, 1])

    Mlx.Job.part(:scatter_add, {start, [targets], updates, [0]})
    |> Mlx.reshape(sizes)
    |> unpad(options[:padding])
    |> tensor(out)
  end

  defp flat(windows, n) do
    places = windows |> Mlx.shape() |> Tuple.to_list() |> Enum.take(n) |> Enum.product()
    Mlx.reshape(windows, [places, -1])
  end

  defp unpad(a, padding) do
    sizes = Tuple.to_list(Mlx.shape(a))
    starts = Enum.map(padding, &elem(&1, 0))
    stops = for {n, {_, high}} <- Enum.zip(sizes, padding), do: n - high
    Mlx.Job.part(:slice, {a, starts, stops, Enum.map(starts, fn _ -> 1 end)})
  end
end
