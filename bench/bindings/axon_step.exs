# A training step of an MLP through Axon, in microseconds, whenever "go" is read: compare_axon.py asks.
for app <- [:logger, :nx, :mlx, :polaris, :axon],
    do: {:ok, _} = Application.ensure_all_started(app)

Logger.configure(level: :error)

# as mix consolidates them for a program
for protocol <- [Nx.LazyContainer, Nx.Container, Enumerable, Collectable, Inspect, String.Chars] do
  implementations = Protocol.extract_impls(protocol, :code.get_path())
  {:ok, binary} = Protocol.consolidate(protocol, implementations)
  :code.purge(protocol)
  :code.delete(protocol)
  {:module, _} = :code.load_binary(protocol, ~c"nofile", binary)
end

# consolidated in memory, apps find them anew
for app <- [:logger, :nx, :mlx, :polaris, :axon],
    do: {:ok, _} = Application.ensure_all_started(app)

Code.require_file("../examples/elixir/axon_digits.ex", __DIR__)

defmodule AxonStep do
  def main([folder | numbers]) do
    [images, batch, width] = Enum.map(numbers, &String.to_integer/1)
    Nx.default_backend(Mlx.Backend)
    Nx.Defn.default_options(compiler: Mlx.Compiler)
    train = AxonDigits.load(folder, "train", images)
    batches = train |> AxonDigits.batches(batch) |> Enum.map(&Mlx.Backend.eval/1)
    loop = AxonDigits.loop(width)
    Axon.Loop.run(loop, Enum.take(batches, 3), Axon.ModelState.empty(), epochs: 1)
    IO.puts("ready")
    answer(loop, batches)
  end

  defp answer(loop, batches) do
    case IO.gets("") do
      "go" <> _ ->
        run = fn -> Axon.Loop.run(loop, batches, Axon.ModelState.empty(), epochs: 1) end
        {time, _} = :timer.tc(run)
        IO.puts(time / length(batches))
        answer(loop, batches)

      _ ->
        :ok
    end
  end
end

AxonStep.main(System.argv())
