defmodule Mlx.ProgramTest do
  # Programs of the native half (c_src/program.c), as Mlx.Compiler makes them, and random ones.
  use ExUnit.Case, async: false
  import Mlx.Check

  @moduletag timeout: 600_000

  defp graph(function), do: Mlx.Native.transform(:compile, Mlx.Native.closure(function), false)
  defp run(program, arrays), do: Mlx.Job.run({:program, program, arrays})

  # The number of rounds until a number is below one, and what is left of it.
  defp halvings do
    below = graph(fn [_i, x] -> [Mlx.greater_equal(x, 1)] end)
    half = graph(fn [i, x] -> [Mlx.add(i, 1), Mlx.multiply(x, 0.5)] end)
    condition = {3, [{:graph, below, [0, 1], [2]}], [2]}
    body = {4, [{:graph, half, [0, 1], [2, 3]}], [2, 3]}
    {4, [{:while, [0, 1], condition, body, [2, 3]}], [2, 3]}
  end

  test "loops and choices" do
    for {x, rounds} <- [{0.5, 0}, {1.0, 1}, {1000.0, 10}] do
      [i, left] = run(halvings(), [Mlx.array(0), Mlx.array(x)])
      assert {Mlx.item(i), Mlx.item(left)} == {rounds, x / 2 ** rounds}
    end

    double = {2, [{:graph, graph(fn [x] -> [Mlx.multiply(x, 2)] end), [0], [1]}], [1]}
    same = {1, [], [0]}
    choice = {3, [{:if, 0, [1], double, same, [2]}], [2]}
    for {test, y} <- [{0, 7}, {1, 14}, {0.5, 14}], do: assert(chosen(choice, test, 7) == y)
  end

  defp chosen(choice, test, x) do
    [y] = run(choice, [Mlx.array(test), Mlx.array(x)])
    Mlx.item(y)
  end

  test "a loop without end is stopped by a timeout" do
    yes = graph(fn [x] -> [Mlx.greater(x, -1)] end)
    same = graph(fn [x] -> [Mlx.abs(x)] end)
    condition = {2, [{:graph, yes, [0], [1]}], [1]}
    loop = {2, [{:while, [0], condition, {2, [{:graph, same, [0], [1]}], [1]}, [1]}], [1]}
    task = {:program, loop, [Mlx.array(1.0)]}
    assert error(fn -> Mlx.Job.run(task, 50) end).reason == :timeout
    # one whose state needs nothing computed
    task = {:program, {1, [{:while, [0], {1, [], [0]}, {1, [], [0]}, [0]}], [0]}, [Mlx.array(1)]}
    assert error(fn -> Mlx.Job.run(task, 50) end).reason == :timeout
  end

  test "random programs" do
    seed = String.to_integer(System.get_env("MLX_TEST_SEED", "0"))
    :rand.seed(:exsss, {seed, 3, 4})
    closures = [graph(fn l -> Enum.map(l, &Mlx.add(&1, 1)) end), Mlx.Native.closure(& &1)]

    for _ <- 1..5000 do
      arrays = Enum.random([[], [Mlx.array(0)], List.duplicate(Mlx.array(0), 4), [1], :x])

      try do
        Mlx.Job.run({:program, program(closures, 3), arrays}, 100)
      rescue
        Mlx.Error -> :ok
      end
    end

    assert Mlx.Memory.stats().jobs == 0
  end

  defp program(_closures, 0), do: {2, [], [0]}

  defp program(closures, depth) do
    parts = list(fn -> part(closures, depth - 1) end)

    Enum.random([
      {number(), parts, numbers(closures)},
      {4, parts, numbers(closures)},
      {4, parts, [0]},
      junk(closures)
    ])
  end

  defp part(closures, depth) do
    [a, b] = [numbers(closures), numbers(closures)]

    case :rand.uniform(5) do
      1 -> {:graph, Enum.random(closures), a, b}
      2 -> {:graph, junk(closures), a, b}
      3 -> {:while, a, {1, [], [0]}, program(closures, depth), b}
      4 -> {:if, number(), a, program(closures, depth), program(closures, depth), b}
      5 -> junk(closures)
    end
  end

  defp number, do: Enum.random([-1, 0, 0, 0, 1, 1, 2, 3, 1_000_000, 99_999_999_999_999])
  defp list(make), do: for(_ <- 1..:rand.uniform(3), do: make.())

  defp numbers(closures) do
    several = list(&number/0)
    Enum.random([several, several, [], List.to_tuple(several), junk(closures)])
  end

  defp junk(closures),
    do: Enum.random([nil, :a, 1.5, "x", {}, [], %{}, self(), make_ref(), hd(closures), [1 | 2]])
end
