defmodule Mlx.NNTest do
  use ExUnit.Case, async: true
  import Mlx.Check
  alias Mlx.NN
  alias Mlx.NN.{Attention, Conv, Init, Recurrent}

  doctest Mlx.NN

  defp key(seed), do: Mlx.Random.key(seed)
  defp normal(shape, seed), do: Mlx.Random.normal(shape: shape, key: key(seed))

  # --- activations ----------------------------------------------------------------------------

  @points [-7.5, -3.0, -1.0, -0.25, 0.0, 0.3, 0.5, 1.0, 2.9, 6.5]

  defp sigmoid(x), do: 1 / (1 + :math.exp(-x))
  defp elu(x, a), do: if(x > 0, do: x, else: a * (:math.exp(x) - 1))
  defp softplus(x), do: :math.log(1 + :math.exp(x))

  test "parameters that are none are named, with what they should have" do
    x = Mlx.ones([1, 2, 2])

    for {call, name, wanted} <- [
          {&NN.linear(x, &1), "linear", ":weight"},
          {&NN.bilinear(x, x, &1), "bilinear", ":weight"},
          {&NN.embedding(x, &1), "embedding", ":weight"},
          {&NN.embedding_as_linear(x, &1), "embedding_as_linear", ":weight"},
          {&NN.quantize/1, "quantize", ":weight"},
          {&NN.quantized_linear(x, &1), "quantized_linear", ":weight, :scales"},
          {&NN.quantized_embedding(x, &1), "quantized_embedding", ":weight, :scales"},
          {&NN.batch_norm(x, %{}, &1), "batch_norm", ":running_mean, :running_var"},
          {&Conv.conv1d(x, &1), "conv1d", ":weight"},
          {&Conv.conv_transpose1d(x, &1), "conv_transpose1d", ":weight"},
          {&Recurrent.rnn(x, &1), "rnn", ":Wxh, :Whh"},
          {&Recurrent.gru(x, &1), "gru", ":Wx, :Wh"},
          {&Recurrent.lstm(x, &1), "lstm", ":Wx, :Wh"},
          {&Attention.multi_head_attention(x, x, x, &1, heads: 1), "multi_head_attention",
           ":query_proj, :key_proj, :value_proj, :out_proj"},
          {&Attention.transformer_encoder_layer(x, &1, heads: 1), "transformer_encoder_layer",
           ":attention, :linear1, :linear2, :ln1, :ln2"},
          {&Attention.transformer_decoder_layer(x, x, &1, heads: 1), "transformer_decoder_layer",
           ":self_attention, :cross_attention, :linear1, :linear2, :ln1, :ln2, :ln3"},
          {&Attention.transformer_encoder(x, &1, heads: 1), "transformer_encoder",
           ":layers, :ln"},
          {&Attention.transformer_decoder(x, x, &1, heads: 1), "transformer_decoder",
           ":layers, :ln"},
          {&Attention.transformer(x, x, &1, heads: 1), "transformer", ":encoder, :decoder"}
        ],
        other <- [nil, :a, 3, x, [], {}, %{}, %{a: 1}] do
      error = error(fn -> call.(other) end)
      assert error.operation == name
      assert error.message =~ "parameters must be a map with #{wanted}, not "
      if is_map(other), do: assert(error.message =~ ~r/, not (a map( with :a)?|#Mlx.Array)/)
    end

    for norm <- [&NN.layer_norm/2, &NN.rms_norm/2, &NN.instance_norm/2, &NN.group_norm(&1, 1, &2)] do
      assert error(fn -> norm.(x, :a) end).message =~ "parameters must be a map, not :a"
    end

    assert error(fn -> NN.bilinear(x, x, %{weight: x[0]}) end).message =~
             "3 axes, not the shape {2, 2}"

    assert error(fn -> Attention.alibi(x) end).message =~ "not {1, 2, 2}"
    assert error(fn -> Attention.causal_mask(-1) end).message =~ "from 0, not -1"
    lstm = Recurrent.init_lstm(3, 2)
    assert error(fn -> Recurrent.lstm(Mlx.ones([3]), lstm) end).message =~ "of the shape {3}"
    assert error(fn -> Recurrent.lstm(Mlx.ones([0, 3]), lstm) end).message =~ "the shape {0, 3}"
    assert Mlx.shape(Init.orthogonal([0, 3])) == {0, 3}

    for options <- [[], [stride: 1], [stride: 9]],
        pool <- [&Conv.max_pool2d/3, &Conv.avg_pool2d/3],
        do: assert(Mlx.shape(pool.(Mlx.ones([1, 4, 4, 3]), 9, options)) == {1, 0, 0, 3})

    heads = Mlx.zeros([1, 2_000_000_000, 1, 1])

    assert error(fn -> Attention.alibi(heads) end).message =~
             "1 to 65536 heads, not {1, 2000000000"

    assert error(fn -> Init.keys([], 10_001) end).message =~ "from 1 to 10000 keys, not 10001"
    assert error(fn -> Init.keys([], -1) end).reason == :range

    for init <- [&Attention.init_transformer_encoder/2, &Attention.init_transformer_decoder/2],
        do: assert(error(fn -> init.(536_870_909, 2) end).message =~ "more than 10000")

    assert error(fn -> Init.sparse([2, 2], 1.5) end).message =~ "from 0 to 1, not 1.5"
    assert error(fn -> Init.within([2], :a) end).message =~ "a number, not :a"

    for layers <- [:a, nil, %{}] do
      parameters = %{layers: layers, ln: %{}}
      error = error(fn -> Attention.transformer_encoder(x, parameters, heads: 1) end)
      assert error.message =~ "layers must be a list, not"
    end
  end

  test "activations are their formulas" do
    gelu_approx = fn x ->
      0.5 * x * (1 + :math.tanh(:math.sqrt(2 / :math.pi()) * (x + 0.044715 * x * x * x)))
    end

    cases = [
      {&NN.relu/1, &max(&1, 0)},
      {&NN.relu2/1, &(max(&1, 0) * max(&1, 0))},
      {&NN.relu6/1, &min(max(&1, 0), 6)},
      {&NN.leaky_relu/1, &if(&1 > 0, do: &1, else: 0.01 * &1)},
      {&NN.prelu(&1, Mlx.array([0.25])), &if(&1 > 0, do: &1, else: 0.25 * &1)},
      {&NN.elu/1, &elu(&1, 1)},
      {&NN.elu(&1, 0.5), &elu(&1, 0.5)},
      {&NN.selu/1, &(1.0507 * elu(&1, 1.67326))},
      {&NN.celu(&1, 2.0), &(max(&1, 0) + 2 * (:math.exp(min(&1, 0) / 2) - 1))},
      {&NN.sigmoid/1, &sigmoid/1},
      {&NN.tanh/1, &:math.tanh/1},
      {&NN.silu/1, &(&1 * sigmoid(&1))},
      {&NN.softplus/1, &softplus/1},
      {&NN.log_sigmoid/1, &(-softplus(-&1))},
      {&NN.softsign/1, &(&1 / (1 + abs(&1)))},
      {&NN.softshrink/1, &if(abs(&1) > 0.5, do: &1 - 0.5 * &1 / abs(&1), else: 0)},
      {&NN.hard_shrink/1, &if(abs(&1) > 0.5, do: &1, else: 0)},
      {&NN.hard_tanh/1, &min(max(&1, -1), 1)},
      {&NN.hardswish/1, &(&1 * min(max(&1 + 3, 0), 6) / 6)},
      {&NN.gelu/1, &(&1 * (1 + :math.erf(&1 / :math.sqrt(2))) / 2)},
      {&NN.gelu_approx/1, gelu_approx},
      {&NN.gelu_fast_approx/1, &(&1 * sigmoid(1.702 * &1))},
      {&NN.mish/1, &(&1 * :math.tanh(softplus(&1)))},
      {&NN.step/1, &if(&1 >= 0, do: 1, else: 0)}
    ]

    for {found, wanted} <- cases do
      near(Mlx.to_list(found.(Mlx.array(@points))), Enum.map(@points, wanted))
    end
  end

  test "NaN stays NaN, and infinities have their limits where there are some" do
    inf = :infinity
    minus = :neg_infinity
    # at infinity, minus infinity; :nan where the formula has infinity times 0 or over infinity
    cases = [
      {&NN.relu/1, inf, 0.0},
      {&NN.relu2/1, inf, 0.0},
      {&NN.relu6/1, 6.0, 0.0},
      {&NN.leaky_relu/1, inf, minus},
      {&NN.prelu(&1, Mlx.array([0.25])), inf, minus},
      {&NN.elu/1, inf, -1.0},
      {&NN.celu/1, inf, -1.0},
      {&NN.sigmoid/1, 1.0, 0.0},
      {&NN.tanh/1, 1.0, -1.0},
      {&NN.silu/1, inf, :nan},
      {&NN.softplus/1, inf, 0.0},
      {&NN.log_sigmoid/1, 0.0, minus},
      {&NN.softsign/1, :nan, :nan},
      {&NN.softshrink/1, inf, minus},
      {&NN.hard_shrink/1, inf, minus},
      {&NN.hard_tanh/1, 1.0, -1.0},
      {&NN.hardswish/1, inf, :nan},
      {&NN.gelu/1, inf, :nan},
      {&NN.gelu_approx/1, inf, :nan},
      {&NN.gelu_fast_approx/1, inf, :nan},
      {&NN.mish/1, inf, :nan}
    ]

    for dtype <- [:float16, :bfloat16, :float32, :float64], {found, above, below} <- cases do
      x = Mlx.array([:nan, inf, minus], dtype)
      assert {found, dtype, Mlx.to_list(found.(x))} == {found, dtype, [:nan, above, below]}
      near(Mlx.item(found.(Mlx.array(-0.0, dtype))), Mlx.item(found.(Mlx.array(0.0, dtype))))
    end

    for found <- [&NN.softmax/1, &NN.softmin/1, &NN.log_softmax/1, &NN.glu/1],
        do: assert(Mlx.to_list(found.(Mlx.array([:nan, :nan]))) |> Enum.uniq() == [:nan])
  end

  test "activations along an axis" do
    x = Mlx.array([[1.0, 2.0, 4.0, 3.0], [1000.0, 1001.0, 999.0, 1000.0]])
    row = [1.0, 2.0, 4.0, 3.0]
    total = row |> Enum.map(&:math.exp/1) |> Enum.sum()
    near(Mlx.to_list(NN.softmax(x)[0]), Enum.map(row, &(:math.exp(&1) / total)))
    near(Mlx.to_list(NN.log_softmax(x)[0]), Enum.map(row, &(&1 - :math.log(total))))
    near(Mlx.to_list(Mlx.sum(NN.softmin(x), axis: -1)), [1.0, 1.0])
    near(Mlx.to_list(NN.glu(x)[0]), [sigmoid(4.0), 2 * sigmoid(3.0)])
    assert Mlx.dtype(NN.log_softmax(Mlx.astype(x, :float16))) == :float16
    assert Mlx.dtype(NN.log_softmax(Mlx.array([1, 2]))) == :float32
  end

  # --- layers ---------------------------------------------------------------------------------

  test "affine maps" do
    p = NN.init_linear(3, 2, key: key(1))
    assert {Mlx.shape(p.weight), Mlx.shape(p.bias)} == {{2, 3}, {2}}
    x = Mlx.array([1.0, -2.0, 0.5])
    [[a, b, c], [d, e, f]] = Mlx.to_list(p.weight)
    [g, h] = Mlx.to_list(p.bias)
    near(Mlx.to_list(NN.linear(x, p)), [a - 2 * b + 0.5 * c + g, d - 2 * e + 0.5 * f + h])

    near(Mlx.to_list(NN.linear(x, Map.delete(p, :bias))), [
      a - 2 * b + 0.5 * c,
      d - 2 * e + 0.5 * f
    ])

    refute Map.has_key?(NN.init_linear(3, 2, bias: false), :bias)
    ones = NN.init_linear(3, 2, weight: &Init.ones/2, dtype: :float16)
    assert Mlx.to_list(ones.weight) == [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    assert Mlx.dtype(ones.bias) == :float16
    assert error(fn -> NN.init_linear(0, 2) end).message =~ "inputs must be a positive integer"

    w = %{weight: Mlx.reshape(Mlx.arange(6.0), [1, 2, 3]), bias: Mlx.array([1.0])}
    y = NN.bilinear(Mlx.array([1.0, 1.0, 2.0]), Mlx.array([1.0, 10.0]), w)
    near(Mlx.to_list(y), [(0 + 1 + 4) * 1.0 + (3 + 4 + 10) * 10.0 + 1])
    assert Mlx.shape(NN.init_bilinear(3, 2, 4, key: key(0)).weight) == {4, 2, 3}
  end

  test "the same key makes the same parameters, another one others" do
    make = fn seed -> NN.init_linear(4, 4, key: key(seed)) |> values() end
    assert make.(3) == make.(3)
    assert make.(3) != make.(4)
  end

  test "embeddings" do
    p = NN.init_embedding(5, 3, key: key(2))
    rows = Mlx.to_list(p.weight)
    found = Mlx.array([[4, 0], [1, 1]]) |> NN.embedding(p) |> Mlx.to_list()
    assert found == [[Enum.at(rows, 4), Enum.at(rows, 0)], [Enum.at(rows, 1), Enum.at(rows, 1)]]
    assert Mlx.shape(NN.embedding_as_linear(Mlx.ones([2, 3]), p)) == {2, 5}
  end

  test "quantized layers are near those that they were made of" do
    p = NN.init_linear(64, 8, key: key(1))
    x = normal({3, 64}, 2)
    q = NN.quantize(p, bits: 8)
    assert Mlx.dtype(q.weight) == :uint32 and q.bias == p.bias
    near = fn a, b -> Mlx.item(Mlx.max(Mlx.abs(Mlx.subtract(a, b)))) end
    # 8 bits of weights within 1/8: half a step is 2^-11, times sqrt(64) and a few deviations
    assert near.(NN.quantized_linear(x, q, bits: 8), NN.linear(x, p)) < 0.02
    p = NN.init_embedding(5, 64, key: key(2))
    ids = Mlx.array([4, 0])
    rows = NN.quantized_embedding(ids, NN.quantize(p, bits: 8), bits: 8)
    assert near.(rows, NN.embedding(ids, p)) < 0.01
  end

  test "dropout keeps the mean, and nothing is dropped without a key" do
    x = Mlx.ones([100, 100])
    y = NN.dropout(x, key(5), 0.25)
    kept = y |> Mlx.to_list() |> List.flatten() |> Enum.uniq() |> Enum.sort()
    near(kept, [0.0, 1 / 0.75])
    # three deviations of the mean of 10,000 draws: 3 * sqrt(p / (1 - p) / 10000)
    near(Mlx.item(Mlx.mean(y)), 1.0, 0.0174)
    assert Mlx.to_list(NN.dropout(x, key(5), 0.25)) == Mlx.to_list(y)
    assert NN.dropout(x, nil, 0.25) == x
    assert error(fn -> NN.dropout(x, nil, 1.0) end).message =~ "[0, 1)"

    for {x, drop, sum} <- [
          {Mlx.ones([2, 3, 3, 50]), &NN.dropout2d/3, [1, 2]},
          {Mlx.ones([2, 2, 3, 2, 50]), &NN.dropout3d/3, [1, 2, 3]}
        ] do
      y = drop.(x, key(6), 0.5)
      spread = Mlx.subtract(Mlx.max(y, axis: sum), Mlx.min(y, axis: sum))
      assert Mlx.item(Mlx.max(spread)) == 0.0
      near(y |> Mlx.to_list() |> List.flatten() |> Enum.uniq() |> Enum.sort(), [0.0, 2.0])
    end

    assert error(fn -> NN.dropout2d(Mlx.ones([3, 3]), key(1), 0.5) end).message =~
             "2 spatial axes"
  end

  test "normalizations have mean 0 and variance 1 where they should" do
    x = Mlx.add(Mlx.multiply(normal({4, 5, 6}, 7), 3), 2)

    for {y, axes} <- [
          {NN.layer_norm(x), [2]},
          {NN.instance_norm(x), [1]},
          {NN.group_norm(x, 1), [1, 2]},
          {NN.batch_norm(x, %{}, NN.init_batch_state(6), training: true) |> elem(0), [0, 1]}
        ] do
      assert Mlx.item(Mlx.max(Mlx.abs(Mlx.mean(y, axis: axes)))) < 1.0e-5
      assert Mlx.item(Mlx.max(Mlx.abs(Mlx.subtract(Mlx.var(y, axis: axes), 1)))) < 1.0e-3
    end

    near(Mlx.to_list(NN.rms_norm(Mlx.array([3.0, 4.0]))), [
      3 / :math.sqrt(12.5),
      4 / :math.sqrt(12.5)
    ])

    p = NN.init_norm(6) |> Map.update!(:bias, &Mlx.add(&1, 5))
    near(Mlx.item(Mlx.mean(NN.layer_norm(x, p))), 5.0)
    assert NN.init_norm(3, bias: false) |> Map.keys() == [:weight]
    assert Mlx.dtype(NN.group_norm(Mlx.astype(x, :float16), 2)) == :float16
    assert error(fn -> NN.group_norm(x, 4) end).message =~ "4 groups"
    assert error(fn -> NN.instance_norm(Mlx.ones([2, 2])) end).operation == "instance_norm"

    assert error(fn -> NN.layer_norm(x, %{}, eps: 0) end).message =~
             "eps must be a number above 0"
  end

  test "batch normalization moves its averages in training alone" do
    x = Mlx.array([[1.0], [3.0], [8.0]])
    state = NN.init_batch_state(1)
    {_y, state} = NN.batch_norm(x, %{}, state, training: true, momentum: 0.5)
    near(Mlx.to_list(state.running_mean), [2.0])
    # the unbiased variance of 1, 3, 8 is 13
    near(Mlx.to_list(state.running_var), [7.0])
    {y, same} = NN.batch_norm(x, %{}, state)
    assert same == state
    near(Mlx.to_list(y), Enum.map([1, 3, 8], &[(&1 - 2) / :math.sqrt(7 + 1.0e-5)]))
    one = fn -> NN.batch_norm(Mlx.ones([1, 2]), %{}, NN.init_batch_state(2), training: true) end
    assert error(one).message =~ "more than one value"
    assert error(fn -> NN.batch_norm(Mlx.ones([2]), %{}, state) end).message =~ "axes"

    for training <- [true, false], momentum <- [-0.1, 1.1, :x, nil, "0.1"] do
      options = [training: training, momentum: momentum]
      message = error(fn -> NN.batch_norm(x, %{}, state, options) end).message
      assert message == "momentum must be a number from 0 to 1, not #{inspect(momentum)}"
    end

    message = error(fn -> NN.batch_norm(x, %{}, state, training: 1) end).message
    assert message == "training must be true or false, not 1"
  end

  test "convolutions" do
    p = %{weight: Mlx.reshape(Mlx.array([1.0, 2.0, 3.0]), [1, 3, 1]), bias: Mlx.array([10.0])}
    x = Mlx.reshape(Mlx.array([1.0, 0.0, 2.0, 1.0]), [1, 4, 1])
    assert x |> Conv.conv1d(p) |> Mlx.to_list() == [[[17.0], [17.0]]]
    assert x |> Conv.conv1d(p, padding: 1, stride: 2) |> Mlx.to_list() == [[[12.0], [17.0]]]
    y = Conv.conv_transpose1d(x, p, stride: 2)
    assert Mlx.to_list(Mlx.flatten(y)) == [11.0, 12.0, 13.0, 10.0, 12.0, 14.0, 17.0, 12.0, 13.0]
    p = Conv.init_conv2d(4, 6, {3, 2}, groups: 2, key: key(1))
    assert Mlx.shape(p.weight) == {6, 3, 2, 2}

    assert Mlx.shape(Conv.conv2d(Mlx.ones([2, 8, 8, 4]), p, groups: 2, padding: {1, 0})) ==
             {2, 8, 7, 6}

    limit = 1 / :math.sqrt(2 * 6)
    assert Mlx.item(Mlx.max(Mlx.abs(p.weight))) <= limit
    assert Mlx.item(Mlx.max(Mlx.abs(p.weight))) > 0.9 * limit
    assert error(fn -> Conv.init_conv2d(3, 6, 3, groups: 2) end).message =~ "2 groups"
    assert error(fn -> Conv.init_conv2d(3, 6, [3]) end).message =~ "2 of them"
    assert error(fn -> Conv.init_conv1d(3, 6, :a) end).message =~ ":a"
  end

  test "pooling" do
    x = Mlx.reshape(Mlx.array([1.0, 5.0, 2.0, 3.0, -4.0]), [1, 5, 1])
    flat = &Mlx.to_list(Mlx.flatten(&1))
    assert flat.(Conv.max_pool1d(x, 2)) == [5.0, 3.0]
    assert flat.(Conv.max_pool1d(x, 2, stride: 1)) == [5.0, 5.0, 3.0, 3.0]
    assert flat.(Conv.avg_pool1d(x, 2, stride: 1)) == [3.0, 3.5, 2.5, -0.5]
    assert flat.(Conv.max_pool1d(Mlx.negative(x), 3, padding: 1)) == [-1.0, 4.0]
    assert flat.(Conv.avg_pool1d(x, 2, padding: 1)) == [0.5, 3.5, -0.5]
    small = Mlx.array([[[-3], [-5]]], :int8)
    assert flat.(Conv.max_pool1d(small, 2, padding: 1)) == [-3, -5]
    wide = Mlx.reshape(Mlx.arange(24.0), [1, 4, 6, 1])
    assert flat.(Conv.max_pool2d(wide, {2, 3})) == [8.0, 11.0, 20.0, 23.0]
    assert flat.(Conv.avg_pool2d(wide, 2, stride: {2, 3})) == [3.5, 6.5, 15.5, 18.5]
    assert Mlx.shape(Conv.avg_pool3d(Mlx.ones([1, 4, 4, 4, 2]), 2)) == {1, 2, 2, 2, 2}
    assert flat.(Conv.max_pool1d(Mlx.zeros([1, 1, 1]), 2, stride: 1)) == []
    assert error(fn -> Conv.max_pool2d(x, 2) end).message =~ "spatial axes"
    assert error(fn -> Conv.max_pool1d(x, 0) end).message =~ "integer from 1"
  end

  test "resizing" do
    x = Mlx.reshape(Mlx.array([1.0, 3.0]), [1, 2, 1])
    flat = &Mlx.to_list(Mlx.flatten(&1))
    assert flat.(Conv.upsample(x, 2)) == [1.0, 1.0, 3.0, 3.0]
    assert flat.(Conv.upsample(x, 2, mode: :linear)) == [1.0, 1.5, 2.5, 3.0]
    near(flat.(Conv.upsample(x, 2, mode: :linear, align_corners: true)), [1.0, 5 / 3, 7 / 3, 3.0])
    assert error(fn -> Conv.upsample(x, 2, mode: :best) end).message =~ ":best"
    assert error(fn -> Conv.upsample(x, 8_589_934_590) end).reason == :range
    assert error(fn -> Conv.upsample(x, 1.0e300, mode: :linear) end).reason == :range
    assert error(fn -> Conv.upsample(x, {2, 2}) end).message =~ "spatial axis"
  end

  # --- recurrent, by floats -------------------------------------------------------------------

  defp dot(row, x), do: Enum.zip_with(row, x, &(&1 * &2)) |> Enum.sum()
  defp product(matrix, x), do: Enum.map(matrix, &dot(&1, x))
  defp plus(lists), do: Enum.zip_with(lists, &Enum.sum/1)

  test "recurrent layers follow their formulas" do
    x = normal({3, 2}, 1)
    steps = Mlx.to_list(x)
    zeros = [0.0, 0.0]

    p = Recurrent.init_rnn(2, 2, key: key(1))
    [wx, wh, b] = Enum.map([p[:Wxh], p[:Whh], p[:bias]], &Mlx.to_list/1)

    next = fn x, h ->
      h = plus([product(wx, x), product(wh, h), b]) |> Enum.map(&:math.tanh/1)
      {h, h}
    end

    {states, _} = Enum.map_reduce(steps, zeros, next)
    near(Mlx.to_list(Recurrent.rnn(x, p)), states)

    p = Recurrent.init_gru(2, 2, key: key(2))
    [wx, wh, b, bhn] = Enum.map([p[:Wx], p[:Wh], p[:b], p[:bhn]], &Mlx.to_list/1)

    next = fn x, h ->
      [r, z, n] = plus([product(wx, x), b]) |> Enum.chunk_every(2)
      [hr, hz, hn] = product(wh, h) |> Enum.chunk_every(2)
      r = plus([r, hr]) |> Enum.map(&sigmoid/1)
      z = plus([z, hz]) |> Enum.map(&sigmoid/1)
      gated = Enum.zip_with(r, plus([hn, bhn]), &(&1 * &2))
      n = plus([n, gated]) |> Enum.map(&:math.tanh/1)
      h = Enum.zip_with([z, n, h], fn [z, n, h] -> (1 - z) * n + z * h end)
      {h, h}
    end

    {states, _} = Enum.map_reduce(steps, zeros, next)
    near(Mlx.to_list(Recurrent.gru(x, p)), states)

    p = Recurrent.init_lstm(2, 2, key: key(3))
    [wx, wh, b] = Enum.map([p[:Wx], p[:Wh], p[:bias]], &Mlx.to_list/1)

    next = fn x, {h, c} ->
      [i, f, g, o] = plus([product(wx, x), product(wh, h), b]) |> Enum.chunk_every(2)

      c =
        Enum.zip_with([f, c, i, g], fn [f, c, i, g] ->
          sigmoid(f) * c + sigmoid(i) * :math.tanh(g)
        end)

      h = Enum.zip_with(o, c, &(sigmoid(&1) * :math.tanh(&2)))
      {{h, c}, {h, c}}
    end

    {states, _} = Enum.map_reduce(steps, {zeros, zeros}, next)
    {h, c} = Recurrent.lstm(x, p)
    near(Mlx.to_list(h), Enum.map(states, &elem(&1, 0)))
    near(Mlx.to_list(c), Enum.map(states, &elem(&1, 1)))

    # a text in two halves is the text
    {first, cells} = Recurrent.lstm(x[0..0], p)
    {second, _} = Recurrent.lstm(x[1..2], p, hidden: first[-1], cell: cells[-1])
    near(Mlx.to_list(second), states |> Enum.drop(1) |> Enum.map(&elem(&1, 0)))
  end

  # --- attention ------------------------------------------------------------------------------

  test "attention in one head is softmax(q kᵀ / sqrt(d)) v" do
    x = normal({1, 3, 4}, 4)
    p = Attention.init_multi_head_attention(4, key: key(5))
    of = fn name -> Mlx.to_list(NN.linear(x, p[name])) |> hd() end
    [q, k, v] = Enum.map([:query_proj, :key_proj, :value_proj], of)

    rows =
      for row <- q do
        e = Enum.map(k, &:math.exp(dot(row, &1) / 2))
        weights = Enum.map(e, &(&1 / Enum.sum(e)))
        Enum.zip_with(v, &dot(weights, &1))
      end

    wanted = Mlx.array([rows]) |> NN.linear(p.out_proj) |> Mlx.to_list()
    near(Mlx.to_list(Attention.multi_head_attention(x, x, x, p, heads: 1)), wanted)
    none = fn -> Attention.multi_head_attention(x, x, x, p, heads: 3) end
    assert error(none).message =~ "3 heads"
  end

  test "a causal mask hides what comes" do
    assert Mlx.to_list(Mlx.less(Attention.causal_mask(3), -1.0e38)) ==
             [[false, true, true], [false, false, true], [false, false, false]]

    p = Attention.init_transformer_encoder(2, 8, mlp_dims: 16, key: key(1))
    x = normal({2, 5, 8}, 2)
    y = Attention.transformer_encoder(x, p, heads: 2, mask: Attention.causal_mask(5))
    changed = put_in(x[[0..-1//1, 4]], Mlx.zeros([2, 8]))
    z = Attention.transformer_encoder(changed, p, heads: 2, mask: Attention.causal_mask(5))
    near(Mlx.to_list(y[[0..-1//1, 0..3]]), Mlx.to_list(z[[0..-1//1, 0..3]]))
    assert Mlx.item(Mlx.max(Mlx.abs(Mlx.subtract(y[[0..-1//1, 4]], z[[0..-1//1, 4]])))) > 0.1
  end

  test "dropout and checkpoints in a transformer" do
    p = Attention.init_transformer_encoder(2, 8, key: key(1))
    x = normal({2, 5, 8}, 2)
    plain = Attention.transformer_encoder(x, p, heads: 2)
    dropped = &Attention.transformer_encoder(x, p, heads: 2, dropout: 0.5, key: key(&1))
    assert Mlx.to_list(dropped.(1)) == Mlx.to_list(dropped.(1))
    assert Mlx.to_list(dropped.(1)) != Mlx.to_list(plain)

    loss = fn checkpoint ->
      Mlx.grad(fn p ->
        Mlx.sum(
          Attention.transformer_encoder(x, p, heads: 2, checkpoint: checkpoint)
          |> Mlx.square()
        )
      end).(p)
    end

    near(values(loss.(true)), values(loss.(false)), 1.0e-4)
  end

  # --- layers in all ---------------------------------------------------------------------------

  test "without a key the process's own sequence goes on" do
    made = fn ->
      Mlx.Random.seed(3)

      [
        NN.init_linear(2, 2),
        NN.init_bilinear(2, 2, 2),
        NN.init_embedding(2, 2),
        Conv.init_conv1d(2, 2, 2),
        Conv.init_conv_transpose2d(2, 2, 2),
        Recurrent.init_rnn(2, 2),
        Recurrent.init_gru(2, 2),
        Recurrent.init_lstm(2, 2),
        Attention.init_multi_head_attention(2),
        Attention.init_transformer_encoder_layer(2),
        Attention.init_transformer_decoder_layer(2),
        Attention.init_transformer_encoder(1, 2),
        Attention.init_transformer_decoder(1, 2),
        Attention.init_transformer(2, encoder_layers: 1, decoder_layers: 1)
        | for(
            init <-
              ~w(normal uniform glorot_normal glorot_uniform he_normal he_uniform orthogonal)a,
            do: apply(Init, init, [[2, 2]])
          )
      ] ++ [Init.sparse([2, 2], 0.5), Init.within([2], 1.0), Init.constant([1], 2)]
    end

    first = values(made.())
    assert values(made.()) == first
    assert length(first) > 60
  end

  test "layers without a bias" do
    x = normal({2, 3, 4}, 1)

    for {init, call} <- [
          {&Recurrent.init_rnn/3, &Recurrent.rnn/2},
          {&Recurrent.init_gru/3, &Recurrent.gru/2},
          {&Recurrent.init_lstm/3, &(Recurrent.lstm(&1, &2) |> elem(0))}
        ] do
      p = init.(4, 5, key: key(1), bias: false)
      zeros = init.(4, 5, key: key(1)) |> Map.new(fn {k, a} -> {k, p[k] || Mlx.zeros_like(a)} end)
      near(List.flatten(Mlx.to_list(call.(x, p))), List.flatten(Mlx.to_list(call.(x, zeros))))
    end

    assert Mlx.shape(Conv.conv_transpose1d(x, Conv.init_conv_transpose1d(4, 2, 2, bias: false))) ==
             {2, 4, 2}
  end

  test "the least of each dtype never is a maximum, and masks stay finite" do
    for dtype <- [:bool, :uint8, :uint64, :int16, :int32, :int64, :float16, :bfloat16] do
      x = Mlx.zeros([1, 2, 1], dtype: dtype)
      y = Conv.max_pool1d(x, 2, stride: 1, padding: 1)
      assert Mlx.dtype(y) == dtype
      assert y |> Mlx.flatten() |> Mlx.to_list() |> Enum.uniq() |> length() == 1
    end

    for dtype <- [:float16, :bfloat16, :float32, :float64] do
      mask = Attention.causal_mask(2, dtype)
      assert Mlx.dtype(mask) == dtype
      assert Mlx.item(Mlx.all(Mlx.isfinite(mask)))
      assert Mlx.item(mask[[0, 1]]) < -6.0e4
    end
  end

  test "resized to nothing, and halves" do
    x = Mlx.reshape(Mlx.arange(6.0), [1, 6, 1])
    assert Mlx.shape(Conv.upsample(x, 0.1)) == {1, 0, 1}
    assert x |> Conv.upsample(1.5) |> Mlx.flatten() |> Mlx.size() == 9
    assert error(fn -> Attention.sinusoidal(x, 3) end).message =~ "even"
    assert Mlx.shape(Attention.rope(normal({1, 3, 4}, 1), 4)) == {1, 3, 4}
    assert Mlx.shape(Attention.alibi(normal({1, 2, 3, 3}, 1))) == {1, 2, 3, 3}
  end
end
