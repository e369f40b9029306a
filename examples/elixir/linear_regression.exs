# A line through noisy points, by gradient descent.
#
#   cd bindings/elixir && mix run ../../examples/elixir/linear_regression.exs

use Mlx.Operators
alias Mlx.{NN, Optimizers}

Mlx.Random.seed(0)
slopes = Mlx.array([[2.0], [-3.0], [0.5]])
x = Mlx.Random.normal(shape: {1000, 3})
y = Mlx.matmul(x, slopes) + 1.0 + 0.01 * Mlx.Random.normal(shape: {1000, 1})

loss = fn parameters -> x |> NN.linear(parameters) |> NN.Losses.mse_loss(y) end
optimizer = Optimizers.sgd(0.1)
parameters = NN.init_linear(3, 1)

{parameters, _state} =
  Enum.reduce(1..100, {parameters, Optimizers.init(optimizer, parameters)}, fn i, {p, state} ->
    {value, gradients} = Mlx.value_and_grad(loss).(p)
    {p, state} = Mlx.eval(Optimizers.update(optimizer, gradients, p, state))
    if rem(i, 20) == 0, do: IO.puts("step #{i}: loss #{Mlx.item(value)}")
    {p, state}
  end)

error = Mlx.max(Mlx.abs(Mlx.transpose(parameters.weight) - slopes))
IO.puts("slopes within #{Mlx.item(error)}, intercept #{Mlx.item(parameters.bias)}")
