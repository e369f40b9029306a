defmodule Mlx.Compiler do
  @moduledoc """
  A compiler of defn: `Nx.Defn.jit(fun, compiler: Mlx.Compiler)`, or for all with
  `Nx.Defn.global_default_options(compiler: Mlx.Compiler)`.

  An expression becomes one graph of MLX's, which is compiled and kept for its types and shapes.
  Loops whose conditions are known when it is traced become part of that graph, which is computed as
  a whole when it is called. Where a value must
  be known to go on (a `while` or `cond` that depends on arguments), or a hook is called, the
  expression is computed step by step instead, lazily between the values that are asked for.
  """

  @behaviour Nx.Defn.Compiler

  alias Mlx.{Backend, Job, Native}
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

  # {:compiled, closure, result without its data}, or :stepwise. Expressions are not kept: copied,
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

  defp run({:compiled, closure, result}, _signature, _vars, _fun, args) do
    arrays = for thunk <- args, do: Backend.array(thunk.())
    rebuilt(result, compute(closure, arrays))
  end

  defp run(:stepwise, signature, vars, fun, args),
    do: run(stepwise(vars, fun), signature, vars, fun, args)

  defp run({:steps, steps, result, hooked?}, signature, vars, fun, args) do
    case known(signature) do
      {:compiled, _, _} = program -> run(program, signature, vars, fun, args)
      nil when not hooked? -> trace(steps, result, signature, args)
      _stepwise -> step(steps, args)
    end
  end

  defp stepwise(vars, fun) do
    expression = fun.(vars)
    steps = Evaluator.__compile__(make_ref(), vars, fn _vars -> expression end, [])
    {:steps, steps, bare(expression), hooked?(expression)}
  end

  defp bare(expression) do
    Composite.traverse(expression, fn %T{} = t -> %{t | data: nil} end)
  end

  # The function is found in the process: a closure would copy the expression.
  defp trace(steps, result, signature, args) do
    arrays = for thunk <- args, do: Backend.array(thunk.())
    key = {__MODULE__, make_ref()}
    closure = Native.closure(fn arrays -> traced(Process.get(key), arrays) end)
    closure = Native.transform(:compile, closure, false)
    Process.put(key, steps)

    try do
      compute(closure, arrays)
    rescue
      error in Mlx.Error ->
        if untraceable?(error) do
          keep(signature, :stepwise)
          step(steps, Enum.map(arrays, &thunk/1))
        else
          reraise error, __STACKTRACE__
        end
    else
      outputs ->
        keep(signature, {:compiled, closure, result})
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

  defp traced(steps, arrays) do
    run = fn -> on_backend(fn -> steps.([Enum.map(arrays, &thunk/1)]) end) end
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

  # --- hooks ----------------------------------------------------------------------------------

  # Are functions of the program's called anywhere? Nx 0.10 and newer have hooks for tokens.
  defp hooked?(expression) do
    {_, _, found} = Enum.reduce(Composite.flatten_list([expression]), {nil, %{}, false}, &look/2)
    found
  end

  defp look(%T{data: %{op: op, id: id}} = t, {_, seen, found}) do
    cond do
      found or op in [:token, :attach_token, :hook, :runtime_call] ->
        {nil, seen, true}

      Map.has_key?(seen, id) ->
        {nil, seen, found}

      true ->
        {_, state} =
          Nx.Defn.Tree.apply_args(t, {nil, Map.put(seen, id, true), found}, fn inner, state ->
            {inner, look(inner, state)}
          end)

        state
    end
  end

  defp look(_other, state), do: state
end
