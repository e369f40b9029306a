# Handwritten digits, read by a network of Axon's on Mlx.Backend.
#
#   mix run ../../examples/elixir/axon_mnist.exs FOLDER [--path backend] [--epochs 1] [--images 60000]
#
# in a project that has mlx, nx and axon. The folder has MNIST's four files. --path compiler (the default)
# compiles what Axon defines with Mlx.Compiler, one graph a step; backend computes it step by step.

Code.require_file("axon_digits.ex", __DIR__)

defmodule AxonMnist do
  def main(arguments) do
    {options, [folder]} =
      OptionParser.parse!(arguments,
        strict: [path: :string, epochs: :integer, images: :integer]
      )

    path = options[:path] || "compiler"
    Nx.default_backend(Mlx.Backend)
    compiler = if path == "compiler", do: Mlx.Compiler, else: Nx.Defn.Evaluator
    Nx.Defn.default_options(compiler: compiler)

    test = AxonDigits.load(folder, "t10k")
    batches = folder |> AxonDigits.load("train", options[:images]) |> AxonDigits.batches()
    loop = AxonDigits.loop()
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

  defp accuracy(parameters, {images, labels}) do
    {_init, predict} = Axon.build(AxonDigits.model())
    read = predict.(parameters, images) |> Nx.argmax(axis: 1)
    right = read |> Nx.equal(labels) |> Nx.mean() |> Nx.to_number()
    Float.round(100 * right, 2)
  end
end

AxonMnist.main(System.argv())
