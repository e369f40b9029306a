defmodule Mlx.Transforms do
  @moduledoc false
  # Transforms of Elixir's functions; Mlx has them. A function of trees becomes one of a list of
  # arrays for the native half, which calls it back in this process (Mlx.Job); a cell takes the
  # structure of its result along.
  #
  # What a transform traces are the arrays among the arguments. All else, numbers too, reaches the function
  # as it is; only where derivatives are taken towards a number, it is an array of float32.

  import Mlx.Transforms.Arity
  alias Mlx.{Array, Error, Job, Native, Options, Random, Tree}

  # --- derivatives ----------------------------------------------------------------------------

  @differentiable [:float16, :bfloat16, :float32, :float64, :complex64]

  defp differentiated(tree), do: Tree.flatten(tree, numbers: :float32)

  def value_and_grad(function, options) do
    %{argnums: argnums} = Options.read(:grad, options, argnums: 0)

    of_arity(function, fn arguments ->
      numbers = argnums |> List.wrap() |> Enum.map(&place(&1, arguments)) |> different!()
      {arrays, rebuild, templates} = flatten_some(arguments, numbers)
      {closure, result} = closure(fn arrays -> apply(function, rebuild.(arrays)) end)
      places = Enum.to_list(0..(length(arrays) - 1)//1)
      {values, gradients} = Job.run({:value_and_grad, closure, places, arrays})
      {rebuilt(result, values), gradients(gradients, templates, argnums)}
    end)
  end

  def grad(function, options) do
    both = value_and_grad(function, options)
    of_arity(function, fn arguments -> both |> apply(arguments) |> elem(1) end)
  end

  defp place(i, arguments) when is_integer(i) and i >= 0 and i < length(arguments), do: i

  defp place(_i, []),
    do: Error.fail(:grad, :range, "a function without arguments has no gradient")

  defp place(i, arguments) do
    Error.fail(
      :grad,
      :range,
      "argnums must be among 0..#{length(arguments) - 1}, not #{inspect(i, limit: 5)}"
    )
  end

  defp different!(numbers) do
    if numbers != Enum.uniq(numbers),
      do: Error.fail(:grad, "argnums names an argument twice: #{inspect(numbers, limit: 5)}")

    numbers
  end

  defp differentiable!(array) do
    dtype = Mlx.dtype(array)

    unless dtype in @differentiable do
      Error.fail(
        :grad,
        "there is no gradient towards an array of #{dtype}; what :argnums names must be " <>
          "floats or complex numbers"
      )
    end
  end

  defp flatten_some(arguments, numbers) do
    parts = for i <- numbers, do: arguments |> Enum.at(i) |> differentiated()
    for {arrays, _} <- parts, array <- arrays, do: differentiable!(array)
    templates = for {arrays, template} <- parts, do: {length(arrays), template}

    rebuild = fn arrays ->
      numbers
      |> Enum.zip(trees(arrays, templates))
      |> Enum.reduce(arguments, fn {i, tree}, arguments -> List.replace_at(arguments, i, tree) end)
    end

    {Enum.flat_map(parts, &elem(&1, 0)), rebuild, templates}
  end

  defp trees(arrays, templates) do
    {trees, []} =
      Enum.map_reduce(templates, arrays, fn {n, template}, arrays ->
        {own, rest} = Enum.split(arrays, n)
        {Tree.unflatten(template, own), rest}
      end)

    trees
  end

  defp gradients(arrays, templates, argnums) when is_integer(argnums),
    do: arrays |> trees(templates) |> hd()

  defp gradients(arrays, templates, _argnums), do: arrays |> trees(templates) |> List.to_tuple()

  def vjp(function, primals, cotangents), do: product(:vjp, function, primals, cotangents)
  def jvp(function, primals, tangents), do: product(:jvp, function, primals, tangents)

  defp product(kind, function, primals, others) do
    takes!(kind, function, primals)
    {arrays, template} = differentiated(primals)
    # cast to the dtypes of results and arguments, all digits of which numbers have
    {others, _template} = Tree.flatten(others, numbers: :float64)

    {closure, result} =
      closure(fn arrays -> apply(function, Tree.unflatten(template, arrays)) end)

    {outputs, products} = Job.run({kind, closure, arrays, others})
    shape = if kind == :vjp, do: template, else: Native.cell_get(result)
    {rebuilt(result, outputs), Tree.unflatten(shape, products)}
  end

  defp takes!(kind, function, primals) do
    unless is_list(primals),
      do: Error.fail(kind, "primals are a list, not #{inspect(primals, limit: 5)}")

    unless is_function(function, length(primals)) do
      Error.fail(
        kind,
        "for #{length(primals)} primals a function of as many arguments is needed, " <>
          "not #{inspect(function, limit: 5)}"
      )
    end
  end

  def custom_vjp(function, rule) do
    unless is_function(rule, 3) do
      Error.fail(
        :custom_vjp,
        "the rule must be a function of arguments, cotangents and results, " <>
          "not #{inspect(rule, limit: 5)}"
      )
    end

    of_arity(function, fn arguments ->
      {arrays, template} = Tree.flatten(arguments)

      {closure, result} =
        closure(fn arrays -> apply(function, Tree.unflatten(template, arrays)) end)

      backward = fn [primals, cotangents, outputs] ->
        tree = &rebuilt(result, &1)
        arguments = Tree.unflatten(template, primals)
        arguments |> rule.(tree.(cotangents), tree.(outputs)) |> cotangents(template, primals)
      end

      closure = Native.transform(:custom_vjp, closure, backward)
      rebuilt(result, Job.run({:apply, closure, arrays}))
    end)
  end

  # What a rule gave for the arrays among the arguments; what it gave for numbers and the like counts for
  # nothing.
  defp cotangents(given, {:"$list", items} = template, primals) do
    if not is_list(given) or length(given) != length(items) do
      Error.fail(
        :custom_vjp,
        "the rule gave #{inspect(given, limit: 5)}, not a list with a cotangent for each of " <>
          "#{length(items)} arguments"
      )
    end

    template |> Tree.parts(given) |> Enum.zip_with(primals, &cotangent/2)
  end

  defp cotangent({path, given}, primal) do
    found = if is_struct(given, Array) or is_number(given), do: Mlx.array(given), else: given

    unless is_struct(found, Array) and Mlx.shape(found) == Mlx.shape(primal) do
      Error.fail(
        :custom_vjp,
        "the rule gave #{shown(found)} for an argument of the shape " <>
          "#{inspect(Mlx.shape(primal))}, at #{inspect(path)}"
      )
    end

    found
  end

  defp shown(%Array{} = a), do: inspect(Mlx.shape(a))
  defp shown(other), do: inspect(other, limit: 5)

  def checkpoint(function) do
    of_arity(function, fn arguments ->
      {arrays, template} = Tree.flatten(arguments)

      {closure, result} =
        drawing(fn arrays -> apply(function, Tree.unflatten(template, arrays)) end)

      checkpointed = Native.transform(:checkpoint, closure, nil)
      drawn(result, Job.run({:apply, checkpointed, arrays ++ [Random.state()]}))
    end)
  end

  # --- vmap -----------------------------------------------------------------------------------

  def vmap(function, options) do
    %{in_axes: in_axes, out_axes: out_axes} =
      Options.read(:vmap, options, in_axes: 0, out_axes: 0)

    of_arity(function, fn arguments ->
      {arrays, template} = Tree.flatten(arguments)

      {closure, result} =
        closure(fn arrays -> apply(function, Tree.unflatten(template, arrays)) end)

      axes = in_axes |> axes(arguments, 0) |> mapped!()
      {inputs, outputs} = Job.run({:vmap_trace, closure, arrays, axes})
      tree = rebuilt(result, outputs)
      trees = if is_tuple(tree), do: Tuple.to_list(tree), else: [tree]
      to = axes(out_axes, trees, 1)
      rebuilt(result, Job.run({:vmap_replace, arrays, inputs, outputs, axes, to}))
    end)
  end

  # An axis for each array: one for all, or one for each argument or part of a tuple. Results have
  # `more` axes than what was traced.
  defp axes(axes, trees, more) when is_list(axes) or is_tuple(axes) do
    axes = if is_tuple(axes), do: Tuple.to_list(axes), else: axes

    if length(axes) != length(trees) do
      Error.fail(:vmap, "#{length(axes)} axes were given for #{length(trees)} trees")
    end

    axes |> Enum.zip(trees) |> Enum.flat_map(fn {axis, tree} -> axes(axis, [tree], more) end)
  end

  defp axes(axis, trees, more) do
    for a <- Tree.leaves(trees), do: axis(axis, Mlx.ndim(a) + more)
  end

  defp mapped!(axes) do
    if Enum.all?(axes, &(&1 == -1)),
      do: Error.fail(:vmap, "one of the arguments must be an array with a batch axis")

    axes
  end

  # As the native half has it: -1 is none.
  defp axis(nil, _n), do: -1
  defp axis(i, n) when is_integer(i) and i >= -n and i < n, do: if(i < 0, do: i + n, else: i)

  defp axis(i, n) when is_integer(i) do
    Error.fail(:vmap, :range, "there is no axis #{i} among #{n}, which are counted from 0 or -1")
  end

  defp axis(other, _n) do
    Error.fail(:vmap, "an axis must be a number or nil, not #{inspect(other, limit: 5)}")
  end

  # --- compile --------------------------------------------------------------------------------

  # What is kept for each set of structures, constants, dtypes and shapes that a function met.
  @most_traces 64

  def compile(function, options) do
    %{shapeless: shapeless} = Options.read(:compile, options, shapeless: false)
    traces = Native.cell_new(%{})

    of_arity(function, fn arguments ->
      {arrays, template} = Tree.flatten(arguments)
      key = key(template, arrays, shapeless)
      known = Native.cell_get(traces)

      case known do
        %{^key => {closure, result}} ->
          # other sizes than before are planned anew
          arrays = arrays ++ [Random.state()]

          outputs =
            if shapeless,
              do: Job.run({:apply, closure, arrays}),
              else: Job.apply(closure, arrays)

          drawn(result, outputs)

        %{} ->
          {closure, result} = traced(function, template, shapeless)
          outputs = Job.run({:apply, closure, arrays ++ [Random.state()]})
          known = if map_size(known) < @most_traces, do: known, else: %{}
          Native.cell_put(traces, Map.put(known, key, {closure, result}))
          drawn(result, outputs)
      end
    end)
  end

  defp traced(function, template, shapeless) do
    call = fn arrays -> apply(function, Tree.unflatten(template, arrays)) end
    call = if shapeless, do: fn arrays -> Job.forwarded(fn -> call.(arrays) end) end, else: call
    {closure, result} = drawing(call)
    {Native.transform(:compile, closure, shapeless), result}
  end

  defp key(template, arrays, shapeless) do
    kinds =
      for array <- arrays do
        {shape, dtype} = Native.info(array)
        if shapeless, do: {tuple_size(shape), dtype}, else: {shape, dtype}
      end

    :erlang.md5(:erlang.term_to_binary({template, kinds}))
  end

  # --- what they share ------------------------------------------------------------------------

  # A closure of arrays, and the cell that has the structure of the result once it was called.
  def closure(function) do
    result = Native.cell_new(nil)

    body = fn arrays ->
      {outputs, template} = arrays |> function.() |> Tree.flatten(numbers: true)
      Native.cell_put(result, template)
      outputs
    end

    {Native.closure(body), result}
  end

  def rebuilt(result, arrays), do: result |> Native.cell_get() |> Tree.unflatten(arrays)

  # What is called once for many calls, or again for derivatives, draws random numbers as if it were
  # called each time: the key that the process's sequence goes on from is the last of its arrays,
  # and beside its result stands the next one, or nil where none was drawn.
  defp drawing(function) do
    closure(fn arrays ->
      {arrays, [key]} = Enum.split(arrays, -1)
      former = Random.state()
      Random.set_state(key)

      try do
        result = function.(arrays)
        next = Random.state()
        {result, if(next != key, do: next)}
      after
        Random.set_state(former)
      end
    end)
  end

  defp drawn(result, arrays) do
    {tree, key} = rebuilt(result, arrays)
    if key, do: Random.set_state(key)
    tree
  end
end
