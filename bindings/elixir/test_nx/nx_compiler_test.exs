defmodule Mlx.NxKept do
  @derive {Nx.Container, containers: [:x], keep: [:power]}
  defstruct [:x, :power]
end

defmodule Mlx.NxCompilerTest do
  use ExUnit.Case, async: false
  import Nx.Defn

  setup do
    Nx.default_backend(Mlx.Backend)
    former = Nx.Defn.default_options(compiler: Mlx.Compiler)
    Application.put_env(:mlx, :precise, true)
    :ets.delete_all_objects(:mlx_compiler)

    on_exit(fn ->
      Nx.Defn.default_options(former)
      Application.delete_env(:mlx, :precise)
    end)
  end

  doctest Nx
  doctest Nx.LinAlg
  doctest Nx.Random
  doctest Nx.Constants

  defn(softmax(x), do: Nx.exp(x) / Nx.sum(Nx.exp(x)))
  defn(sign_or_double(x), do: if(Nx.sum(x) > 0, do: x * 2, else: -x))

  defn doubled(x) do
    while x, Nx.sum(x) < 100 do
      x * 2
    end
  end

  defn powers(x) do
    {_, x} =
      while {i = 0, x}, i < 3 do
        {i + 1, x * x}
      end

    x
  end

  defn(hooked(x), do: hook(x + 1, :seen, &send(self(), {:seen, &1})) |> Nx.multiply(2))
  defn(named(x), do: hook(x + 1, :seen) |> Nx.multiply(2))
  defn(element(x, i), do: if(i < 3, do: Nx.take(x, i), else: -1))
  defn(gradient(x), do: grad(x, &Nx.sum(Nx.tanh(&1))))
  defn(several(%{a: a, b: {b, c}}), do: {a + b, %{c: c}})

  deftransformp(power(k), do: k.power)
  defn(scaled(k), do: Nx.pow(k.x, power(k)))

  defp kept(fun) do
    for {{key, _, _}, program} <- :ets.tab2list(:mlx_compiler), key == fun, do: program
  end

  test "options of other compilers are refused by name, and those that are handed on are taken" do
    for {options, name} <- [
          {[client: :cuda], ":client"},
          {[garbage_colect: true, max_concurrency: 2], ":garbage_colect"},
          {[hooks: %{}, lazy_transfers: :always], ":lazy_transfers"}
        ],
        call <- [
          fn -> jit(&softmax/1, options).(Nx.tensor([1.0])) end,
          fn -> Nx.Defn.jit_apply(&softmax/1, [Nx.tensor([1.0])], options) end,
          fn -> Nx.Defn.compile(&softmax/1, [Nx.template({1}, :f32)], options) end
        ] do
      known = ":garbage_collect, :hooks, :max_concurrency"
      wanted = "[jit] there is no option #{name}; there are #{known}"
      assert_raise Mlx.Error, wanted, call
    end

    for options <- [
          [on_conflict: :reuse, mode: :train, debug: false],
          [max_concurrency: 1],
          # the evaluator's
          [garbage_collect: true, hooks: %{}, max_concurrency: 2]
        ] do
      assert Nx.to_number(jit(&softmax/1, options).(Nx.tensor([1.0]))[0]) == 1.0
      compiled = Nx.Defn.compile(&softmax/1, [Nx.template({1}, :f32)], options)
      assert Nx.to_number(compiled.(Nx.tensor([1.0]))[0]) == 1.0
    end

    serving = Nx.Serving.jit(&Nx.multiply(&1, 2), compiler: Mlx.Compiler)
    batch = Nx.Batch.stack([Nx.tensor([1, 2]), Nx.tensor([3, 4])])
    assert Nx.to_flat_list(Nx.Serving.run(serving, batch)) == [2, 4, 6, 8]
  end

  test "an expression is one compiled graph, kept for its shapes" do
    f = &softmax/1
    assert_in_delta Nx.to_number(jit(f).(Nx.tensor([1.0, 1.0]))[0]), 0.5, 1.0e-6
    assert [{:graph, _, _, _}] = kept(f)
    jit(f).(Nx.tensor([1.0, 2.0]))
    assert length(kept(f)) == 1
    jit(f).(Nx.tensor([1.0, 2.0, 3.0]))
    assert length(kept(f)) == 2
  end

  defn clamped(x, n) do
    {y, z} =
      cond do
        n > 10 -> {x, n}
        n > 0 -> {x / n, n * 2}
        true -> {-x, 0}
      end

    y + z
  end

  # As Axon's training step has it: a loop of one round, around a choice.
  defn once(x, n) do
    {_, x, _} =
      while {go = Nx.tensor(1), x, n}, go do
        if n > 0, do: {Nx.tensor(0), x + n, n}, else: {Nx.tensor(0), x * 3, n}
      end

    x
  end

  defn(far(x, n), do: if(n > 0, do: Nx.dot(x, x), else: Nx.sum(x)))
  defn(root(x), do: grad(x, fn x -> if(x > 0, do: Nx.sqrt(x), else: x * 0) end))

  test "a cond of cheap branches is a choice in the graph" do
    for n <- [20, 4, -1] do
      wanted =
        Nx.Defn.jit(&clamped/2, compiler: Nx.Defn.Evaluator).(Nx.tensor([1.0, 2.0]), n)
        |> Nx.to_flat_list()

      assert Nx.to_flat_list(jit(&clamped/2).(Nx.tensor([1.0, 2.0]), n)) == wanted
    end

    assert [{:graph, _, _, _}] = kept(&clamped/2)
    assert Nx.to_flat_list(jit(&once/2).(Nx.tensor([1.0]), 5)) == [6.0]
    assert Nx.to_flat_list(jit(&once/2).(Nx.tensor([1.0]), -5)) == [3.0]
    assert [{:graph, _, _, _}] = kept(&once/2)
    # what is not taken is infinite, and stays out
    assert Nx.to_number(jit(&root/1).(4.0)) == 0.25
    assert Nx.to_number(jit(&root/1).(0.0)) == 0.0
    assert [{:graph, _, _, _}] = kept(&root/1)
  end

  test "a cond of dear branches is a program: one is computed" do
    x = Nx.tensor([1.0, 2.0])
    assert {Nx.to_number(jit(&far/2).(x, 1)), Nx.to_number(jit(&far/2).(x, 0))} == {5.0, 3.0}
    assert [{:program, _, _, _}] = kept(&far/2)
  end

  test "loops of known length are in the graph, others are programs" do
    assert Nx.to_flat_list(jit(&powers/1).(Nx.tensor([2.0]))) == [256.0]
    assert [{:graph, _, _, _}] = kept(&powers/1)
    assert Nx.to_flat_list(jit(&doubled/1).(Nx.tensor([1.0, 3.0]))) == [32.0, 96.0]
    assert Nx.to_flat_list(jit(&doubled/1).(Nx.tensor([1.0, 1.0]))) == [64.0, 64.0]
    assert [{:program, _, _, _}] = kept(&doubled/1)
    assert Nx.to_flat_list(jit(&sign_or_double/1).(Nx.tensor([-1.0]))) == [1.0]
    assert Nx.to_flat_list(jit(&sign_or_double/1).(Nx.tensor([1.0]))) == [2.0]
  end

  defn long(x) do
    {_, x} =
      while {i = 0, x}, i < 15_000 do
        {i + 1, x + 1}
      end

    x
  end

  test "a loop that would make too large a graph is a program" do
    assert Nx.to_number(jit(&long/1).(Nx.tensor(0.0))) == 15_000.0
    assert [{:program, _, _, _}] = kept(&long/1)
  end

  test "hooks are called at every call" do
    for _ <- 1..2 do
      assert Nx.to_number(jit(&hooked/1).(1)) == 4
      assert_received {:seen, two}
      assert Nx.to_number(two) == 2
    end
  end

  test "an index that an axis does not have does not matter where it is not used" do
    for {i, wanted} <- [{0, 0}, {2, 2}, {3, -1}, {9, -1}],
        do: assert(Nx.to_number(jit(&element/2).(Nx.iota({3}), i)) == wanted)
  end

  test "hooks may be given with the call" do
    own = fn seen -> send(self(), {:own, Nx.to_number(seen)}) end

    for f <- [&hooked/1, &named/1], _ <- 1..2 do
      assert Nx.to_number(Nx.Defn.jit(f, hooks: %{seen: own}).(1)) == 4
      assert_received {:own, 2}
      refute_received {:seen, _}
    end

    assert kept(&named/1) == []
  end

  test "a hook without a function is no reason to go step by step" do
    for options <- [[], [hooks: %{other: &send(self(), &1)}]],
        do: assert(Nx.to_number(Nx.Defn.jit(&named/1, options).(1)) == 4)

    assert [{:graph, _, _, _}, {:graph, _, _, _}] = kept(&named/1)
    refute_received _
  end

  test "gradients, containers, and arguments of other backends" do
    assert_in_delta Nx.to_number(gradient(Nx.tensor(0.0))), 1.0, 1.0e-6
    assert {sum, %{c: c}} = several(%{a: 1, b: {2, Nx.tensor([3], backend: Nx.BinaryBackend)}})
    assert {Nx.to_number(sum), Nx.to_flat_list(c)} == {3, [3]}
    assert %Mlx.Backend{} = c.data
    compiled = Nx.Defn.compile(&softmax/1, [Nx.template({2}, :f32)], compiler: Mlx.Compiler)
    assert_in_delta Nx.to_number(compiled.(Nx.tensor([1.0, 1.0]))[0]), 0.5, 1.0e-6
    vectorized = Nx.vectorize(Nx.tensor([[1.0, 1.0], [0.0, 0.0]]), :rows)
    assert Nx.shape(jit(&softmax/1).(vectorized)) == {2}
    assert Mlx.Compiler.__to_backend__([]) == {Mlx.Backend, []}
    assert Mlx.Compiler.__partitions_options__(max_concurrency: 2) |> length() == 2
  end

  test "what containers have beside tensors is part of what is kept" do
    f = &scaled/1
    assert Nx.to_number(jit(f).(%Mlx.NxKept{x: 2, power: 2})) == 4
    assert Nx.to_number(jit(f).(%Mlx.NxKept{x: 2, power: 3})) == 8
    assert Nx.to_number(jit(f).(%Mlx.NxKept{x: 3, power: 2})) == 9
    assert length(kept(f)) == 2
  end

  test "what is not used may be a template, or of any shape that is kept" do
    f = fn x, y -> {Nx.add(x, 1), Nx.shape(y)} |> elem(0) end
    assert Nx.to_number(jit(f).(1, Nx.template({2}, :f32))) == 2
    assert Nx.to_number(jit(f).(2, Nx.tensor([1.0, 2.0]))) == 3
    assert_raise RuntimeError, ~r/Template/, fn -> jit(f).(Nx.template({}, :f32), 1) end
  end

  test "as README.md has it" do
    readme = File.read!(Path.expand("../README.md", __DIR__))
    [_, code] = Regex.run(~r/```elixir\n(Nx.*?)\n```/s, readme)
    backend = Nx.global_default_backend(Nx.BinaryBackend)
    options = Nx.Defn.global_default_options([])

    try do
      Code.eval_string(code)
      fresh = Task.async(fn -> {Nx.default_backend(), jit(&softmax/1).(Nx.tensor([1.0]))} end)
      assert {{Mlx.Backend, _}, %{data: %Mlx.Backend{}}} = Task.await(fresh)
    after
      Nx.global_default_backend(backend)
      Nx.Defn.global_default_options(options)
    end
  end

  test "errors within come out" do
    assert_raise RuntimeError, "boom", fn -> jit(fn _ -> raise "boom" end).(1) end
  end

  # Nx has no streams any more from 0.10 on.
  if Code.ensure_loaded?(Nx.Stream) do
    test "streams" do
      stream = Nx.Defn.stream(fn x, acc -> {Nx.add(x, acc), Nx.add(acc, 1)} end, [0, 0])
      Nx.Stream.send(stream, 5)
      assert Nx.to_number(Nx.Stream.recv(stream)) == 5
      Nx.Stream.send(stream, 5)
      assert Nx.to_number(Nx.Stream.recv(stream)) == 6
      assert Nx.to_number(Nx.Stream.done(stream)) == 2
    end
  end

  test "what is kept has a bound" do
    for n <- 1..300, do: jit(fn x -> Nx.add(x, n) end).(1)
    assert :ets.info(:mlx_compiler, :size) <= 256
  end
end
