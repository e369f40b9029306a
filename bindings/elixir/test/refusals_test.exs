defmodule Mlx.RefusalsTest do
  use ExUnit.Case, async: true
  import Mlx.Check

  # Whatever a documented function is given, it raises this package's error, if it raises: none of Elixir's
  # own that speaks of clauses, maps or keys. MLX_TEST_SEED says which terms.

  @tries 60
  # What they are told is for the whole VM, or reads any memory.
  @except [Mlx.Memory, Mlx.Device, Mlx.Stream, Mlx.Unsafe]

  test "terms of every kind as arguments of every function" do
    :rand.seed(:exsss, {String.to_integer(System.get_env("MLX_TEST_SEED", "0")), 5, 7})
    functions = functions()
    assert length(functions) > 500

    other =
      for {module, name, arity} <- functions,
          _ <- 1..if(arity == 0, do: 1, else: @tries),
          arguments = for(_ <- 1..arity//1, do: any()),
          error = raised(module, name, arguments),
          error not in [nil, Mlx.Error, ArgumentError],
          not plain?(module, arguments),
          do: {module, name, arguments, error}

    assert Enum.uniq_by(other, fn {module, name, _, error} -> {module, name, error} end) == []
  end

  # Operators of numbers alone are Kernel's, with its errors: (-1) ** 1.5 is an ArithmeticError.
  defp plain?(module, arguments),
    do: module == Mlx.Operators and Enum.all?(arguments, &is_number/1)

  defp functions do
    {:ok, modules} = :application.get_key(:mlx, :modules)

    for module <- modules,
        module not in @except and
          not String.contains?(
            inspect(module),
            ~w(Inspect. Enumerable. Nx. Mlx.Backend Mlx.Compiler)
          ),
        {:docs_v1, _, _, _, about, _, docs} when about != :hidden <- [Code.fetch_docs(module)],
        {{:function, name, arity}, _, _, doc, _} when doc != :hidden <- docs,
        do: {module, name, arity}
  end

  defp raised(module, name, arguments) do
    apply(module, name, arguments)
    nil
  rescue
    error -> error.__struct__
  end

  defp any do
    Enum.at(terms(), :rand.uniform(length(terms())) - 1)
  end

  defp terms do
    x = Mlx.ones([2, 2])

    [x, x, x, Mlx.array(1), nil, :x, 5, -1, 1.5, "s", [], [1], {1}, %{}, %{weight: x}, self()] ++
      [make_ref(), &Mlx.exp/1, &Mlx.add/2, ~D[2026-01-01], [a: 1], [1 | 2], <<5::3>>, 1..3] ++
      [%Mlx.Array{ref: make_ref()}, %Mlx.Array{ref: 5}, %Mlx.Stream{ref: x.ref}, [x], {x, x}] ++
      [%Mlx.Distributed.Group{ref: 1}, %Mlx.Tokenizer{ref: 5}]
  end

  test "terms of every kind as options" do
    calls = calls()
    assert length(calls) > 60

    other =
      for {module, name, arguments} <- calls,
          {key, flag?} <- options(module, name, arguments),
          value <- [:x, nil, "s", -1.5, [], {1}, %{}, :nan, 2 ** 70, self()],
          error = raised(module, name, arguments ++ [with_heads(name, key, value)]),
          # yes and no are nothing else
          error != Mlx.Error and (flag? or error != nil),
          do: {module, name, key, value, error}

    assert other == []
  end

  defp with_heads(name, key, value) do
    if name in [:multi_head_attention, :transformer_encoder, :transformer_decoder],
      do: Keyword.put([heads: 2], key, value),
      else: [{key, value}]
  end

  @flags [:bias, :training, :pytorch_compatible, :align_corners, :norm_first, :checkpoint] ++
           [:cos_first, :full_turns, :nesterov, :bias_correction, :scale_parameter] ++
           [:relative_step, :warmup_init, :mapped, :compressed, :shapeless, :full, :with_logits]

  # What a function says that there is, when it is given another one.
  defp options(module, name, arguments) do
    message = error(fn -> apply(module, name, arguments ++ [[there_is_none: 1]]) end).message
    assert [_, there] = Regex.run(~r/there is no option :?there_is_none; there are (.+)/, message)
    names = for ":" <> key <- String.split(there, ", "), do: String.to_atom(key)
    assert names != []
    for key <- names, key != :stream, do: {key, key in @flags}
  end

  defp calls do
    alias Mlx.NN
    alias Mlx.NN.{Attention, Conv, Init, Losses, Recurrent}
    key = [key: Mlx.Random.key(0)]
    [x, line, plane] = for sizes <- [[2, 4], [2, 5, 4], [2, 5, 5, 4]], do: Mlx.ones(sizes)
    classes = Mlx.array([0, 1])
    file = Path.join(folder(), "a.npz")
    Mlx.IO.save(file, %{"a" => x})
    encoder = Attention.init_transformer_encoder(1, 4, key)
    decoder = Attention.init_transformer_decoder(1, 4, key)

    for(name <- [:init_linear, :init_embedding], do: {NN, name, [4, 3]}) ++
      for(name <- [:init_norm, :init_batch_state], do: {NN, name, [4]}) ++
      for(name <- [:layer_norm, :rms_norm], do: {NN, name, [x, %{}]}) ++
      for(
        name <- ~w(l1 mse smooth_l1 huber hinge log_cosh kl_div cosine_similarity)a,
        do: {Losses, :"#{name}_loss", [x, x]}
      ) ++
      for(
        name <- [:triplet_loss, :margin_ranking_loss, :gaussian_nll_loss],
        do: {Losses, name, [x, x, x]}
      ) ++
      for(
        name <- ~w(normal uniform identity glorot_normal glorot_uniform he_normal he_uniform)a,
        do: {Init, name, [{2, 2}]}
      ) ++
      for(name <- [:rnn, :gru, :lstm], init = :"init_#{name}", do: {Recurrent, init, [4, 3]}) ++
      for(
        {name, p} <- [rnn: [4, 3], gru: [4, 3], lstm: [4, 3]],
        parameters = apply(Recurrent, :"init_#{name}", p ++ [key]),
        do: {Recurrent, name, [line, parameters]}
      ) ++
      for(
        name <- ~w(rmsprop adagrad adadelta adam adamw adamax lion sgd muon adafactor)a,
        do: {Mlx.Optimizers, name, [0.1]}
      ) ++
      [
        {NN, :init_bilinear, [4, 4, 3]},
        {NN, :quantize, [%{weight: Mlx.ones([64, 64])}]},
        {NN, :instance_norm, [line, %{}]},
        {NN, :group_norm, [line, 2, %{}]},
        {NN, :batch_norm, [x, %{}, NN.init_batch_state(4)]},
        {Losses, :cross_entropy, [x, x]},
        {Losses, :cross_entropy, [x, classes]},
        {Losses, :nll_loss, [x, classes]},
        {Losses, :binary_cross_entropy, [x, x]},
        {Conv, :init_conv1d, [4, 3, 2]},
        {Conv, :init_conv_transpose2d, [4, 3, 2]},
        {Conv, :conv2d, [plane, Conv.init_conv2d(4, 3, 2, key)]},
        {Conv, :conv_transpose2d, [plane, Conv.init_conv_transpose2d(4, 3, 2, key)]},
        {Conv, :max_pool2d, [plane, 2]},
        {Conv, :avg_pool1d, [line, 2]},
        {Conv, :upsample, [plane, 2]},
        {Attention, :init_multi_head_attention, [4]},
        {Attention, :init_transformer_encoder, [1, 4]},
        {Attention, :init_transformer, [4]},
        {Attention, :multi_head_attention,
         [line, line, line, Attention.init_multi_head_attention(4, key)]},
        {Attention, :transformer_encoder, [line, encoder]},
        {Attention, :transformer_decoder, [line, line, decoder]},
        {Attention, :rope, [line, 4]},
        {Attention, :sinusoidal, [x, 6]},
        {Attention, :alibi, [plane]},
        {Init, :constant, [{2}, 1]},
        {Init, :sparse, [{2, 2}, 0.5]},
        {Init, :orthogonal, [{2, 2}]},
        {Mlx, :grad, [&Mlx.sum/1]},
        {Mlx, :vmap, [&Mlx.sum/1]},
        {Mlx, :compile, [&Mlx.sum/1]},
        {Mlx, :eval, [x]},
        {Mlx, :sum, [x]},
        {Mlx, :arange, [1, 4]},
        {Mlx.Random, :split, [Mlx.Random.key(0)]},
        {Mlx.FFT, :fft, [x]},
        {Mlx.Tree, :named, [%{a: x}]},
        {Mlx.Tree, :flatten, [[x, 1]]},
        {Mlx.IO, :load, [file]},
        {Mlx.IO, :save, [file, %{"a" => x}]},
        {Mlx.Profile, :run, [fn -> 1 end]}
      ]
  end

  test "structs that were made by hand" do
    for ref <- [5, nil, make_ref(), Mlx.Native.cell_new(1)], forged = %Mlx.Array{ref: ref} do
      for call <- [
            fn -> Mlx.shape(forged) end,
            fn -> Mlx.add(1, forged) end,
            fn -> Mlx.concatenate([forged]) end,
            fn -> Mlx.einsum("i->i", [forged]) end,
            fn -> Mlx.to_list(forged) end,
            fn -> Mlx.eval([forged]) end
          ],
          error = error(call) do
        assert error.reason == :invalid
        assert error.message =~ "not a %Mlx.Array{} whose reference is none of this VM's arrays"
      end

      assert inspect(forged) == "#Mlx.Array<invalid>"
    end

    stream = %Mlx.Stream{ref: Mlx.ones([1]).ref}
    assert error(fn -> Mlx.add(1, 2, stream: stream) end).message =~ "none of this VM's streams"
    assert inspect(stream) == "#Mlx.Stream<invalid>"
    # one of its own where something else is meant
    assert error(fn -> Mlx.sort(1, axis: Mlx.ones([1])) end).message =~ "nil, not %Mlx.Array{}"
  end

  test "what has no struct of a module says which" do
    for {call, wanted} <- [
          {fn -> Mlx.LM.state(5) end, "[state] a %Mlx.LM{} is needed, not 5"},
          {fn -> Mlx.LM.generate(nil, "x") end, "[stream] a %Mlx.LM{} is needed, not nil"},
          {fn -> Mlx.Tokenizer.encode(:x, "x") end, "[encode] a %Mlx.Tokenizer{} is needed"},
          {fn -> Mlx.Profile.table(%{}) end, "[table] a %Mlx.Profile{} is needed, not %{}"},
          {fn -> Mlx.Optimizers.init(1, %{}) end, "[init] a %Mlx.Optimizers{} is needed"},
          {fn -> Mlx.Optimizers.update(Mlx.Optimizers.sgd(1), 1, 1, %{}) end,
           "a state of init/2"},
          {fn -> Mlx.Profile.run(5) end, "a function without arguments is needed, not 5"},
          {fn -> Mlx.Tree.map([], 5) end, "[map] a function of 1 arrays is needed, not 5"},
          {fn -> Mlx.Tree.unflatten(5, []) end, "a template of flatten/2 is needed, not 5"},
          {fn -> Mlx.Tree.unflatten(:"$array", []) end, "more places than there are arrays"},
          {fn -> Mlx.Tree.unflatten(:"$array", [1, 2]) end, "1 arrays are left over"},
          {fn -> Mlx.Tree.put_named(%{}, nil) end, "a map of arrays by name is needed, not nil"}
        ],
        do: assert(Exception.message(error(call)) =~ wanted)
  end
end
