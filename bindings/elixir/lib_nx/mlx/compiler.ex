defmodule Mlx.Compiler do
  @moduledoc """
  A compiler of defn: `Nx.Defn.jit(fun, compiler: Mlx.Compiler)`, or for all with
  `Nx.Defn.global_default_options(compiler: Mlx.Compiler)`.

  An expression becomes one graph of MLX's, which is compiled and kept for its types and shapes.
  Loops whose conditions are known when it is traced become part of that graph, which is computed as
  a whole when it is called. So do the branches of a `cond` that depends on arguments, where they are
  made of cheap operations: all are computed and one is taken. Where a value must be known to go on (a
  `while` that depends on arguments, a `cond` with products, loops or factorizations in a branch), or a
  hook is called, the expression is computed step by step instead, lazily between the values that are
  asked for.
  """

  @behaviour Nx.Defn.Compiler

  alias Mlx.{Backend, Job, Native}
  alias Mlx.Compiler.Choice
  alias Nx.Defn.{Composite, Evaluator}
  alias Nx.Tensor, as: T

  @table :mlx_compiler
  @most 256
  # Operations in a graph: a loop of known length that would need more is run step by step.
  @most_operations 20_000

  def __to_backend__(_options), do: {Backend, []}

  def __partitions_options__(options),
    do: List.duplicate(options, Keyword.get(options, :max_concurrency, 1))

  def __jit__(key, vars, fun, args_list, options),
    do: __compile__(key, vars, fun, options).(args_list)

  def __stream__(key, input, acc, vars, fun, args_list, options) do
    on_backend(fn -> Evaluator.__stream__(key, input, acc, vars, fun, args_list, options) end)
  end

  def __compile__(key, vars, fun, _options) do
    # containers may have more than tensors, on which the expression may depend
    signature = {key, Enum.map(vars, &bare/1)}
    program = known(signature) || stepwise(vars, fun)

    fn args_list -> for args <- args_list, do: run(program, signature, vars, fun, args) end
  end

  # --- what is kept ---------------------------------------------------------------------------

  # {:compiled, closure, result without its data, positions of the arguments that it uses}, or :stepwise. Expressions are not kept: copied,
  # they are trees, and what occurs twice is there twice.
  defp known(signature) do
    case :ets.lookup(@table, signature) do
      [{_signature, program}] -> program
      [] -> nil
    end
  end

  defp keep(signature, program) do
    if :ets.info(@table, :size) >= @most, do: :ets.delete_all_objects(@table)
    :ets.insert(@table, {signature, program})
    program
  end

  # --- running --------------------------------------------------------------------------------

  defp run({:compiled, closure, result, used}, _signature, _vars, _fun, args),
    do: rebuilt(result, compute(closure, arrays(args, used)))

  defp run(:stepwise, signature, vars, fun, args),
    do: run(stepwise(vars, fun), signature, vars, fun, args)

  defp run({:steps, expression, steps, hooked?}, signature, vars, fun, args) do
    case known(signature) do
      {:compiled, _, _, _} = program -> run(program, signature, vars, fun, args)
      nil when not hooked? -> traced_or_stepped(expression, steps, signature, vars, args)
      _stepwise -> expression |> stepped(steps, vars) |> step(args)
    end
  end

  # A condition that is not asked for is a wait less.
  defp stepped(expression, steps, vars) do
    case Choice.selected(expression) do
      nil -> steps
      selected -> steps(vars, selected)
    end
  end

  defp stepwise(vars, fun) do
    expression = fun.(vars)
    {:steps, expression, steps(vars, expression), hooked?(expression)}
  end

  defp steps(vars, expression),
    do: Evaluator.__compile__(make_ref(), vars, fn _vars -> expression end, [])

  # As it is, or with its conds as selections, or step by step.
  defp traced_or_stepped(expression, steps, signature, vars, args) do
    used = used(expression)
    trace = &trace(&1, bare(expression), signature, used, length(args), arrays(args, used))

    with :untraceable <- trace.(steps),
         :untraceable <- selected(expression, vars, trace) do
      keep(signature, :stepwise)
      expression |> stepped(steps, vars) |> step(args)
    end
  end

  defp selected(expression, vars, trace) do
    case Choice.selected(expression) do
      nil -> :untraceable
      selected -> vars |> steps(selected) |> trace.()
    end
  end

  # What is not used may be a template.
  defp arrays(args, used),
    do: for({thunk, i} <- Enum.with_index(args), i in used, do: Backend.array(thunk.()))

  defp bare(expression) do
    Composite.traverse(expression, fn %T{} = t -> %{t | data: nil} end)
  end

  # The function is found in the process: a closure would copy the expression.
  defp trace(steps, result, signature, used, count, arrays) do
    key = {__MODULE__, make_ref()}
    closure = Native.closure(fn arrays -> traced(Process.get(key), arrays, used, count) end)
    closure = Native.transform(:compile, closure, false)
    Process.put(key, steps)

    try do
      compute(closure, arrays)
    rescue
      error in Mlx.Error ->
        if untraceable?(error), do: :untraceable, else: reraise(error, __STACKTRACE__)
    else
      outputs ->
        keep(signature, {:compiled, closure, result, used})
        rebuilt(result, outputs)
    after
      Process.delete(key)
    end
  end

  # A call ends with values, unless it is part of another trace.
  defp compute(closure, arrays),
    do: Job.run({if(Job.inside?(), do: :apply, else: :compute), closure, arrays})

  # A value was asked for, or there would be too many operations.
  defp untraceable?(%{operation: "eval", message: message}),
    do: message =~ "during function transformations"

  defp untraceable?(error), do: error.operation == "defn"

  defp traced(steps, arrays, used, count) do
    given = used |> Enum.zip(arrays) |> Map.new()
    args = for i <- 0..(count - 1)//1, do: thunk(given[i])
    run = fn -> on_backend(fn -> steps.([args]) end) end
    [result] = Backend.Types.within(@most_operations, run)
    for tensor <- Composite.flatten_list([result]), do: Backend.array(tensor)
  end

  defp thunk(array), do: fn -> Backend.tensor(array) end

  defp step(steps, args) do
    [result] = on_backend(fn -> steps.([Enum.map(args, &moved/1)]) end)
    tensors = Composite.flatten_list([result])
    unless Job.inside?(), do: Mlx.eval(Enum.map(tensors, &Backend.array/1))
    result
  end

  defp moved(thunk) do
    fn ->
      case thunk.() do
        %T{data: %Backend{}} = tensor -> tensor
        tensor -> tensor |> Backend.array() |> Backend.Types.tensor(tensor)
      end
    end
  end

  defp rebuilt(result, outputs) do
    {result, []} =
      Composite.traverse(result, outputs, fn %T{} = t, [array | rest] ->
        {Backend.Types.tensor(array, t), rest}
      end)

    result
  end

  defp on_backend(function) do
    former = Nx.default_backend(Backend)

    try do
      function.()
    after
      Nx.default_backend(former)
    end
  end

  # --- what is in an expression ---------------------------------------------------------------

  # Are functions of the program's called anywhere? Nx 0.10 and newer have hooks for tokens.
  defp hooked?(expression) do
    operations = [:token, :attach_token, :hook, :runtime_call]
    Enum.any?(nodes(expression), fn %T{data: data} -> data.op in operations end)
  end

  # The arguments' positions.
  defp used(expression) do
    for(%T{data: %{op: :parameter, context: :root, args: [i]}} <- nodes(expression), do: i)
    |> Enum.uniq()
    |> Enum.sort()
  end

  defp nodes(expression) do
    [expression]
    |> Composite.flatten_list()
    |> Enum.reduce(%{}, &look/2)
    |> Map.values()
  end

  defp look(%T{data: %{id: id}} = t, seen) when not is_map_key(seen, id) do
    {_args, seen} =
      Nx.Defn.Tree.apply_args(t, Map.put(seen, id, t), fn inner, seen ->
        {inner, look(inner, seen)}
      end)

    seen
  end

  defp look(_other, seen), do: seen
end
