defmodule Mlx.ExamplesTest do
  use ExUnit.Case, async: false
  import ExUnit.CaptureIO

  # examples/elixir, as they are run, and briefly.

  @examples Path.expand("../../../examples/elixir", __DIR__)
  @data System.get_env("MLX_TEST_DATA", Path.expand("../../../../shared/data", __DIR__))
  @mnist Path.join(@data, "mnist")

  defp example(name, arguments) do
    before = System.argv()
    System.argv(arguments)
    seed = Process.get(:"$mlx_random")

    try do
      capture_io(fn -> Code.eval_file(Path.join(@examples, name)) end)
    after
      System.argv(before)
      if seed, do: Mlx.Random.set_state(seed)
    end
  end

  test "a line" do
    text = example("linear_regression.exs", [])
    [_, error, intercept] = Regex.run(~r/slopes within (\S+), intercept (\S+)/, text)
    assert String.to_float(error) < 5.0e-3
    assert_in_delta String.to_float(intercept), 1.0, 5.0e-3
  end

  @tag skip: not File.dir?(@mnist) and "there is no #{@mnist}"
  @tag timeout: 300_000
  test "digits" do
    text = example("mnist.exs", [@mnist, "--epochs", "2"])
    assert [[_, first], [_, second]] = Regex.scan(~r/: (\S+)% right/, text)
    assert String.to_float(first) > 95.0
    assert String.to_float(second) > 96.5
  end
end
