defmodule Mlx.FuzzTest do
  use ExUnit.Case, async: false

  # Random terms at every exported function: each call gives something or raises, and the VM lives.
  # MLX_FUZZ_CALLS and MLX_TEST_SEED say how many and which.

  @moduletag timeout: 600_000

  @modules [
    Mlx,
    Mlx.Native,
    Mlx.FFT,
    Mlx.Linalg,
    Mlx.Fast,
    Mlx.Random,
    Mlx.Distributed,
    Mlx.Memory,
    Mlx.Index,
    Mlx.Tree,
    Mlx.Device,
    Mlx.Stream,
    Mlx.NN,
    Mlx.NN.Losses,
    Mlx.NN.Conv,
    Mlx.NN.Attention,
    Mlx.NN.Recurrent,
    Mlx.NN.Init,
    Mlx.Optimizers,
    Mlx.Array,
    Mlx.Transforms,
    Mlx.Operators,
    Mlx.Tokenizer
  ]

  # What would change the rest of the run, and what reads and writes files of any name.
  @except [
    load: 0,
    set_memory_limit: 1,
    set_memory_hard_limit: 1,
    set_cache_limit: 1,
    set_wired_limit: 1,
    module_info: 0,
    module_info: 1
  ]

  setup do
    former = Mlx.Memory.set_memory_hard_limit(2_000_000_000)
    on_exit(fn -> Mlx.Memory.set_memory_hard_limit(former) end)
  end

  test "random terms at every function" do
    seed = String.to_integer(System.get_env("MLX_TEST_SEED", "0"))
    calls = String.to_integer(System.get_env("MLX_FUZZ_CALLS", "100000"))
    :rand.seed(:exsss, {seed, 1, 2})
    functions = functions()
    assert length(functions) > 500

    {results, errors} =
      Enum.reduce(1..calls, {0, 0}, fn i, {results, errors} ->
        if rem(i, 1000) == 0, do: flush()

        case call(Enum.at(functions, :rand.uniform(length(functions)) - 1)) do
          :result -> {results + 1, errors}
          :error -> {results, errors + 1}
        end
      end)

    assert results > div(calls, 20) and errors > div(calls, 4)
    flush()
    :erlang.garbage_collect()
    assert Mlx.item(Mlx.sum(Mlx.ones([10]))) == 10.0
  end

  defp functions do
    for module <- @modules,
        {name, arity} <- module.__info__(:functions),
        {name, arity} not in @except,
        do: {elem({module}, 0), name, arity}
  end

  defp call({module, name, arity}) do
    arguments = arguments(module, name, arity)

    try do
      module |> apply(name, arguments) |> touch()
      :result
    catch
      _kind, _reason -> :error
    end
  end

  defp arguments(Mlx.Native, :call_row, 3), do: [integer(), tuple(3), options()]
  # Of two numbers it is Elixir's own, whose whole numbers grow for minutes.
  defp arguments(Mlx.Operators, :**, 2), do: [array(), term(3)]
  defp arguments(Mlx, :eval, 2), do: [term(2), [timeout: 100]]

  defp arguments(_module, _name, arity) do
    list = for _ <- 1..arity//1, do: if(:rand.uniform(2) == 1, do: array(), else: term(3))
    if arity > 0 and :rand.uniform(3) == 1, do: List.replace_at(list, -1, options()), else: list
  end

  # Small results are computed.
  defp touch(%Mlx.Array{} = a) do
    if :rand.uniform(4) == 1 and Mlx.size(a) < 10_000, do: Mlx.eval(a, timeout: 200)
  end

  defp touch(_other), do: :ok

  defp flush do
    receive do
      _ -> flush()
    after
      0 -> :ok
    end
  end

  # --- terms ----------------------------------------------------------------------------------

  @atoms [nil, true, false, :nan, :infinity, :float32, :int8, :bool, :cpu, :gpu, :affine, :eval] ++
           [:sum, :slice, :scatter, :compile, :checkpoint, :ok, :error, :vjp, :text, :"", :ü]

  defp term(0), do: pick([&integer/0, &float/0, &atom/0, &binary/0, &array/0])

  defp term(depth) do
    pick([
      &integer/0,
      &float/0,
      &atom/0,
      &binary/0,
      &array/0,
      &odd/0,
      fn -> list(depth - 1) end,
      fn -> tuple(depth - 1) end,
      fn -> shape() end,
      fn -> %{term(0) => term(depth - 1)} end,
      fn -> [term(0) | term(0)] end
    ])
  end

  defp pick(choices), do: Enum.at(choices, :rand.uniform(length(choices)) - 1).()
  defp atom, do: Enum.at(@atoms, :rand.uniform(length(@atoms)) - 1)

  defp integer do
    pick([
      fn -> :rand.uniform(7) - 3 end,
      fn -> :rand.uniform(600) - 100 end,
      fn -> Bitwise.bsl(1, :rand.uniform(70)) - :rand.uniform(3) + 1 end,
      fn -> -Bitwise.bsl(1, :rand.uniform(70)) + :rand.uniform(3) - 1 end
    ])
  end

  defp float, do: pick([fn -> :rand.normal() end, fn -> 1.0e308 end, fn -> -0.0 end])

  defp binary do
    pick([
      fn -> "" end,
      fn -> "ij,jk->ik" end,
      fn -> :rand.bytes(:rand.uniform(40)) end,
      fn -> :rand.bytes(32) end,
      fn -> <<5::3>> end,
      fn -> String.duplicate("x", 300) end
    ])
  end

  defp odd do
    pick([
      fn -> self() end,
      fn -> make_ref() end,
      fn -> &Mlx.exp/1 end,
      fn -> fn x -> x end end,
      fn -> fn _ -> throw(:x) end end,
      fn -> %Mlx.Array{ref: make_ref()} end,
      fn -> %Mlx.Array{ref: 5} end,
      fn -> %Mlx.Stream{ref: array().ref} end,
      fn -> Mlx.Distributed.init() end,
      fn -> %Mlx.Distributed.Group{ref: array().ref} end,
      fn -> Mlx.Native.closure(fn x -> x end) end,
      fn -> Mlx.Native.cell_new(5) end,
      fn -> List.duplicate(0, 1000) end,
      fn -> Enum.reduce(1..300, [], fn _, list -> [list] end) end
    ])
  end

  defp list(depth), do: for(_ <- 1..:rand.uniform(4), do: term(depth))
  defp tuple(depth), do: depth |> list() |> List.to_tuple()
  defp shape, do: for(_ <- 1..:rand.uniform(4), do: :rand.uniform(4) - 1)

  @options ~w(axis axes keepdims dtype shape key stream k n stride padding mode scale ddof
    start_axis num decimals transpose group_size bits indices_or_sections strides offset)a

  defp options do
    for _ <- 1..:rand.uniform(2), do: {Enum.random(@options), term(1)}
  end

  defp array do
    pick([
      fn -> Mlx.ones([2, 3]) end,
      fn -> Mlx.arange(4) end,
      fn -> Mlx.array([[1.5, -2.0], [0.5, 4.0]]) end,
      fn -> Mlx.array(3) end,
      fn -> Mlx.zeros([0, 2]) end,
      fn -> Mlx.array([true, false]) end,
      fn -> Mlx.array([1, 2, 3], Enum.random([:uint8, :int64, :float16, :complex64])) end,
      fn -> Mlx.ones(shape()) end,
      fn ->
        a = Mlx.ones([1])
        Mlx.deallocate(a)
        a
      end
    ])
  end
end
