defmodule Mlx.Operators do
  @moduledoc """
  `+`, `-`, `*`, `/` and `**` for arrays.

      iex> use Mlx.Operators
      iex> x = Mlx.array([1.0, 2.0])
      iex> Mlx.to_list(2 * x ** 2 - 1)
      [1.0, 7.0]

  Of two numbers they are `Kernel`'s, and so they are in guards and patterns.
  """

  import Kernel, except: [+: 2, -: 1, -: 2, *: 2, /: 2, **: 2]

  @type operand :: Mlx.scalar()

  defmacro __using__(_options) do
    quote do
      import Kernel, except: [+: 2, -: 1, -: 2, *: 2, /: 2, **: 2]
      import Mlx.Operators.Syntax
    end
  end

  @doc "`Mlx.add/2`."
  @spec operand + operand :: operand
  def a + b when is_number(a) and is_number(b), do: Kernel.+(a, b)
  def a + b, do: Mlx.add(a, b)

  @doc "`Mlx.subtract/2`."
  @spec operand - operand :: operand
  def a - b when is_number(a) and is_number(b), do: Kernel.-(a, b)
  def a - b, do: Mlx.subtract(a, b)

  @doc "`Mlx.multiply/2`."
  @spec operand * operand :: operand
  def a * b when is_number(a) and is_number(b), do: Kernel.*(a, b)
  def a * b, do: Mlx.multiply(a, b)

  @doc "`Mlx.divide/2`."
  @spec operand / operand :: operand
  def a / b when is_number(a) and is_number(b), do: Kernel./(a, b)
  def a / b, do: Mlx.divide(a, b)

  @doc "`Mlx.power/2`."
  @spec operand ** operand :: operand
  def a ** b when is_number(a) and is_number(b), do: Kernel.**(a, b)
  def a ** b, do: Mlx.power(a, b)

  @doc "`Mlx.negative/1`."
  @spec -operand :: operand
  def -a when is_number(a), do: Kernel.-(a)
  def -a, do: Mlx.negative(a)
end

defmodule Mlx.Operators.Syntax do
  @moduledoc false
  # The operators as `use Mlx.Operators` brings them: Kernel's where no function may be called, in guards
  # and patterns (-1 is an operator's call there, too), and those of Mlx.Operators elsewhere.

  import Kernel, except: [+: 2, -: 1, -: 2, *: 2, /: 2, **: 2]

  for operator <- [:+, :-, :*, :/, :**] do
    defmacro unquote(operator)(a, b), do: call(unquote(operator), [a, b], __CALLER__)
  end

  defmacro -a, do: call(:-, [a], __CALLER__)

  defp call(operator, operands, caller) do
    owner = if caller.context, do: Kernel, else: Mlx.Operators
    quote do: unquote(owner).unquote(operator)(unquote_splicing(operands))
  end
end
