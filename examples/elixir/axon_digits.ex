defmodule AxonDigits do
  # A network of Axon's that reads MNIST's digits: what axon_mnist.exs trains, and bench/bindings/axon_step.exs.

  def model(width \\ 128) do
    Axon.input("pixels", shape: {nil, 784})
    |> Axon.dense(width, activation: :relu)
    |> Axon.dense(10)
  end

  def loop(width \\ 128) do
    adam = Polaris.Optimizers.adam(learning_rate: 1.0e-3)
    Axon.Loop.trainer(model(width), &loss/2, adam, log: 0)
  end

  defp loss(labels, scores) do
    Axon.Losses.categorical_cross_entropy(labels, scores, from_logits: true, reduction: :mean)
  end

  # The images of a name ("train", "t10k"), or the first `count` of them, and their labels.
  def load(folder, name, count \\ nil) do
    <<_magic::32, n::32, 28::32, 28::32, pixels::binary>> =
      read(folder, "#{name}-images-idx3-ubyte.gz")

    <<_magic::32, ^n::32, labels::binary>> = read(folder, "#{name}-labels-idx1-ubyte.gz")
    count = count || n
    images = pixels |> Nx.from_binary(:u8) |> Nx.reshape({n, 784}) |> Nx.divide(255)
    {images[0..(count - 1)], Nx.from_binary(labels, :u8)[0..(count - 1)]}
  end

  defp read(folder, name), do: folder |> Path.join(name) |> File.read!() |> :zlib.gunzip()

  def batches({images, labels}, size \\ 128) do
    one_hot = labels |> Nx.new_axis(1) |> Nx.equal(Nx.iota({1, 10})) |> Nx.as_type(:f32)

    [images, one_hot]
    |> Enum.map(&Nx.to_batched(&1, size, leftover: :discard))
    |> Enum.zip()
  end
end
