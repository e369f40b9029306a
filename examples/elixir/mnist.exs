# Handwritten digits, read by a network with one hidden layer.
#
#   cd bindings/elixir && mix run ../../examples/elixir/mnist.exs FOLDER [--epochs 3] [--images 60000]
#
# The folder has MNIST's four files (train-images-idx3-ubyte.gz and so on). Three epochs take two
# seconds on two cores, and 97% of the test images are read right.

defmodule Mnist do
  use Mlx.Operators
  alias Mlx.{NN, Optimizers}

  @batch 128

  def main(arguments) do
    {options, [folder]} =
      OptionParser.parse!(arguments, strict: [epochs: :integer, images: :integer])

    {images, labels} = load(folder, "train", options[:images])
    test = load(folder, "t10k", nil)
    Mlx.Random.seed(0)
    parameters = %{hidden: NN.init_linear(784, 128), out: NN.init_linear(128, 10)}
    epochs = options[:epochs] || 3
    steps = epochs * div(elem(Mlx.shape(labels), 0), @batch)
    optimizer = Optimizers.adamw(Optimizers.cosine_decay(2.0e-3, steps))
    step = Mlx.compile(&step(optimizer, &1, &2, &3, &4))

    Enum.reduce(1..epochs, {parameters, Optimizers.init(optimizer, parameters)}, fn epoch,
                                                                                    state ->
      {time, {parameters, _} = state} = :timer.tc(fn -> epoch(step, state, images, labels) end)
      accuracy = Float.round(100 * accuracy(parameters, test), 2)
      IO.puts("epoch #{epoch}: #{accuracy}% right, #{Float.round(time / 1.0e6, 2)} s")
      state
    end)
  end

  # --- the network ----------------------------------------------------------------------------

  def model(parameters, images),
    do: images |> NN.linear(parameters.hidden) |> NN.relu() |> NN.linear(parameters.out)

  def loss(parameters, images, labels),
    do: parameters |> model(images) |> NN.Losses.cross_entropy(labels, reduction: :mean)

  def accuracy(parameters, {images, labels}),
    do:
      parameters
      |> model(images)
      |> Mlx.argmax(axis: 1)
      |> Mlx.equal(labels)
      |> Mlx.mean()
      |> Mlx.item()

  # --- training -------------------------------------------------------------------------------

  defp step(optimizer, parameters, state, images, labels) do
    {_loss, gradients} = Mlx.value_and_grad(&loss/3).(parameters, images, labels)
    Optimizers.update(optimizer, gradients, parameters, state)
  end

  # Once through all images, in another order each time.
  defp epoch(step, state, images, labels) do
    order = Mlx.Random.permutation(elem(Mlx.shape(labels), 0)) |> Mlx.eval()

    Enum.reduce(0..(div(Mlx.size(order), @batch) - 1), state, fn i, {parameters, state} ->
      chosen = order[(i * @batch)..((i + 1) * @batch - 1)]
      Mlx.eval(step.(parameters, state, images[chosen], labels[chosen]))
    end)
  end

  # --- the files ------------------------------------------------------------------------------

  defp load(folder, name, count) do
    <<_magic::32, n::32, 28::32, 28::32, pixels::binary>> =
      read(folder, "#{name}-images-idx3-ubyte.gz")

    <<_magic::32, ^n::32, labels::binary>> = read(folder, "#{name}-labels-idx1-ubyte.gz")
    images = Mlx.from_binary(pixels, :uint8, {n, 784}) |> Mlx.astype(:float32)
    keep = 0..((count || n) - 1)
    labels = Mlx.from_binary(labels, :uint8, {n}) |> Mlx.astype(:int32)
    Mlx.eval({(images / 255)[keep], labels[keep]})
  end

  defp read(folder, name), do: folder |> Path.join(name) |> File.read!() |> :zlib.gunzip()
end

Mnist.main(System.argv())
