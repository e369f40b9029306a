# What the Elixir package itself costs, in microseconds, beside Nx's own backend and evaluator in the same run.
#
#     ERL_LIBS=folder-of-libraries elixir bench/bindings/bench_elixir.exs
#
# The folder has mlx, nx, complex and telemetry as mix builds them (_build/prod/lib). The numbers are the best of
# five runs. A round of a loop is one hundredth of a loop of a hundred.

for app <- [:logger, :nx, :mlx], do: {:ok, _} = Application.ensure_all_started(app)

defmodule Bench do
  import Nx.Defn

  defn body(x) do
    x = x * 0.5 + 1.0
    x = Nx.sin(x) + Nx.cos(x) * 0.25
    x = Nx.exp(-x * x) + x
    x = Nx.tanh(x) - x / 3.0
    x = Nx.max(x, 0.1) + Nx.min(x, 2.0)
    x - Nx.mean(x)
  end

  defn loop(x, n) do
    {x, _, _} =
      while {x, i = 0, n}, i < n do
        {body(x), i + 1, n}
      end

    x
  end

  # A thousand operations; another k is another function.
  def long(k) do
    fn x -> Enum.reduce(1..500, x, fn i, a -> Nx.add(Nx.multiply(a, 0.5 + k), i) end) end
  end

  def best(count, function) do
    function.()

    times =
      for _ <- 1..5 do
        {time, _} = :timer.tc(fn -> for _ <- 1..count, do: function.() end)
        time / count
      end

    Enum.min(times)
  end

  def row(name, ours, theirs \\ nil) do
    columns = for t <- [ours, theirs], do: if(t, do: :io_lib.format(~c"~10.2f", [t / 1]), else: "")
    IO.puts(Enum.join([String.pad_trailing(name, 48) | columns], " "))
  end

  def on(backend, function), do: Nx.with_default_backend(backend, function)
end

IO.puts(String.pad_trailing("microseconds", 48) <> "       mlx         nx")
x = Mlx.eval(Mlx.ones([8, 8]))
Bench.row("Mlx.add of 8x8, built", Bench.best(5000, fn -> Mlx.add(x, x) end))

Bench.row(
  "Mlx.add of 8x8, built and evaluated",
  Bench.best(2000, fn -> Mlx.eval(Mlx.add(x, x)) end)
)

Bench.row("Mlx.to_list of 8x8", Bench.best(2000, fn -> Mlx.to_list(x) end))

[ours, theirs] =
  for {backend, compiler} <- [
        {Mlx.Backend, Mlx.Compiler},
        {Nx.BinaryBackend, Nx.Defn.Evaluator}
      ] do
    Bench.on(backend, fn ->
      t = Nx.iota({8, 8}, type: :f32)
      options = [compiler: compiler]
      short = Nx.Defn.jit(&Bench.body/1, options)
      loop = Nx.Defn.jit(&Bench.loop/2, options)

      compiles =
        for k <- 1..5 do
          {time, _} = :timer.tc(fn -> Nx.Defn.jit_apply(Bench.long(k), [t], options) end)
          time
        end

      long = Nx.Defn.compile(Bench.long(6), [t], options)

      [
        {"Nx.add of 8x8", Bench.best(500, fn -> Nx.add(t, t) end)},
        {"Nx.sum, as a number", Bench.best(500, fn -> Nx.to_number(Nx.sum(t)) end)},
        {"defn of 20 operations, called", Bench.best(200, fn -> short.(t) end)},
        {"a round of a loop of 20 operations", Bench.best(5, fn -> loop.(t, 100) end) / 100},
        {"defn of 1,000 operations, compiled and called", Enum.min(compiles)},
        {"defn of 1,000 operations, called", Bench.best(20, fn -> long.(t) end)}
      ]
    end)
  end

for {{name, a}, {name, b}} <- Enum.zip(ours, theirs), do: Bench.row(name, a, b)
