# In a module of their own: the compiler of OTP 25 takes -0.0 and 0.0 of one module for the same.
defmodule Mlx.NxBackendDocTest do
  use ExUnit.Case, async: false

  # Nx's own doctests on this backend, to the last digit, but for what test_helper.exs leaves out; below
  # the results of those are compared by value.

  setup do
    Nx.default_backend(Mlx.Backend)
    Application.put_env(:mlx, :precise, true)
    on_exit(fn -> Application.delete_env(:mlx, :precise) end)
  end

  doctest Nx
  doctest Nx.LinAlg
  doctest Nx.Random
  doctest Nx.Constants
end

defmodule Mlx.NxBackendTest do
  use ExUnit.Case, async: false

  setup do
    Nx.default_backend(Mlx.Backend)
    Application.put_env(:mlx, :precise, true)
    on_exit(fn -> Application.delete_env(:mlx, :precise) end)
  end

  test "singular matrices are refused on every path" do
    zero = [[0.0, 0.0], [0.0, 0.0]]

    for solve <- [&Nx.LinAlg.solve/2, &Nx.LinAlg.triangular_solve/2] do
      for call <- [solve, Nx.Defn.jit(solve, compiler: Mlx.Compiler)] do
        run = fn -> call.(Nx.tensor(zero), Nx.tensor([1.0, 1.0])) |> Nx.to_list() end
        assert_raise Mlx.Error, "[solve] the matrix is singular", run
      end
    end

    run = fn -> zero |> Mlx.array() |> Mlx.Linalg.solve(Mlx.ones([2])) |> Mlx.to_list() end
    assert_raise Mlx.Error, "[solve] the matrix is singular", run
  end

  test "what has no Cholesky factor has rows of NaN" do
    Application.delete_env(:mlx, :precise)
    fine = [[4.0, 2.0], [2.0, 5.0]]
    rows = [[[1.0, 2.0], [2.0, 1.0]], fine, [[-1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]]

    wanted = [
      1.0,
      0.0,
      :nan,
      :nan,
      2.0,
      0.0,
      1.0,
      2.0,
      :nan,
      0.0,
      :nan,
      :nan,
      1.0,
      0.0,
      :nan,
      :nan
    ]

    jitted = Nx.Defn.jit(&Nx.LinAlg.cholesky/1, compiler: Mlx.Compiler)

    for cholesky <- [&Nx.LinAlg.cholesky/1, jitted], type <- [:f32, :f64] do
      assert rows |> Nx.tensor(type: type) |> cholesky.() |> Nx.to_flat_list() == wanted
    end
  end

  test "factors and solutions" do
    a = Nx.tensor([[4.0, 2.0, 1.0], [2.0, 5.0, 3.0], [1.0, 3.0, 6.0]])
    b = Nx.tensor([1.0, 2.0, 3.0])
    l = Nx.LinAlg.cholesky(a)
    assert near?(Nx.dot(l, Nx.transpose(l)), a)
    rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]]
    {p, l, u} = Nx.LinAlg.lu(Nx.tensor(rows))

    assert near?(p |> Nx.dot(l) |> Nx.dot(u), Nx.tensor(rows))

    assert near?(Nx.dot(a, Nx.LinAlg.solve(a, b)), b)
    {values, vectors} = Nx.LinAlg.eigh(a)
    assert near?(Nx.dot(a, vectors), Nx.multiply(vectors, values), 1.0e-2)
    assert near?(Nx.dot(a, Nx.LinAlg.pinv(a)), Nx.eye(3), 1.0e-2)
    assert near?(Nx.erf(Nx.erf_inv(Nx.tensor([0.1, -0.5]))), Nx.tensor([0.1, -0.5]))

    for options <- [[], [lower: false], [transform_a: :transpose], [left_side: false]] do
      t = if options[:lower] == false, do: Nx.triu(a), else: Nx.tril(a)

      x =
        Nx.LinAlg.triangular_solve(
          t,
          Nx.new_axis(b, if(options[:left_side] == false, do: 0, else: 1)),
          options
        )

      t = if options[:transform_a], do: Nx.transpose(t), else: t
      back = if options[:left_side] == false, do: Nx.dot(x, t), else: Nx.dot(t, x)
      assert near?(Nx.flatten(back), b)
    end
  end

  defp near?(a, b, tolerance \\ 1.0e-4) do
    Nx.to_number(Nx.all_close(a, b, atol: tolerance, rtol: tolerance)) == 1
  end

  test "factors of the library's own" do
    Application.put_env(:mlx, :precise, false)
    a = Nx.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0], [1.0, 1.0, 1.0]])

    for mode <- [:reduced, :complete] do
      {q, r} = Nx.LinAlg.qr(a, mode: mode)
      assert near?(Nx.dot(q, r), a)
      assert Nx.to_number(Nx.reduce_min(Nx.take_diagonal(r))) >= 0
      {n, m} = Nx.shape(q)
      assert {n, m} == if(mode == :complete, do: {4, 4}, else: {4, 3})
      assert near?(Nx.dot(Nx.transpose(q), q), Nx.eye(m))
    end

    {u, s, v} = Nx.LinAlg.svd(a, full_matrices?: false)
    assert near?(u |> Nx.multiply(s) |> Nx.dot(v), a)
    {u, s, v} = Nx.LinAlg.svd(Nx.stack([a, a]))
    assert {Nx.shape(u), Nx.shape(s), Nx.shape(v)} == {{2, 4, 4}, {2, 3}, {2, 3, 3}}

    {values, vectors} =
      Nx.LinAlg.eigh(Nx.tensor([[1.0, 2.0, 2.0], [2.0, 1.0, -2.0], [2.0, -2.0, 1.0]]))

    assert near?(Nx.sort(values), Nx.tensor([-3.0, 3.0, 3.0]))

    assert near?(
             vectors |> Nx.multiply(values) |> Nx.dot(Nx.transpose(vectors)),
             Nx.tensor([[1.0, 2.0, 2.0], [2.0, 1.0, -2.0], [2.0, -2.0, 1.0]])
           )
  end

  test "both backends give the same" do
    x = [[1.5, -2.0, 3.25], [0.0, -0.5, 2.0]]

    for f <- [
          &Nx.window_max(&1, {1, 2}, padding: :same),
          &Nx.window_sum(&1, {2, 2}, window_dilations: [1, 2]),
          &Nx.conv(Nx.reshape(&1, {1, 2, 3}), Nx.iota({2, 2, 2}), padding: [{1, 0}]),
          &Nx.argmin(&1, axis: 1, tie_break: :high),
          &Nx.pad(&1, 7.0, [{1, -1, 0}, {-1, 2, 1}]),
          &Nx.indexed_add(&1, Nx.tensor([[0, 1], [1, 2], [0, 1]]), Nx.tensor([1.0, 2.0, 3.0])),
          &Nx.indexed_put(&1, Nx.tensor([[2], [0]]), Nx.tensor([[1.0, 2.0], [3.0, 4.0]]),
            axes: [1]
          ),
          &Nx.gather(&1, Nx.tensor([[2], [0]]), axes: [1]),
          &Nx.slice(&1, [Nx.tensor(5), 1], [1, 2]),
          &Nx.put_slice(&1, [Nx.tensor(1), 2], Nx.tensor([[9.0]])),
          &Nx.reduce(&1, 0, [axes: [0]], fn a, b -> Nx.add(Nx.multiply(a, 2), b) end),
          &Nx.window_reduce(&1, 0, {1, 2}, fn a, b -> Nx.max(a, b) end),
          &Nx.as_type(Nx.multiply(&1, 1.0e10), {:s, 32}),
          &Nx.as_type(&1, {:u, 8}),
          &Nx.remainder(&1, 0.75),
          &Nx.quotient(Nx.as_type(Nx.multiply(&1, 4), {:s, 64}), 3),
          &Nx.remainder(Nx.as_type(Nx.multiply(&1, 4), {:s, 64}), 3),
          &Nx.round/1,
          &Nx.sort(&1, axis: 1, direction: :desc),
          &Nx.argsort(&1, axis: 1, direction: :desc),
          &Nx.cumulative_sum(&1, axis: 1, reverse: true),
          &Nx.real(Nx.fft(&1)),
          &Nx.phase(Nx.as_type(&1, {:c, 64})),
          &Nx.logical_xor(&1, 0),
          &Nx.select(Nx.greater(&1, 0), &1, 0),
          &Nx.clip(&1, -1, 1)
        ] do
      found = f.(Nx.tensor(x)) |> Nx.backend_copy(Nx.BinaryBackend)
      wanted = Nx.with_default_backend(Nx.BinaryBackend, fn -> f.(Nx.tensor(x)) end)
      assert found.type == wanted.type
      assert Nx.with_default_backend(Nx.BinaryBackend, fn -> near?(found, wanted, 1.0e-5) end)
    end
  end

  test "no integer is too large to compare or divide" do
    large = [0, 7, 9_223_372_036_854_775_808, 18_446_744_073_709_551_615]
    low = -9_223_372_036_854_775_808

    pairs =
      for {type, signed} <- [s8: [-3, 5, 1, -1], s32: [-1, 7, 3, -7], s64: [low, -1, low, 5]],
          do: [{large, :u64}, {signed, type}]

    for [a, b] <- Enum.flat_map(pairs, fn [a, b] -> [[a, b], [b, a]] end),
        f <-
          ~w(less less_equal greater greater_equal equal not_equal min max quotient remainder)a do
      same_on_both(&apply(Nx, f, [&1, not_zero(&2)]), [a, b])
    end

    same_on_both(&Nx.clip(&1, -2, 5), [{large, :u64}])
  end

  # in its own type
  defp not_zero(x), do: Nx.add(x, x |> Nx.equal(0) |> Nx.as_type(x.type))

  defp same_on_both(f, numbers) do
    tensors = fn -> for {list, type} <- numbers, do: Nx.tensor(list, type: type) end
    run = fn options -> apply(Nx.Defn.jit(f, options), tensors.()) end

    wanted =
      Nx.with_default_backend(Nx.BinaryBackend, fn -> run.(compiler: Nx.Defn.Evaluator) end)

    for compiler <- [Nx.Defn.Evaluator, Mlx.Compiler] do
      found = run.(compiler: compiler)
      assert {found.type, Nx.to_flat_list(found)} == {wanted.type, Nx.to_flat_list(wanted)}
    end
  end

  test "an index that an axis does not have is refused, as by Nx's own backend" do
    x = Nx.iota({2, 3})

    for type <- [:s8, :s16, :s32, :s64, :u8, :u16, :u32, :u64],
        i <- if(String.starts_with?("#{type}", "s"), do: [3, -1, -3, -4, 127], else: [3, 200]) do
      flat = Nx.tensor([0, i], type: type)
      pair = Nx.tensor([[0, 0], [1, i]], type: type)

      for f <- [
            fn x, flat, _ -> Nx.take(x, flat, axis: 1) end,
            fn x, flat, _ -> Nx.take_along_axis(x, Nx.tile(flat, [2, 1]), axis: 1) end,
            fn x, _, pair -> Nx.gather(x, pair) end,
            fn x, flat, _ -> Nx.gather(x, Nx.new_axis(flat, 1), axes: [1]) end,
            fn x, _, pair -> Nx.indexed_add(x, pair, Nx.tensor([1, 2])) end,
            fn x, flat, _ ->
              Nx.indexed_put(x, Nx.new_axis(flat, 1), Nx.iota({2, 2}), axes: [1])
            end
          ],
          compiler <- [Nx.Defn.Evaluator, Mlx.Compiler] do
        assert_raise Mlx.Error, ~r/out of bounds/, fn ->
          Nx.Defn.jit(f, compiler: compiler).(x, flat, pair) |> Nx.to_binary()
        end
      end
    end
  end

  test "tensors move, and are let go" do
    t = Nx.tensor([1, 2, 3])
    assert %Mlx.Backend{} = t.data
    assert Nx.backend_transfer(t, Nx.BinaryBackend).data.__struct__ == Nx.BinaryBackend
    assert_raise Mlx.Error, fn -> Nx.to_binary(t) end
    assert Nx.backend_deallocate(t) == :already_deallocated
    u = Nx.backend_copy(Nx.tensor([1.0], backend: Nx.BinaryBackend), Mlx.Backend)
    assert Mlx.to_list(Mlx.Backend.array(u)) == [1.0]
    assert Nx.to_flat_list(Mlx.Backend.tensor(Mlx.array([1, 2]))) == [1, 2]

    assert Enum.map(Nx.to_batched(Nx.iota({5}), 2), &Nx.to_flat_list/1) == [
             [0, 1],
             [2, 3],
             [4, 0]
           ]

    assert length(Enum.to_list(Nx.to_batched(Nx.iota({5}), 2, leftover: :discard))) == 2
    assert_raise ArgumentError, ~r/c128/, fn -> Nx.tensor([1], type: {:c, 128}) end
    assert_raise ArgumentError, fn -> Nx.default_backend({Mlx.Backend, wrong: 1}) end
  end

  test "functions of f64 are within two units of the C library's" do
    x = [0.1, 0.5, 0.9, 1.0, 2.0, 3.0, 4.5, 9.0]

    for name <- ~w(exp expm1 log log1p sin cos tan sinh cosh tanh asinh erf erfc sqrt cbrt)a,
        {value, found} <-
          Enum.zip(x, Nx.to_flat_list(apply(Nx, name, [Nx.tensor(x, type: :f64)]))) do
      wanted = exact(name, value)
      assert abs(found - wanted) <= 5.0e-16 * abs(wanted) + 1.0e-16, "#{name} of #{value}"
    end

    far = Nx.to_flat_list(Nx.erfc(Nx.tensor([-3.0, 0.0, 26.0, 40.0, :infinity], type: :f64)))
    assert [a, 1.0, b, +0.0, +0.0] = far
    assert_in_delta a, 1.9999779095030015, 1.0e-15
    assert abs(b / 5.663192408856143e-296 - 1) < 1.0e-13
  end

  test "the cube root of a complex number is the principal one" do
    for compiled <- [&Nx.cbrt/1, Nx.Defn.jit(&Nx.cbrt/1, compiler: Mlx.Compiler)],
        {re, im} <- [{0.0, 0.0}, {1.0, 2.0}, {-8.0, 0.0}, {0.0, -1.0}, {27.0, 0.0}] do
      found = Complex.new(re, im) |> Nx.tensor() |> compiled.() |> Nx.to_number()
      size = :math.pow(re * re + im * im, 1 / 6)
      angle = :math.atan2(im, re) / 3
      assert_in_delta Complex.real(found), size * :math.cos(angle), 1.0e-5
      assert_in_delta Complex.imag(found), size * :math.sin(angle), 1.0e-5
    end
  end

  defp exact(:expm1, x), do: if(x < 0.2, do: 0.10517091807564763, else: :math.exp(x) - 1)
  defp exact(:log1p, x), do: if(x < 0.2, do: 0.09531017980432487, else: :math.log(1 + x))
  defp exact(:cbrt, x), do: :math.pow(x, 1 / 3)
  defp exact(name, x), do: apply(:math, name, [x])

  # Of 0.9 and newer.
  if function_exported?(Nx, :s4, 1) or Code.ensure_loaded?(Nx.Pointer) do
    test "types narrower than MLX's are rounded after each operation" do
      for type <- [:u2, :u4, :s2, :s4] do
        x = [0, 1, 2, 3, -1, -2, 7]

        for f <- [
              &Nx.add(&1, 3),
              &Nx.multiply(&1, &1),
              &Nx.subtract(0, &1),
              &Nx.bitwise_not/1,
              &Nx.population_count/1,
              &Nx.right_shift(&1, 1),
              &Nx.greater(&1, 0),
              &Nx.reduce_max/1,
              &Nx.window_max(&1, {2}),
              &Nx.sum/1
            ] do
          found = f.(Nx.tensor(x, type: type))

          wanted =
            Nx.with_default_backend(Nx.BinaryBackend, fn -> f.(Nx.tensor(x, type: type)) end)

          assert {found.type, Nx.to_flat_list(found)} == {wanted.type, Nx.to_flat_list(wanted)}
        end

        assert Nx.to_binary(Nx.tensor(x, type: type)) ==
                 Nx.to_binary(Nx.tensor(x, type: type, backend: Nx.BinaryBackend))
      end
    end

    test "bits of narrow types, compiled too" do
      for {list, type} <- [{[-1, -2, 1, 0], :s2}, {[-8, 7, -1, 3], :s4}, {[1, 0, 3], :u2}],
          do: same_on_both(&Nx.population_count/1, [{list, type}])

      assert Nx.to_flat_list(Nx.count_leading_zeros(Nx.tensor([0, 1, 7, -8], type: :s4))) ==
               [4, 3, 1, 0]
    end

    test "floats of 8 bits" do
      x = [
        1.0,
        1.1,
        1.125,
        1.375,
        3.0e-5,
        60_000.0,
        61_440.0,
        -0.3,
        :nan,
        :infinity,
        :neg_infinity
      ]

      t = x |> Nx.tensor() |> Nx.as_type(:f8)

      assert Nx.to_flat_list(Nx.as_type(t, :f32)) ==
               [1.0, 1.0, 1.0, 1.5, 3.0517578125e-5, 57_344.0, :infinity, -0.3125] ++
                 [:nan, :infinity, :neg_infinity]

      assert Nx.to_flat_list(Nx.multiply(t[0..3], 1.2)) == [1.25, 1.25, 1.25, 1.75]
      assert byte_size(Nx.to_binary(t)) == 11
      assert Nx.to_flat_list(Nx.bitcast(t[0..1], :u8)) == [60, 60]
      moved = Nx.backend_copy(t, Nx.BinaryBackend)
      assert Nx.to_flat_list(Nx.backend_copy(moved, Mlx.Backend)) == Nx.to_flat_list(t)
    end
  end

  if Code.ensure_loaded?(Nx.Pointer) do
    test "pointers" do
      t = Nx.iota({2, 3}, type: :f32)
      %{kind: :local, address: address, data_size: 24} = pointer = Nx.to_pointer(t)
      same = Nx.from_pointer(Mlx.Backend, pointer, :f32, {3, 2}, names: [:x, nil])
      assert Nx.to_flat_list(same) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
      assert {same.names, Nx.to_pointer(same).address} == {[:x, nil], address}
      assert_raise ArgumentError, ~r/:local/, fn -> Nx.to_pointer(t, mode: :ipc) end
      assert_raise Mlx.Error, ~r/row order/, fn -> Nx.to_pointer(Nx.transpose(t)) end

      assert_raise ArgumentError, ~r/:local/, fn ->
        Nx.from_pointer(Mlx.Backend, %{pointer | kind: :ipc}, :f32, {3, 2})
      end
    end
  end

  test "what Nx asks backends for is all there" do
    Code.ensure_loaded!(Mlx.Backend)
    Code.ensure_loaded!(Mlx.Compiler)
    wanted = Nx.Backend.behaviour_info(:callbacks)
    optional = Nx.Backend.behaviour_info(:optional_callbacks)
    exported = Mlx.Backend.__info__(:functions)
    assert wanted -- (optional ++ exported) == []
    wanted = Nx.Defn.Compiler.behaviour_info(:callbacks)
    optional = Nx.Defn.Compiler.behaviour_info(:optional_callbacks)
    assert wanted -- (optional ++ Mlx.Compiler.__info__(:functions)) == []
  end

  test "shifts of all integer types by all others" do
    types = for kind <- [:u, :s], bits <- [8, 16, 32, 64], do: {kind, bits}
    amounts = [0, 1, 7, 8, 15, 31, 32, 63, 64, 100, 127]

    for shift <- [&Nx.left_shift/2, &Nx.right_shift/2], own <- types, other <- types do
      pairs = for x <- ends(own), n <- amounts, do: {x, n}
      {values, by} = Enum.unzip(pairs)

      [found, wanted] =
        for backend <- [Mlx.Backend, Nx.BinaryBackend] do
          a = Nx.tensor(values, type: own, backend: backend)
          b = Nx.tensor(by, type: other, backend: backend)
          shifted = shift.(a, b)
          by_one = shift.(a, Nx.tensor(1, type: other, backend: backend))
          {Nx.type(shifted), Nx.to_flat_list(shifted), Nx.to_flat_list(by_one)}
        end

      assert found == wanted
    end
  end

  defp ends({:u, n}), do: [0, 1, 3, 2 ** (n - 1), 2 ** n - 1, 2 ** (n - 2) + 5]
  defp ends({:s, n}), do: [0, 1, -1, -5, 2 ** (n - 1) - 1, -(2 ** (n - 1))]
end
