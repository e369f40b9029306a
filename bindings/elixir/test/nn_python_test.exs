Code.require_file("python_helper.exs", __DIR__)

defmodule Mlx.NNPythonTest do
  use ExUnit.Case, async: true
  import Mlx.Check
  alias Mlx.{NN, PythonHelper}
  alias Mlx.NN.{Attention, Conv, Losses, Recurrent}

  # Layers and losses beside those of the Python package, with the same parameters.

  defp key(seed), do: Mlx.Random.key(seed)
  # Of all parameters and inputs that are no integers.
  defp dtype, do: Process.get(:dtype)
  defp made(seed), do: [key: key(seed), dtype: dtype()]

  defp normal(shape, seed),
    do: Mlx.Random.normal(shape: shape, key: key(seed)) |> Mlx.astype(dtype())

  # {name, module in Python, parameters, its call, arrays, what Elixir gives}
  defp cases do
    x1 = normal({2, 7, 4}, 10)
    x2 = normal({2, 6, 7, 4}, 11)
    x3 = normal({2, 5, 4, 6, 4}, 12)
    scores = normal({2, 6, 5, 5}, 13)
    mask = Attention.causal_mask(7, dtype())
    ints = Mlx.array([[0, 3], [2, 4]])
    wide = %{x: x1, mask: mask, memory: normal({2, 3, 4}, 14)}
    norm = %{weight: normal({4}, 15), bias: normal({4}, 16)}
    k = &made/1
    linear = NN.init_linear(4, 3, k.(1))
    embedding = NN.init_embedding(5, 3, k.(2))
    bilinear = NN.init_bilinear(4, 4, 3, k.(3))
    attention = Attention.init_multi_head_attention(4, k.(4) ++ [bias: true])
    encoder = Attention.init_transformer_encoder(2, 4, k.(5) ++ [mlp_dims: 6])
    decoder = Attention.init_transformer_decoder(2, 4, k.(6))
    whole = Attention.init_transformer(4, k.(7) ++ [encoder_layers: 1, decoder_layers: 2])

    quantized = NN.quantize(NN.init_linear(64, 8, k.(8)), bits: 8, group_size: 32)
    mxfp4 = NN.quantize(NN.init_linear(64, 8, k.(8) ++ [bias: false]), mode: "mxfp4")
    words = NN.quantize(NN.init_embedding(5, 64, k.(9)))
    x64 = normal({3, 64}, 17)

    layers = [
      {"quantized", "nn.QuantizedLinear(64, 8, group_size=32, bits=8)", quantized, "m(x)",
       %{x: x64}, &NN.quantized_linear(&1.x, quantized, bits: 8, group_size: 32)},
      {"mxfp4", "nn.QuantizedLinear(64, 8, bias=False, mode='mxfp4')", mxfp4, "m(x)", %{x: x64},
       &NN.quantized_linear(&1.x, mxfp4, mode: "mxfp4")},
      {"quantized_words", "nn.QuantizedEmbedding(5, 64)", words, "m(x)", %{x: ints},
       &NN.quantized_embedding(&1.x, words)},
      {"linear", "nn.Linear(4, 3)", linear, "m(x)", %{x: x1}, &NN.linear(&1.x, linear)},
      {"embedding", "nn.Embedding(5, 3)", embedding, "m(x)", %{x: ints},
       &NN.embedding(&1.x, embedding)},
      {"bilinear", "nn.Bilinear(4, 4, 3)", bilinear, "m(x, x * 2)", %{x: x1},
       &NN.bilinear(&1.x, Mlx.multiply(&1.x, 2), bilinear)},
      {"layer_norm", "nn.LayerNorm(4)", norm, "m(x)", %{x: x1}, &NN.layer_norm(&1.x, norm)},
      {"rms_norm", "nn.RMSNorm(4)", Map.take(norm, [:weight]), "m(x)", %{x: x1},
       &NN.rms_norm(&1.x, norm)},
      {"instance_norm", "nn.InstanceNorm(4, affine=True)", norm, "m(x)", %{x: x2},
       &NN.instance_norm(&1.x, norm)},
      {"group_norm", "nn.GroupNorm(2, 4)", norm, "m(x)", %{x: x2}, &NN.group_norm(&1.x, 2, norm)},
      {"group_norm_torch", "nn.GroupNorm(2, 4, pytorch_compatible=True)", norm, "m(x)", %{x: x2},
       &NN.group_norm(&1.x, 2, norm, pytorch_compatible: true)},
      {"batch_norm", "nn.BatchNorm(4)", norm, "(m(x), m.running_mean, m.running_var)", %{x: x2},
       fn %{x: x} ->
         {y, state} = NN.batch_norm(x, norm, NN.init_batch_state(4), training: true)
         [y, state.running_mean, state.running_var]
       end},
      {"mha", "nn.MultiHeadAttention(4, 2, bias=True)", attention, "m(x, memory, memory)", wide,
       &Attention.multi_head_attention(&1.x, &1.memory, &1.memory, attention, heads: 2)},
      {"encoder", "nn.TransformerEncoder(2, 4, 2, mlp_dims=6, activation=nn.gelu)", encoder,
       "m(x, mask)", wide,
       &Attention.transformer_encoder(&1.x, encoder,
         heads: 2,
         mask: &1.mask,
         activation: fn x -> NN.gelu(x) end
       )},
      {"encoder_post", "nn.TransformerEncoder(2, 4, 2, mlp_dims=6, norm_first=False)", encoder,
       "m(x, None)", wide,
       &Attention.transformer_encoder(&1.x, encoder, heads: 2, norm_first: false)},
      {"decoder", "nn.TransformerDecoder(2, 4, 2)", decoder, "m(x, memory, mask, None)", wide,
       &Attention.transformer_decoder(&1.x, &1.memory, decoder, heads: 2, mask: &1.mask)},
      {"transformer", "nn.Transformer(4, 2, 1, 2)", whole, "m(memory, x, None, mask, None)", wide,
       &Attention.transformer(&1.memory, &1.x, whole, heads: 2, target_mask: &1.mask)},
      {"rope", nil, %{}, "nn.RoPE(4, base=100, scale=0.5)(x, offset=3)", %{x: x1},
       &Attention.rope(&1.x, 4, base: 100.0, scale: 0.5, offset: 3)},
      {"rope_traditional", nil, %{}, "nn.RoPE(4, traditional=True)(x)", %{x: x1},
       &Attention.rope(&1.x, 4, traditional: true)},
      {"sinusoidal", nil, %{}, "nn.SinusoidalPositionalEncoding(6)(x)", %{x: Mlx.arange(5.0)},
       &Attention.sinusoidal(&1.x, 6)},
      {"sinusoidal_turns", nil, %{},
       "nn.SinusoidalPositionalEncoding(6, cos_first=True, full_turns=True)(x)",
       %{x: Mlx.arange(5.0)}, &Attention.sinusoidal(&1.x, 6, cos_first: true, full_turns: true)},
      {"alibi", nil, %{}, "nn.ALiBi()(x, offset=2)", %{x: scores},
       &Attention.alibi(&1.x, offset: 2)},
      {"alibi_mask", nil, %{}, "nn.ALiBi()(x, mask=x > 0)", %{x: scores},
       &Attention.alibi(&1.x, mask: Mlx.greater(&1.x, 0))}
    ]

    layers ++
      convolutions([x1, x2, x3]) ++
      pools([x1, x2, x3]) ++
      recurrent(x1) ++ resizes(x2) ++ activations("", x1) ++ activations("ends_", ends())
  end

  defp convolutions(inputs) do
    for {x, n} <- Enum.with_index(inputs, 1), transposed <- [false, true] do
      {kind, name} =
        if transposed, do: {"ConvTranspose", "conv_transpose"}, else: {"Conv", "conv"}

      more =
        if transposed,
          do: {"output_padding=1", [output_padding: 1]},
          else: {"dilation=2", [dilation: 2]}

      p =
        apply(Conv, :"init_#{name}#{n}d", [4, 6, 2, made(n)])
        |> Map.put(:bias, normal({6}, n))

      options = [stride: 2, padding: 1] ++ elem(more, 1)

      {"#{name}#{n}d", "nn.#{kind}#{n}d(4, 6, 2, stride=2, padding=1, #{elem(more, 0)})", p,
       "m(x)", %{x: x}, &apply(Conv, :"#{name}#{n}d", [&1.x, p, options])}
    end
  end

  defp pools(inputs) do
    for {x, n} <- Enum.with_index(inputs, 1), kind <- ["max", "avg"], stride <- [2, 3] do
      {"#{kind}#{n}_#{stride}", nil, %{},
       "nn.#{String.capitalize(kind)}Pool#{n}d(3, stride=#{stride}, padding=1)(x)", %{x: x},
       &apply(Conv, :"#{kind}_pool#{n}d", [&1.x, 3, [stride: stride, padding: 1]])}
    end
  end

  defp recurrent(x) do
    rnn = Recurrent.init_rnn(4, 3, made(20))
    gru = Recurrent.init_gru(4, 3, made(21))
    lstm = Recurrent.init_lstm(4, 3, made(22))
    h = normal({2, 3}, 23)

    [
      {"rnn", "nn.RNN(4, 3, nonlinearity=nn.relu)", rnn, "m(x, h)", %{x: x, h: h},
       &Recurrent.rnn(&1.x, rnn, hidden: &1.h, nonlinearity: fn x -> NN.relu(x) end)},
      {"gru", "nn.GRU(4, 3)", gru, "m(x)", %{x: x}, &Recurrent.gru(&1.x, gru)},
      {"gru_hidden", "nn.GRU(4, 3)", gru, "m(x, h)", %{x: x, h: h},
       &Recurrent.gru(&1.x, gru, hidden: &1.h)},
      {"lstm", "nn.LSTM(4, 3)", lstm, "m(x, h, h * 2)", %{x: x, h: h},
       &Tuple.to_list(Recurrent.lstm(&1.x, lstm, hidden: &1.h, cell: Mlx.multiply(&1.h, 2)))}
    ]
  end

  defp resizes(x) do
    for mode <- [:nearest, :linear, :cubic],
        {factor, i} <- Enum.with_index([2, 1.7, 0.6]),
        align <- [false, true] do
      python =
        "nn.Upsample(#{factor}, mode=\"#{mode}\", align_corners=#{if align, do: "True", else: "False"})(x)"

      {"up_#{mode}_#{i}_#{align}", nil, %{}, python, %{x: x},
       &Conv.upsample(&1.x, factor, mode: mode, align_corners: align)}
    end
  end

  defp ends do
    rows = [:nan, :infinity, :neg_infinity, -0.0, 0.5, -0.5, 100.0, -100.0]
    rows |> Enum.map(&[&1, 1.0]) |> Mlx.array(dtype())
  end

  defp activations(prefix, x) do
    for name <-
          ~w(relu relu2 relu6 leaky_relu elu selu celu sigmoid tanh silu softplus log_sigmoid softsign softshrink
          hard_shrink hard_tanh hardswish gelu gelu_approx gelu_fast_approx mish step glu softmax softmin log_softmax) do
      {"act_" <> prefix <> name, nil, %{}, "nn.#{name}(x)", %{x: x},
       &apply(NN, String.to_atom(name), [&1.x])}
    end
  end

  defp losses do
    y = normal({5, 4}, 30)
    t = Mlx.Random.uniform(shape: {5, 4}, key: key(31)) |> Mlx.astype(dtype())
    classes = Mlx.array([0, 3, 1, 1, 2])
    sign = Mlx.sign(normal({5, 4}, 32))
    given = %{y: y, t: t, c: classes, s: sign, z: normal({5, 4}, 33)}

    rows = [
      {"cross_entropy(y, c)", &Losses.cross_entropy(&1.y, &1.c)},
      {"cross_entropy(y, t, label_smoothing=0.2, reduction='mean')",
       &Losses.cross_entropy(&1.y, &1.t, label_smoothing: 0.2, reduction: :mean)},
      {"cross_entropy(y.astype(mx.float16), c, weights=t[:, 0].astype(mx.float16))",
       &Losses.cross_entropy(Mlx.astype(&1.y, :float16), &1.c,
         weights: Mlx.astype(&1.t[[0..-1//1, 0]], :float16)
       )},
      {"binary_cross_entropy(y, t)", &Losses.binary_cross_entropy(&1.y, &1.t)},
      {"binary_cross_entropy(t, t, with_logits=False)",
       &Losses.binary_cross_entropy(&1.t, &1.t, with_logits: false)},
      {"l1_loss(y, t)", &Losses.l1_loss(&1.y, &1.t)},
      {"mse_loss(y, t)", &Losses.mse_loss(&1.y, &1.t)},
      {"nll_loss(y, c)", &Losses.nll_loss(&1.y, &1.c)},
      {"gaussian_nll_loss(y, z, t)", &Losses.gaussian_nll_loss(&1.y, &1.z, &1.t)},
      {"gaussian_nll_loss(y, z, t, full=True, reduction='sum')",
       &Losses.gaussian_nll_loss(&1.y, &1.z, &1.t, full: true, reduction: :sum)},
      {"kl_div_loss(y, z)", &Losses.kl_div_loss(&1.y, &1.z)},
      {"smooth_l1_loss(y, t, beta=0.5)", &Losses.smooth_l1_loss(&1.y, &1.t, beta: 0.5)},
      {"triplet_loss(y, t, z, p=3)", &Losses.triplet_loss(&1.y, &1.t, &1.z, p: 3)},
      {"hinge_loss(y, s)", &Losses.hinge_loss(&1.y, &1.s)},
      {"huber_loss(y, t, delta=0.4)", &Losses.huber_loss(&1.y, &1.t, delta: 0.4)},
      {"log_cosh_loss(y, t)", &Losses.log_cosh_loss(&1.y, &1.t)},
      {"cosine_similarity_loss(y, z)", &Losses.cosine_similarity_loss(&1.y, &1.z)},
      {"margin_ranking_loss(y, z, s, margin=0.3)",
       &Losses.margin_ranking_loss(&1.y, &1.z, &1.s, margin: 0.3)}
    ]

    for {{call, function}, i} <- Enum.with_index(rows),
        do: {"loss#{i}", nil, %{}, "nn.losses." <> call, given, function}
  end

  for {dtype, tolerance} <- [float32: 5.0e-6, float16: 2.0e-3] do
    @tag skip: PythonHelper.missing()
    test "layers and losses give what Python's give in #{dtype}" do
      Process.put(:dtype, unquote(dtype))
      cases = cases() ++ losses()

      arrays =
        for {name, _, p, _, given, _} <- cases,
            tree <- [{"#{name}.p", p}, {"#{name}.g", given}],
            reduce: %{} do
          all -> Map.merge(all, Mlx.Tree.named(elem(tree, 1), prefix: elem(tree, 0)))
        end

      script =
        for {name, module, _, call, given, _} <- cases, into: "" do
          names = given |> Map.keys() |> Enum.map_join("", &"#{&1} = g[\"#{&1}\"]\n")

          make =
            if module,
              do: "m = #{module}\nm.update(tree(\"#{name}.p.\"), strict=True)\n",
              else: ""

          "g = tree(\"#{name}.g.\")\n#{names}#{make}put(\"#{name}\", #{call})\n"
        end

      wanted = PythonHelper.run(folder(), script, arrays)

      wrong =
        for {name, _, _, _, given, function} <- cases,
            {key, a} <- named(name, function.(given)),
            not PythonHelper.near?(a, Map.fetch!(wanted, key), unquote(tolerance)),
            do: {key, Mlx.to_list(a), Mlx.to_list(wanted[key])}

      assert wrong == []
      assert length(cases) > 90
    end
  end

  defp named(name, list) when is_list(list),
    do: for({a, i} <- Enum.with_index(list), do: {"#{name}.#{i}", a})

  defp named(name, a), do: [{name, a}]
end
