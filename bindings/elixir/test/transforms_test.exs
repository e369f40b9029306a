defmodule Mlx.TransformsTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  test "gradients of trees, by argument" do
    f = fn %{w: w, b: b}, x -> Mlx.sum(Mlx.add(Mlx.matmul(x, w), b)) end
    parameters = %{w: Mlx.ones([2, 1]), b: Mlx.zeros([1])}
    x = Mlx.array([[1.0, 2.0], [3.0, 4.0]])
    {value, gradient} = Mlx.value_and_grad(f).(parameters, x)
    assert Mlx.item(value) == 10.0
    assert Mlx.to_list(gradient.w) == [[4.0], [6.0]]
    assert Mlx.to_list(gradient.b) == [2.0]
    {by_parameters, by_x} = Mlx.grad(f, argnums: [0, 1]).(parameters, x)
    assert Mlx.to_list(by_parameters.b) == [2.0]
    assert Mlx.to_list(by_x) == [[1.0, 1.0], [1.0, 1.0]]
    assert error(fn -> Mlx.grad(f, argnums: 2).(parameters, x) end).reason == :range
    message = error(fn -> Mlx.grad(fn -> Mlx.array(1.0) end).() end).message
    assert message == "a function without arguments has no gradient"

    assert error(fn -> Mlx.grad(f, argnums: [1, 1]).(parameters, x) end).message =~
             "twice: [1, 1]"
  end

  test "further results come along" do
    f = fn x -> {Mlx.sum(Mlx.square(x)), %{double: Mlx.multiply(x, 2), name: "n"}} end
    {{value, extra}, gradient} = Mlx.value_and_grad(f).(Mlx.array([3.0]))
    assert {Mlx.item(value), Mlx.to_list(extra.double), extra.name} == {9.0, [6.0], "n"}
    assert Mlx.to_list(gradient) == [6.0]
  end

  test "derivatives of derivatives, also of each other's variables" do
    cube = Mlx.grad(fn x -> Mlx.power(x, 3) end)
    second = Mlx.grad(fn x -> cube.(x) end)
    third = Mlx.grad(fn x -> second.(x) end)
    assert Mlx.item(cube.(2.0)) == 12.0
    assert Mlx.item(second.(2.0)) == 12.0
    assert Mlx.item(third.(2.0)) == 6.0
    # d/dx x * d/dy (x + y): a tangent of one must not count for the other
    confused = Mlx.grad(fn x -> Mlx.multiply(x, Mlx.grad(fn y -> Mlx.add(x, y) end).(1.0)) end)
    assert Mlx.item(confused.(3.0)) == 1.0
  end

  test "vjp and jvp" do
    f = fn x, y -> {Mlx.multiply(x, y), Mlx.sin(x)} end
    {{product, _}, [dx, dy]} = Mlx.vjp(f, [2.0, 3.0], {1.0, 0.0})
    assert values([product, dx, dy]) == [6.0, 3.0, 2.0]
    {_, {tangent, _}} = Mlx.jvp(f, [2.0, 3.0], [1.0, 10.0])
    assert Mlx.item(tangent) == 23.0
    assert error(fn -> Mlx.vjp(f, [2.0, 3.0], {1.0}) end).reason == :invalid
  end

  test "vmap" do
    dot = fn x, y -> Mlx.sum(Mlx.multiply(x, y)) end
    a = Mlx.arange(6) |> Mlx.reshape([2, 3])
    assert Mlx.to_list(Mlx.vmap(dot).(a, a)) == [5, 50]
    assert Mlx.to_list(Mlx.vmap(dot, in_axes: [0, nil]).(a, Mlx.array([1, 1, 1]))) == [3, 12]
    pair = Mlx.vmap(fn x -> {x, Mlx.add(x, 1)} end, in_axes: 1, out_axes: {0, 1})
    {first, second} = pair.(a)
    assert {Mlx.shape(first), Mlx.shape(second)} == {{3, 2}, {2, 3}}
    assert error(fn -> Mlx.vmap(dot, in_axes: [0]).(a, a) end).reason == :invalid
    assert error(fn -> Mlx.vmap(dot).(a, Mlx.ones([5, 3])) end).reason == :invalid
    # of a gradient
    per_example = Mlx.vmap(Mlx.grad(fn x -> Mlx.sum(Mlx.square(x)) end))
    assert Mlx.to_list(per_example.(Mlx.array([[1.0], [2.0]]))) == [[2.0], [4.0]]
  end

  test "axes of vmap count from the last, and nil is none" do
    total = fn x, y -> Mlx.sum(Mlx.add(x, y)) end
    a = Mlx.array([[1, 2, 3], [4, 5, 6]])
    b = Mlx.array([10, 20, 30])
    assert Mlx.to_list(Mlx.vmap(total, in_axes: [-1, 0]).(a, b)) == [25, 47, 69]
    assert Mlx.to_list(Mlx.vmap(total, in_axes: [nil, -1]).(a, b)) == [81, 141, 201]
    double = fn x -> Mlx.multiply(x, 2) end
    columns = [[2, 8], [4, 10], [6, 12]]
    assert Mlx.to_list(Mlx.vmap(double, in_axes: -1).(a)) == columns
    assert Mlx.to_list(Mlx.vmap(double, out_axes: -1).(a)) == columns

    assert Mlx.to_list(Mlx.vmap(double, in_axes: -2, out_axes: -2).(a)) == [
             [2, 4, 6],
             [8, 10, 12]
           ]

    for {transform, arguments} <- [
          {Mlx.vmap(double, in_axes: nil), [b]},
          {Mlx.vmap(double), [2.0]},
          {Mlx.vmap(total, in_axes: [nil, nil], out_axes: nil), [a, b]},
          {Mlx.vmap(fn -> b end), []}
        ] do
      message = error(fn -> apply(transform, arguments) end).message
      assert message =~ "one of the arguments must be an array with a batch axis"
    end

    for options <- [[in_axes: -3], [in_axes: 2], [out_axes: -3], [out_axes: 2]] do
      assert error(fn -> Mlx.vmap(double, options).(a) end).reason == :range
    end

    assert error(fn -> Mlx.vmap(double, in_axes: :first).(a) end).message =~ "number or nil"
  end

  test "options that are none are refused, and the known ones named" do
    f = fn x -> Mlx.sum(x) end
    x = Mlx.array([1.0])

    for {call, known} <- [
          {fn -> Mlx.grad(f, argnum: 1) end, "there are :argnums"},
          {fn -> Mlx.value_and_grad(f, argnum: 1) end, "there are :argnums"},
          {fn -> Mlx.vmap(f, axes: 1) end, ":in_axes, :out_axes"},
          {fn -> Mlx.compile(f, shape_less: true) end, "there are :shapeless"},
          {fn -> Mlx.eval(x, tiemout: 1) end, "there are :timeout"},
          {fn -> Mlx.IO.load("x.npy", mapp: true) end, ":mapped, :metadata, :timeout"},
          {fn -> Mlx.IO.save("x.npy", x, mapped: 1) end, ":metadata, :compressed, :timeout"},
          {fn -> Mlx.Export.save("x.mlxfn", f, [x], less: 1) end, "there are :shapeless"},
          {fn -> Mlx.Profile.start(bytes: 1) end, "there are :memory"}
        ] do
      assert %{reason: :invalid, message: "there is no option " <> rest} = error(call)
      assert rest =~ known
    end

    for call <- [&Mlx.grad(f, &1), &Mlx.vmap(f, &1), &Mlx.compile(f, &1), &Mlx.eval(x, &1)] do
      assert error(fn -> call.(1) end).message =~ "a keyword list, not 1"
    end
  end

  test "compiled functions are called once for each kind of arguments" do
    me = self()

    f =
      Mlx.compile(fn x, n ->
        send(me, :traced)
        {Mlx.multiply(x, n), %{x: x}}
      end)

    assert {a, %{x: _}} = f.(Mlx.array([1.0, 2.0]), 3)
    assert Mlx.to_list(a) == [3.0, 6.0]
    assert_received :traced
    {a, _} = f.(Mlx.array([5.0, 6.0]), 3)
    assert Mlx.to_list(a) == [15.0, 18.0]
    refute_received :traced
    {a, _} = f.(Mlx.array([5.0, 6.0]), 4)
    assert Mlx.to_list(a) == [20.0, 24.0]
    assert_received :traced
    f.(Mlx.array([1, 2]), 3)
    assert_received :traced
    for n <- 1..100, do: f.(Mlx.array([1.0]), n)
    assert f.(Mlx.array([1.0]), 100) |> elem(0) |> Mlx.to_list() == [100.0]
  end

  test "compiled functions within transforms, and transforms within them" do
    square = Mlx.compile(fn x -> Mlx.square(x) end)
    assert Mlx.item(Mlx.grad(fn x -> square.(x) end).(3.0)) == 6.0
    step = Mlx.compile(fn x -> Mlx.grad(fn y -> Mlx.sum(Mlx.exp(y)) end).(x) end)
    assert_in_delta Mlx.item(step.(Mlx.array(1.0))), 2.718281, 1.0e-5
    assert_in_delta Mlx.item(step.(Mlx.array(1.0))), 2.718281, 1.0e-5
  end

  test "gradients are of floats: numbers are some, integers and booleans are refused" do
    assert_in_delta Mlx.item(Mlx.grad(&Mlx.sin/1).(3)), :math.cos(3), 1.0e-6
    {value, gradient} = Mlx.value_and_grad(fn p -> Mlx.multiply(p.a, p.b) end).(%{a: 2, b: 3.5})
    assert {Mlx.item(value), Mlx.item(gradient.a), Mlx.item(gradient.b)} == {7.0, 3.5, 2.0}
    assert Mlx.dtype(gradient.a) == :float32
    {y, [x]} = Mlx.vjp(&Mlx.square/1, [3], [1])
    assert {Mlx.item(y), Mlx.item(x)} == {9.0, 6.0}
    {y, dy} = Mlx.jvp(&Mlx.square/1, [3], [2])
    assert {Mlx.item(y), Mlx.item(dy)} == {9.0, 12.0}

    for dtype <- [:float16, :bfloat16, :float32, :float64, :complex64] do
      gradient = Mlx.grad(fn x -> Mlx.sum(Mlx.multiply(x, x)) end).(Mlx.array([1, 2], dtype))
      assert Mlx.dtype(gradient) == dtype
      assert gradient |> Mlx.astype(:float32) |> Mlx.to_list() == [2.0, 4.0]
    end

    for a <- [Mlx.array([1, 2]), Mlx.array([true]), Mlx.array([1], :uint8)],
        {argument, argnums} <- [{a, 0}, {%{w: Mlx.ones([2]), n: [a]}, [0]}] do
      error = error(fn -> Mlx.grad(fn _ -> Mlx.array(1.0) end, argnums: argnums).(argument) end)
      assert error.message =~ "no gradient towards an array of #{Mlx.dtype(a)}"
    end

    # what is not differentiated may be anything
    at = Mlx.grad(fn x, i -> Mlx.sum(Mlx.take(x, i)) end)
    assert Mlx.to_list(at.(Mlx.ones([3]), Mlx.array([1, 1]))) == [0.0, 2.0, 0.0]
    {_, [cut]} = Mlx.vjp(&Mlx.multiply(&1, 1.75), [Mlx.array([1, 2])], [Mlx.ones([2])])
    assert {Mlx.dtype(cut), Mlx.to_list(cut)} == {:int32, [1, 1]}
  end

  describe "random numbers" do
    defp drawn(function, seed \\ 7) do
      Mlx.Random.seed(seed)
      results = for _ <- 1..3, do: Mlx.to_list(function.(Mlx.ones([2])))
      {results, Mlx.to_list(Mlx.Random.uniform(shape: {2}))}
    end

    test "go on from call to call of a compiled function, as without it" do
      f = fn x -> Mlx.add(x, Mlx.Random.uniform(shape: {2})) end
      {[a, b, c], _} = plain = drawn(f)
      assert Enum.uniq([a, b, c]) == [a, b, c]
      compiled = Mlx.compile(f)
      assert drawn(compiled) == plain
      assert drawn(compiled) == plain
      assert drawn(Mlx.compile(f, shapeless: true)) == plain
      assert drawn(Mlx.compile(fn x -> compiled.(x) end)) == plain

      # of each process its own
      assert Task.await(Task.async(fn -> drawn(compiled) end)) == plain
      assert drawn(compiled, 8) != plain
    end

    test "are the same where values are computed again" do
      f = fn x ->
        Mlx.sum(Mlx.square(Mlx.sin(Mlx.multiply(x, Mlx.Random.uniform(shape: {2})))))
      end

      plain = drawn(Mlx.grad(f))
      assert drawn(Mlx.grad(Mlx.checkpoint(f))) == plain
      assert drawn(Mlx.grad(Mlx.compile(f))) == plain
      assert drawn(Mlx.compile(Mlx.grad(Mlx.checkpoint(f)))) == plain
    end

    test "are one for all examples of a vmap, or of a key for each" do
      Mlx.Random.seed(7)
      rows = &Mlx.to_list(Mlx.vmap(&1).(&2))
      draw = fn x -> Mlx.add(x, Mlx.Random.uniform(shape: {2})) end
      [first, second, third] = for _ <- 1..3, do: rows.(draw, Mlx.zeros([3, 2]))
      for [a, b, c] <- [first, second, third], do: assert({a, a} == {b, c})
      assert Enum.uniq([first, second, third]) == [first, second, third]

      keys = Mlx.Random.split(Mlx.Random.key(7), num: 3)
      keyed = &Mlx.Random.normal(shape: {2}, key: &1)
      assert rows.(keyed, keys) == for(i <- 0..2, do: Mlx.to_list(keyed.(keys[i])))
    end

    test "stay where none is drawn, or the function fails" do
      state = Mlx.Random.state()
      assert Mlx.Random.state() == state
      Mlx.compile(&Mlx.exp/1).(1.0)
      assert Mlx.Random.state() == state
      fails = fn _ -> raise "no #{inspect(Mlx.Random.next_key())}" end
      assert_raise RuntimeError, fn -> Mlx.compile(fails).(1.0) end
      assert Mlx.Random.state() == state
    end
  end

  test "calls with other numbers of arguments" do
    f = fn x -> x end

    for transform <- [:grad, :value_and_grad, :vmap, :compile, :checkpoint] do
      call = apply(Mlx, transform, [f])
      error = assert_raise BadArityError, fn -> apply(call, [1, 2]) end
      assert Exception.message(error) =~ "Mlx.Transforms.#{transform}/"
    end

    for call <- [&Mlx.vjp(f, &1, [1.0]), &Mlx.jvp(f, &1, [1.0])] do
      assert error(fn -> call.([1.0, 2.0]) end).message =~ "for 2 primals a function of as many"
      assert error(fn -> call.(1.0) end).message =~ "primals are a list, not 1.0"
    end
  end

  test "shapeless: one trace for other sizes" do
    me = self()

    f =
      Mlx.compile(
        fn x ->
          send(me, :traced)
          x[0..-2//1] |> Mlx.reshape([-1]) |> Mlx.mean()
        end,
        shapeless: true
      )

    assert Mlx.item(f.(Mlx.array([1.0, 2.0, 9.0]))) == 1.5
    assert Mlx.item(f.(Mlx.array([1.0, 2.0, 3.0, 4.0, 9.0]))) == 2.5
    assert_received :traced
    refute_received :traced
  end

  test "checkpoints and derivatives of one's own" do
    f = Mlx.checkpoint(fn x -> Mlx.sin(Mlx.sin(x)) end)

    assert_in_delta Mlx.item(Mlx.grad(f).(0.5)),
                    :math.cos(:math.sin(0.5)) * :math.cos(0.5),
                    1.0e-6

    g =
      Mlx.custom_vjp(fn x, y -> Mlx.multiply(x, y) end, fn [x, _], c, out ->
        [Mlx.multiply(c, 100), Mlx.add(out, x)]
      end)

    assert Mlx.item(g.(2.0, 3.0)) == 6.0
    {dx, dy} = Mlx.grad(g, argnums: [0, 1]).(2.0, 3.0)
    assert {Mlx.item(dx), Mlx.item(dy)} == {100.0, 8.0}

    with_rule = &Mlx.grad(Mlx.custom_vjp(fn x -> Mlx.sum(x) end, &1)).(Mlx.ones([2]))
    assert error(fn -> with_rule.(fn _ -> [] end) end).message =~ "the rule must be a function of"
    rule = fn _, _, _ -> [Mlx.ones([7])] end

    assert error(fn -> with_rule.(rule) end).message =~
             "gave {7} for an argument of the shape {2}"

    assert error(fn -> with_rule.(fn _, _, _ -> [3] end) end).message =~ "gave {} for an argument"
    assert error(fn -> with_rule.(fn _, _, _ -> [nil] end) end).message =~ "gave nil for an arg"

    for given <- [[], [1, 2], nil, {Mlx.ones([2])}] do
      message = error(fn -> with_rule.(fn _, _, _ -> given end) end).message
      assert message =~ "not a list with a cotangent for each of 1 arguments"
    end

    assert Mlx.to_list(with_rule.(fn [x], _, _ -> [Mlx.multiply(x, 5)] end)) == [5.0, 5.0]
  end

  test "numbers among the arguments stay numbers in every transform" do
    n = %{count: 3, rate: 0.1}

    f = fn x, %{count: count, rate: rate} ->
      assert {count, rate} == {3, 0.1}
      Enum.reduce(1..count, x, fn _, x -> Mlx.multiply(x, rate) end) |> Mlx.sum()
    end

    rule = fn [x, given], c, _ ->
      assert given == n
      [Mlx.multiply(Mlx.ones_like(x), c), nil]
    end

    doubles = Mlx.array([[1.0], [2.0]], :float64)

    for {name, transform, wanted} <- [
          {:compile, &Mlx.compile/1, 3.0},
          {:shapeless, &Mlx.compile(&1, shapeless: true), 3.0},
          {:checkpoint, &Mlx.checkpoint/1, 3.0},
          {:vmap, &Mlx.vmap/1, [1.0, 2.0]},
          {:vmap_of_one, &Mlx.vmap(&1, in_axes: [0, nil]), [1.0, 2.0]},
          {:custom_vjp, &Mlx.custom_vjp(&1, rule), 3.0}
        ],
        scale = 0.1 * 0.1 * 0.1,
        found = Mlx.to_list(transform.(f).(doubles, n)) do
      for {x, y} <- Enum.zip(List.wrap(found), List.wrap(wanted)),
          do: assert(abs(x - y * scale) < 1.0e-17, "#{name}: #{x}")
    end

    gradient = Mlx.grad(Mlx.custom_vjp(f, rule)).(doubles, n)
    assert Mlx.to_list(gradient) == [[1.0], [1.0]]
    assert {Mlx.dtype(gradient), Mlx.item(gradient[1])} == {:float64, 1.0}
    # where a derivative is taken towards them they are floats
    both = Mlx.grad(fn x, y -> Mlx.multiply(x, y) end, argnums: [0, 1]).(2, 3)
    assert Enum.map(Tuple.to_list(both), &Mlx.item/1) == [3.0, 2.0]
    # and so are those that a derivative is multiplied with, with all digits of what they meet
    tenth = Mlx.array(1.0, :float64)
    assert {_, [dx]} = Mlx.vjp(&Mlx.multiply(&1, 1), [tenth], [0.1])
    assert {_, dy} = Mlx.jvp(&Mlx.multiply(&1, 1), [tenth], [0.1])
    assert {Mlx.item(dx), Mlx.item(dy)} == {0.1, 0.1}
    assert {y, _} = Mlx.jvp(&Mlx.multiply(&1, 3), [0.1], [0.1])
    assert Mlx.dtype(y) == :float32
  end

  test "what a function raises, throws or exits with comes out where it was called" do
    boom = fn _ -> raise ArgumentError, "boom" end

    for transform <- [
          fn -> Mlx.grad(boom).(1.0) end,
          fn -> Mlx.grad(fn x -> Mlx.grad(boom).(x) end).(1.0) end,
          fn -> Mlx.vmap(boom).(Mlx.ones([2])) end,
          fn -> Mlx.compile(boom).(Mlx.ones([2])) end,
          fn -> Mlx.checkpoint(boom).(Mlx.ones([2])) end,
          fn -> Mlx.vjp(boom, [1.0], [1.0]) end
        ] do
      assert_raise ArgumentError, "boom", transform
    end

    assert catch_throw(Mlx.grad(fn _ -> throw(:ball) end).(1.0)) == :ball
    assert catch_exit(Mlx.grad(fn _ -> exit(:out) end).(1.0)) == :out

    try do
      Mlx.grad(&thrower/1).(1.0)
    rescue
      ArgumentError -> assert Enum.any?(__STACKTRACE__, &match?({__MODULE__, :thrower, 1, _}, &1))
    end

    # and nothing is left behind
    assert Mlx.item(Mlx.grad(&Mlx.square/1).(2.0)) == 4.0
  end

  defp thrower(_x), do: raise(ArgumentError, "here")

  test "functions that give what is no array, and what is no function" do
    assert error(fn -> Mlx.grad(fn _ -> :hallo end).(1.0) end).reason == :invalid
    assert error(fn -> Mlx.grad(:f) end).reason == :invalid
    assert error(fn -> Mlx.grad(fn x -> x end).(Mlx.ones([2])) end).message =~ "shape"
    assert error(fn -> Mlx.grad(&seventeen/17) end).reason == :range
  end

  defp seventeen(a, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _), do: a

  test "values are computed and errors rescued within a function that is traced" do
    f = fn x ->
      assert Mlx.item(Mlx.add(1, 1)) == 2
      assert error(fn -> Mlx.matmul(x, x) end).reason == :invalid
      Mlx.sum(Mlx.multiply(x, 2))
    end

    assert Mlx.item(Mlx.grad(f).(1.0)) == 2.0
  end

  test "deep nesting ends with an error" do
    deep = fn deep, n, x ->
      if n == 0, do: x, else: Mlx.checkpoint(fn y -> deep.(deep, n - 1, y) end).(x)
    end

    assert Mlx.item(deep.(deep, 20, Mlx.array(1.0))) == 1.0
    assert error(fn -> deep.(deep, 300, Mlx.array(1.0)) end).reason == :range
  end
end
