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

defmodule AxonStep do
  @batch 128

  def main([folder, images]) do
    Nx.default_backend(Mlx.Backend)
    Nx.Defn.default_options(compiler: Mlx.Compiler)
    batches = batches(folder, String.to_integer(images))

    loop =
      Axon.Loop.trainer(model(), &loss/2, Polaris.Optimizers.adam(learning_rate: 1.0e-3), log: 0)

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

  defp model do
    Axon.input("pixels", shape: {nil, 784})
    |> Axon.dense(128, activation: :relu)
    |> Axon.dense(10)
  end

  defp loss(labels, scores) do
    Axon.Losses.categorical_cross_entropy(labels, scores, from_logits: true, reduction: :mean)
  end

  defp batches(folder, count) do
    pixels = folder |> read("train-images-idx3-ubyte.gz") |> binary_part(16, count * 784)
    labels = folder |> read("train-labels-idx1-ubyte.gz") |> binary_part(8, count)
    images = pixels |> Nx.from_binary(:u8) |> Nx.reshape({count, 784}) |> Nx.divide(255)
    labels = labels |> Nx.from_binary(:u8) |> Nx.new_axis(1)
    one_hot = labels |> Nx.equal(Nx.iota({1, 10})) |> Nx.as_type(:f32)

    [images, one_hot]
    |> Enum.map(&Nx.to_batched(&1, @batch, leftover: :discard))
    |> Enum.zip()
    |> Enum.map(&Mlx.Backend.eval/1)
  end

  defp read(folder, name), do: folder |> Path.join(name) |> File.read!() |> :zlib.gunzip()
end

AxonStep.main(System.argv())

