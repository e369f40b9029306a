defmodule Mlx.IOTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  setup do
    %{folder: folder(), a: Mlx.arange(6) |> Mlx.reshape([2, 3]), b: Mlx.array([1.5, :nan])}
  end

  test "npy", %{folder: folder, a: a} do
    path = Path.join(folder, "a.npy")
    assert Mlx.IO.save(path, a) == :ok
    assert Mlx.to_list(Mlx.IO.load(path)) == [[0, 1, 2], [3, 4, 5]]
    assert Mlx.to_list(Mlx.IO.load(path, mapped: true)) == [[0, 1, 2], [3, 4, 5]]
    assert Mlx.to_binary(Mlx.IO.load(path, mapped: true)) == Mlx.to_binary(a)
  end

  test "npz", %{folder: folder, a: a, b: b} do
    for compressed <- [true, false] do
      path = Path.join(folder, "a.npz")
      Mlx.IO.save(path, %{"a" => a, b: b}, compressed: compressed)
      assert %{"a" => x, "b" => y} = Mlx.IO.load(path)
      assert values([x, y]) == [[[0, 1, 2], [3, 4, 5]], [1.5, :nan]]
    end
  end

  test "a name may be empty, where the format has such", %{folder: folder, a: a, b: b} do
    for ending <- ["npz", "safetensors"] do
      path = Path.join(folder, "a." <> ending)
      Mlx.IO.save(path, %{"" => a, ".npy" => b})
      assert %{"" => x, ".npy" => y} = Mlx.IO.load(path)
      assert values([x, y]) == [[[0, 1, 2], [3, 4, 5]], [1.5, :nan]]
    end

    gguf = Path.join(folder, "a.gguf")
    assert error(fn -> Mlx.IO.save(gguf, %{"" => a}) end).message =~ "a name of 0 bytes"
  end

  test "safetensors", %{folder: folder, a: a, b: b} do
    path = Path.join(folder, "a.safetensors")
    Mlx.IO.save(path, %{"a" => a, "b" => b}, metadata: %{"k" => "v"})
    assert {arrays, %{"k" => "v"}} = Mlx.IO.load(path, metadata: true)
    assert Mlx.to_list(arrays["a"]) == [[0, 1, 2], [3, 4, 5]]
    assert Mlx.to_list(Mlx.IO.load(path, mapped: true)["b"]) == [1.5, :nan]
  end

  test "gguf", %{folder: folder, a: a} do
    path = Path.join(folder, "a.gguf")
    metadata = %{"general.name" => "n", "list" => ["x", "y"], "number" => Mlx.array(5)}
    Mlx.IO.save(path, %{"a" => a}, metadata: metadata)
    assert {%{"a" => x}, found} = Mlx.IO.load(path, metadata: true)
    assert Mlx.to_list(x) == [[0, 1, 2], [3, 4, 5]]
    assert %{"general.name" => "n", "list" => ["x", "y"], "number" => number} = found
    assert Mlx.item(number) == 5
    assert Map.keys(Mlx.IO.load(path, mapped: true)) == ["a"]
  end

  test "what is wrong with names, files and contents", %{folder: folder, a: a} do
    assert error(fn -> Mlx.IO.load(Path.join(folder, "none.npy")) end).reason == :io

    assert error(fn -> Mlx.IO.load("x.txt") end).message =~
             ~s(no format has names that end in ".txt"; there are .npy, .npz, .safetensors and .gguf)

    for name <- ["", ".", "x"],
        do: assert(error(fn -> Mlx.IO.load(name) end).message =~ "a name without an ending")

    for metadata <- [7, [1], nil, :a] do
      error = error(fn -> Mlx.IO.save("x.safetensors", %{}, metadata: metadata) end)
      assert error.message =~ "metadata must be a map, not #{inspect(metadata)}"
    end

    for {name, arrays} <- [{"x.npy", a}, {"x.npz", %{a: a}}] do
      error = error(fn -> Mlx.IO.save(name, arrays, metadata: %{k: "v"}) end)
      assert error.message =~ "has no metadata"
      refute File.exists?(name)
    end

    for {call, wanted} <- [
          {fn -> Mlx.Export.save(:f, &Mlx.exp/1, [a]) end, "a path must be a string, not :f"},
          {fn -> Mlx.Export.load(nil) end, "a path must be a string, not nil"},
          {fn -> Mlx.Export.save("f.mlxfn", &Mlx.exp/1, []) end, "a function and the list of"},
          {fn -> Mlx.Export.save("f.mlxfn", &Mlx.exp/1, a) end, "a function and the list of"},
          {fn -> Mlx.Export.save("f.mlxfn", :f, [a]) end, "not :f and [#Mlx.Array"}
        ],
        do: assert(error(call).message =~ wanted)

    assert error(fn -> Mlx.IO.load(:x) end).reason == :invalid
    assert error(fn -> Mlx.IO.load("a\0b.npy") end).message =~ "zero byte"
    assert error(fn -> Mlx.IO.save("x.npz", a) end).reason == :invalid
    assert error(fn -> Mlx.IO.save("x.npz", %{1 => a}) end).reason == :invalid
    assert error(fn -> Mlx.IO.save("x.npz", %{a: 1}) end).reason == :invalid
    assert error(fn -> Mlx.IO.save("x.npy", 1) end).reason == :invalid
    assert error(fn -> Mlx.IO.save("x.gguf", %{a: a}, metadata: %{a: 1.5}) end).reason == :invalid

    assert error(fn -> Mlx.IO.save("x.safetensors", %{}, metadata: %{a: 1}) end).reason ==
             :invalid

    assert error(fn -> Mlx.IO.load("x.npy", mapped: 1) end).reason == :invalid
    path = Path.join(folder, "bad.safetensors")
    File.write!(path, "nonsense")
    assert error(fn -> Mlx.IO.load(path) end).reason == :format
  end

  test "functions in files", %{folder: folder} do
    path = Path.join(folder, "f.mlxfn")

    assert Mlx.Export.save(path, fn x, y -> {Mlx.add(x, y), Mlx.exp(x)} end, [Mlx.ones([2]), 1.0]) ==
             :ok

    assert [sum, _exp] = Mlx.Export.load(path).([Mlx.array([1.0, 2.0])])
    assert Mlx.to_list(sum) == [2.0, 3.0]
    assert error(fn -> Mlx.Export.load(path).([Mlx.ones([3])]) end).reason == :invalid
    assert error(fn -> Mlx.Export.load(path).([]) end).operation == "import_function"
    # a number is an argument like others
    assert error(fn -> Mlx.Export.load(path).([Mlx.ones([2]), 1.0]) end).message =~ "2 positional"
    Mlx.Export.save(path, &Mlx.sum/1, [Mlx.ones([2])], shapeless: true)
    assert values(Mlx.Export.load(path).(Mlx.ones([5]))) == [5.0]
    assert error(fn -> Mlx.Export.load(Path.join(folder, "no")) end).reason == :io

    assert_raise RuntimeError, fn ->
      Mlx.Export.save(path, fn _ -> raise "x" end, [Mlx.ones([1])])
    end

    assert error(fn -> Mlx.Job.run({:call_imported, :x, []}) end).reason == :invalid
  end

  test "who is told that a file was not written finds what was there", %{folder: folder} do
    a = Mlx.eval(Mlx.zeros([3_000_000], dtype: :int32))

    for ending <- ~w(npy npz safetensors gguf),
        wait <- [0, 1, 3, 9],
        stop <- [:timeout, :cancel] do
      path = Path.join(folder, "a." <> ending)
      File.write!(path, "old")
      arrays = if ending == "npy", do: a, else: %{"a" => a}
      options = if stop == :timeout, do: [timeout: wait], else: []

      task =
        Task.async(fn ->
          try do
            Mlx.IO.save(path, arrays, options)
          rescue
            error in Mlx.Error -> error.reason
          end
        end)

      if stop == :cancel do
        Process.sleep(wait)
        Mlx.cancel(task.pid)
      end

      told = Task.await(task, :infinity)
      assert told in [:ok, :timeout, :interrupted]
      assert {told, File.read!(path) == "old"} == {told, told != :ok}
      assert File.ls!(folder) == [Path.basename(path)]
      File.rm!(path)
    end
  end
end
