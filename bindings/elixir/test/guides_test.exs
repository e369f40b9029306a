defmodule Mlx.GuidesTest do
  use ExUnit.Case, async: false

  # The code of guides/*.livemd runs, in order, and gives the outputs that stand below it.

  @moduletag timeout: 300_000
  @guides Path.wildcard(Path.expand("../guides/*.livemd", __DIR__))
  @data System.get_env("MLX_TEST_DATA", Path.expand("../../../../shared/data", __DIR__))
  @needs %{
    "mnist" => {"MNIST", Path.join(@data, "mnist")},
    "language_models" => {"MLX_MODEL", Path.join(@data, "stories260K/stories260K.gguf")}
  }

  @output "<!-- livebook:{\"output\":true} -->"

  for path <- @guides do
    @path path
    @name Path.basename(path, ".livemd")
    @need @needs[@name]

    @tag skip: @need && not File.exists?(elem(@need, 1)) && "there is no #{elem(@need, 1)}"
    test "the guide #{@name}" do
      with {name, value} <- @need, do: System.put_env(name, value)
      ran = @path |> File.read!() |> cells() |> run(@path)
      assert ran > 4
    end
  end

  test "there are four, which install the package that they are in" do
    assert length(@guides) == 4

    for path <- @guides do
      install = ~r/Mix\.install\(\[\{:mlx, path: Path\.join\(__DIR__, "(.+)"\)\}\]\)/
      assert [_, place] = Regex.run(install, File.read!(path)), path
      assert path |> Path.dirname() |> Path.join(place) |> Path.join("mix.exs") |> File.exists?()
    end
  end

  # [{code, output or nil}] without the cell that installs the package.
  defp cells(text) do
    ~r/```elixir\n(.*?)\n```(?:\n\n#{Regex.escape(@output)}\n\n```\n(.*?)\n```)?/s
    |> Regex.scan(text, capture: :all_but_first)
    |> Enum.reject(fn [code | _] -> code =~ "Mix.install" end)
    |> Enum.map(fn
      [code] -> {code, nil}
      [code, output] -> {code, output}
    end)
  end

  defp run(cells, path) do
    env = Code.env_for_eval(file: path)

    Enum.reduce(cells, {[], env}, fn {code, output}, {binding, env} ->
      quoted = Code.string_to_quoted!(code, file: path)
      {value, binding, env} = Code.eval_quoted_with_env(quoted, binding, env)

      if output,
        do: assert(inspect(value) == output, "#{path}:\n#{code}\ngives #{inspect(value)}")

      {binding, env}
    end)

    length(cells)
  end
end
