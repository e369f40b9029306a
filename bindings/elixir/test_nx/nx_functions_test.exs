defmodule Mlx.NxFunctionsTest do
  use ExUnit.Case, async: false
  import Nx.Defn

  # Reductions and maps by functions, beside Nx's own backend.

  setup do
    Nx.default_backend(Mlx.Backend)
    :ok
  end

  defp same(function, numbers, type \\ :s64) do
    [binary | others] =
      for {backend, compiler} <- [
            {Nx.BinaryBackend, Nx.Defn.Evaluator},
            {Mlx.Backend, Nx.Defn.Evaluator},
            {Mlx.Backend, Mlx.Compiler}
          ] do
        tensor = Nx.tensor(numbers, type: type, backend: backend)
        Nx.with_default_backend(backend, fn -> jit(function, compiler: compiler).(tensor) end)
      end

    direct = function.(Nx.tensor(numbers, type: type))

    for found <- [direct | others] do
      assert {found.type, found.shape} == {binary.type, binary.shape}
      assert Nx.to_flat_list(found) == Nx.to_flat_list(binary)
    end
  end

  @rows [[5, 1, 2], [-3, 4, 7]]

  test "reduce" do
    for options <- [[], [axes: [0]], [axes: [1]], [axes: [-1], keep_axes: true], [type: :f32]] do
      same(&Nx.reduce(&1, 1, options, fn x, y -> Nx.subtract(Nx.multiply(x, 2), y) end), @rows)
      same(&Nx.reduce(&1, 0, options, fn x, y -> Nx.select(Nx.greater(x, 2), x, y) end), @rows)
    end

    same(&Nx.reduce(&1, 0, [axes: [1]], fn x, _y -> Nx.tensor(7, type: x.type) end), @rows)

    same(&Nx.reduce(&1, 0, [axes: [1]], fn x, y -> Nx.add(x, y) end), @rows, :u8)
    same(&Nx.reduce(&1, Nx.sum(&1), [axes: [1]], fn x, y -> Nx.max(x, y) end), @rows)
  end

  test "reduce by a function that asks for a value" do
    same(&Nx.reduce(&1, 0, [axes: [1]], fn x, y -> doubled(x, y) end), @rows)
  end

  defn doubled(x, y) do
    {x, _} =
      while {x, y}, x < 100 and x > 0 do
        {x * 2, y}
      end

    x + y
  end

  test "reduce beside a loop that depends on values" do
    same(&looped/1, @rows)
  end

  defn looped(a) do
    x =
      while x = Nx.sum(a), x < 100 do
        x * 2
      end

    picked = if x > 110, do: x, else: total(a)
    x + picked + total(a)
  end

  deftransformp(total(a), do: Nx.reduce(a, 0, [axes: [1]], fn x, y -> Nx.add(x, y) end))

  test "window_reduce" do
    for options <- [[padding: :same], [strides: [1, 2], padding: :valid]] do
      same(&Nx.window_reduce(&1, 0, {2, 2}, options, fn x, y -> Nx.max(x, y) end), @rows)
    end
  end

  if function_exported?(Nx, :map, 3) do
    test "map" do
      same(&Nx.map(&1, fn x -> Nx.multiply(x, 3) end), @rows)
      same(&Nx.map(&1, [type: :f32], fn x -> Nx.multiply(x, 0.5) end), @rows)
      same(&Nx.map(&1, fn x -> Nx.select(Nx.greater(x, 2), x, 0) end), @rows)
      same(&Nx.map(&1, fn _x -> 4 end), @rows)
      same(&Nx.map(&1, [type: :f64], fn x -> Nx.add(x, 1) end), 3)
    end
  end
end
