# suite.exs folder path files: test files of a package that uses Nx. suite.sh runs each file so. Paths:
#   compiler, backend          all tensors are Mlx.Backend's, as a program would have it
#   compiler-copied, backend-copied  what defn gives is copied to Nx.BinaryBackend, for tests that
#                              compare tensors as terms (== and doctests), which refer to memory
#                              here; functions are computed as Nx's own backend does
#   nx                         with Nx's own backend: what fails there as well
defmodule Mlx.Suite.Copied do
  @behaviour Nx.Defn.Compiler

  def __to_backend__(_options), do: {Nx.BinaryBackend, []}
  def __partitions_options__(options), do: [options]

  def __jit__(key, vars, fun, args_list, options),
    do: __compile__(key, vars, fun, options).(args_list)

  def __compile__(key, vars, fun, options) do
    {compiler, options} = Keyword.pop!(options, :within)
    run = compiler.__compile__(key, vars, fun, options)

    fn args_list ->
      moved = for args <- args_list, do: for(arg <- args, do: fn -> moved(arg.()) end)
      former = Nx.default_backend(Mlx.Backend)

      try do
        for result <- run.(moved), do: Nx.backend_copy(result, Nx.BinaryBackend)
      after
        Nx.default_backend(former)
      end
    end
  end

  def __stream__(_key, _input, _acc, _vars, _fun, _args_list, _options), do: raise("no streams")

  defp moved(tensor), do: Nx.backend_copy(tensor, Mlx.Backend)
end

[folder, path | files] = System.argv()
for app <- [:logger, :nx, :mlx], do: {:ok, _} = Application.ensure_all_started(app)
[kind | copied] = String.split(path, "-")
compiler = if kind == "compiler", do: Mlx.Compiler, else: Nx.Defn.Evaluator

cond do
  kind == "nx" ->
    :ok

  copied == [] ->
    Nx.global_default_backend(Mlx.Backend)
    Nx.Defn.global_default_options(compiler: compiler)

  true ->
    Application.put_env(:mlx, :precise, true)
    Nx.Defn.global_default_options(compiler: Mlx.Suite.Copied, within: compiler)
end

for app <- [:polaris, :axon, :scholar], do: Application.ensure_all_started(app)
File.cd!(folder)
ExUnit.start(autorun: false, exclude: [:skip_exla], timeout: :infinity)
# Axon's and Polaris's cases would set each test's backend and compiler back to Nx's own.
for file <- Path.wildcard("test/support/**/*.ex") do
  ~r/^\s*Nx\.(Defn\.default_options|default_backend)\(.*\)$/m
  |> Regex.replace(File.read!(file), "")
  |> Code.compile_string(file)
end

for file <- files, do: Code.require_file(file)
%{failures: failures} = ExUnit.run()
System.halt(min(failures, 1))
