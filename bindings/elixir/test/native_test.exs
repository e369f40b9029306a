defmodule Mlx.NativeTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  # Each in a VM of its own, with this package's modules in a folder of any name.

  setup do
    %{folder: Path.join(folder(), "any-name"), own: Path.join(Mix.Project.app_path(), "ebin")}
  end

  test "the native half is found beside the modules", %{folder: folder, own: own} do
    copy(own, folder)
    File.ln_s!(Path.join(own, "../priv"), Path.join(folder, "priv"))
    assert ran(folder, "IO.write(Mlx.item(Mlx.sum(Mlx.ones([3]))))") == "3.0"
  end

  test "where there is none every call says so", %{folder: folder, own: own} do
    copy(own, folder)

    code =
      "for f <- [fn -> Mlx.ones([3]) end, fn -> Mlx.shape(1) end], " <>
        "do: IO.puts(Exception.message(try do f.() rescue e in Mlx.Error -> e end))"

    assert [line, line, ""] = folder |> ran(code) |> String.split("\n")
    assert line =~ "the native half, mlx_nif.so in the folder priv"
    assert line =~ "was not loaded: Failed to load NIF library"
  end

  @reload """
  {Mlx.Native, code, file} = :code.get_object_code(Mlx.Native)
  reload = fn ->
    :code.purge(Mlx.Native)
    elem(:code.load_binary(Mlx.Native, file, code), 0)
  end
  a = Mlx.array([1.0, 2.0])
  sum = Mlx.compile(fn x -> Mlx.sum(Mlx.exp(x)) end)
  Mlx.item(sum.(Mlx.subtract(a, a)))
  """

  test "the module may be loaded anew: arrays, functions and what runs go on", context do
    %{folder: folder, own: own} = context
    copy(own, folder)
    File.ln_s!(Path.join(own, "../priv"), Path.join(folder, "priv"))

    code =
      @reload <>
        """
        me = self()
        runs = fn _ -> send(me, :runs); receive do :go -> Mlx.array(1.0) end end
        task = Task.async(fn -> Mlx.item(Mlx.grad(fn x -> Mlx.multiply(x, runs.(x)) end).(3.0)) end)
        receive do :runs -> :ok end
        loaded = for _ <- 1..3, do: reload.()
        send(task.pid, :go)
        made = Mlx.to_list(Mlx.add(a, 1))
        IO.inspect({loaded, made, Task.await(task), Mlx.item(sum.(Mlx.subtract(a, a)))})
        :erlang.garbage_collect()
        """

    assert ran(folder, code) == "{[:module, :module, :module], [2.0, 3.0], 1.0, 2.0}\n"
  end

  test "a module that works is not replaced by one that does not", %{folder: folder, own: own} do
    copy(own, folder)
    File.ln_s!(Path.join(own, "../priv"), Path.join(folder, "priv"))

    code =
      @reload <>
        """
        File.rm!("priv")
        IO.inspect({reload.(), Mlx.to_list(Mlx.add(a, 1)), Mlx.item(sum.(a)) > 10})
        """

    assert ran(folder, code) =~ "{:error, [2.0, 3.0], true}\n"
  end

  defp copy(own, folder) do
    File.mkdir_p!(folder)
    File.cp_r!(own, Path.join(folder, "ebin"))
  end

  defp ran(folder, code) do
    environment = [{"ERL_LIBS", nil}, {"ERL_FLAGS", nil}, {"MIX_ENV", nil}]
    options = [env: environment, stderr_to_stdout: true, cd: folder]
    {text, 0} = System.cmd("elixir", ["-pa", Path.join(folder, "ebin"), "-e", code], options)
    text
  end
end
