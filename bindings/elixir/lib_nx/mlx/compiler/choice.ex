defmodule Mlx.Compiler.Choice do
  @moduledoc false
  # Conds whose conditions are not known while a graph is built become selections, so that the
  # expression is one graph: all branches are computed, and what the condition says is taken. That
  # changes no value; derivatives are conds of their own by then. It is done where no branch, in what it
  # alone computes, costs much, can fail (what takes indices does where one is beyond the end), or may not
  # end.

  alias Mlx.Backend.Elementwise
  alias Nx.Defn.{Composite, Tree}
  alias Nx.Tensor, as: T

  @cheap Elementwise.unary() ++
           Elementwise.binary() ++
           ~w(pow parameter constant tensor metadata elem cond iota eye population_count
              count_leading_zeros as_type bitcast reshape squeeze broadcast transpose reverse
              concatenate stack pad select clip slice put_slice sum product
              reduce_max reduce_min all any argmax argmin)a

  @doc "The expression without such conds, or nil where it has none."
  def selected(expression) do
    shared = [expression] |> Composite.flatten_list() |> Enum.map(&Tree.scope_ids/1)
    shared = Enum.reduce(shared, %{}, &Map.merge/2)

    case Composite.traverse(expression, %{shared: shared, found: false}, &rewrite/2) do
      {rewritten, %{found: true}} -> rewritten
      {_same, _state} -> nil
    end
  end

  # What a cond that gives several tensors has become is a tuple, of which elem takes one.
  defp rewrite(%T{data: %{op: :elem, args: [%T{} = whole, place]}} = t, state) do
    case rewrite(whole, state) do
      {%T{} = same, state} -> changed(t, [same, place], state)
      {several, state} -> {elem(several, place), state}
    end
  end

  defp rewrite(%T{data: %{id: id}} = t, state) do
    case state do
      %{^id => new} ->
        {new, state}

      %{} ->
        {args, state} = Tree.apply_args(t, state, &rewrite/2)
        {new, state} = choose(t, args, state)
        {new, Map.put(state, id, new)}
    end
  end

  defp rewrite(other, state), do: {other, state}

  defp choose(%T{data: %{op: :cond, args: [clauses, last]}} = t, [new_clauses, new_last], state) do
    # of the conditions only the first is always asked for
    [{_first, then} | others] = clauses
    branches = [last, then | Enum.flat_map(others, &Tuple.to_list/1)]

    if Enum.all?(branches, &cheap?(&1, state.shared)) do
      choice =
        List.foldr(new_clauses, new_last, fn {test, then}, acc -> pick(test, then, acc) end)

      {choice, %{state | found: true}}
    else
      changed(t, [new_clauses, new_last], state)
    end
  end

  defp choose(t, args, state), do: changed(t, args, state)

  defp changed(%T{data: %{args: args}} = t, args, state), do: {t, state}
  defp changed(t, args, state), do: {%{t | data: %{t.data | id: make_ref(), args: args}}, state}

  defp pick(test, then, otherwise) do
    others = Composite.flatten_list([otherwise])

    {picked, []} =
      Composite.traverse(then, others, fn t, [other | rest] ->
        {select(test, t, other), rest}
      end)

    picked
  end

  # What both branches have stays known: the condition of a loop around them may be made of it.
  defp select(test, t, other) do
    if same?(t, other),
      do: t,
      else: %{Nx.select(test, nameless(t), nameless(other)) | names: t.names}
  end

  # The branches of a cond may give their axes names of their own.
  defp nameless(%T{names: names} = t), do: %{t | names: Enum.map(names, fn _ -> nil end)}

  defp same?(%T{data: %{id: id}}, %T{data: %{id: id}}), do: true

  defp same?(%T{data: %{op: op, args: args}} = a, %T{data: %{op: op, args: args}} = b)
       when op in [:constant, :tensor],
       do: {a.type, a.shape} == {b.type, b.shape}

  defp same?(_a, _b), do: false

  # --- what a branch costs --------------------------------------------------------------------

  defp cheap?(branch, shared) do
    {cheap?, _seen} = Enum.reduce(Composite.flatten_list([branch]), {true, shared}, &look/2)

    cheap?
  end

  defp look(_t, {false, seen}), do: {false, seen}

  defp look(%T{data: %{id: id, op: op}} = t, {true, seen}) do
    cond do
      is_map_key(seen, id) ->
        {true, seen}

      op not in @cheap ->
        {false, seen}

      true ->
        {_args, state} = Tree.apply_args(t, {true, Map.put(seen, id, true)}, &{&1, look(&1, &2)})

        state
    end
  end

  defp look(_other, state), do: state
end
