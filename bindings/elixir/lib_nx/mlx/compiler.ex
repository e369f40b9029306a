defmodule Mlx.Compiler do
  @moduledoc """
  A compiler of defn: `Nx.Defn.jit(fun, compiler: Mlx.Compiler)`, or for all with
  `Nx.Defn.global_default_options(compiler: Mlx.Compiler)`.

  An expression becomes one graph of MLX's, which is compiled and kept for its types and shapes.
  Loops whose conditions are known when it is traced become part of that graph, which is computed as
  a whole when it is called. So do the branches of a `cond` that depends on arguments, where they are
  made of cheap operations: all are computed and one is taken. Where a value must be known to go on (a
  `while` that depends on arguments, a `cond` with products, loops or factorizations in a branch), the
  expression becomes several such graphs, which the native half runs as the values say, without this
  process. Where a hook is called, it is computed step by step instead, lazily between the values that
  are asked for.
  """

  @behaviour Nx.Defn.Compiler

  alias Mlx.{Backend, Job}
  alias Mlx.Compiler.{Choice, Graph, Program}
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
    Graph.on_backend(fn ->
      Evaluator.__stream__(key, input, acc, vars, fun, args_list, options)
    end)
  end

  def __compile__(key, vars, fun, _options) do
    # containers may have more than tensors, on which the expression may depend
    signature = {key, Enum.map(vars, &bare/1)}
    program = known(signature) || stepwise(vars, fun)

    fn args_list -> for args <- args_list, do: run(program, signature, vars, fun, args) end
  end

  # --- what is kept ---------------------------------------------------------------------------

  # {:graph, closure, ...} or {:program, program, ...} with the result without its data and the positions of the arguments that it
  # uses, or :stepwise. Expressions are not kept: copied, they are trees, and what occurs twice is there twice.
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

  defp run({kind, compiled, result, used}, _signature, _vars, _fun, args)
       when kind in [:graph, :program],
       do: rebuilt(result, compute(kind, compiled, arrays(args, used)))

  defp run(:stepwise, signature, vars, fun, args),
    do: run(stepwise(vars, fun), signature, vars, fun, args)

  defp run({:steps, expression, hooked?}, signature, vars, fun, args) do
    case known(signature) do
      {_kind, _, _, _} = program ->
        run(program, signature, vars, fun, args)

      nil when not hooked? ->
        case compiled(expression, vars, args) do
          {_kind, _, _, _} = program ->
            signature |> keep(program) |> run(signature, vars, fun, args)

          :untraceable ->
            keep(signature, :stepwise)
            step(expression, vars, args)
        end

      _stepwise ->
        step(expression, vars, args)
    end
  end

  defp stepwise(vars, fun) do
    expression = fun.(vars)
    {:steps, expression, hooked?(expression)}
  end

  # As one graph as it is, or with its conds as selections, or as a program of several.
  defp compiled(expression, vars, args) do
    result = bare(expression)

    with :untraceable <- graph(expression, result, vars, args),
         selected = Choice.selected(expression),
         :untraceable <- graph(selected, result, vars, args) do
      program(selected || expression, result)
    end
  end

  defp graph(nil, _result, _vars, _args), do: :untraceable

  defp graph(expression, result, vars, args) do
    used = Graph.used(expression)
    steps = Graph.steps(vars, expression)

    case Graph.trace(steps, used, length(args), arrays(args, used), @most_operations) do
      :untraceable -> :untraceable
      {closure, _outputs} -> {:graph, closure, result, used}
    end
  end

  defp program(expression, result) do
    used = Graph.used(expression)

    case Program.of(expression, used) do
      :untraceable -> :untraceable
      program -> {:program, program, result, used}
    end
  end

  # What is not used may be a template.
  defp arrays(args, used),
    do: for({thunk, i} <- Enum.with_index(args), i in used, do: Backend.array(thunk.()))

  defp bare(expression) do
    Composite.traverse(expression, fn %T{} = t -> %{t | data: nil} end)
  end

  defp compute(:program, program, arrays), do: Job.run({:program, program, arrays})

  # A call ends with values, unless it is part of another trace.
  defp compute(:graph, closure, arrays) do
    results = Job.apply(closure, arrays)
    unless Job.inside?(), do: Job.eval(results)
    results
  end

  # A condition that is not asked for is a wait less.
  defp step(expression, vars, args) do
    steps = Graph.steps(vars, Choice.selected(expression) || expression)
    [result] = Graph.on_backend(fn -> steps.([Enum.map(args, &moved/1)]) end)
    tensors = Composite.flatten_list([result])
    unless Job.inside?(), do: Job.eval(Enum.map(tensors, &Backend.array/1))
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

  # Are functions of the program's called anywhere? Nx 0.10 and newer have hooks for tokens.
  defp hooked?(expression) do
    operations = [:token, :attach_token, :hook, :runtime_call]
    Enum.any?(Graph.nodes(expression, :all), fn %T{data: data} -> data.op in operations end)
  end
end
