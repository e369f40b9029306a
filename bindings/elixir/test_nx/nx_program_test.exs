defmodule Mlx.NxProgramTest do
  # Loops that end when values say so, and choices between dear branches: beside Nx's own evaluator.
  use ExUnit.Case, async: false
  import Nx.Defn
  import Mlx.Check, only: [eventually: 1]

  setup do
    Nx.default_backend(Mlx.Backend)
    former = Nx.Defn.default_options(compiler: Mlx.Compiler)
    :ets.delete_all_objects(:mlx_compiler)
    on_exit(fn -> Nx.Defn.default_options(former) end)
  end

  defp check(fun, args, kind \\ :program) do
    there = for a <- args, do: Nx.backend_copy(Nx.as_type(a, Nx.type(a)), Nx.BinaryBackend)

    wanted =
      Nx.with_default_backend(Nx.BinaryBackend, fn ->
        Nx.Defn.jit(fun, compiler: Nx.Defn.Evaluator) |> apply(there)
      end)

    for _ <- 1..2 do
      found = fun |> Nx.Defn.jit(compiler: Mlx.Compiler) |> apply(args)
      same(found, wanted)
    end

    kinds = for {{key, _, _}, program} <- :ets.tab2list(:mlx_compiler), key == fun, do: program
    assert [{^kind, _, _, _}] = kinds
  end

  defp same(found, wanted) do
    found = Nx.Defn.Composite.flatten_list([found])
    wanted = Nx.Defn.Composite.flatten_list([wanted])

    for {f, w} <- Enum.zip_with([found, wanted], &List.to_tuple/1) do
      assert {Nx.type(f), f.shape, f.vectorized_axes} == {Nx.type(w), w.shape, w.vectorized_axes}
      [f, w] = for t <- [f, w], do: t |> Nx.devectorize() |> Nx.backend_copy(Nx.BinaryBackend)
      assert Nx.to_number(Nx.all_close(f, w, rtol: 1.0e-5, atol: 1.0e-6)) == 1
    end
  end

  defn collatz(n) do
    {_, steps} =
      while {n, steps = 0}, n > 1 do
        {if(Nx.remainder(n, 2) == 0, do: Nx.quotient(n, 2), else: 3 * n + 1), steps + 1}
      end

    steps
  end

  test "a loop of any number of rounds, or none" do
    for n <- [1, 2, 27, 97], do: check(&collatz/1, [Nx.tensor(n)])
    # a trace made when there were none serves for others
    assert Nx.to_number(jit(&collatz/1).(Nx.tensor(27))) == 111
  end

  defn nested(x, n) do
    {total, _, _, _} =
      while {total = Nx.sum(x), x, i = 0, n}, i < n do
        {y, _, _} =
          while {y = x * 0, j = 0, i}, j < i do
            {y + Nx.dot(y, y) + j, j + 1, i}
          end

        {total + Nx.sum(y), x, i + 1, n}
      end

    total
  end

  test "loops within loops" do
    x = Nx.tensor([1.0, 2.0])
    for n <- [0, 1, 4], do: check(&nested/2, [x, Nx.tensor(n)])
  end

  # What both branches and what is around them have is computed once, around them.
  defn chosen(a, b) do
    shared = Nx.dot(a, b)
    before = Nx.sum(shared)

    {x, y} =
      cond do
        before > 10 -> {Nx.dot(shared, a), before}
        before > 0 -> {Nx.dot(a, shared) - 1, Nx.sum(Nx.dot(b, b))}
        true -> {shared, Nx.mean(Nx.dot(shared, shared))}
      end

    x + y + before
  end

  test "choices of several clauses share what is around them" do
    a = Nx.tensor([[1.0, 2.0], [3.0, 4.0]])
    for k <- [1.0, 0.1, -1.0], do: check(&chosen/2, [a, Nx.multiply(a, k)])
  end

  defn both(x, limit) do
    {_p, q, r} = Nx.LinAlg.lu(x)

    {y, count} =
      while {y = r, count = Nx.tensor(0, type: :s64)}, count < limit_of(y) do
        {if(Nx.sum(y) < 0, do: Nx.dot(y, y) / 9 - y, else: y - Nx.dot(y, y) / 9), count + 1}
      end

    z = if limit > 0, do: Nx.dot(q, y), else: Nx.dot(y, q)
    {z, %{count: count, limit: limit}}
  end

  defnp(limit_of(y), do: Nx.sum(y) * 0 + 3)

  test "factors go into loops and branches, containers come out" do
    x = Nx.tensor([[2.0, 1.0], [1.0, 3.0]])
    for limit <- [1, -1], do: check(&both/2, [x, Nx.tensor(limit)])
  end

  # An index beyond the end is guarded by the clause before.
  defn guarded(x, i) do
    cond do
      i >= Nx.size(x) -> Nx.tensor(-1.0)
      Nx.take(x, i) > 2 -> Nx.take(x, i) * 10
      true -> Nx.take(x, Nx.quotient(i, 2)) - 1
    end
  end

  defn count_below(x, limit) do
    {i, _, _} =
      while {i = 0, x, limit}, below?(x, i, limit) do
        {i + 1, x, limit}
      end

    i
  end

  defnp below?(x, i, limit) do
    cond do
      i >= Nx.size(x) -> Nx.u8(0)
      Nx.take(x, i) >= limit -> Nx.u8(0)
      true -> Nx.u8(1)
    end
  end

  test "what a clause guards is computed only where it is asked for" do
    x = Nx.tensor([1.0, 2.0, 3.0])
    for i <- [0, 1, 2, 3, 9], do: check(&guarded/2, [x, Nx.tensor(i)])
    for limit <- [0, 2, 3, 9], do: check(&count_below/2, [x, Nx.tensor(limit)])
  end

  defn within(x, n) do
    if Nx.sum(x) > 0 do
      {x, _, _} =
        while {x, i = 0, n}, i < n do
          {Nx.dot(x, x) / 10, i + 1, n}
        end

      x
    else
      Nx.dot(x, x)
    end
  end

  test "loops within branches" do
    x = Nx.tensor([[1.0, 2.0], [3.0, 4.0]])
    for k <- [1.0, -1.0], n <- [0, 3], do: check(&within/2, [Nx.multiply(x, k), Nx.tensor(n)])
  end

  defn doubling(%{b: _unused, c: {x, _}}, limit) do
    {x, _} =
      while {x, limit}, Nx.sum(x) < limit do
        {x * 2, limit}
      end

    x
  end

  test "arguments are containers, and what is not used may be a template" do
    x = Nx.tensor([1.0, 2.0])
    given = %{b: Nx.template({3}, :f32), c: {x, Nx.template({}, :s64)}}

    for {limit, wanted} <- [{20, [8.0, 16.0]}, {2, [1.0, 2.0]}, {100, [64.0, 128.0]}] do
      assert jit(&doubling/2).(given, limit) |> Nx.to_flat_list() == wanted
    end
  end

  defn kinds(x, n) do
    {x, h, _, _, _} =
      while {x, h = Nx.as_type(x, :bf16), u = Nx.as_type(x, :u8), i = Nx.tensor(0, type: :u8), n},
            i < n do
        {x / 2, h + 1, u + 1, i + 1, n}
      end

    {x, h}
  end

  test "types stay" do
    check(&kinds/2, [Nx.tensor([1.0, 5.0], type: :f64), Nx.tensor(5, type: :u8)])
  end

  defn(countdown(n), do: while(n, n, do: n - 1))

  test "a condition is any number" do
    check(&countdown/1, [Nx.tensor(5)])
    check(&countdown/1, [Nx.tensor(0)])
  end

  defn halved(x) do
    while x, Nx.sum(x) > 1 do
      x / 2
    end
  end

  test "a vectorized loop" do
    x = Nx.tensor([[8.0, 1.0], [0.5, 0.1], [100.0, 1.0]]) |> Nx.vectorize(:rows)
    found = jit(&halved/1).(x)
    there = Nx.backend_copy(x, Nx.BinaryBackend)

    wanted =
      Nx.with_default_backend(Nx.BinaryBackend, fn ->
        Nx.Defn.jit(&halved/1, compiler: Nx.Defn.Evaluator).(there)
      end)

    same(found, wanted)
  end

  defn(forever(x), do: while(x, Nx.sum(x) > -1, do: Nx.abs(x)))

  test "a loop without end is stopped, and its thread goes on to others" do
    x = Nx.tensor([1.0])
    run = fn -> Nx.Defn.jit(&forever/1, compiler: Mlx.Compiler).(x) end
    task = Task.async(fn -> catch_error(run.()) end)
    eventually(fn -> Mlx.cancel(task.pid) > 0 end)
    assert %Mlx.Error{reason: :interrupted} = Task.await(task, 60_000)

    pid = spawn(run)
    eventually(fn -> Mlx.Memory.stats().jobs > 0 end)
    Process.exit(pid, :kill)
    eventually(fn -> Mlx.Memory.stats().jobs == 0 end)
  end

  defn wrong(x, n) do
    {x, _, _} =
      while {x, i = 0, n}, i < n do
        {x |> Nx.as_type(:c128) |> Nx.real() |> Nx.as_type(:f32), i + 1, n}
      end

    x
  end

  test "what fails within comes out" do
    for n <- [0, 2] do
      message = "Mlx.Backend has no type c128"
      assert_raise ArgumentError, message, fn -> jit(&wrong/2).(1.0, Nx.tensor(n)) end
    end
  end

  test "a program that is none is refused" do
    x = [Mlx.array(1)]
    loop = {:while, [0], {1, [], [0]}, {1, [], [5]}, [0]}

    for program <- [
          nil,
          {},
          {1, [], [1]},
          {-1, [], []},
          {0, [], []},
          {1, :no, [0]},
          {1, [{:graph, nil, [0], [0]}], [0]},
          {1, [{:if, 0, [0], nil, nil, [0]}], [0]},
          {1, [{:if, 3, [0], nil, nil, [0]}], [0]},
          {1, [loop], [0]},
          {2, [], [1]},
          {1, [{:nothing}], [0]},
          {1, [0], [0]}
        ] do
      assert_raise Mlx.Error, fn -> Mlx.Job.run({:program, program, x}) end
    end

    same = {1, [], [0]}
    deep = Enum.reduce(1..200, same, fn _, p -> {1, [{:if, 0, [0], p, same, [0]}], [0]} end)
    assert_raise Mlx.Error, fn -> Mlx.Job.run({:program, deep, x}) end
    assert [_] = Mlx.Job.run({:program, {1, [], [0]}, x})
  end
end
