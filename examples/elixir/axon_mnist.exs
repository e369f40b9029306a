# Handwritten digits, read by a network of Axon's on Mlx.Backend.
#
#   mix run ../../examples/elixir/axon_mnist.exs FOLDER [--path backend] [--epochs 1] [--images 60000]
#
# in a project that has mlx, nx and axon. The folder has MNIST's four files. --path compiler (the default)
# compiles what Axon defines with Mlx.Compiler, one graph a step; backend computes it step by step.

defmodule AxonMnist do
  @batch 128

  def main(arguments) do
    {options, [folder]} =
      OptionParser.parse!(arguments,
        strict: [path: :string, epochs: :integer, images: :integer]
      )

    path = options[:path] || "compiler"
    Nx.default_backend(Mlx.Backend)
    compiler = if path == "compiler", do: Mlx.Compiler, else: Nx.Defn.Evaluator
    Nx.Defn.default_options(compiler: compiler)

    {images, labels} = load(folder, "train", options[:images])
    test = load(folder, "t10k", nil)
    batches = batches(images, labels)

    loop =
      Axon.Loop.trainer(model(), &loss/2, Polaris.Optimizers.adam(learning_rate: 1.0e-3), log: 0)

    Axon.Loop.run(loop, Enum.take(batches, 1), %{}, epochs: 1)
    epochs = options[:epochs] || 1

    {time, parameters} = :timer.tc(fn -> trained(loop, batches, epochs) end)
    step = time / (epochs * length(batches))
    IO.puts("#{path}: #{accuracy(parameters, test)}% right, #{round(step)} us a step")
  end

  # The backend is lazy: what it trained is computed when it is asked for.
  defp trained(loop, batches, epochs) do
    loop |> Axon.Loop.run(batches, %{}, epochs: epochs) |> Mlx.Backend.eval()
  end

  defp model do
    Axon.input("pixels", shape: {nil, 784})
    |> Axon.dense(128, activation: :relu)
    |> Axon.dense(10)
  end

  defp loss(labels, scores) do
    Axon.Losses.categorical_cross_entropy(labels, scores, from_logits: true, reduction: :mean)
  end

  defp accuracy(parameters, {images, labels}) do
    {_init, predict} = Axon.build(model())
    read = predict.(parameters, images) |> Nx.argmax(axis: 1)
    right = read |> Nx.equal(labels) |> Nx.mean() |> Nx.to_number()
    Float.round(100 * right, 2)
  end

  defp batches(images, labels) do
    one_hot = labels |> Nx.new_axis(1) |> Nx.equal(Nx.iota({1, 10})) |> Nx.as_type(:f32)

    [images, one_hot]
    |> Enum.map(&Nx.to_batched(&1, @batch, leftover: :discard))
    |> Enum.zip()
  end

  defp load(folder, name, count) do
    <<_magic::32, n::32, 28::32, 28::32, pixels::binary>> =
      read(folder, "#{name}-images-idx3-ubyte.gz")

    <<_magic::32, ^n::32, labels::binary>> = read(folder, "#{name}-labels-idx1-ubyte.gz")
    count = count || n
    images = pixels |> Nx.from_binary(:u8) |> Nx.reshape({n, 784}) |> Nx.divide(255)
    {images[0..(count - 1)], Nx.from_binary(labels, :u8)[0..(count - 1)]}
  end

  defp read(folder, name), do: folder |> Path.join(name) |> File.read!() |> :zlib.gunzip()
end

AxonMnist.main(System.argv())
