defmodule Mlx.Job do
  @moduledoc false
  # What may take long runs on threads of the native half; this process waits for the message that
  # says how it ended, and calls the functions that the thread asks for. What such a function raises
  # is raised again here, with its stacktrace.

  import Mlx.Options, only: [deadline: 1, left: 1]
  alias Mlx.Native

  # The job in whose function this process is; jobs started there run on its thread.
  @here :"$mlx_job"
  # Within a shapeless trace operations are that thread's, too.
  @forward :"$mlx_forward"

  @doc "Run a task, for at most so many milliseconds."
  def run(task, timeout \\ :infinity) do
    parent = Process.get(@here)
    reference = make_ref()
    job = Native.start(parent, reference, task)
    wait(job, parent, reference, deadline(timeout), nil)
  end

  @doc "Is this process in a function that a transform calls?"
  def inside?, do: Process.get(@here) != nil

  @doc "Compute arrays: here, where that takes microseconds, else on a thread."
  def eval(arrays, timeout \\ :infinity) do
    deadline(timeout)
    small = if inside?() or timeout == 0, do: :later, else: Native.eval_small(arrays)
    done = if small == :later, do: run({:eval, arrays}, timeout), else: small
    if done == :pressure, do: collect()
    :ok
  end

  @doc "What a function gives that runs while arrays are computed; it uses no arrays' values."
  def eval_meanwhile(arrays, function) do
    case Native.eval_small(arrays) do
      :later ->
        reference = make_ref()
        job = Native.start(nil, reference, {:eval, arrays})
        result = function.()
        if wait(job, nil, reference, :infinity, nil) == :pressure, do: collect()
        result

      done ->
        if done == :pressure, do: collect()
        function.()
    end
  end

  # The collector does not see what arrays hold.
  defp collect do
    :erlang.garbage_collect()
    Native.relieved()
  end

  @doc "What a compiled closure gives. What was traced before needs no thread."
  def apply(closure, arrays) do
    results = if inside?(), do: :later, else: Native.apply_closure(closure, arrays)
    if results == :later, do: run({:apply, closure, arrays}), else: results
  end

  @doc "Call an operation of the catalog."
  def call(row, arguments, options) do
    case :erlang.get(@forward) do
      :undefined -> called(Native.call_row(row, arguments, options), row, arguments, options)
      true -> run({:call, row, arguments, options})
    end
  end

  @doc "Call a slice or scatter."
  def part(name, arguments) do
    case :erlang.get(@forward) do
      :undefined -> Native.part(name, arguments)
      true -> run({:part, name, arguments})
    end
  end

  @doc "Call a function whose operations belong to the thread that traces it."
  def forwarded(function) do
    former = Process.put(@forward, true)

    try do
      function.()
    after
      restore(@forward, former)
    end
  end

  defp called(:evaluates, row, arguments, options), do: run({:call, row, arguments, options})
  defp called(result, _row, _arguments, _options), do: result

  # failure: what a function raised, or :timeout
  defp wait(job, parent, reference, deadline, failure) do
    receive do
      {^reference, {:ok, result}} ->
        result

      {^reference, {:raised, error}} ->
        reraise_failure(failure, error)

      {^reference, {:error, error}} ->
        if failure == :timeout, do: timed_out(), else: raise(error)

      {^reference, :call, function, arrays} ->
        failure = answer(job, parent, function, arrays)
        wait(job, parent, reference, deadline, failure)
    after
      left(deadline) ->
        Native.cancel(job)
        wait(job, parent, reference, :infinity, :timeout)
    end
  end

  defp reraise_failure({kind, reason, stacktrace}, _error),
    do: :erlang.raise(kind, reason, stacktrace)

  defp reraise_failure(_failure, error), do: raise(error)

  @spec timed_out() :: no_return
  defp timed_out, do: Mlx.Error.fail(:eval, :timeout, "it took longer than the timeout")

  defp answer(job, parent, function, arrays) do
    Process.put(@here, job)

    try do
      results = function.(arrays)
      # what was deallocated is refused here, where the stacktrace tells of the function
      Enum.each(results, &Native.info/1)
      results
    catch
      kind, reason ->
        Native.answer(job, :error)
        {kind, reason, __STACKTRACE__}
    else
      results ->
        Native.answer(job, {:ok, results})
        nil
    after
      restore(@here, parent)
    end
  end

  defp restore(key, nil), do: Process.delete(key)
  defp restore(key, value), do: Process.put(key, value)
end
