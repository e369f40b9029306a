defmodule Mlx.NxUsersTest do
  use ExUnit.Case, async: false
  import ExUnit.CaptureIO

  # Packages that use Nx, where they are beside it (Axon and Polaris).

  @examples Path.expand("../../../examples/elixir", __DIR__)
  @data System.get_env("MLX_TEST_DATA", Path.expand("../../../../shared/data", __DIR__))
  @mnist Path.join(@data, "mnist")

  if Code.ensure_loaded?(Axon) do
    @moduletag skip: not File.dir?(@mnist) and "there is no #{@mnist}"
  else
    @moduletag skip: "there is no Axon"
  end

  setup do
    former = {System.argv(), Nx.default_backend(), Nx.Defn.default_options()}
    Code.compiler_options(ignore_module_conflict: true)

    on_exit(fn ->
      {arguments, backend, options} = former
      System.argv(arguments)
      Code.compiler_options(ignore_module_conflict: false)
      Nx.default_backend(backend)
      Nx.Defn.default_options(options)
    end)
  end

  for path <- ["compiler", "backend"] do
    @tag timeout: 300_000
    test "Axon reads digits: #{path}" do
      System.argv([@mnist, "--path", unquote(path)])
      text = capture_io(fn -> Code.eval_file(Path.join(@examples, "axon_mnist.exs")) end)
      assert [_, right] = Regex.run(~r/^#{unquote(path)}: (\S+)% right/m, text)
      assert String.to_float(right) > 92.0
    end
  end
end
