defmodule Mlx.NN.Conv do
  @moduledoc """
  Convolutions, pooling and resizing, channels last: `{n, l, c}`, `{n, h, w, c}`, `{n, d, h, w, c}`.

      parameters = Conv.init_conv2d(1, 8, 3)
      images |> Conv.conv2d(parameters, padding: 1) |> NN.relu() |> Conv.max_pool2d(2)

  Sizes are one number for all axes, or a list or tuple with one for each.
  """

  use Mlx.Operators
  alias Mlx.{Array, Error, NN, Options}
  alias Mlx.NN.Init

  @type sizes :: pos_integer | [pos_integer] | tuple

  # --- convolutions ---------------------------------------------------------------------------

  for n <- 1..3 do
    @doc """
    Parameters of `conv#{n}d/3`: `:weight` `{outputs, #{Enum.join(List.duplicate("kernel", n), ", ")},
    inputs / groups}`, uniform within `1 / sqrt(inputs of an output)` of 0, and `:bias`, zeros.
    Options: `:bias` (true), `:groups` (1), and those of `Mlx.NN`.
    """
    @spec unquote(:"init_conv#{n}d")(pos_integer, pos_integer, sizes, keyword) :: NN.parameters()
    def unquote(:"init_conv#{n}d")(inputs, outputs, kernel, options \\ []),
      do: init(inputs, outputs, sizes(kernel, unquote(n), :kernel, 1), options)

    @doc """
    Convolution along #{n} #{if n == 1, do: "axis", else: "axes"}, plus `:bias` where it is there. An
    axis of `l` becomes `div(l + 2 * padding - dilation * (kernel - 1) - 1, stride) + 1`.

    Options: `:stride` (1), `:padding` (0), `:dilation` (1), `:groups` (1) which do not see each other.
    """
    @spec unquote(:"conv#{n}d")(Array.t(), NN.parameters(), keyword) :: Array.t()
    def unquote(:"conv#{n}d")(x, parameters, options \\ []) do
      %{weight: w} = NN.parameters!(unquote(:"conv#{n}d"), parameters, [:weight])
      x |> Mlx.unquote(:"conv#{n}d")(w, listed(options)) |> NN.biased(parameters)
    end

    @doc "Parameters of `conv_transpose#{n}d/3`, as of `init_conv#{n}d/4`."
    @spec unquote(:"init_conv_transpose#{n}d")(pos_integer, pos_integer, sizes, keyword) ::
            NN.parameters()
    def unquote(:"init_conv_transpose#{n}d")(inputs, outputs, kernel, options \\ []),
      do: init(inputs, outputs, sizes(kernel, unquote(n), :kernel, 1), options)

    @doc """
    The transpose of the linear map that `conv#{n}d/3` is (Zeiler et al. 2010). An axis of `l` becomes
    `(l - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1`.

    Options: `:stride` (1), `:padding` (0), `:dilation` (1), `:output_padding` (0), `:groups` (1).
    """
    @spec unquote(:"conv_transpose#{n}d")(Array.t(), NN.parameters(), keyword) :: Array.t()
    def unquote(:"conv_transpose#{n}d")(x, parameters, options \\ []) do
      %{weight: w} = NN.parameters!(unquote(:"conv_transpose#{n}d"), parameters, [:weight])
      x |> Mlx.unquote(:"conv_transpose#{n}d")(w, listed(options)) |> NN.biased(parameters)
    end
  end

  defp listed(options) do
    for {name, value} <- Options.keywords(:conv, options),
        do: {name, if(is_tuple(value), do: Tuple.to_list(value), else: value)}
  end

  defp init(inputs, outputs, kernel, options) do
    Options.check(:init_conv, options, [:bias, :groups, :key, :dtype, :weight])
    groups = Keyword.get(options, :groups, 1)
    NN.sizes!(:init_conv, inputs: inputs, outputs: outputs, groups: groups)

    if rem(inputs, groups) != 0,
      do: Error.fail(:init_conv, "#{inputs} channels cannot be divided into #{groups} groups")

    within = div(inputs, groups)
    limit = 1 / :math.sqrt(within * Enum.product(kernel))
    [key] = Init.keys(options, 1)
    shape = List.to_tuple([outputs] ++ kernel ++ [within])

    %{weight: NN.weight(shape, limit, key, options)}
    |> NN.put_if(Options.flag(:init_conv, options, :bias, true), :bias, fn ->
      Init.zeros({outputs}, Keyword.take(options, [:dtype]))
    end)
  end

  defp sizes(value, n, name, least) do
    values = if is_integer(value), do: List.duplicate(value, n), else: as_list(value)
    fits = length(values) == n and Enum.all?(values, &(is_integer(&1) and &1 >= least))

    unless fits do
      Error.fail(
        name,
        "an integer from #{least} or #{n} of them are needed, not #{inspect(value, limit: 5)}"
      )
    end

    values
  end

  defp as_list(value) when is_tuple(value), do: Tuple.to_list(value)
  defp as_list(value) when is_list(value), do: value
  defp as_list(_other), do: []

  # --- pooling --------------------------------------------------------------------------------

  for n <- 1..3 do
    @doc """
    The maximum of each window, for each channel. An axis of `l` becomes
    `div(l + 2 * padding - kernel, stride) + 1`.

    Options: `:stride` (the kernel's sizes), `:padding` on either side of each axis, which never is the
    maximum (0).
    """
    @spec unquote(:"max_pool#{n}d")(Array.t(), sizes, keyword) :: Array.t()
    def unquote(:"max_pool#{n}d")(x, kernel, options \\ []),
      do: pool(x, unquote(n), kernel, options, &Mlx.max(&1, axis: &2), lowest(x))

    @doc """
    The mean of each window, for each channel; padding counts as zeros. Options as of
    `max_pool#{n}d/3`.
    """
    @spec unquote(:"avg_pool#{n}d")(Array.t(), sizes, keyword) :: Array.t()
    def unquote(:"avg_pool#{n}d")(x, kernel, options \\ []),
      do: pool(x, unquote(n), kernel, options, &Mlx.mean(&1, axis: &2), 0)
  end

  defp pool(x, n, kernel, options, reduce, padding_value) do
    Options.check(:pool, options, [:stride, :padding])

    if Mlx.ndim(x) != n + 2,
      do:
        Error.fail(
          :pool,
          "a batch, #{n} spatial axes and channels are needed, not #{Mlx.ndim(x)} axes"
        )

    kernel = sizes(kernel, n, :kernel, 1)
    stride = sizes(Keyword.get(options, :stride, kernel), n, :stride, 1)
    padding = sizes(Keyword.get(options, :padding, 0), n, :padding, 0)
    x = padded(x, padding, padding_value)

    if stride == kernel,
      do: reduce.(blocks(x, kernel), for(i <- 1..n, do: 2 * i)),
      else: reduce.(windows(x, kernel, stride), for(i <- 1..n, do: n + i))
  end

  defp padded(x, padding, value) do
    if Enum.all?(padding, &(&1 == 0)) do
      x
    else
      widths = [[0, 0]] ++ for(p <- padding, do: [p, p]) ++ [[0, 0]]
      Mlx.pad(x, widths, constant_values: value)
    end
  end

  # {n, places, kernel, places, kernel, ..., c}, of windows side by side.
  defp blocks(x, kernel) do
    [batch | rest] = x |> Mlx.shape() |> Tuple.to_list()
    {spatial, [channels]} = Enum.split(rest, -1)
    places = Enum.zip_with(spatial, kernel, &div/2)
    cuts = for {count, k} <- Enum.zip(places, kernel), do: Mlx.Index.first(count * k)
    pairs = Enum.zip_with(places, kernel, &[&1, &2]) |> Enum.concat()
    Mlx.reshape(x[[0..-1//1 | cuts]], [batch] ++ pairs ++ [channels])
  end

  # A view {n, places, ..., kernel, ..., c}.
  defp windows(x, kernel, stride) do
    [batch | rest] = x |> Mlx.shape() |> Tuple.to_list()
    {spatial, [channels]} = Enum.split(rest, -1)

    places =
      for {l, k, s} <- Enum.zip([spatial, kernel, stride]),
          do: if(l < k, do: 0, else: div(l - k, s) + 1)

    steps = for axis <- 1..length(rest), do: rest |> Enum.drop(axis - 1) |> Enum.product()
    [whole | inner] = steps
    strides = [whole] ++ Enum.zip_with(inner, stride, &(&1 * &2)) ++ inner ++ [1]
    Mlx.as_strided(x, shape: [batch] ++ places ++ kernel ++ [channels], strides: strides)
  end

  defp lowest(x) do
    case Mlx.dtype(x) do
      :bool -> false
      :int8 -> -128
      :int16 -> -32_768
      :int32 -> -2_147_483_648
      :int64 -> -9_223_372_036_854_775_808
      dtype when dtype in [:uint8, :uint16, :uint32, :uint64] -> 0
      _float -> :neg_infinity
    end
  end

  # --- resizing -------------------------------------------------------------------------------

  @doc """
  The spatial axes of `{n, ..., c}` resized by factors, one for all or one for each: `l` becomes
  `floor(factor * l)`.

  Options:

    * `:mode` `:nearest` takes the nearest point; `:linear` interpolates over 2 points, `:cubic` over 4
      (Keys 1981) (`:nearest`)
    * `:align_corners` the first and last points coincide (false); else both grids have one centre
  """
  @spec upsample(Array.t(), number | [number] | tuple, keyword) :: Array.t()
  def upsample(x, factor, options \\ []) do
    Options.check(:upsample, options, [:mode, :align_corners])
    spatial = Mlx.ndim(x) - 2
    factors = factors(factor, spatial)
    mode = Keyword.get(options, :mode, :nearest)
    Options.one_of(:upsample, :mode, mode, [:nearest, :linear, :cubic])
    align = Options.flag(:upsample, options, :align_corners, false)

    factors
    |> Enum.with_index(1)
    |> Enum.reduce(x, fn {factor, axis}, x -> resized(x, axis, factor, mode, align) end)
  end

  defp factors(factor, spatial) do
    factors =
      if is_number(factor), do: List.duplicate(factor, max(spatial, 0)), else: as_list(factor)

    fits = spatial > 0 and length(factors) == spatial

    unless fits and Enum.all?(factors, &(is_number(&1) and &1 >= 0)) do
      Error.fail(:upsample, "a factor for each spatial axis is needed, not #{inspect(factor)}")
    end

    factors
  end

  defp resized(x, axis, factor, :nearest, _align) do
    size = elem(Mlx.shape(x), axis)
    whole = trunc(factor)

    if factor == whole and whole > 0,
      do: Mlx.repeat(x, whole, axis: axis),
      else: Mlx.take(x, nearest(size, new_size(size, factor), factor), axis: axis)
  end

  defp resized(x, axis, factor, mode, align) do
    {kernel, reach} = if mode == :linear, do: {&triangle/1, 1}, else: {&cubic/1, 2}
    size = elem(Mlx.shape(x), axis)
    positions = positions(size, new_size(size, factor), factor, align)
    index = Mlx.floor(positions)
    column = [-1] ++ List.duplicate(1, Mlx.ndim(x) - axis - 1)

    for offset <- (1 - reach)..reach//1 do
      place = index + offset
      weights = kernel.(place - positions)
      taken = Mlx.take(x, Mlx.astype(Mlx.clip(place, 0, size - 1), :int32), axis: axis)
      taken * Mlx.reshape(weights, column)
    end
    |> Enum.reduce(&Mlx.add(&2, &1))
  end

  defp new_size(size, factor) do
    if factor > 2_147_483_647,
      do: Error.fail(:upsample, :range, "the factor #{factor} is too large"),
      else: trunc(size * factor)
  end

  # The place in the former axis of each new one: below, or the nearest, halves to the even one.
  defp nearest(size, new, factor) when factor < 1 do
    Mlx.arange(new, dtype: :int64)
    |> Mlx.multiply(size)
    |> Mlx.floor_divide(max(new, 1))
    |> Mlx.astype(:int32)
  end

  defp nearest(size, new, _factor) do
    Mlx.arange(new, dtype: :float64)
    |> Mlx.add(0.5)
    |> Mlx.multiply(size / 1)
    |> Mlx.divide(new / 1)
    |> Mlx.subtract(0.5)
    |> Mlx.round()
    |> Mlx.clip(0, max(size - 1, 0))
    |> Mlx.astype(:int32)
  end

  # Where the new points lie, in units of the old ones.
  defp positions(size, new, _factor, true),
    do: Mlx.arange(new, dtype: :float32) * ((size - 1) / max(new - 1, 1))

  defp positions(size, new, factor, false) do
    apart = if new > 0, do: 1 / factor, else: 0
    (Mlx.arange(new, dtype: :float32) - (new - 1) / 2) * apart + (size - 1) / 2
  end

  defp triangle(t), do: Mlx.maximum(1 - Mlx.abs(t), 0)

  # The kernel of cubic convolution with the slope -0.75 at distance 1.
  defp cubic(t) do
    a = -0.75
    t = Mlx.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = a * (((t - 5) * t + 8) * t - 4)
    Mlx.where(Mlx.less_equal(t, 1), near, Mlx.where(Mlx.less(t, 2), far, 0))
  end
end
