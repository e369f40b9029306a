defmodule Mlx.ReadmeTest do
  use ExUnit.Case, async: true

  # The code of README.md runs and gives what stands below it; what it names is there.

  @readme File.read!(Path.expand("../README.md", __DIR__))

  test "what iex shows" do
    [block] = Regex.run(~r/```elixir\n(iex> .*?)\n```/s, @readme, capture: :all_but_first)

    lines = Regex.scan(~r/^iex> (.*)$(?:\n(?!iex> )(.+)$)?/m, block, capture: :all_but_first)
    ran = for [code | shown] <- lines, do: {code, List.first(shown, "")}
    assert length(ran) == 4

    Enum.reduce(ran, [], fn {code, shown}, binding ->
      {value, binding} = Code.eval_string(code, binding)
      if shown != "", do: assert(inspect(value) == shown, code)
      binding
    end)
  end

  test "functions and modules" do
    names =
      Regex.scan(~r/\b(Mlx(?:\.[A-Z]\w*)*)\.([a-z]\w*[!?]?)/, @readme, capture: :all_but_first)

    assert length(names) > 30

    for [module, function] <- names, module = Module.concat([module]), there?(module) do
      functions = for {name, _} <- module.__info__(:functions), do: to_string(name)
      assert function in functions, "#{inspect(module)}.#{function}"
    end
  end

  # Those for Nx are compiled where Nx is.
  defp there?(module) do
    loaded = Code.ensure_loaded?(module)
    assert loaded or module in [Mlx.Backend, Mlx.Compiler], inspect(module)
    loaded
  end

  test "files" do
    links =
      Regex.scan(~r/`((?:lib|lib_nx|guides|c_src|test_nx|test|\.\.\/\.\.)\/[\w.\/]+)`/, @readme,
        capture: :all_but_first
      )

    assert length(links) > 5
    root = Path.expand("..", __DIR__)
    for [path] <- links, do: assert(File.exists?(Path.expand(path, root)), path)
  end
end
