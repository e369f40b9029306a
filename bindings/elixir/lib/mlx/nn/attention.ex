defmodule Mlx.NN.Attention do
  @moduledoc """
  Attention, the transformer (Vaswani et al. 2017), and encodings of positions.

      parameters = Attention.init_transformer_encoder(2, 32, 4)
      Attention.transformer_encoder(x, parameters, heads: 4, mask: Attention.causal_mask(10))

  Names of parameters are those of Python's `mlx.nn`.
  """

  use Mlx.Operators
  alias Mlx.{Array, Error, NN, Options}
  alias Mlx.NN.Init

  @made [:key, :dtype, :weight]
  @most_layers 10_000
  @most_heads 65_536
  @layer [:heads, :mask, :activation, :norm_first, :dropout, :key]
  @masks [:source_mask, :target_mask, :memory_mask]
  @projections [:query_proj, :key_proj, :value_proj, :out_proj]
  @encoder_parts [:attention, :linear1, :linear2, :ln1, :ln2]
  @decoder_parts [:self_attention, :cross_attention, :linear1, :linear2, :ln1, :ln2, :ln3]
  @inner_dims [:query_input_dims, :key_input_dims, :value_input_dims, :value_dims] ++
                [:value_output_dims]

  # --- attention ------------------------------------------------------------------------------

  @doc """
  Parameters of `multi_head_attention/5`: `:query_proj`, `:key_proj`, `:value_proj` and `:out_proj`, each
  of `Mlx.NN.init_linear/3`.

  Options: `:query_input_dims`, `:key_input_dims`, `:value_input_dims` (those of the keys),
  `:value_dims`, `:value_output_dims` (all `dims`), `:bias` (false), and those of `Mlx.NN`.
  """
  @spec init_multi_head_attention(pos_integer, keyword) :: NN.parameters()
  def init_multi_head_attention(dims, options \\ []) do
    Options.check(:init_multi_head_attention, options, [:bias | @inner_dims ++ @made])
    NN.sizes!(:init_multi_head_attention, dims: dims)
    of = &Keyword.get(options, &1, &2)
    keys_from = of.(:key_input_dims, dims)
    values = of.(:value_dims, dims)
    [q, k, v, o] = Init.keys(options, 4)

    linear = fn inputs, outputs, key ->
      NN.init_linear(inputs, outputs, inner(options, key) ++ [bias: of.(:bias, false)])
    end

    %{
      query_proj: linear.(of.(:query_input_dims, dims), dims, q),
      key_proj: linear.(keys_from, dims, k),
      value_proj: linear.(of.(:value_input_dims, keys_from), values, v),
      out_proj: linear.(values, of.(:value_output_dims, dims), o)
    }
  end

  defp inner(options, key), do: [key: key] ++ Keyword.take(options, [:dtype, :weight])

  @doc """
  `softmax(Q Kᵀ / sqrt(d) + mask) V` in several subspaces, the heads, at once: queries `{n, l, d}`, keys
  and values `{n, s, d}` are projected, split, attended, joined and projected.

  Options:

    * `:heads` their number, needed
    * `:mask` is added to the scores and broadcasts with `{n, heads, l, s}`; or bool, false for what may
      not be seen; or "causal"
  """
  @spec multi_head_attention(Array.t(), Array.t(), Array.t(), NN.parameters(), keyword) ::
          Array.t()
  def multi_head_attention(queries, keys, values, parameters, options) do
    NN.parameters!(:multi_head_attention, parameters, @projections)
    Options.check(:multi_head_attention, options, [:heads, :mask])
    heads = heads(options, parameters)
    q = split_heads(NN.linear(queries, parameters.query_proj), heads)
    k = split_heads(NN.linear(keys, parameters.key_proj), heads)
    v = split_heads(NN.linear(values, parameters.value_proj), heads)
    scale = 1 / :math.sqrt(q |> Mlx.shape() |> elem(3))

    Mlx.Fast.scaled_dot_product_attention(q, k, v, scale: scale, mask: options[:mask])
    |> Mlx.transpose(axes: [0, 2, 1, 3])
    |> Mlx.flatten(start_axis: -2)
    |> NN.linear(parameters.out_proj)
  end

  defp heads(options, parameters) do
    heads = Keyword.get(options, :heads)
    NN.sizes!(:multi_head_attention, heads: heads)
    dims = parameters.query_proj.weight |> Mlx.shape() |> elem(0)

    if rem(dims, heads) != 0,
      do: Error.fail(:multi_head_attention, "#{heads} heads do not divide #{dims} features")

    heads
  end

  # {n, l, heads * d} to {n, heads, l, d}
  defp split_heads(x, heads),
    do: x |> Mlx.unflatten(-1, [heads, -1]) |> Mlx.transpose(axes: [0, 2, 1, 3])

  @doc """
  A mask `{n, n}` of zeros, above the diagonal of the least value of the dtype.
  """
  @spec causal_mask(non_neg_integer, Mlx.dtype()) :: Array.t()
  def causal_mask(n, dtype \\ :float32) do
    unless is_integer(n) and n >= 0,
      do: Error.fail(:causal_mask, "n must be an integer from 0, not #{inspect(n, limit: 5)}")

    index = Mlx.arange(n)
    above = Mlx.less(Mlx.expand_dims(index, 1), index)
    Mlx.where(above, Mlx.array(least(dtype), dtype), Mlx.array(0, dtype))
  end

  defp least(:float16), do: -65_504.0
  defp least(:bfloat16), do: -3.3895313892515355e38
  defp least(:float64), do: -1.7976931348623157e308
  defp least(_float32), do: -3.4028234663852886e38

  # --- encoder --------------------------------------------------------------------------------

  @doc """
  Parameters of `transformer_encoder_layer/3`: `:attention`, `:ln1`, `:ln2`, `:linear1`, `:linear2`.
  Options: `:mlp_dims` of the hidden layer (`4 * dims`), and those of `Mlx.NN`.
  """
  @spec init_transformer_encoder_layer(pos_integer, keyword) :: NN.parameters()
  def init_transformer_encoder_layer(dims, options \\ []) do
    Options.check(:init_transformer_encoder_layer, options, [:mlp_dims | @made])
    [attention, mlp] = Init.keys(options, 2)

    Map.merge(init_mlp(dims, options, mlp), %{
      attention: init_multi_head_attention(dims, inner(options, attention)),
      ln1: NN.init_norm(dims, Keyword.take(options, [:dtype])),
      ln2: NN.init_norm(dims, Keyword.take(options, [:dtype]))
    })
  end

  defp init_mlp(dims, options, key) do
    [first, second] = Init.keys([key: key], 2)
    mlp_dims = Keyword.get(options, :mlp_dims) || 4 * dims

    %{
      linear1: NN.init_linear(dims, mlp_dims, inner(options, first)),
      linear2: NN.init_linear(mlp_dims, dims, inner(options, second))
    }
  end

  @doc """
  Attention among the inputs `{n, l, dims}`, then a network of one hidden layer at each, both as
  residuals.

  Options:

    * `:heads`, needed, and `:mask`, as of `multi_head_attention/5`
    * `:activation` of the hidden layer (`&Mlx.NN.relu/1`)
    * `:norm_first` normalizes the input of each residual branch (true; Xiong et al. 2020) instead of each
      sum
    * `:dropout` the probability, after attention and after the hidden layer (0), with its `:key`
  """
  @spec transformer_encoder_layer(Array.t(), NN.parameters(), keyword) :: Array.t()
  def transformer_encoder_layer(x, p, options) do
    NN.parameters!(:transformer_encoder_layer, p, @encoder_parts)
    Options.check(:transformer_encoder_layer, options, @layer)
    [first, second] = drop_keys(options, 2)
    own = Keyword.take(options, [:heads, :mask])
    attend = &drop(multi_head_attention(&1, &1, &1, p.attention, own), first, options)
    branches = [{attend, p.ln1}, {&mlp(&1, p, second, options), p.ln2}]
    residual(x, branches, Options.flag(:transformer, options, :norm_first, true))
  end

  defp residual(x, branches, norm_first) do
    Enum.reduce(branches, x, fn {branch, norm}, x ->
      if norm_first,
        do: x + branch.(NN.layer_norm(x, norm)),
        else: NN.layer_norm(x + branch.(x), norm)
    end)
  end

  defp mlp(x, p, key, options) do
    activation = Options.function(:transformer, options, :activation, 1, &NN.relu/1)
    x |> NN.linear(p.linear1) |> activation.() |> drop(key, options) |> NN.linear(p.linear2)
  end

  defp drop_keys(options, n) do
    if Keyword.get(options, :key) && Keyword.get(options, :dropout, 0) > 0,
      do: Init.keys(options, n),
      else: List.duplicate(nil, n)
  end

  defp drop(x, key, options), do: NN.dropout(x, key, Keyword.get(options, :dropout, 0))

  @doc """
  Parameters of `transformer_encoder/3`: `:layers`, a list, and `:ln`. Options as of
  `init_transformer_encoder_layer/2`.
  """
  @spec init_transformer_encoder(pos_integer, pos_integer, keyword) :: NN.parameters()
  def init_transformer_encoder(layers, dims, options \\ []),
    do: init_layers(layers, dims, options, &init_transformer_encoder_layer/2)

  defp init_layers(count, dims, options, init) do
    NN.sizes!(:init_transformer, layers: count)

    if count > @most_layers,
      do: Error.fail(:init_transformer, :range, "#{count} layers are more than #{@most_layers}")

    layers =
      for key <- Init.keys(options, count), do: init.(dims, Keyword.put(options, :key, key))

    %{layers: layers, ln: NN.init_norm(dims, Keyword.take(options, [:dtype]))}
  end

  @doc """
  Several `transformer_encoder_layer/3`, then `Mlx.NN.layer_norm/3`. Options as of the layer, and
  `:checkpoint`: inner values are computed again for derivatives instead of being kept (false).
  """
  @spec transformer_encoder(Array.t(), NN.parameters(), keyword) :: Array.t()
  def transformer_encoder(x, parameters, options) do
    %{layers: layers, ln: ln} = layers!(:transformer_encoder, parameters)
    Options.check(:transformer_encoder, options, [:checkpoint | @layer])

    layers
    |> Enum.zip(drop_keys(options, length(layers)))
    |> Enum.reduce(x, fn {p, key}, x ->
      of_layer = options |> Keyword.delete(:checkpoint) |> Keyword.put(:key, key)
      checkpointed(&transformer_encoder_layer(&1, &2, of_layer), options).(x, p)
    end)
    |> NN.layer_norm(ln)
  end

  defp layers!(name, parameters) do
    %{layers: layers} = NN.parameters!(name, parameters, [:layers, :ln])

    unless is_list(layers),
      do: Error.fail(name, "layers must be a list, not #{inspect(layers, limit: 5)}")

    parameters
  end

  defp checkpointed(function, options) do
    if Options.flag(:transformer, options, :checkpoint, false),
      do: Mlx.checkpoint(function),
      else: function
  end

  # --- decoder --------------------------------------------------------------------------------

  @doc """
  Parameters of `transformer_decoder_layer/4`: those of the encoder's layer with `:self_attention`,
  `:cross_attention` and `:ln3`.
  """
  @spec init_transformer_decoder_layer(pos_integer, keyword) :: NN.parameters()
  def init_transformer_decoder_layer(dims, options \\ []) do
    Options.check(:init_transformer_decoder_layer, options, [:mlp_dims | @made])
    [own, cross, mlp] = Init.keys(options, 3)
    norm = NN.init_norm(dims, Keyword.take(options, [:dtype]))

    Map.merge(init_mlp(dims, options, mlp), %{
      self_attention: init_multi_head_attention(dims, inner(options, own)),
      cross_attention: init_multi_head_attention(dims, inner(options, cross)),
      ln1: norm,
      ln2: norm,
      ln3: norm
    })
  end

  @doc """
  As `transformer_encoder_layer/3`, with attention to a memory `{n, s, dims}` between its two parts.
  Options as there, and `:memory_mask`.
  """
  @spec transformer_decoder_layer(Array.t(), Array.t(), NN.parameters(), keyword) :: Array.t()
  def transformer_decoder_layer(x, memory, p, options) do
    NN.parameters!(:transformer_decoder_layer, p, @decoder_parts)
    Options.check(:transformer_decoder_layer, options, [:memory_mask | @layer])
    [first, second, third] = drop_keys(options, 3)
    own = Keyword.take(options, [:heads, :mask])
    across = Keyword.put(own, :mask, options[:memory_mask])
    attend = &drop(multi_head_attention(&1, &1, &1, p.self_attention, own), first, options)

    recall =
      &drop(multi_head_attention(&1, memory, memory, p.cross_attention, across), second, options)

    branches = [{attend, p.ln1}, {recall, p.ln2}, {&mlp(&1, p, third, options), p.ln3}]
    residual(x, branches, Options.flag(:transformer, options, :norm_first, true))
  end

  @doc "Parameters of `transformer_decoder/4`, as of `init_transformer_encoder/3`."
  @spec init_transformer_decoder(pos_integer, pos_integer, keyword) :: NN.parameters()
  def init_transformer_decoder(layers, dims, options \\ []),
    do: init_layers(layers, dims, options, &init_transformer_decoder_layer/2)

  @doc "Several `transformer_decoder_layer/4`, then `Mlx.NN.layer_norm/3`; options as of the encoder."
  @spec transformer_decoder(Array.t(), Array.t(), NN.parameters(), keyword) :: Array.t()
  def transformer_decoder(x, memory, parameters, options) do
    %{layers: layers, ln: ln} = layers!(:transformer_decoder, parameters)
    Options.check(:transformer_decoder, options, [:checkpoint, :memory_mask | @layer])

    layers
    |> Enum.zip(drop_keys(options, length(layers)))
    |> Enum.reduce(x, fn {p, key}, x ->
      of_layer = options |> Keyword.delete(:checkpoint) |> Keyword.put(:key, key)
      checkpointed(&transformer_decoder_layer(&1, &2, &3, of_layer), options).(x, memory, p)
    end)
    |> NN.layer_norm(ln)
  end

  @doc """
  Parameters of `transformer/4`: `:encoder` and `:decoder`. Options: `:encoder_layers` and
  `:decoder_layers` (6), and those of the layers.
  """
  @spec init_transformer(pos_integer, keyword) :: NN.parameters()
  def init_transformer(dims, options \\ []) do
    Options.check(:init_transformer, options, [
      :encoder_layers,
      :decoder_layers,
      :mlp_dims | @made
    ])

    [encoder, decoder] = Init.keys(options, 2)
    {counts, options} = Keyword.split(options, [:encoder_layers, :decoder_layers])
    count = &Keyword.get(counts, &1, 6)
    with_key = &Keyword.put(options, :key, &1)

    %{
      encoder: init_transformer_encoder(count.(:encoder_layers), dims, with_key.(encoder)),
      decoder: init_transformer_decoder(count.(:decoder_layers), dims, with_key.(decoder))
    }
  end

  @doc """
  An encoder of a source `{n, s, dims}`, and a decoder of a target `{n, l, dims}` that attends to the
  result. Options as of the layers; masks are `:source_mask`, `:target_mask` and `:memory_mask`.
  """
  @spec transformer(Array.t(), Array.t(), NN.parameters(), keyword) :: Array.t()
  def transformer(source, target, parameters, options) do
    NN.parameters!(:transformer, parameters, [:encoder, :decoder])
    Options.check(:transformer, options, [:checkpoint | @masks ++ (@layer -- [:mask])])
    [first, second] = drop_keys(options, 2)
    {masks, options} = Keyword.split(options, @masks)
    own = fn name, key -> Keyword.merge(options, mask: masks[name], key: key) end
    memory = transformer_encoder(source, parameters.encoder, own.(:source_mask, first))
    own = Keyword.put(own.(:target_mask, second), :memory_mask, masks[:memory_mask])
    transformer_decoder(target, memory, parameters.decoder, own)
  end

  # --- positions ------------------------------------------------------------------------------

  @doc """
  Rotary encoding (Su et al. 2021) of `{..., l, d}`: pair `i` of features at position `p` is rotated by
  the angle `scale * (p + offset) * base ** (-2 * i / dims)`.

  Options: `:traditional` pairs neighbours, as the paper does (false: `i` with `i + dims / 2`), `:base`
  (10000), `:scale` (1), `:offset` (0).
  """
  @spec rope(Array.t(), pos_integer, keyword) :: Array.t()
  def rope(x, dims, options \\ []) do
    defaults = [traditional: false, base: 10_000.0, scale: 1.0, offset: 0]
    Mlx.Fast.rope(x, dims, Keyword.merge(defaults, Options.keywords(:rope, options)))
  end

  @doc """
  Sines and cosines of positions (Vaswani et al. 2017): from `{...}` to `{..., dims}`. The frequencies
  lie evenly on a logarithmic scale from `:max_freq` (1) down to `:min_freq` (0.0001).

  Options: `:scale` multiplies the result (the root of `2 / dims`), `:cos_first` (false), `:full_turns`
  frequencies count full turns, not radians (false).
  """
  @spec sinusoidal(Array.t(), pos_integer, keyword) :: Array.t()
  def sinusoidal(x, dims, options \\ []) do
    Options.check(:sinusoidal, options, [:scale, :cos_first, :full_turns, :min_freq, :max_freq])

    unless is_integer(dims) and dims > 0 and rem(dims, 2) == 0,
      do: Error.fail(:sinusoidal, "dims must be positive and even, not #{inspect(dims)}")

    angles = Mlx.expand_dims(x, -1) * frequencies(div(dims, 2), options)
    parts = [Mlx.sin(angles), Mlx.cos(angles)]
    turned = Options.flag(:sinusoidal, options, :cos_first, false)
    parts = if turned, do: Enum.reverse(parts), else: parts
    scale = Options.number(:sinusoidal, options, :scale, :math.sqrt(2 / dims))
    Mlx.concatenate(parts, axis: -1) * scale
  end

  defp frequencies(count, options) do
    low = :math.log(Options.number(:sinusoidal, options, :min_freq, 0.0001, :above))
    high = :math.log(Options.number(:sinusoidal, options, :max_freq, 1, :above))
    up = 1 - Mlx.arange(0, count) / max(count - 1, 1)
    frequencies = Mlx.exp(up * (high - low) + low)

    if Options.flag(:sinusoidal, options, :full_turns, false),
      do: frequencies * (2 * :math.pi()),
      else: frequencies
  end

  @doc """
  Scores `{n, heads, queries, keys}` minus the distance of query and key times a slope for each head
  (Press et al. 2022). The slopes of `h` heads are `2 ** (-8 * i / h)`; where `h` is no power of two,
  those of the power below come first, then every second one of the power above.

  Options: `:offset` the position of the first query (0), `:mask` added too, or bool, false for what may
  not be seen.
  """
  @spec alibi(Array.t(), keyword) :: Array.t()
  def alibi(scores, options \\ []) do
    Options.check(:alibi, options, [:offset, :mask])
    {heads, queries, keys} = score_sizes(Mlx.shape(scores))
    offset = Options.number(:alibi, options, :offset, 0)
    at = Mlx.expand_dims(Mlx.arange(offset, queries + offset), 1)
    distance = Mlx.astype(Mlx.abs(at - Mlx.arange(0, keys)), Mlx.dtype(scores))
    bias = -distance * slopes(heads, Mlx.dtype(scores))
    scores + masked(bias, options[:mask])
  end

  defp score_sizes({_n, heads, queries, keys}) when heads in 1..@most_heads,
    do: {heads, queries, keys}

  defp score_sizes(shape) do
    Error.fail(
      :alibi,
      "scores are {n, heads, queries, keys} of 1 to #{@most_heads} heads, not #{inspect(shape)}"
    )
  end

  defp masked(bias, nil), do: bias

  defp masked(bias, mask),
    do: if(Mlx.dtype(mask) == :bool, do: Mlx.where(mask, bias, :neg_infinity), else: bias + mask)

  defp slopes(heads, dtype) do
    power = 2 ** trunc(:math.log2(heads))
    slopes = for h <- 1..power, do: 2 ** (-8 * h / power)
    more = for h <- 1..(2 * (heads - power) - 1)//2, do: 2 ** (-4 * h / power)
    Mlx.array(slopes ++ more, dtype) |> Mlx.reshape([heads, 1, 1])
  end
end
