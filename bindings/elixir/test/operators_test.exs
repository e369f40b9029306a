defmodule Mlx.OperatorsTest do
  use ExUnit.Case, async: true

  doctest Mlx.Operators

  defmodule Counting do
    use Mlx.Operators
    def named(-1), do: :last
    def named(n) when n - 1 > 2 * 3, do: :large
    def named(n), do: -n + 1
    def rest(<<n, rest::binary-size(n - 1)>>), do: rest
    def sum(items), do: Enum.reduce(items, &+/2)
    def last(items), do: items[-1]
  end

  test "operators are Kernel's in guards and patterns" do
    assert Enum.map([-1, 8, 3], &Counting.named/1) == [:last, :large, -2]
    assert Mlx.item(Counting.named(Mlx.array(5))) == -4
    assert Counting.rest(<<2, 65>>) == "A"
    assert Counting.sum([1, 2]) == 3
    assert Mlx.item(Counting.sum([Mlx.array(1), 2])) == 3
    assert Mlx.item(Counting.last(Mlx.array([1, 2]))) == 2
  end
end
