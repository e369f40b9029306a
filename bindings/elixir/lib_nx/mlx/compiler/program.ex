defmodule Mlx.Compiler.Program do
  @moduledoc false
  # An expression with loops that end when values say so, and choices between dear branches, as a
  # program of the native half (c_src/program.c has its form), which no process steps through: what is
  # between loops and choices is compiled graphs. Values go from part to part in registers. Each scope
  # (an expression, a loop's condition and body, a branch) is a program with registers of its own, of
  # which the first have its arguments; while it is made a register is a parameter of that number.

  alias Mlx.Compiler.Graph
  alias Nx.Defn.{Composite, Expr}
  alias Nx.Tensor, as: T

  # Of a graph within: what would be longer is a loop.
  @most_operations 2_000

  @doc "The program of an expression for its arguments at the positions `used`, or :untraceable."
  def of(expression, used) do
    given = for %T{data: %{op: :parameter}} = t <- Graph.nodes(expression, :scope), do: t
    params = for i <- used, do: Enum.find(given, &(position(&1) == i))

    new =
      for t <- given, into: %{} do
        {t.data.id, parameter(t, Enum.find_index(used, &(&1 == position(t))))}
      end

    parts(Composite.flatten_list([expression]), params, new)
  catch
    :untraceable -> :untraceable
  end

  defp position(%T{data: %{args: [i]}}), do: i

  # One graph, where that can be.
  defp scope(outputs, params) do
    case graph(outputs, params) do
      :untraceable ->
        parts(outputs, params, %{})

      {closure, used} ->
        state = %{params: params, parts: [], new: %{}}
        {to, state} = room(state, outputs)
        program(part(state, {:graph, closure, used, to}), to)
    end
  end

  defp parts(outputs, params, new) do
    inside = inside(outputs)
    controls = controls(outputs, inside)
    if controls == [], do: throw(:untraceable)

    state = %{params: params, parts: [], new: new}
    state = Enum.reduce(controls, state, &control(&1, inside, &2))
    {results, state} = computed(outputs, state)
    program(state, results)
  end

  defp program(state, results), do: {length(state.params), Enum.reverse(state.parts), results}

  defp part(state, part), do: %{state | parts: [part | state.parts]}

  # --- graphs ---------------------------------------------------------------------------------

  # The registers that have the values of tensors.
  defp computed(tensors, state) do
    {tensors, new} = Enum.map_reduce(tensors, state.new, &rewrite/2)
    state = %{state | new: new}

    if Enum.all?(tensors, &match?(%T{data: %{op: :parameter}}, &1)) do
      {Enum.map(tensors, &position/1), state}
    else
      {closure, used} = graph!(tensors, state.params)
      {to, state} = room(state, tensors)
      {to, part(state, {:graph, closure, used, to})}
    end
  end

  defp graph!(tensors, params) do
    case graph(tensors, params) do
      :untraceable -> throw(:untraceable)
      found -> found
    end
  end

  defp graph(tensors, params) do
    expression = List.to_tuple(tensors)
    parameters = Graph.parameters(expression)
    used = Graph.positions(parameters)
    arrays = for i <- used, do: params |> Enum.at(i) |> stand_in()
    count = length(params)

    case Graph.trace(Graph.steps([], expression), parameters, count, arrays, @most_operations) do
      :untraceable -> :untraceable
      {closure, _outputs} -> {closure, used}
    end
  end

  # Of its shape and type; nothing is computed with it.
  defp stand_in(%T{type: type, shape: shape, vectorized_axes: axes}) do
    sizes = for({_name, size} <- axes, do: size) ++ Tuple.to_list(shape)
    Mlx.zeros(sizes, dtype: Mlx.Backend.Types.dtype(type))
  end

  # New registers.
  defp room(%{params: params} = state, templates) do
    first = length(params)
    to = Enum.to_list(first..(first + length(templates) - 1)//1)
    {to, %{state | params: params ++ templates}}
  end

  # --- loops and choices ----------------------------------------------------------------------

  defp control(%T{data: %{op: :while}} = t, _inside, state) do
    [initial, _arg, condition, body] = t.data.args
    initial = Composite.flatten_list([initial])
    {from, state} = computed(initial, state)
    condition = scope([condition], initial)
    body = scope(Composite.flatten_list([body]), initial)
    {to, state} = room(state, initial)
    state |> part({:while, from, condition, body, to}) |> known(t, to)
  end

  defp control(%T{data: %{op: :cond, args: [clauses, last]}} = t, inside, state) do
    [{test, then} | rest] = clauses
    then = Composite.flatten_list([then])
    otherwise = if rest == [], do: Composite.flatten_list([last]), else: others(t, rest, last)
    captured = captured(then ++ otherwise, inside)
    {[condition | from], state} = computed([test | captured], state)
    [then_of, otherwise_of] = for branch <- [then, otherwise], do: branch(branch, captured)
    {to, state} = room(state, then)
    state |> part({:if, condition, from, then_of, otherwise_of, to}) |> known(t, to)
  end

  defp branch(outputs, captured) do
    new = for {t, i} <- Enum.with_index(captured), into: %{}, do: {t.data.id, parameter(t, i)}
    {outputs, _new} = Enum.map_reduce(outputs, new, &rewrite/2)
    scope(outputs, captured)
  end

  # What a cond without its first clause gives.
  defp others(%T{data: data} = t, rest, last) do
    choice = %{t | data: %{data | id: make_ref(), args: [rest, last]}}

    case {t.type, Composite.flatten_list([last])} do
      {{:tuple, _}, outputs} ->
        for {%T{} = out, i} <- Enum.with_index(outputs),
            do: %{out | data: %{data | id: make_ref(), op: :elem, args: [choice, i]}}

      {_type, [_one]} ->
        [choice]
    end
  end

  # From now on the node is these registers.
  defp known(state, %T{data: %{id: id}} = t, to) do
    templates = for i <- to, do: state.params |> Enum.at(i) |> parameter(i)
    new = if match?({:tuple, _}, t.type), do: templates, else: hd(templates)
    %{state | new: Map.put(state.new, id, new)}
  end

  defp parameter(%T{} = t, i), do: Expr.parameter(t, :root, i)

  # --- walks ----------------------------------------------------------------------------------

  # With the nodes that are known for others; what several nodes have stays one.
  defp rewrite(%T{data: %{op: :elem, args: [%T{} = whole, place]}} = t, new)
       when not is_map_key(new, t.data.id) do
    case rewrite(whole, new) do
      {several, new} when is_list(several) -> {Enum.at(several, place), new}
      {same, new} -> changed(t, [same, place], new)
    end
  end

  defp rewrite(%T{data: %{id: id}} = t, new) do
    case new do
      %{^id => known} ->
        {known, new}

      %{} ->
        {args, new} = Graph.walk(t, :scope, new, &rewrite/2)
        changed(t, args, new)
    end
  end

  defp rewrite(other, new), do: {other, new}

  defp changed(%T{data: %{id: id, args: args}} = t, args, new), do: {t, Map.put(new, id, t)}

  defp changed(%T{data: data} = t, args, new) do
    changed = %{t | data: %{data | id: make_ref(), args: args}}
    {changed, Map.put(new, data.id, changed)}
  end

  # What is computed whatever the conditions in it say.
  defp inside(outputs), do: Enum.reduce(outputs, MapSet.new(), &inside/2)

  defp inside(%T{data: %{id: id}} = t, seen) do
    if id in seen,
      do: seen,
      else: t |> certain() |> Enum.reduce(MapSet.put(seen, id), &inside/2)
  end

  # Of what a node reads: all but what only some branch does.
  defp certain(%T{data: %{op: :cond, args: [[{test, _then} | _rest], _last]}}), do: [test]
  defp certain(t), do: children(t)

  defp children(t) do
    {_args, found} = Graph.walk(t, :scope, [], &{&1, [&1 | &2]})
    for %T{} = child <- Enum.reverse(found), do: child
  end

  # Loops and conds of this scope, each after what it reads.
  defp controls(outputs, inside) do
    {found, _seen} = Enum.reduce(outputs, {[], MapSet.new()}, &find(&1, &2, inside))
    Enum.reverse(found)
  end

  defp find(%T{data: %{id: id, op: op}} = t, {found, seen}, inside) do
    if id in seen do
      {found, seen}
    else
      before = if op == :cond, do: certain(t) ++ captured(branches(t), inside), else: children(t)
      {found, seen} = Enum.reduce(before, {found, MapSet.put(seen, id)}, &find(&1, &2, inside))
      {if(op in [:while, :cond], do: [t | found], else: found), seen}
    end
  end

  # All that a cond may read beside its first condition.
  defp branches(%T{data: %{args: [[{_test, then} | rest], last]}}) do
    tests = Enum.map(rest, &elem(&1, 0))
    Composite.flatten_list([then, last | Enum.map(rest, &elem(&1, 1))]) ++ tests
  end

  # What branches read that is computed around them.
  defp captured(outputs, inside) do
    {found, _seen} = Enum.reduce(outputs, {[], MapSet.new()}, &capture(&1, &2, inside))
    Enum.reverse(found)
  end

  defp capture(%T{data: %{id: id}} = t, {found, seen}, inside) do
    cond do
      id in seen ->
        {found, seen}

      taken?(t, inside) ->
        {[t | found], MapSet.put(seen, id)}

      true ->
        t |> children() |> Enum.reduce({found, MapSet.put(seen, id)}, &capture(&1, &2, inside))
    end
  end

  defp taken?(%T{data: %{op: op}}, _inside) when op in [:constant, :tensor, :fun], do: false
  defp taken?(%T{data: %{op: :parameter}}, _inside), do: true
  defp taken?(%T{type: {:tuple, _}}, _inside), do: false

  defp taken?(%T{data: %{op: :elem, args: [%T{data: %{id: whole}}, _place], id: id}}, inside),
    do: whole in inside or id in inside

  defp taken?(%T{data: %{id: id}}, inside), do: id in inside
end
