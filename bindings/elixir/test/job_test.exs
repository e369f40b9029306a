defmodule Mlx.JobTest do
  use ExUnit.Case, async: false
  import Mlx.Check

  @moduletag timeout: 600_000

  test "a timeout stops an evaluation, which may be tried again" do
    a = slow()
    e = error(fn -> Mlx.eval(a, timeout: 20) end)
    assert {e.operation, e.reason} == {"eval", :timeout}
    assert Mlx.Memory.stats().jobs == 0
    assert error(fn -> Mlx.eval(a, timeout: -1) end).operation == "timeout"
    assert error(fn -> Mlx.eval(a, timeout: 1.5) end).reason == :invalid
    assert error(fn -> Mlx.eval(a, timeout: 2 ** 32) end).message =~ "at most 4294967295, not"
    b = slow(2)
    assert Mlx.eval(b, timeout: 500_000) == b
  end

  test "cancel stops what a process computes" do
    task = Task.async(fn -> error(fn -> Mlx.eval(slow()) end) end)
    eventually(fn -> Mlx.Memory.stats().jobs > 0 end)
    Process.sleep(30)
    assert Mlx.cancel(task.pid) >= 1
    assert Task.await(task, 20_000).reason == :interrupted
    assert Mlx.cancel(self()) == 0
    assert error(fn -> Mlx.cancel(:x) end).reason == :invalid
  end

  test "what was stopped says so, whatever it was in the middle of" do
    me = self()

    wait = fn x ->
      send(me, {:inside, self()})
      receive do: (:go -> x)
    end

    for call <- [
          fn -> Mlx.grad(wait).(1.0) end,
          fn -> Mlx.compile(wait).(1.0) end,
          fn -> Mlx.checkpoint(wait).(Mlx.array(1.0)) end,
          fn -> Mlx.vmap(wait).(Mlx.ones([2])) end,
          fn -> Mlx.grad(fn x -> Mlx.compile(wait).(x) end).(1.0) end
        ] do
      task = Task.async(fn -> error(call) end)
      assert_receive {:inside, pid}, 60_000
      assert Mlx.cancel(pid) >= 1
      send(pid, :go)
      error = Task.await(task, 60_000)
      assert {error.operation, error.reason} == {nil, :interrupted}
      assert error.message == "the computation was stopped by Mlx.cancel/1"
    end
  end

  test "a process that is killed leaves nothing that runs" do
    for _ <- 1..5 do
      pid = spawn(fn -> Mlx.eval(slow()) end)
      eventually(fn -> Mlx.Memory.stats().jobs > 0 end)
      Process.exit(pid, :kill)
      eventually(fn -> Mlx.Memory.stats().jobs == 0 end, 2000)
    end
  end

  test "a process that is killed within a transform leaves nothing" do
    me = self()
    # those that Mlx.Compiler keeps may be there
    former = Mlx.Memory.stats().closures

    for _ <- 1..20 do
      pid =
        spawn(fn ->
          Mlx.grad(fn x ->
            send(me, :inside)
            Process.sleep(:infinity)
            x
          end).(1.0)
        end)

      assert_receive :inside, 5000
      Process.exit(pid, :kill)
    end

    eventually(fn -> Mlx.Memory.stats().jobs == 0 end)
    :erlang.garbage_collect()
    eventually(fn -> Mlx.Memory.stats().closures <= former end)
  end

  test "many processes at once" do
    results =
      1..200
      |> Task.async_stream(
        fn i ->
          Mlx.grad(fn x -> Mlx.sum(Mlx.multiply(x, i)) end).(Mlx.ones([10]))
          |> Mlx.sum()
          |> Mlx.item()
        end,
        max_concurrency: 50,
        timeout: 60_000
      )
      |> Enum.map(fn {:ok, value} -> value end)

    assert results == for(i <- 1..200, do: i * 10.0)
  end

  test "a graph of a million nodes is built, differentiated, evaluated and freed" do
    n = 1_000_000
    chain = fn x -> Enum.reduce(1..n, x, fn _, a -> Mlx.add(a, 1.0) end) end
    assert Mlx.item(chain.(Mlx.array(0.0))) == 1.0e6
    assert Mlx.item(Mlx.grad(chain).(0.0)) == 1.0
    chain.(Mlx.array(0.0))
    :erlang.garbage_collect()
    eventually(fn -> Mlx.Memory.stats().arrays < 1000 end, 1000)
  end

  test "schedulers stay free while a process computes" do
    task = Task.async(fn -> error(fn -> Mlx.eval(slow(2000)) end) end)
    eventually(fn -> Mlx.Memory.stats().jobs > 0 end)
    # both dirty and normal schedulers have other things to do meanwhile
    others =
      for _ <- 1..8, do: Task.async(fn -> Mlx.array(Enum.to_list(1..1000)) |> Mlx.shape() end)

    assert Task.await_many(others) == List.duplicate({1000}, 8)
    assert Task.yield(task, 0) == nil
    Mlx.cancel(task.pid)
    Task.await(task, 20_000)
  end

  test "memory pressure collects garbage" do
    loop = fn -> Enum.each(1..60, fn _ -> Mlx.eval(Mlx.ones([4_000_000])) end) end
    loop.()
    :erlang.garbage_collect()
    assert Mlx.Native.relieved() < 1_500_000_000
  end

  test "jobs belong to their process" do
    ref = make_ref()
    job = Mlx.Native.start(nil, ref, {:eval, []})
    assert_receive {^ref, {:ok, :ok}}, 5000
    assert Mlx.Native.answer(job, :error) == :error
    assert error(fn -> Mlx.Native.start(job, ref, {:eval, []}) end).reason == :invalid

    Task.async(fn ->
      assert error(fn -> Mlx.Native.answer(job, :error) end).reason == :invalid
      assert error(fn -> Mlx.Native.start(job, ref, {:eval, []}) end).reason == :invalid
    end)
    |> Task.await()

    assert Mlx.Native.cancel(job) == :ok
    assert error(fn -> Mlx.Native.cancel(:x) end).reason == :invalid
    assert error(fn -> Mlx.Job.run({:nothing}) end).message =~ "no task"
    assert error(fn -> Mlx.Job.run(:nothing) end).reason == :invalid
  end
end
