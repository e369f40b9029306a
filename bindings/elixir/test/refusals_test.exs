defmodule Mlx.RefusalsTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  # Whatever a documented function is given, it raises this package's error, if it raises: none of Elixir's
  # own that speaks of clauses, maps or keys. MLX_TEST_SEED says which terms.

  @tries 60
  # What they are told is for the whole VM, or reads any memory.
  @except [Mlx.Memory, Mlx.Device, Mlx.Stream, Mlx.Unsafe]

  test "terms of every kind as arguments of every function" do
    :rand.seed(:exsss, {String.to_integer(System.get_env("MLX_TEST_SEED", "0")), 5, 7})
    functions = functions()
    assert length(functions) > 500

    other =
      for {module, name, arity} <- functions,
          _ <- 1..if(arity == 0, do: 1, else: @tries),
          arguments = for(_ <- 1..arity//1, do: any()),
          error = raised(module, name, arguments),
          error not in [nil, Mlx.Error, ArgumentError],
          do: {module, name, arguments, error}

    assert Enum.uniq_by(other, fn {module, name, _, error} -> {module, name, error} end) == []
  end

  defp functions do
    {:ok, modules} = :application.get_key(:mlx, :modules)

    for module <- modules,
        module not in @except and
          not String.contains?(
            inspect(module),
            ~w(Inspect. Enumerable. Nx. Mlx.Backend Mlx.Compiler)
          ),
        {:docs_v1, _, _, _, about, _, docs} when about != :hidden <- [Code.fetch_docs(module)],
        {{:function, name, arity}, _, _, doc, _} when doc != :hidden <- docs,
        do: {module, name, arity}
  end

  defp raised(module, name, arguments) do
    apply(module, name, arguments)
    nil
  rescue
    error -> error.__struct__
  end

  defp any do
    Enum.at(terms(), :rand.uniform(length(terms())) - 1)
  end

  defp terms do
    x = Mlx.ones([2, 2])

    [x, x, x, Mlx.array(1), nil, :x, 5, -1, 1.5, "s", [], [1], {1}, %{}, %{weight: x}, self()] ++
      [make_ref(), &Mlx.exp/1, &Mlx.add/2, ~D[2026-01-01], [a: 1], [1 | 2], <<5::3>>, 1..3] ++
      [%Mlx.Array{ref: make_ref()}, %Mlx.Array{ref: 5}, %Mlx.Stream{ref: x.ref}, [x], {x, x}] ++
      [%Mlx.Distributed.Group{ref: 1}, %Mlx.Tokenizer{ref: 5}]
  end

  test "structs that were made by hand" do
    for ref <- [5, nil, make_ref(), Mlx.Native.cell_new(1)], forged = %Mlx.Array{ref: ref} do
      for call <- [
            fn -> Mlx.shape(forged) end,
            fn -> Mlx.add(1, forged) end,
            fn -> Mlx.concatenate([forged]) end,
            fn -> Mlx.einsum("i->i", [forged]) end,
            fn -> Mlx.to_list(forged) end,
            fn -> Mlx.eval([forged]) end
          ],
          error = error(call) do
        assert error.reason == :invalid
        assert error.message =~ "not a %Mlx.Array{} whose reference is none of this VM's arrays"
      end

      assert inspect(forged) == "#Mlx.Array<invalid>"
    end

    stream = %Mlx.Stream{ref: Mlx.ones([1]).ref}
    assert error(fn -> Mlx.add(1, 2, stream: stream) end).message =~ "none of this VM's streams"
    assert inspect(stream) == "#Mlx.Stream<invalid>"
    # one of its own where something else is meant
    assert error(fn -> Mlx.sort(1, axis: Mlx.ones([1])) end).message =~ "nil, not %Mlx.Array{}"
  end

  test "what has no struct of a module says which" do
    for {call, wanted} <- [
          {fn -> Mlx.LM.state(5) end, "[state] a %Mlx.LM{} is needed, not 5"},
          {fn -> Mlx.LM.generate(nil, "x") end, "[stream] a %Mlx.LM{} is needed, not nil"},
          {fn -> Mlx.Tokenizer.encode(:x, "x") end, "[encode] a %Mlx.Tokenizer{} is needed"},
          {fn -> Mlx.Profile.table(%{}) end, "[table] a %Mlx.Profile{} is needed, not %{}"},
          {fn -> Mlx.Optimizers.init(1, %{}) end, "[init] a %Mlx.Optimizers{} is needed"},
          {fn -> Mlx.Optimizers.update(Mlx.Optimizers.sgd(1), 1, 1, %{}) end,
           "a state of init/2"},
          {fn -> Mlx.Profile.run(5) end, "a function without arguments is needed, not 5"},
          {fn -> Mlx.Tree.map([], 5) end, "[map] a function of 1 arrays is needed, not 5"},
          {fn -> Mlx.Tree.unflatten(5, []) end, "a template of flatten/2 is needed, not 5"},
          {fn -> Mlx.Tree.unflatten(:"$array", []) end, "more places than there are arrays"},
          {fn -> Mlx.Tree.unflatten(:"$array", [1, 2]) end, "1 arrays are left over"},
          {fn -> Mlx.Tree.put_named(%{}, nil) end, "a map of arrays by name is needed, not nil"}
        ],
        do: assert(Exception.message(error(call)) =~ wanted)
  end
end
