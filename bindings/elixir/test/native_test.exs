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
