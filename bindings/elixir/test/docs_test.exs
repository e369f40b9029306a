defmodule Mlx.DocsTest do
  use ExUnit.Case, async: true

  doctest Mlx.FFT
  doctest Mlx.Linalg
  doctest Mlx.Fast

  # What the catalog's examples show of these is nothing that `Mlx.Catalog.Example` can say: several arrays
  # at once, operators, other types. Functions of Elixir alone have texts of their own.
  @without %{
    Mlx =>
      ~w(arange broadcast_arrays contiguous dequantize einsum_path gather_qmm nextafter quantize quantized_matmul
        signbit stop_gradient unique_all unique_counts unique_inverse)a,
    Mlx.FFT => [],
    Mlx.Linalg => [:qr, :lu],
    Mlx.Fast => []
  }

  test "functions of the catalog have examples" do
    {rows, _} = Mlx.Native.catalog()

    for {module, without} <- @without do
      {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module)
      texts = for {{:function, name, _}, _, _, %{"en" => text}, _} <- docs, do: {name, text}
      shown = for {name, text} <- texts, text =~ "    iex> ", uniq: true, do: name

      made =
        for row <- rows,
            elem(row, 1) == of(module),
            List.keymember?(texts, elem(row, 2), 0),
            do: elem(row, 2)

      assert Enum.sort(Enum.uniq(made) -- shown) == Enum.sort(without)
    end
  end

  test "functions of the catalog have types" do
    for module <- [Mlx.Random | Map.keys(@without)] do
      {:ok, specs} = Code.Typespec.fetch_specs(module)
      {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module)

      documented =
        for {{:function, name, arity}, _, _, %{"en" => _}, _} <- docs, do: {name, arity}

      without = documented -- Enum.map(specs, &elem(&1, 0))
      assert without -- with_defaults(docs) == []
    end
  end

  # A function with defaults has a spec of its most arguments.
  defp with_defaults(docs) do
    for {{:function, name, arity}, _, _, _, %{defaults: n}} <- docs,
        k <- 0..n,
        do: {name, arity - k}
  end

  defp of(Mlx), do: "mlx.core"

  defp of(module),
    do: "mlx.core." <> (module |> Module.split() |> List.last() |> String.downcase())
end
