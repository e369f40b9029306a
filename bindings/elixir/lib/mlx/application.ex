defmodule Mlx.Application do
  @moduledoc false
  use Application

  # The modules were made from the catalog of the library that they were compiled with.
  @impl true
  def start(_type, _arguments) do
    if Mlx.Catalog.fingerprint() == Mlx.__catalog__() do
      # compiled expressions of Nx's (Mlx.Compiler)
      :ets.new(:mlx_compiler, [:named_table, :public, read_concurrency: true])
      Supervisor.start_link([], strategy: :one_for_one)
    else
      {:error, "libmlxc has other operations than this package was compiled with: recompile it"}
    end
  end
end
