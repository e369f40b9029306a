defmodule Mlx.ArrayTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  doctest Mlx
  doctest Mlx.Random

  @dtypes ~w(bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64
    bfloat16 complex64)a

  test "arrays from lists have natural dtypes" do
    for {list, dtype} <- [
          {[true, false], :bool},
          {[1, -2], :int32},
          {[1, 5_000_000_000], :int64},
          {[18_446_744_073_709_551_615], :uint64},
          {[1, 2.5], :float32},
          {[], :float32},
          {[1.0, {0.0, 1.0}], :complex64},
          {[:nan, 1], :float32}
        ] do
      assert Mlx.dtype(Mlx.array(list)) == dtype
    end
  end

  test "every dtype goes in and out" do
    for dtype <- @dtypes do
      a = Mlx.array([[0, 1], [1, 0]], dtype)
      assert {Mlx.shape(a), Mlx.dtype(a)} == {{2, 2}, dtype}
      binary = Mlx.to_binary(a)
      assert byte_size(binary) == Mlx.nbytes(a)
      again = Mlx.from_binary(binary, dtype, {2, 2})
      assert Mlx.to_list(again) == Mlx.to_list(a)
      assert Mlx.item(Mlx.array_equal(a, again)) == true
    end
  end

  test "Nx's dtypes are understood" do
    for {pair, dtype} <- [f: :float32, bf: :bfloat16, s: :int32, u: :uint32] do
      bits = if pair == :bf, do: 16, else: 32
      assert Mlx.dtype(Mlx.zeros([1], dtype: {pair, bits})) == dtype
    end

    assert error(fn -> Mlx.zeros([1], dtype: {:f, 31}) end).reason == :invalid
  end

  test "values that are no numbers of Erlang's" do
    list = [:nan, :infinity, :neg_infinity, -0.0]

    for dtype <- [:float16, :bfloat16, :float32, :float64] do
      assert [:nan, :infinity, :neg_infinity, zero] = Mlx.to_list(Mlx.array(list, dtype))
      assert <<zero::float>> == <<-0.0::float>>
    end

    assert Mlx.to_list(Mlx.array([{:nan, 1.5}])) == [{:nan, 1.5}]
    assert Mlx.item(Mlx.isnan(:nan)) == true
  end

  test "halves are read as they are" do
    list = [6.103515625e-5, 5.9604644775390625e-8, 65504.0, -1.5, 0.333251953125]
    assert Mlx.to_list(Mlx.array(list, :float16)) == list
    assert Mlx.to_list(Mlx.array([1.0, -2.5, 3.0e38], :bfloat16)) |> Enum.take(2) == [1.0, -2.5]
  end

  # The number with so many bits that is nearest, the even one of two, as a fraction of integers says it.
  defp nearest(x, bits, least) do
    {n, d} = if is_float(x), do: Float.ratio(abs(x)), else: {abs(x), 1}
    # n / d is in [2^e, 2^(e + 1)); least is that of the normal numbers
    e = Enum.find(-1100..1100, &(n * two(-&1) < 2 * d * two(&1))) |> max(least)
    unit = e - bits + 1
    {n, d} = {n * two(-unit), d * two(unit)}
    {q, r} = {div(n, d), rem(n, d)}
    up = 2 * r > d or (2 * r == d and rem(q, 2) == 1)
    if(x < 0, do: -1, else: 1) * if(up, do: q + 1, else: q) * :math.pow(2.0, unit)
  end

  defp two(n), do: if(n > 0, do: Bitwise.bsl(1, n), else: 1)

  # Numbers in the middle of two of a dtype, and next to that.
  defp middles(bits) do
    for i <- 1..60 do
      odd = Bitwise.bsl(1, bits) + 2 * :rand.uniform(Bitwise.bsl(1, bits - 1)) - 1
      sign = if rem(i, 2) == 0, do: 1, else: -1
      more = Enum.at([0, 1, -1], rem(i, 3))
      whole = sign * (Bitwise.bsl(odd, 62 - bits) + more)
      [whole, sign * odd * :math.pow(2.0, rem(i, 14) - bits) * (1 + more * :math.pow(2.0, -52))]
    end
    |> List.flatten()
  end

  test "each number is rounded once" do
    :rand.seed(:exsss, {1, 2, 3})

    for {dtype, bits, least} <- [{:bfloat16, 8, -126}, {:float32, 24, -126}, {:float16, 11, -14}],
        list = Enum.flat_map([8, 11, 24], &middles/1) ++ [2 ** 64 - 1, 2 ** 64 - 2 ** 39 - 1],
        list = list ++ [5.0e-8, 2.9802322387695316e-8, 1.0e-40, -0.0],
        # float16 ends at 65520
        list = Enum.filter(list, &(dtype != :float16 or abs(&1) < 65_520)) do
      assert length(list) > 100
      wanted = Enum.map(list, &nearest(&1, bits, least))
      assert Mlx.to_list(Mlx.array(list, dtype)) == wanted
      assert for(x <- list, do: Mlx.item(Mlx.array(x, dtype))) == wanted

      if dtype == :float32 do
        pairs = Enum.zip(wanted, Enum.reverse(wanted))
        given = Enum.zip(list, Enum.reverse(list))
        assert Mlx.to_list(Mlx.array(given, :complex64)) == pairs
        assert Mlx.to_list(Mlx.array(list)) == wanted
      end
    end

    assert Mlx.to_list(Mlx.array([65_519, 65_519.999, 65_520, -1.0e300], :float16)) ==
             [65504.0, 65504.0, :infinity, :neg_infinity]

    assert Mlx.to_list(Mlx.array([2 ** 53 + 1, 2 ** 64 - 1], :float64)) == [2.0 ** 53, 2.0 ** 64]
  end

  test "integers and booleans are finite" do
    for dtype <- [:bool, :uint8, :uint64, :int8, :int32],
        a = Mlx.array([1, 0], dtype),
        {value, said} <- [nan: "nan", infinity: "inf", neg_infinity: "-inf"],
        call <- [
          &Mlx.array(&1, dtype),
          &Mlx.array([1, &1], dtype),
          &put_in(a[0], &1),
          &put_in(a[Mlx.array([0])], &1),
          &put_in(a[Mlx.array([true, false])], &1),
          &Mlx.put_at(a, 0..1, [0, &1]),
          &Mlx.full([2], &1, dtype: dtype),
          &Mlx.full_like(a, &1),
          &Mlx.pad(a, 1, constant_values: &1),
          &Mlx.put_along_axis(a, Mlx.array([0]), &1, axis: 0),
          &Mlx.linspace(0, &1, num: 2, dtype: dtype),
          &Mlx.astype(&1, dtype),
          &Mlx.Random.randint(0, &1, dtype: dtype),
          &Mlx.NN.Init.constant([2], &1, dtype: dtype)
        ] do
      assert error(fn -> call.(value) end).message =~ "#{said} is no #{dtype}"
    end

    # among floats they are what they are, and beside integers they make floats
    assert Mlx.to_list(Mlx.full([1], :nan)) == [:nan]
    assert Mlx.to_list(Mlx.pad(Mlx.ones([1]), 1, constant_values: :nan)) == [:nan, 1.0, :nan]
    assert Mlx.to_list(Mlx.add(Mlx.array([1]), :infinity)) == [:infinity]
    assert Mlx.to_list(Mlx.less(Mlx.array([1]), :infinity)) == [true]
  end

  test "numbers that do not fit are errors" do
    assert error(fn -> Mlx.array([256], :uint8) end).reason == :range
    assert error(fn -> Mlx.array([-1], :uint64) end).reason == :range
    assert error(fn -> Mlx.array([1.5], :int32) end).reason == :invalid
    assert error(fn -> Mlx.array([{1, 2}], :float32) end).reason == :invalid

    for number <- [2 ** 64, -(2 ** 63) - 1, 10 ** 400] do
      assert %{reason: :range, message: message} = error(fn -> Mlx.array([1, number]) end)
      assert message =~ "an integer is beyond those of 64 bits"
    end

    assert error(fn -> Mlx.array([[1], [1, 2]]) end).reason == :invalid
    assert error(fn -> Mlx.array([[1], 2]) end).reason == :invalid
    assert error(fn -> Mlx.array([1 | 2]) end).reason == :invalid
    assert error(fn -> Mlx.array(:hallo) end).message =~ "element"
  end

  test "empty arrays" do
    assert Mlx.to_list(Mlx.zeros([0])) == []
    assert Mlx.to_list(Mlx.zeros([2, 0])) == [[], []]
    assert Mlx.to_list(Mlx.zeros([0, 2])) == []
    assert Mlx.to_list(Mlx.zeros([2, 3, 0])) == [[[], [], []], [[], [], []]]
    assert Mlx.to_binary(Mlx.zeros([0])) == ""
    assert Mlx.from_binary("", :float32, {0, 3}) |> Mlx.shape() == {0, 3}
    assert Mlx.array([[], []]) |> Mlx.shape() == {2, 0}
  end

  test "binaries of the wrong size or that are none" do
    assert error(fn -> Mlx.from_binary(<<1, 2, 3>>, :float32, {1}) end).message =~ "4 bytes"
    assert error(fn -> Mlx.from_binary(<<>>, :uint8, {-1}) end).reason == :invalid
    big = List.duplicate(2_147_483_647, 5)
    assert error(fn -> Mlx.from_binary(<<>>, :uint8, big) end).reason == :range
    assert error(fn -> Mlx.from_binary(<<1::3>>, :uint8, {1}) end).reason == :invalid
    assert error(fn -> Mlx.from_binary(:a, :uint8, {1}) end).reason == :invalid
  end

  test "large binaries are not copied, and live as long as the array" do
    before = Mlx.Memory.get_active_memory()
    binary = :binary.copy(<<1.0::float-32-native>>, 1_000_000)
    a = Mlx.from_binary(binary, :float32, {1000, 1000})
    assert Mlx.item(Mlx.sum(a)) == 1.0e6
    out = Mlx.to_binary(Mlx.add(a, 1))
    :erlang.garbage_collect()
    assert <<2.0::float-32-native, _::binary>> = out
    assert byte_size(out) == 4_000_000
    part = binary_part(binary, 1, 400_000)
    assert Mlx.from_binary(part, :uint8, {400_000}) |> Mlx.shape() == {400_000}
    assert Mlx.from_binary(part, :float32, {100_000}) |> Mlx.shape() == {100_000}
    assert before >= 0
  end

  test "strided and broadcast arrays are read in order" do
    a = Mlx.arange(6) |> Mlx.reshape([2, 3])
    assert Mlx.to_list(Mlx.transpose(a)) == [[0, 3], [1, 4], [2, 5]]
    assert Mlx.to_list(Mlx.broadcast_to(7, [2, 2])) == [[7, 7], [7, 7]]
    assert Mlx.to_list(Mlx.flip(Mlx.arange(3))) == [2, 1, 0]
    assert Mlx.to_binary(Mlx.flip(Mlx.arange(2))) == <<1::32-native, 0::32-native>>
  end

  test "parts by index and range" do
    a = Mlx.arange(12) |> Mlx.reshape([3, 4])
    assert Mlx.to_list(a[1]) == [4, 5, 6, 7]
    assert Mlx.to_list(a[-1]) == [8, 9, 10, 11]
    assert Mlx.to_list(a[[1, 2]]) == 6
    assert Mlx.to_list(a[[-1, -1]]) == 11
    assert Mlx.to_list(a[0..1]) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert Mlx.to_list(a[[0..-1//1, 1]]) == [1, 5, 9]
    assert Mlx.to_list(a[[0..-2//1, 0..-1//2]]) == [[0, 2], [4, 6]]
    assert Mlx.to_list(a[[2..0//-1, 0]]) == [8, 4, 0]
    assert Mlx.to_list(a[[-1..-3//-1, 0]]) == [8, 4, 0]
    assert Mlx.to_list(a[[2..1//-1, 0]]) == [8, 4]
    assert Mlx.to_list(a[-2..-1]) == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert Mlx.to_list(a[Mlx.array([2, 0])]) == [[8, 9, 10, 11], [0, 1, 2, 3]]
    assert error(fn -> a[3] end).reason == :range
    assert error(fn -> a[[0, 0, 0]] end).reason == :range
    assert error(fn -> a[:x] end).reason == :invalid
    assert Mlx.to_list(Mlx.at(a, 0)) == [0, 1, 2, 3]
  end

  test "putting parts" do
    a = Mlx.zeros([2, 3], dtype: :int32)
    assert Mlx.to_list(Mlx.put_at(a, 0, [1, 2, 3])) == [[1, 2, 3], [0, 0, 0]]
    assert Mlx.to_list(Mlx.put_at(a, [0..-1//1, 1], [7, 8])) == [[0, 7, 0], [0, 8, 0]]
    assert Mlx.to_list(Mlx.put_at(a, [1, 2], 9)) == [[0, 0, 0], [0, 0, 9]]
    assert Mlx.to_list(put_in(a[1], 5)) == [[0, 0, 0], [5, 5, 5]]
    assert Mlx.to_list(update_in(a[1], &Mlx.add(&1, 2))) == [[0, 0, 0], [2, 2, 2]]
    assert error(fn -> pop_in(a[0]) end).reason == :invalid
    assert error(fn -> get_and_update_in(a[0], fn _ -> :pop end) end).reason == :invalid
  end

  test "arrays are enumerable along the first axis" do
    a = Mlx.arange(6) |> Mlx.reshape([3, 2])
    assert Enum.map(a, &Mlx.to_list/1) == [[0, 1], [2, 3], [4, 5]]
    assert Enum.count(a) == 3
    assert Enum.at(a, 1) |> Mlx.to_list() == [2, 3]
    assert Enum.take(a, 2) |> values() == [[0, 1], [2, 3]]
    assert Enum.zip(a, 1..3) |> length() == 3
    assert a |> Stream.take(1) |> Enum.to_list() |> values() == [[0, 1]]
    assert error(fn -> Enum.to_list(Mlx.array(1)) end).reason == :invalid
  end

  test "an element is in an array by its values" do
    a = Mlx.arange(6) |> Mlx.reshape([3, 2])
    assert 2 in Mlx.array([1, 2, 3])
    assert 2.0 in Mlx.array([1, 2, 3])
    assert Mlx.array(2) in Mlx.array([1, 2, 3])
    assert :infinity in Mlx.array([1.0, :infinity])
    assert {1, 2} in Mlx.array([{1, 2}, {0, 0}])
    for dtype <- [:float64, :float16], do: assert(0.1 in Mlx.array([0.5, 0.1], dtype))
    refute 257 in Mlx.array([1], :uint8)
    refute 4 in Mlx.array([1, 2, 3])
    refute :nan in Mlx.array([1.0, :nan])
    refute 1 in Mlx.zeros([0])
    assert [2, 3] in a
    assert Enum.member?(a, a[2])
    refute [3, 2] in a
    refute 2 in a
    refute [[0, 1]] in a
    for other <- [:x, "x", %{}, [1, [2]], self(), 2 ** 70], do: refute(other in a)
    assert error(fn -> 1 in Mlx.array(1) end).message =~ "without axes"
  end

  test "inspect shows values, and what is known where there are none" do
    assert inspect(Mlx.array([1, 2])) == "#Mlx.Array<int32[2]\n  [1, 2]\n>"
    assert inspect(Mlx.array(1.5)) =~ "float32[]"
    bad = Mlx.Linalg.cholesky(Mlx.negative(Mlx.eye(2)))
    assert inspect(bad) =~ "#Mlx.Array<float32[2, 2]"
    singular = Mlx.Linalg.inv(Mlx.zeros([2, 2]))
    assert inspect(singular) == "#Mlx.Array<float32[2, 2] fails: [inv] the matrix is singular>"
    assert inspect([singular, %{a: singular}]) =~ "fails: [inv]"

    for transform <- [&Mlx.grad/1, &Mlx.compile/1, &Mlx.vmap/1] do
      transform.(fn x ->
        assert inspect(x) =~ "#Mlx.Array<float32["
        Mlx.sum(x)
      end).(Mlx.ones([1]))
    end

    # large ones are not computed to be shown
    large = Mlx.zeros([1_000_000_000])
    assert inspect(large) == "#Mlx.Array<float32[1000000000] ...>"
    refute Mlx.available?(large)

    a = Mlx.array([1])
    Mlx.deallocate(a)
    assert inspect(a) == "#Mlx.Array<deallocated>"
    assert inspect(%Mlx.Array{ref: make_ref()}) == "#Mlx.Array<invalid>"
  end

  test "what was deallocated is refused" do
    a = Mlx.ones([10])
    assert Mlx.deallocate(a) == :ok
    assert error(fn -> Mlx.add(a, 1) end).reason == :deallocated
    assert error(fn -> Mlx.eval(a) end).reason == :deallocated
    # whatever was called before
    Mlx.zeros([2])
    assert error(fn -> Mlx.shape(a) end).operation == nil
    Mlx.zeros([2])
    e = error(fn -> Mlx.deallocate(a) end)
    assert {e.operation, e.reason} == {"deallocate", :deallocated}
  end

  test "errors name the operation, the reason and what was expected" do
    e = error(fn -> Mlx.matmul(Mlx.ones([2, 2]), Mlx.ones([3, 3])) end)
    assert {e.operation, e.reason} == {"matmul", :invalid}
    assert Exception.message(e) =~ "[matmul] Last dimension"
    e = error(fn -> Mlx.sum(Mlx.ones([2]), axis: 5) end)
    assert e.reason in [:range, :invalid]
    e = error(fn -> Mlx.sum(Mlx.ones([2]), axes: 5) end)
    assert e.message =~ "no option :axes; there are :axis, :keepdims, :stream, :dtype"
    e = error(fn -> Mlx.sum(Mlx.ones([2]), axis: 0, axis: 0) end)
    assert e.message =~ "twice"
    assert error(fn -> Mlx.add(1, "x") end).message =~ "argument b"
    assert error(fn -> Mlx.eye(3_000_000_000) end).reason == :range
    assert error(fn -> Mlx.zeros([3_000_000_000]) end).message =~ "too large"
    assert error(fn -> Mlx.zeros([1.5]) end).message =~ "not the number 1.5"
    e = error(fn -> Mlx.from_binary(<<1::3>>, :uint8, [1]) end)
    assert e.message =~ "a binary, not the term given"
    assert error(fn -> Mlx.item(Mlx.ones([2])) end).message =~ "one element"
    assert error(fn -> Mlx.add(Mlx.array([1], :uint8), 256) end).message =~ "overflow"
  end

  test "errors say what was given and expected in Elixir's words" do
    a = Mlx.ones([2, 3])

    for {call, wanted} <- [
          {fn -> Mlx.sum(a, axis: "x") end,
           ~s(axis must be an integer, a list of integers or nil, not "x")},
          {fn -> Mlx.reshape(a, :x) end, "shape must be a list of integers, not :x"},
          {fn -> Mlx.reshape(a, [4]) end, "array of size 6 into shape {4}."},
          {fn -> Mlx.matmul(a, a) end, "first input with shape {2, 3} must match"},
          {fn -> Mlx.add(a, Mlx.ones([4])) end, "[add] Shapes {2, 3} and {4} cannot"},
          {fn -> Mlx.put_at(a, 0, [1, 2]) end, "[slice_update] Shapes {2} and {1, 3}"},
          {fn -> Mlx.conv2d(Mlx.ones([1, 4, 4, 3]), Mlx.ones([5, 2, 2, 3]), stride: 0) end,
           "Got strides {0, 0}."},
          {fn -> Mlx.full([2], a) end, "[full] Cannot broadcast array of shape {2, 3}"},
          {fn -> Mlx.Random.normal(key: a) end, "[normal] Expected key type uint32 but"},
          {fn -> Mlx.Linalg.cholesky_inv(a) end, "[cholesky_inv] Square matrices"},
          {fn -> Mlx.grad(& &1).(a) end, "shape {2, 3} does not match cotangent shape {}."},
          {fn -> Mlx.clip(a, nil, nil) end, "may be nil"},
          {fn -> Mlx.zeros([2], dtype: :f32) end,
           "a dtype as :float32 or {:f, 32} or nil, not :f32"},
          {fn -> Mlx.stack(a) end, "a list of arrays, not %Mlx.Array{}"},
          {fn -> Mlx.stack(%{}) end, "a list of arrays, not the map given"},
          {fn -> Mlx.add(a, nil) end, "not nil"},
          {fn -> Mlx.add(a, String) end, "not String"},
          {fn -> Mlx.add(a, self()) end, "not the process <0."},
          {fn -> Mlx.Fast.scaled_dot_product_attention(a, a, a) end,
           "the option :scale is missing"},
          {fn -> Mlx.sort(a, oder: 1) end, "; there are :axis, :stream, :descending, :stable"},
          {fn -> Mlx.eval(a, [1]) end, "a keyword list, not [1]"},
          {fn -> Mlx.sum(a, [{"axis", 1}]) end, "a keyword list"}
        ] do
      assert error(call).message =~ wanted
    end

    assert error(fn -> Mlx.Linalg.norm(a, ord: "x") end).operation == "norm"
    assert error(fn -> Mlx.add(a, Mlx.ones([4])) end).operation == "add"
    # where values are wanted it is the operation that could not be computed
    singular = Mlx.Linalg.inv(Mlx.zeros([2, 2]))

    for call <- [&Mlx.eval/1, &Mlx.nonzero/1],
        do: assert(error(fn -> call.(singular) end).operation == "inv")
  end

  test "the bytes of an element" do
    for {dtype, n} <- [
          {:bool, 1},
          {:int8, 1},
          {:bfloat16, 2},
          {:float32, 4},
          {:complex64, 8},
          {{:f, 64}, 8}
        ] do
      assert Mlx.itemsize(dtype) == n
      assert Mlx.nbytes(Mlx.zeros([3], dtype: dtype)) == 3 * n
    end

    for other <- [:f32, "float32", %{}, [1]],
        do: assert(error(fn -> Mlx.itemsize(other) end).message =~ "a dtype must be")
  end

  test "errors are text, whatever was given" do
    a = Mlx.ones([2])
    long = String.duplicate("é", 600)

    for {call, wanted} <- [
          {fn -> Mlx.sum(a, axis: :é) end, "not :é"},
          {fn -> Mlx.sum(a, axis: :日本) end, ~s(not :"日本")},
          {fn -> Mlx.sum(a, axis: :"a b") end, ~s(not :"a b")},
          {fn -> Mlx.sum(a, axis: nil, é: 1) end, "no option :é;"},
          {fn -> Mlx.sum(a, axis: %{__struct__: :é}) end, "not %:é{}"},
          {fn -> Mlx.sum(a, axis: :"Elixir.Über.Foo") end, "not Über.Foo"},
          {fn -> Mlx.sum(a, axis: 1.5) end, "not the number 1.5"},
          {fn -> Mlx.sum(a, axis: 1.0) end, "not the number 1.0"},
          {fn -> Mlx.sum(a, axis: -1.0e300) end, "not the number -1e+300"},
          {fn -> Mlx.sum(a, axis: "aé") end, ~s(not "aé")},
          {fn -> Mlx.sum(a, axis: <<255>>) end, "not the binary given"},
          {fn -> Mlx.einsum("é,b", [a, a]) end, "must be letters"},
          {fn -> Mlx.IO.load("none" <> <<255, 0xE0, 0x80, 0x80>> <> ".npy") end, "none����.npy"},
          {fn -> Mlx.IO.load(long <> ".npy") end, "ééé"}
        ] do
      message = error(call).message
      assert String.valid?(message)
      assert message =~ wanted
    end
  end

  test "scalars take the dtype of what they meet" do
    half = Mlx.array([1], :float16)
    assert Mlx.dtype(Mlx.add(half, 2.5)) == :float16
    assert Mlx.dtype(Mlx.add(2, half)) == :float16
    assert Mlx.dtype(Mlx.add(Mlx.array([1]), 2.5)) == :float32
    assert Mlx.dtype(Mlx.add(Mlx.array([1]), {0, 1})) == :complex64

    assert Mlx.item(Mlx.add(Mlx.array([0], :uint64), 18_446_744_073_709_551_615)) ==
             18_446_744_073_709_551_615

    assert Mlx.item(Mlx.add(true, 1)) == 2
  end

  test "lists of arrays, overloads and results of several kinds" do
    a = Mlx.arange(4)
    assert Mlx.to_list(Mlx.concatenate([a, a])) == [0, 1, 2, 3, 0, 1, 2, 3]
    assert values(Mlx.split(a, 2)) == [[0, 1], [2, 3]]
    assert values(Mlx.split(a, [1])) == [[0], [1, 2, 3]]
    # more parts than a scheduler makes
    many = Enum.to_list(0..999)
    assert values(Mlx.split(Mlx.arange(1000), 1000)) == Enum.map(many, &[&1])
    assert values(Mlx.unstack(Mlx.arange(1000))) == many
    assert error(fn -> Mlx.split(Mlx.arange(1000), 300) end).operation == "split"
    assert [q, r] = Mlx.divmod(a, 3)
    assert values([q, r]) == [[0, 0, 0, 1], [0, 1, 2, 0]]
    assert {Mlx.array([1]), 2} |> Mlx.Tree.leaves() |> length() == 1
    assert Mlx.to_list(Mlx.where(Mlx.greater(a, 1), a, 0)) == [0, 0, 2, 3]
    assert values(Mlx.where(Mlx.greater(a, 1))) == [[2, 3]]
    assert values(Mlx.nonzero(a)) == [[1, 2, 3]]
    assert Mlx.broadcast_shapes([{2, 1}, [1, 3]]) == [2, 3]
    assert Mlx.result_type([:int8, Mlx.array([1.0])]) == :float32
    assert Mlx.can_cast(:int8, :int16) == true
    assert Mlx.to_list(Mlx.pad(a, 1)) == [0, 0, 1, 2, 3, 0]
    assert Mlx.to_list(Mlx.pad(Mlx.ones([1, 1]), [[0, 1], {1, 0}])) == [[0.0, 1.0], [0.0, 0.0]]
    assert Mlx.to_list(Mlx.einsum("i,i->", [a, a])) == 14
    assert Mlx.to_list(Mlx.pow(a, 2)) == [0, 1, 4, 9]
    assert Mlx.to_list(Mlx.quantile(Mlx.array([1.0, 2.0, 3.0]), [0.0, 0.5])) == [1.0, 2.0]
    assert Mlx.to_list(Mlx.arange(1, 4, step: 2)) == [1, 3]
    assert Mlx.to_list(Mlx.arange(1.0, 3)) == [1.0, 2.0]
    assert Mlx.to_list(Mlx.arange(2, dtype: :int8)) == [0, 1]

    # a list where quantize gives several: two overloads of dequantize tell themselves apart
    [packed, scales, biases] = Mlx.quantize(Mlx.ones([1, 64]))
    assert Mlx.shape(Mlx.dequantize(packed, scales, biases: biases)) == {1, 64}
    assert error(fn -> Mlx.dequantize(packed, mode: :q4_0) end).reason == :invalid

    long = List.duplicate(Mlx.ones([1]), 2000)
    assert Mlx.shape(Mlx.concatenate(long)) == {2000}
  end

  test "streams and devices" do
    assert Mlx.Device.default() == :cpu
    assert Mlx.Device.available?(:cpu)
    assert Mlx.Device.set_default(:cpu) == :ok
    assert error(fn -> Mlx.Device.available?(:tpu) end).reason == :invalid
    stream = Mlx.Stream.new(:cpu)
    assert inspect(stream) =~ "Stream"
    assert Mlx.item(Mlx.add(1, 2, stream: stream)) == 3
    assert Mlx.item(Mlx.add(1, 2, stream: :cpu)) == 3
    assert error(fn -> Mlx.add(1, 2, stream: 5) end).reason == :invalid
    assert Mlx.Stream.set_default(:cpu) == :ok
    assert error(fn -> Mlx.Stream.set_default(nil) end).reason == :invalid
  end

  test "random numbers: a sequence for each process, and keys" do
    Mlx.Random.seed(3)
    a = Mlx.Random.uniform(shape: {4}) |> Mlx.to_list()
    b = Mlx.Random.uniform(shape: {4}) |> Mlx.to_list()
    Mlx.Random.seed(3)
    assert Mlx.Random.uniform(shape: {4}) |> Mlx.to_list() == a
    state = Mlx.Random.state()
    assert Mlx.Random.uniform(shape: {4}) |> Mlx.to_list() == b
    Mlx.Random.set_state(state)
    assert Mlx.Random.uniform(shape: {4}) |> Mlx.to_list() == b
    assert a != b
    key = Mlx.Random.key(7)
    x = Mlx.Random.normal(shape: {2}, key: key) |> Mlx.to_list()

    assert Task.async(fn -> Mlx.Random.normal(shape: {2}, key: key) |> Mlx.to_list() end)
           |> Task.await() == x

    assert Task.async(fn -> Mlx.Random.normal(shape: [2]) |> Mlx.to_list() end) |> Task.await() !=
             x

    assert error(fn -> Mlx.Random.normal(:x) end).reason == :invalid

    for seed <- [-1, :x, 1.0] do
      message = error(fn -> Mlx.Random.seed(seed) end).message
      assert message == "a seed must be an integer from 0 to 2^64 - 1, not #{inspect(seed)}"
    end

    assert error(fn -> Mlx.Random.seed(2 ** 64) end).reason == :range
    state = Mlx.Random.state()

    for other <- [5, nil, Mlx.ones([2]), Mlx.zeros([3], dtype: :uint32)],
        do: assert(error(fn -> Mlx.Random.set_state(other) end).message =~ "a key is needed")

    assert Mlx.Random.state() == state
  end

  test "memory is counted and released" do
    Mlx.Memory.clear_cache()
    kept = Mlx.ones([3])
    assert %{arrays: n} = Mlx.Memory.stats()
    assert n > 0 and Mlx.shape(kept) == {3}
    assert Mlx.Memory.get_active_memory() >= 0
    limit = Mlx.Memory.set_cache_limit(1_000_000_000)
    assert Mlx.Memory.set_cache_limit(limit) == 1_000_000_000
    assert error(fn -> Mlx.Memory.set_cache_limit(-1) end).reason == :invalid
  end
end
