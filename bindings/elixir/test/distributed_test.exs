defmodule Mlx.DistributedTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  import Bitwise, only: [<<<: 2]

  alias Mlx.Distributed
  doctest Mlx.Distributed

  setup do
    %{group: Distributed.init(), x: Mlx.array([[1.5, -2.0], [0.0, 4.0]])}
  end

  test "every group is of one", %{group: group} do
    for group <- [group, nil, Distributed.init(backend: "ring"), Distributed.split(group, 3, 1)] do
      assert {Distributed.rank(group), Distributed.size(group)} == {0, 1}
    end

    assert {Distributed.rank(), Distributed.size()} == {0, 1}
    assert Distributed.size(Distributed.split(nil, -5)) == 1
    assert inspect(group) == "#Mlx.Distributed.Group<0 of 1>"
    refute Distributed.available?() or Distributed.available?(:mpi)
  end

  test "what a group of one computes is the array itself", %{group: group, x: x} do
    for name <- [:all_sum, :all_max, :all_min, :all_gather, :sum_scatter],
        options <- [[], [group: group], [group: nil], [group: group, stream: :cpu]],
        x <- [x, Mlx.array(3), Mlx.zeros([0, 2], dtype: :int8)],
        Mlx.ndim(x) > 0 or name not in [:all_gather, :sum_scatter] do
      result = apply(Distributed, name, [x, options])
      assert {Mlx.shape(result), Mlx.dtype(result)} == {Mlx.shape(x), Mlx.dtype(x)}
      assert Mlx.to_list(result) == Mlx.to_list(x)
    end

    gradient = Mlx.grad(&Mlx.sum(Mlx.square(Distributed.all_sum(&1, group: group)))).(x)
    assert Mlx.to_list(gradient) == [[3.0, -4.0], [0.0, 8.0]]
  end

  test "there is nobody to send to", %{group: group, x: x} do
    for {operation, call} <- [
          send: fn -> Distributed.send(x, 0, group: group) end,
          recv: fn -> Distributed.recv([2], :float32, 0, group: group) end,
          recv_like: fn -> Distributed.recv_like(x, 0, group: group) end
        ] do
      error = error(call)
      assert error.operation == to_string(operation)
      assert error.message =~ "a singleton group"
    end
  end

  test "what is no group, no backend and no option is refused", %{group: group, x: x} do
    error = error(fn -> Distributed.init(strict: true) end)
    assert error.reason == :unsupported
    assert Exception.message(error) =~ "reaches no other processes"

    for {call, wanted} <- [
          {fn -> Distributed.init(backend: :telepathy) end, "telepathy"},
          {fn -> Distributed.init(strict: 1) end, "strict must be true or false, not 1"},
          {fn -> Distributed.init(backend: nil) end, "must be a string or an atom, not nil"},
          {fn -> Distributed.init(ranks: 2) end, "there is no option :ranks"},
          {fn -> Distributed.init(5) end, "options are a keyword list, not 5"},
          {fn -> Distributed.rank(5) end, "the group must be nil or a group, not the number 5"},
          {fn -> Distributed.size(x) end, "must be nil or a group, not %Mlx.Array{}"},
          {fn -> Distributed.split(:a, 1) end, "must be nil or a group, not :a"},
          {fn -> Distributed.split(group, 1.5) end, "must be an integer of 32 bits"},
          {fn -> Distributed.split(group, 0, 1 <<< 40) end, "must be an integer of 32 bits"},
          {fn -> Distributed.all_sum(x, group: 5) end,
           "the argument group must be a group of processes or nil, not the number 5"},
          {fn -> Distributed.all_sum(x, group: x) end, "or nil, not %Mlx.Array{}"}
        ],
        error = error(call),
        do: assert(error.reason == :invalid and error.message =~ wanted, inspect(error))

    forged = %Distributed.Group{ref: x.ref}
    assert error(fn -> Distributed.rank(forged) end).message =~ "none of this VM's groups"
    assert inspect(forged) == "#Mlx.Distributed.Group<invalid>"
  end

  test "groups are let go with the processes that had them", %{x: x} do
    for _ <- 1..20 do
      {pid, reference} =
        spawn_monitor(fn ->
          group = Enum.reduce(1..100, nil, fn i, group -> Distributed.split(group, i) end)
          Distributed.all_sum(x, group: group)
          Process.exit(self(), :kill)
        end)

      assert_receive {:DOWN, ^reference, _, ^pid, :killed}, 60_000
    end

    assert Distributed.size() == 1
  end
end
