defmodule Mlx.NN.InitTest do
  use ExUnit.Case, async: true
  import Mlx.Check
  alias Mlx.NN.Init

  doctest Mlx.NN.Init

  # Mean and variance of n draws, within five deviations.
  defp moments(a, mean, variance, kurtosis) do
    n = Mlx.size(a)
    found = Mlx.item(Mlx.mean(a))
    assert abs(found - mean) <= 5 * :math.sqrt(variance / n)
    found = Mlx.item(Mlx.var(a))
    assert abs(found - variance) <= 5 * variance * :math.sqrt((kurtosis - 1) / n)
  end

  test "initializers have the statistics that they say" do
    shape = {200, 5, 100}
    # fans: 500 inputs of each output, 1000 outputs of each input
    normal = [
      {&Init.normal/2, [mean: 2.0, std: 3.0], 2.0, 9.0},
      {&Init.glorot_normal/2, [], 0.0, 2 / 1500},
      {&Init.glorot_normal/2, [gain: 2.0], 0.0, 4 * 2 / 1500},
      {&Init.he_normal/2, [], 0.0, 1 / 500},
      {&Init.he_normal/2, [mode: :fan_out], 0.0, 1 / 1000}
    ]

    for {init, options, mean, variance} <- normal,
        do: moments(init.(shape, [key: Mlx.Random.key(1)] ++ options), mean, variance, 3)

    uniform = [
      {&Init.uniform/2, [low: -1.0, high: 3.0], -1.0, 3.0},
      {&Init.glorot_uniform/2, [], -:math.sqrt(6 / 1500), :math.sqrt(6 / 1500)},
      {&Init.he_uniform/2, [], -:math.sqrt(3 / 500), :math.sqrt(3 / 500)},
      {&Init.he_uniform/2, [mode: :fan_out, gain: 2.0], -2 * :math.sqrt(3 / 1000),
       2 * :math.sqrt(3 / 1000)}
    ]

    for {init, options, low, high} <- uniform do
      a = init.(shape, [key: Mlx.Random.key(2)] ++ options)
      moments(a, (low + high) / 2, (high - low) * (high - low) / 12, 1.8)
      assert Mlx.item(Mlx.min(a)) >= low - 1.0e-6 and Mlx.item(Mlx.max(a)) <= high
    end
  end

  test "fixed, sparse and orthogonal initializers" do
    assert Mlx.to_list(Init.constant({2}, 3, dtype: :int32)) == [3, 3]
    assert Mlx.to_list(Init.identity({2, 2})) == [[1.0, 0.0], [0.0, 1.0]]
    a = Init.sparse({20, 50}, 0.3, std: 2.0, key: Mlx.Random.key(1))
    zeros = Mlx.sum(Mlx.equal(a, 0), axis: 1)
    assert Mlx.to_list(zeros) == List.duplicate(15, 20)

    for {rows, columns} <- [{4, 7}, {7, 4}] do
      q = Init.orthogonal({rows, columns}, gain: 2.0, key: Mlx.Random.key(2))

      gram =
        if rows < columns,
          do: Mlx.matmul(q, Mlx.transpose(q)),
          else: Mlx.matmul(Mlx.transpose(q), q)

      near(Mlx.to_list(gram), Mlx.to_list(Mlx.multiply(4, Mlx.eye(4))))
    end

    assert error(fn -> Init.he_normal({3}) end).message =~ "two axes"
    assert Mlx.shape(Init.he_normal({2, 0})) == {2, 0}

    for shape <- [{Mlx.ones([2]), 2}, [2, -1], [1 | 2], {2.0, 2}],
        do: assert(error(fn -> Init.he_normal(shape) end).message =~ "a shape is needed")

    assert error(fn -> Init.he_normal({3, 3}, mode: :both) end).message =~ ":both"
    assert error(fn -> Init.identity({3, 2}) end).message =~ "square"
    assert error(fn -> Init.orthogonal({3, 2, 1}) end).message =~ "matrix"
    assert error(fn -> Init.zeros(:a) end).message =~ "shape"
  end
end
