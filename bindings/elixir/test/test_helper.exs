# A busy machine takes its time (ctest has a limit of its own).
ExUnit.start(timeout: 600_000)

defmodule Mlx.Check do
  @moduledoc "What tests share."

  def values(tree), do: Mlx.Tree.leaves(tree) |> Enum.map(&Mlx.to_list/1)

  @doc "The Mlx.Error that a function raises."
  def error(function) do
    function.()
    ExUnit.Assertions.flunk("no error")
  rescue
    error in Mlx.Error -> error
  end

  @doc "Numbers are those wanted, but for a part of the larger of 1 and what was wanted."
  def near(found, wanted, tolerance \\ 1.0e-5) do
    found = List.flatten([found])
    wanted = List.flatten([wanted])
    if length(found) != length(wanted), do: ExUnit.Assertions.flunk("#{length(found)} numbers")

    for {a, b} <- Enum.zip(found, wanted),
        abs(a - b) > tolerance * max(1, abs(b)),
        do: ExUnit.Assertions.flunk("#{a} is not #{b}")
  end

  @doc "A product that takes seconds."
  def slow(n \\ 400) do
    a = Mlx.Random.normal(shape: {700, 700})
    Enum.reduce(1..n, a, fn _, x -> Mlx.matmul(x, a) |> Mlx.tanh() end)
  end

  @doc "Wait until something holds."
  def eventually(check, tries \\ 3000)
  def eventually(_check, 0), do: ExUnit.Assertions.flunk("it did not come")

  def eventually(check, tries) do
    unless check.() do
      Process.sleep(10)
      eventually(check, tries - 1)
    end
  end

  @doc "A folder for one test."
  def folder do
    path = Path.join(System.tmp_dir!(), "mlx_elixir_#{System.unique_integer([:positive])}")
    File.mkdir_p!(path)
    ExUnit.Callbacks.on_exit(fn -> File.rm_rf!(path) end)
    path
  end
end
