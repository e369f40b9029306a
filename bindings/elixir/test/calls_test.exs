defmodule Mlx.CallsTest do
  use ExUnit.Case, async: true

  # Calls that the Python package made, with its results (tests/python/ops/test_elixir.py), bit for
  # bit; MLX_CALLS names the file. Arrays come without the strides that they had there: products
  # sum in another order then, and are compared within their dtype's precision.

  @moduletag timeout: 600_000
  @path System.get_env("MLX_CALLS")

  @products ~w(matmul addmm tensordot einsum inner outer kron conv1d conv2d istft stft
    scaled_dot_product_attention)a

  {rows, aliases} = Mlx.Native.catalog()
  @rows rows
  @aliases aliases

  @tag skip: if(@path == nil, do: "MLX_CALLS names no file")
  test "calls give what they give in Python" do
    {:ok, calls} = :file.consult(String.to_charlist(@path))

    wrong =
      for {module, name, arguments, options, wanted} <- calls,
          found = call(module, name, arguments, options),
          not same?(found, wanted) and not (name in @products and near?(found, wanted)),
          do: {module, name, found}

    assert wrong == []
  end

  defp call(module, name, arguments, options) do
    {positions, named} = split(module, name, read(arguments))
    options = named ++ for {key, value} <- options, do: {key, read(value)}

    try do
      apply(owner(module), name, positions ++ if(options == [], do: [], else: [options]))
    rescue
      error -> Exception.message(error)
    end
  end

  # What is required goes by position, all else by name; what may be any number is one list.
  defp split(module, name, arguments) do
    {module, name} = origin(module, name)
    rows = Enum.filter(@rows, &(elem(&1, 1) == module and elem(&1, 2) == name))
    row = Enum.max_by(rows, &fit(&1, arguments))
    place(elem(row, 7), arguments, {[], []})
  end

  defp origin(module, name) do
    case Enum.find(@aliases, &match?({^module, ^name, _, _}, &1)) do
      {_, _, of, from} -> {from, of}
      nil -> {module, name}
    end
  end

  defp fit(row, arguments) do
    required =
      Enum.count(elem(row, 7), fn {_, _, fallback, place} ->
        fallback == nil and place != :keyword
      end)

    if required <= length(arguments), do: required, else: -required
  end

  defp place([{_, _, _, :rest} | _], rest, {positions, named}), do: {positions ++ [rest], named}
  defp place(_parameters, [], found), do: found

  defp place([{_, _, nil, _} | parameters], [value | rest], {positions, named}),
    do: place(parameters, rest, {positions ++ [value], named})

  defp place([{name, _, _, _} | parameters], [value | rest], {positions, named}),
    do: place(parameters, rest, {positions, named ++ [{name, value}]})

  defp owner("mlx.core"), do: Mlx
  defp owner("mlx.core.fft"), do: Mlx.FFT
  defp owner("mlx.core.linalg"), do: Mlx.Linalg
  defp owner("mlx.core.fast"), do: Mlx.Fast
  defp owner("mlx.core.random"), do: Mlx.Random

  defp read({:array, dtype, shape, bytes}), do: Mlx.from_binary(bytes, dtype, shape)
  defp read(list) when is_list(list), do: Enum.map(list, &read/1)
  defp read(value), do: value

  defp near?(%Mlx.Array{} = a, {:array, dtype, shape, bytes}) do
    tolerance = if dtype in [:float16, :bfloat16], do: 2.0e-2, else: 1.0e-5
    b = Mlx.from_binary(bytes, dtype, shape)

    {Mlx.dtype(a), Mlx.shape(a)} == {dtype, shape} and
      Mlx.item(Mlx.allclose(a, b, rtol: tolerance, atol: tolerance))
  end

  defp near?(_found, _wanted), do: false

  defp same?(%Mlx.Array{} = a, {:array, dtype, shape, bytes}),
    do: {Mlx.dtype(a), Mlx.shape(a), Mlx.to_binary(a)} == {dtype, shape, bytes}

  defp same?(tuple, wanted) when is_tuple(tuple), do: same?(Tuple.to_list(tuple), wanted)

  defp same?(list, wanted) when is_list(list) and is_list(wanted),
    do:
      length(list) == length(wanted) and
        Enum.all?(Enum.zip(list, wanted), fn {a, b} -> same?(a, b) end)

  defp same?(value, wanted), do: value == wanted
end
