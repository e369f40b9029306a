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

  Options, beside Nx's own: `:max_concurrency`, the partitions of an `Nx.Serving` (1), and
  `:garbage_collect`, which stands for nothing here, so that options for `Nx.Defn.Evaluator` are right for
  this compiler, too. Those of other compilers are errors.
  """

  @behaviour Nx.Defn.Compiler

  alias Mlx.{Backend, Job, Options}
  alias Mlx.Compiler.{Choice, Graph, Program}
  alias Nx.Defn.{Composite, Evaluator}
  alias Nx.Tensor, as: T

  @table :mlx_compiler
  @most 256
  # Operations in a graph: a loop of known length that would need more is run step by step.
  @most_operations 20_000

  @options [:garbage_collect, :hooks, :max_concurrency]
  # What Nx.Serving, Nx.Defn.compile and Axon hand on, whatever the compiler.
  @handed_on [:batch_keys, :on_conflict] ++
               [:debug, :global_layer_options, :mode, :print_values, :raise_on_none]

  def __to_backend__(_options), do: {Backend, []}

  def __partitions_options__(options),
    do: List.duplicate(options, Keyword.get(options, :max_concurrency, 1))

  def __jit__(key, vars, fun, args_list, options),
    do: __compile__(key, vars, fun, options).(args_list)

  def __stream__(key, input, acc, vars, fun, args_list, options) do
    known!(options)

    Graph.on_backend(fn ->
      Evaluator.__stream__(key, input, acc, vars, fun, args_list, options)
    end)
  end

  def __compile__(key, vars, fun, options) do
    known!(options)
    hooks = Keyword.get(options, :hooks, %{})
    # containers may have more than tensors, on which the expression may depend
    signature = {key, Enum.map(vars, &bare/1), for({name, _} <- hooks, do: name)}
    call = %{signature: signature, vars: vars, fun: fun, hooks: hooks}
    program = known(signature) || stepwise(call)

    fn args_list -> for args <- args_list, do: run(program, call, args) end
  end

  defp known!(options), do: Options.check(:jit, Keyword.drop(options, @handed_on), @options)

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

  defp run({kind, compiled, result, used}, _call, args) when kind in [:graph, :program],
    do: compute(kind, compiled, arrays(args, used), &rebuilt(result, &1))

  defp run(:stepwise, call, args), do: call |> stepwise() |> run(call, args)

  defp run({:steps, expression, hooked?}, %{signature: signature} = call, args) do
    case known(signature) do
      {_kind, _, _, _} = program ->
        run(program, call, args)

      nil when not hooked? ->
        case compiled(expression, call.vars, args) do
          {_kind, _, _, _} = program ->
            signature |> keep(program) |> run(call, args)

          :untraceable ->
            keep(signature, :stepwise)
            step(expression, call, args)
        end

      _stepwise ->
        step(expression, call, args)
    end
  end

  defp stepwise(call) do
    expression = call.fun.(call.vars)
    {:steps, expression, hooked?(expression, call.hooks)}
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
    parameters = Graph.parameters(expression)
    used = Graph.positions(parameters)
    steps = Graph.steps(vars, expression)

    case Graph.trace(steps, parameters, length(args), arrays(args, used), @most_operations) do
      :untraceable -> :untraceable
      {closure, _outputs} -> {:graph, closure, result, used}
    end
  end

  defp program(expression, result) do
    used = expression |> Graph.parameters() |> Graph.positions()

    case Program.of(expression, used) do
      :untraceable -> :untraceable
      program -> {:program, program, result, used}
    end
  end

  # What is not used may be a template.
  defp arrays(args, used), do: arrays(args, 0, used)

  defp arrays([thunk | args], i, [i | used]),
    do: [Backend.array(thunk.()) | arrays(args, i + 1, used)]

  defp arrays([_unused | args], i, [_ | _] = used), do: arrays(args, i + 1, used)
  defp arrays(_args, _i, []), do: []

  defp bare(expression) do
    Composite.traverse(expression, fn %T{} = t -> %{t | data: nil} end)
  end

  defp compute(:program, program, arrays, rebuild),
    do: rebuild.(Job.run({:program, program, arrays}))

  # A call ends with values, unless it is part of another trace. Meanwhile they are put in place.
  defp compute(:graph, closure, arrays, rebuild) do
    results = Job.apply(closure, arrays)
    meanwhile = fn -> rebuild.(results) end
    if Job.inside?(), do: meanwhile.(), else: Job.eval_meanwhile(results, meanwhile)
  end

  # A condition that is not asked for is a wait less.
  defp step(expression, %{vars: vars, hooks: hooks}, args) do
    steps = Graph.steps(vars, Choice.selected(expression) || expression, hooks)
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

  # The graph's results have their tensors' dtypes and shapes.
  defp rebuilt(result, outputs) do
    {result, []} =
      Composite.traverse(result, outputs, fn %T{} = t, [array | rest] ->
        {Backend.Types.placed(array, t), rest}
      end)

    result
  end

  # Are functions of the program's called anywhere?
  defp hooked?(expression, hooks),
    do: Enum.any?(Graph.nodes(expression, :all), &called?(&1.data, hooks))

  defp called?(%{op: :token, args: [token]}, hooks),
    do: Enum.any?(token.hooks, &(hooks[&1.name] || &1.callback))

  # of Nx 0.13
  defp called?(%{op: :hook, args: [_tensor, function | _]}, hooks), do: function?(function, hooks)
  defp called?(%{op: op}, _hooks), do: op == :runtime_call

  defp function?({:token_hook, _expression, function}, hooks), do: function?(function, hooks)
  defp function?({:named, name, function}, hooks), do: (hooks[name] || function) != nil
  defp function?(_function, _hooks), do: true
end
