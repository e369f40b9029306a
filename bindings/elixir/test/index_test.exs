defmodule Mlx.IndexTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  # Parts by arrays of indices and masks, beside the same with lists.

  defp cube, do: Mlx.arange(24) |> Mlx.reshape([2, 3, 4])
  defp at(i, j, k), do: i * 12 + j * 4 + k

  test "indices along any axis" do
    a = cube()
    rows = [2, 0, -1]
    plain = fn j -> if j < 0, do: j + 3, else: j end
    index = Mlx.array(rows)

    assert Mlx.to_list(a[[0..-1//1, index]]) ==
             for(i <- 0..1, do: for(j <- rows, do: for(k <- 0..3, do: at(i, plain.(j), k))))

    assert Mlx.to_list(a[[1, index, 1..2]]) ==
             for(j <- rows, do: for(k <- 1..2, do: at(1, plain.(j), k)))

    assert Mlx.to_list(a[[1, index, 3]]) == for(j <- rows, do: at(1, plain.(j), 3))
    assert Mlx.shape(a[[0..-1//1, Mlx.array([[0, 1], [2, 2]])]]) == {2, 2, 2, 4}
    assert Mlx.shape(a[[0..-1//1, Mlx.array(1)]]) == {2, 4}
    assert Mlx.shape(a[[0..-1//1, Mlx.zeros([0], dtype: :int32)]]) == {2, 0, 4}
  end

  test "masks of one axis and of several" do
    a = cube()
    odd = Mlx.equal(Mlx.remainder(a, 2), 1)
    assert Mlx.to_list(a[odd]) == Enum.filter(0..23, &(rem(&1, 2) == 1))
    assert Mlx.to_list(a[Mlx.array([false, true])]) == [Mlx.to_list(a[1])]
    two = Mlx.array([[true, false, false], [false, false, true]])

    assert Mlx.to_list(a[two]) ==
             for({i, j} <- [{0, 0}, {1, 2}], do: for(k <- 0..3, do: at(i, j, k)))

    middle = Mlx.array([true, false, true])

    assert Mlx.to_list(a[[0..-1//1, middle, 0]]) ==
             for(i <- 0..1, do: for(j <- [0, 2], do: at(i, j, 0)))

    assert Mlx.to_list(a[[1, Mlx.greater(a[1], 20)]]) == [21, 22, 23]
    assert Mlx.shape(a[Mlx.zeros([2], dtype: :bool)]) == {0, 3, 4}
    assert Mlx.shape(Mlx.zeros([0, 3])[Mlx.zeros([0, 3], dtype: :bool)]) == {0}
    assert Mlx.to_list(Mlx.array(5)[Mlx.array(true)]) == [5]
    assert Mlx.to_list(Mlx.array(5)[Mlx.array(false)]) == []
  end

  test "putting by indices and masks" do
    a = cube()
    odd = Mlx.equal(Mlx.remainder(a, 2), 1)
    flat = &(&1 |> Mlx.flatten() |> Mlx.to_list())
    assert flat.(put_in(a[odd], 0)) == for(x <- 0..23, do: if(rem(x, 2) == 1, do: 0, else: x))

    assert flat.(update_in(a[odd], &Mlx.negative/1)) ==
             for(x <- 0..23, do: if(rem(x, 2) == 1, do: -x, else: x))

    assert flat.(Mlx.put_at(a, odd, Enum.to_list(100..111))) ==
             for(x <- 0..23, do: if(rem(x, 2) == 1, do: 100 + div(x, 2), else: x))

    index = Mlx.array([2, 0])
    put = Mlx.put_at(a, [0..-1//1, index, 1..2], Mlx.array([[1, 2], [3, 4]]))

    for i <- 0..1, j <- 0..2, k <- 0..3 do
      wanted =
        case {j, k} do
          {2, k} when k in 1..2 -> k
          {0, k} when k in 1..2 -> k + 2
          _ -> at(i, j, k)
        end

      assert Mlx.item(put[[i, j, k]]) == wanted
    end

    assert Mlx.to_list(put_in(a[[1, index, 3]], Mlx.array([7, 8]))[[1, 0..-1//1, 3]]) == [
             8,
             19,
             7
           ]

    assert Mlx.to_list(Mlx.put_at(Mlx.zeros([3]), Mlx.array([-1]), 5)) == [0.0, 0.0, 5.0]
    assert Mlx.to_list(Mlx.put_at(Mlx.array(5), Mlx.array(true), 6)) == 6
    assert flat.(Mlx.put_at(a, Mlx.zeros([2], dtype: :bool), 9)) == Enum.to_list(0..23)
  end

  test "numbers are put in as the array's own" do
    doubles = Mlx.array([1.0, 2.0], :float64)
    assert Mlx.to_list(put_in(doubles[0], 0.1)) == [0.1, 2.0]
    assert Mlx.to_list(Mlx.put_at(doubles, 0..1, [1.0e300, 0.1])) == [1.0e300, 0.1]
    assert Mlx.to_list(put_in(doubles[Mlx.array([1])], 0.1)) == [1.0, 0.1]
    assert Mlx.to_list(put_in(Mlx.array([1, 2])[0], 9.7)) == [9, 2]
    assert Mlx.to_list(put_in(Mlx.array([true, true])[0], 0)) == [false, true]
    assert Mlx.to_list(put_in(Mlx.array([{1, 2}])[0], {3, 4})) == [{3.0, 4.0}]
    bytes = Mlx.array([1, 2], :uint8)

    for {a, value} <- [{bytes, -1}, {bytes, [300]}, {bytes, 300.5}, {Mlx.array([1.0]), {1, 2}}] do
      assert error(fn -> Mlx.put_at(a, 0, value) end).message =~ ~r/out of the range|complex/
    end
  end

  test "have derivatives" do
    mask = Mlx.array([true, false, true])
    x = Mlx.array([1.0, 2.0, 3.0])
    assert Mlx.to_list(Mlx.grad(&Mlx.sum(Mlx.square(&1[mask]))).(x)) == [2.0, 0.0, 6.0]
    index = Mlx.array([1, 1])
    assert Mlx.to_list(Mlx.grad(&Mlx.sum(&1[index])).(x)) == [0.0, 2.0, 0.0]
    assert Mlx.to_list(Mlx.grad(&Mlx.sum(Mlx.put_at(&1, mask, 0))).(x)) == [0.0, 1.0, 0.0]
    assert Mlx.to_list(Mlx.compile(& &1[index]).(x)) == [2.0, 2.0]
  end

  test "what does not fit is refused" do
    a = cube()

    for {key, wanted} <- [
          {Mlx.array([true]), "a mask has the shape of its axes, {2}, not {1}"},
          {[0, Mlx.array([true, false])], "a mask has the shape of its axes, {3}, not {2}"},
          {Mlx.zeros([1, 1, 1, 1], dtype: :bool), "4 indices for an array of 3 axes"},
          {[0, 0, 0, Mlx.array([1])], "4 indices for an array of 3 axes"},
          {[Mlx.array([1]), Mlx.array([1])], "one may be an array"},
          {Mlx.array([1.0]), "must be integral"}
        ] do
      assert String.downcase(error(fn -> a[key] end).message) =~ wanted
      message = error(fn -> a |> Mlx.put_at(key, 1) |> Mlx.eval() end).message
      assert message =~ wanted or wanted == "must be integral"
    end

    assert error(fn -> Mlx.eval(a[Mlx.array([2])]) end).message =~ "out of"
    assert error(fn -> Mlx.eval(Mlx.put_at(a, Mlx.array([2]), 1)) end).message =~ "out of"
    assert error(fn -> Mlx.put_at(a, Mlx.array([1]), [1, 2, 3]) end).message =~ "broadcast"
    assert error(fn -> Mlx.array(1)[Mlx.array([0])] end).reason == :range
  end
end
