defmodule Mlx.Compiler.Graph do
  @moduledoc false
  # Expressions as compiled closures of lists of arrays.

  alias Mlx.{Backend, Job, Native}
  alias Nx.Defn.{Composite, Evaluator, Tree}
  alias Nx.Tensor, as: T

  @doc "A function that computes an expression, operation by operation."
  def steps(vars, expression, hooks \\ %{}),
    do: Evaluator.__compile__(make_ref(), vars, fn _vars -> expression end, hooks: hooks)

  @doc """
  The closure of some arguments of `count`, which `parameters/1` has, and what it gives for arrays;
  :untraceable where a value must be known to go on, or where there are more than `most` operations.
  """
  def trace(steps, parameters, count, arrays, most) do
    # found in the process: a closure would copy the expression, as a tree
    key = {__MODULE__, make_ref()}
    call = fn arrays -> traced(Process.get(key), arrays, parameters, count, most) end
    closure = Native.transform(:compile, Native.closure(call), false)
    Process.put(key, steps)

    try do
      {closure, Job.run({:apply, closure, arrays})}
    rescue
      error in Mlx.Error ->
        if untraceable?(error), do: :untraceable, else: reraise(error, __STACKTRACE__)
    after
      Process.delete(key)
    end
  end

  # A value was asked for, or there would be too many operations.
  defp untraceable?(%{operation: "eval", message: message}),
    do: message =~ "during function transformations"

  defp untraceable?(error), do: error.operation == "defn"

  defp traced(steps, arrays, parameters, count, most) do
    given =
      for {{i, type}, array} <- Enum.zip(parameters, arrays), into: %{}, do: {i, {array, type}}

    args = for i <- 0..(count - 1)//1, do: thunk(given[i])
    run = fn -> on_backend(fn -> steps.([args]) end) end
    [result] = Backend.Types.within(most, run)
    for tensor <- Composite.flatten_list([result]), do: Backend.array(tensor)
  end

  # MLX does not have all types of Nx's.
  defp thunk({array, type}), do: fn -> %{Backend.tensor(array) | type: type} end
  defp thunk(nil), do: fn -> nil end

  @doc "What a function gives with Mlx.Backend as the backend."
  def on_backend(function) do
    former = Nx.default_backend(Backend)

    try do
      function.()
    after
      Nx.default_backend(former)
    end
  end

  # --- what is in an expression ---------------------------------------------------------------

  @doc "The arguments that are used: their positions and types."
  def parameters(expression) do
    for(
      %T{data: %{op: :parameter, args: [i]}, type: type} <- nodes(expression, :scope),
      do: {i, type}
    )
    |> Enum.uniq()
    |> Enum.sort()
  end

  @doc "Their positions."
  def positions(parameters), do: Enum.map(parameters, &elem(&1, 0))

  @doc "All nodes, or those of this scope."
  def nodes(expression, type) do
    [expression]
    |> Composite.flatten_list()
    |> Enum.reduce(%{}, &look(&1, &2, type))
    |> Map.values()
  end

  defp look(%T{data: %{id: id}} = t, seen, type) when not is_map_key(seen, id) do
    {_args, seen} =
      walk(t, type, Map.put(seen, id, t), fn inner, seen ->
        {inner, look(inner, seen, type)}
      end)

    seen
  end

  defp look(_other, seen, _type), do: seen

  @doc "As `Tree.apply_args/4`, but that a function's parameters are of its own scope."
  def walk(%T{data: %{op: :fun, args: args}}, :scope, acc, _function), do: {args, acc}
  def walk(t, type, acc, function), do: Tree.apply_args(t, type, acc, function)
end
