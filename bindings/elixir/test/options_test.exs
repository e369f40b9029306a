defmodule Mlx.OptionsTest do
  use ExUnit.Case, async: true

  # Every function whose last argument is a keyword list by its @spec is given an option that none has.

  @modules [
    Mlx,
    Mlx.Export,
    Mlx.FFT,
    Mlx.Fast,
    Mlx.IO,
    Mlx.Distributed,
    Mlx.Linalg,
    Mlx.Memory,
    Mlx.NN,
    Mlx.NN.Attention,
    Mlx.NN.Conv,
    Mlx.NN.Init,
    Mlx.NN.Losses,
    Mlx.NN.Recurrent,
    Mlx.Optimizers,
    Mlx.Profile,
    Mlx.Random,
    Mlx.Tree
  ]

  # In test/lm_test.exs and test/unsafe_test.exs, where there is a model and a plug-in.
  test "what has other options is known" do
    assert Mlx.LM |> with_options() |> Enum.map(&elem(&1, 0)) |> Enum.uniq() |> Enum.sort() ==
             [:chat, :chat_prompt, :generate, :generate_all, :load, :stream, :stream_chat]

    assert [{:decode, _}, {:encode, _}] = Enum.sort(with_options(Mlx.Tokenizer))
    assert [{:call, _}] = with_options(Mlx.Unsafe)
  end

  test "an option that a function does not have is named, with those that there are" do
    functions =
      for module <- @modules, {name, types} <- with_options(module), do: {module, name, types}

    assert length(functions) > 400

    wrong =
      for {module, name, types} <- functions,
          said = said(module, name, Enum.map(types, &value/1) ++ [[no_such_option: 1]]),
          not (said =~ ~r/there is no option :no_such_option(; there are :\w|, nor any other)/) or
            said =~ ~r/None|Sequence|keyword arg|mx\./,
          do: {module, name, length(types) + 1, said}

    assert wrong == []
  end

  defp said(module, name, arguments) do
    apply(module, name, arguments)
    "nothing"
  rescue
    error in Mlx.Error -> error.message
    error -> Exception.message(error)
  end

  # {name, types of the arguments before the options}
  defp with_options(module) do
    {:ok, specs} = Code.Typespec.fetch_specs(module)

    for {{name, _arity}, specs} <- specs,
        {:type, _, :fun, [{:type, _, :product, types}, _result]} <- Enum.map(specs, &plain/1),
        match?({:remote_type, _, [_, {:atom, _, :keyword}, []]}, unnamed(List.last(types))),
        do: {name, types |> Enum.drop(-1) |> Enum.map(&unnamed/1)}
  end

  # Without `when parameters: term`.
  defp plain({:type, _, :bounded_fun, [function, _constraints]}), do: function
  defp plain(function), do: function

  defp unnamed({:ann_type, _, [_name, type]}), do: type
  defp unnamed(type), do: type

  # Something of a type.
  defp value({:remote_type, _, [{:atom, _, Mlx.Array}, {:atom, _, :t}, []]}), do: Mlx.ones([2, 2])
  defp value({:remote_type, _, [{:atom, _, Path}, {:atom, _, :t}, []]}), do: "x.npy"
  defp value({:remote_type, _, [{:atom, _, Mlx}, {:atom, _, :shape}, []]}), do: {2, 2}
  defp value({:remote_type, _, [{:atom, _, String}, {:atom, _, :t}, []]}), do: "x"
  defp value({:remote_type, _, [{:atom, _, _}, {:atom, _, :scalar}, []]}), do: 1
  defp value({:type, _, :fun, _}), do: &Mlx.sum/1
  defp value({:type, _, :function, _}), do: &Mlx.sum/1
  defp value({:type, _, kind, _}) when kind in [:list, :nonempty_list], do: [Mlx.ones([2, 2])]
  defp value({:type, _, :map, _}), do: %{}
  defp value({:type, _, :union, [type | _]}), do: value(type)
  defp value({:user_type, _, :shape, _}), do: {2, 2}
  defp value({:user_type, _, :t, _}), do: Mlx.Optimizers.sgd(0.1)
  defp value({kind, _, [_, {:atom, _, :parameters}, []]}) when kind == :remote_type, do: layer()
  defp value({:user_type, _, :parameters, _}), do: layer()
  defp value(_number), do: 2

  # With what any layer has.
  defp layer do
    one = Mlx.ones([2, 2])

    parts =
      [:attention, :self_attention, :cross_attention, :linear1, :linear2, :ln1, :ln2, :ln3, :ln] ++
        [:query_proj, :key_proj, :value_proj, :out_proj, :encoder, :decoder]

    arrays = [:weight, :scales, :running_mean, :running_var, :Wxh, :Whh, :Wx, :Wh]

    parts
    |> Map.new(&{&1, %{}})
    |> Map.merge(Map.new(arrays, &{&1, one}))
    |> Map.put(:layers, [])
  end
end
