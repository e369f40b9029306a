defmodule Mlx.ExportTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  alias Mlx.Export

  setup do
    folder = folder()
    %{folder: folder, path: Path.join(folder, "f.mlxfn")}
  end

  defp double, do: &Mlx.multiply(&1, 2)
  defp call(path, arrays), do: path |> Export.load() |> apply([arrays]) |> values()

  test "a file has several traces of a function", %{folder: folder, path: path} do
    f = fn x, %{y: y} -> {Mlx.add(x, y), Mlx.sum(x)} end
    exporter = Export.exporter(path, f)
    assert inspect(exporter) =~ ~r/^#Mlx.Export.Exporter<#Function</
    assert Export.add(exporter, [Mlx.ones([2]), %{y: Mlx.ones([2])}]) == :ok
    assert Export.add(exporter, [Mlx.ones([3], dtype: :int32), %{y: 4}]) == :ok
    refute File.exists?(path)
    assert Export.close(exporter) == :ok
    assert Export.close(exporter) == :ok
    assert File.ls!(folder) == ["f.mlxfn"]
    assert call(path, [Mlx.array([1.0, 2.0]), Mlx.array([0.5, 0.5])]) == [[1.5, 2.5], 3.0]
    assert call(path, [Mlx.array([1, 2, 3])]) == [[5, 6, 7], 6]
    assert error(fn -> call(path, [Mlx.ones([4])]) end).operation == "import_function"
    assert error(fn -> Export.add(exporter, [Mlx.ones([1]), %{y: 1}]) end).message =~ "is closed"
  end

  test "a function writes and closes", %{folder: folder, path: path} do
    written =
      Export.exporter(path, double(), [shapeless: true], fn exporter ->
        Export.add(exporter, [Mlx.ones([2])])
        Export.add(exporter, [Mlx.ones([2, 2], dtype: :int8)])
        :written
      end)

    assert written == :written
    assert call(path, [Mlx.array([1.0, 2.0, 3.0])]) == [[2.0, 4.0, 6.0]]
    assert call(path, [Mlx.array([[1], [2]], :int8)]) == [[[2], [4]]]
    assert Export.exporter(Path.join(folder, "none"), double(), [], fn _ -> 5 end) == 5
    assert File.ls!(folder) == ["f.mlxfn"]
  end

  test "what was there stays unless an exporter is closed", %{folder: folder, path: path} do
    x = Mlx.array([1.0, 2.0])
    Export.save(path, double(), [x])
    before = File.read!(path)
    same = fn -> File.ls!(folder) == ["f.mlxfn"] and File.read!(path) == before end

    exporter = Export.exporter(path, &Mlx.exp/1)
    Export.add(exporter, [x])
    assert Export.discard(exporter) == :ok
    assert Export.close(exporter) == :ok
    assert same.()

    for failure <- [&raise/1, &throw/1, &exit/1] do
      caught =
        try do
          Export.exporter(path, &Mlx.exp/1, [], fn exporter ->
            Export.add(exporter, [x])
            failure.("on the way")
          end)
        catch
          kind, reason -> {kind, reason}
        end

      assert {kind, reason} = caught
      assert reason == "on the way" or {kind, reason.message} == {:error, "on the way"}
      assert same.()
    end

    {pid, reference} =
      spawn_monitor(fn ->
        exporter = Export.exporter(path, &Mlx.exp/1)
        Export.add(exporter, [x])
        Process.exit(self(), :kill)
        Export.close(exporter)
      end)

    assert_receive {:DOWN, ^reference, _, ^pid, :killed}, 60_000
    eventually(same)
    assert call(path, [x]) == [[2.0, 4.0]]
  end

  test "a process that is killed within a trace leaves nothing", %{folder: folder, path: path} do
    test = self()

    {pid, reference} =
      spawn_monitor(fn ->
        exporter =
          Export.exporter(path, fn x ->
            send(test, :within)
            if Mlx.ndim(x) == 2, do: Process.sleep(:infinity), else: x
          end)

        Export.add(exporter, [Mlx.ones([1])])
        Export.add(exporter, [Mlx.ones([1, 1])])
      end)

    for _ <- 1..2, do: assert_receive(:within, 60_000)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^reference, _, ^pid, :killed}, 60_000
    eventually(fn -> File.ls!(folder) == [] end)
  end

  test "a trace that fails leaves the others", %{path: path} do
    Export.exporter(path, fn x -> if Mlx.ndim(x) == 0, do: raise("no axes"), else: x end, [], fn
      exporter ->
        Export.add(exporter, [Mlx.ones([1])])
        assert_raise RuntimeError, "no axes", fn -> Export.add(exporter, [Mlx.array(1.0)]) end
        error = error(fn -> Export.add(exporter, [Mlx.zeros([1])]) end)
        assert error.message =~ "twice with the same signature"
        Export.add(exporter, [Mlx.ones([2])])
    end)

    assert call(path, [Mlx.array([5.0])]) == [[5.0]]
    assert call(path, [Mlx.array([5.0, 6.0])]) == [[5.0, 6.0]]
  end

  test "an exporter does one thing at a time", %{path: path} do
    key = {__MODULE__, :exporter}

    exporter =
      Export.exporter(path, fn x ->
        for call <- [&Export.close/1, &Export.discard/1, &Export.add(&1, [x])],
            do: assert(error(fn -> call.(Process.get(key)) end).message =~ "middle of another")

        # another one has its own arguments meanwhile
        Export.exporter(path <> "2", &Mlx.add/2, [], &Export.add(&1, [Mlx.ones([2]), 1]))
        Mlx.negative(x)
      end)

    Process.put(key, exporter)
    assert Export.add(exporter, [Mlx.ones([1])]) == :ok
    assert Export.close(exporter) == :ok
    assert call(path, [Mlx.array([5.0])]) == [[-5.0]]
    assert call(path <> "2", [Mlx.array([5.0, 6.0])]) == [[6.0, 7.0]]
  end

  test "what is wrong with arguments", %{folder: folder, path: path} do
    nowhere = Path.join([folder, "no", "f.mlxfn"])
    exporter = Export.exporter(path, double())

    for {call, wanted} <- [
          {fn -> Export.exporter(:f, double()) end, "a path must be a string, not :f"},
          {fn -> Export.exporter(path, 5) end, "a function is needed, not 5"},
          {fn -> Export.exporter(path, double(), shape: 1) end, "there is no option :shape"},
          {fn -> Export.exporter(path, double(), shapeless: 1) end, "must be true or false"},
          {fn -> Export.exporter(path, double(), [], 5) end,
           "a function of an exporter is needed"},
          {fn -> Export.exporter("a\0b", double()) end, "zero byte"},
          {fn -> Export.add(exporter, 5) end, "a function and the list of its arguments"},
          {fn -> Export.add(exporter, [1, 2]) end, "a function and the list of its arguments"},
          {fn -> Export.add(5, []) end, "a %Mlx.Export.Exporter{} is needed, not 5"},
          {fn -> Export.close(nil) end, "a %Mlx.Export.Exporter{} is needed, not nil"},
          {fn -> Export.discard(%{exporter | ref: make_ref()}) end, "must be an exporter"},
          {fn -> Mlx.Job.run({:exporter_add, exporter.ref, 5}) end, "a list of arrays"},
          {fn -> Mlx.Job.run({:exporter_close, exporter.ref, 5}) end, "true or false"}
        ],
        error = error(call),
        do: assert(error.reason == :invalid and error.message =~ wanted, inspect(error))

    assert error(fn -> Export.exporter(nowhere, double()) end).reason == :io
    assert error(fn -> Export.exporter(folder, double()) end).reason == :io
    Export.discard(exporter)
    assert File.ls!(folder) == []
  end
end
