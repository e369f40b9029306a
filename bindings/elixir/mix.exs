Code.require_file("native.exs", __DIR__)

defmodule Mlx.MixProject do
  use Mix.Project

  # The project's own where it is there; the package that goes to Hex has it as a file (precompile.sh).
  @versions Path.expand("../../include/mlx/c/features.h", __DIR__)
  @version if File.exists?(@versions),
             do:
               ~r/^#define MLX_LIBRARY_VERSION_(?:MAJOR|MINOR|PATCH) +(\d+)$/m
               |> Regex.scan(File.read!(@versions), capture: :all_but_first)
               |> Enum.join("."),
             else: Path.expand("VERSION", __DIR__) |> File.read!() |> String.trim()
  @nx [
    Nx,
    Nx.Backend,
    Nx.Type,
    Nx.Tensor,
    Nx.Defn,
    Nx.Defn.Evaluator,
    Nx.Defn.Expr,
    Nx.Defn.Composite,
    Nx.Defn.Tree,
    Nx.Pointer
  ]

  def project do
    [
      app: :mlx,
      version: @version,
      elixir: "~> 1.14",
      compilers: [:mlx_native] ++ Mix.compilers(),
      elixirc_paths: ["lib"] ++ if(nx?(), do: ["lib_nx"], else: []),
      elixirc_options: [warnings_as_errors: System.get_env("CI") != nil],
      test_paths: ["test"] ++ if(nx?(), do: ["test_nx"], else: []),
      test_coverage: [summary: [threshold: 95], ignore_modules: [Mlx.Native, Mlx.Catalog]],
      # tests have containers of their own
      consolidate_protocols: Mix.env() != :test,
      deps: deps(),
      # Nx may come by ERL_LIBS, which Elixir 1.15 and newer would take out of the path
      prune_code_paths: false,
      xref: [exclude: @nx],
      description: "MLX arrays: lazy, differentiated, compiled; on libmlxc",
      package: package()
    ]
  end

  def application do
    [mod: {Mlx.Application, []}, extra_applications: [:logger]]
  end

  # Nx is optional: from Hex, or built already where ERL_LIBS points to (make test-elixir NX=folder).
  defp nx?, do: Code.ensure_loaded?(Nx) or Code.ensure_loaded?(Hex)

  defp deps do
    if Code.ensure_loaded?(Hex) and not Code.ensure_loaded?(Nx),
      do: [{:nx, "~> 0.7", optional: true}],
      else: []
  end

  defp package do
    [
      licenses: ["MIT"],
      links: %{},
      files:
        ~w(lib lib_nx c_src guides Makefile mix.exs native.exs VERSION checksum.txt README.md NX.md) ++
          ~w(WHY_NOT_EMLX.md LICENSE .formatter.exs)
    ]
  end
end
