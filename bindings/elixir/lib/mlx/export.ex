defmodule Mlx.Export do
  @moduledoc """
  Functions in files (`.mlxfn`), which any binding of the library can call.

      Mlx.Export.save("f.mlxfn", &Mlx.exp/1, [Mlx.array([1.0])])
      [y] = Mlx.Export.load("f.mlxfn").([Mlx.array([2.0])])

  A file may have several traces of a function, for arguments of other shapes, dtypes or structures; the
  loaded function takes the one that fits:

      Mlx.Export.exporter("two.mlxfn", &Mlx.exp/1, [], fn exporter ->
        Mlx.Export.add(exporter, [Mlx.zeros([1, 4])])
        Mlx.Export.add(exporter, [Mlx.zeros([8, 4])])
      end)
  """

  alias Mlx.{Error, Job, Options, Transforms, Tree}

  defmodule Exporter do
    @moduledoc "A file of a function that is being written (`Mlx.Export.exporter/3`)."

    @enforce_keys [:ref, :function]
    defstruct [:ref, :function]

    @type t :: %__MODULE__{ref: reference, function: function}

    defimpl Inspect do
      def inspect(exporter, options),
        do:
          Inspect.Algebra.concat([
            "#Mlx.Export.Exporter<",
            Inspect.Algebra.to_doc(exporter.function, options),
            ">"
          ])
    end
  end

  @doc """
  Trace a function on a list of arguments and write its graph. Its arrays, in order, are what the
  loaded function takes and gives.

  Options:

    * `:shapeless` it may be called with other sizes (false)
  """
  @spec save(Path.t(), function, list, keyword) :: :ok
  def save(path, function, arguments, options \\ []) do
    %{shapeless: shapeless} = Options.read(:export, options, shapeless: false)
    callable!(:export, function, arguments)
    {arrays, template} = Tree.flatten(arguments)
    closure = closure(function, shapeless)
    path = Options.path(path, :export)
    traced(template, fn -> Job.run({:export, path, closure, arrays, shapeless}) end)
  end

  @doc """
  An exporter: a file of a function, to which `add/2` adds traces and which is there, complete, after
  `close/1`. Until then what was at its place stays, and stays for good where an exporter is left without
  being closed: by `discard/1`, or because nobody refers to it any more, as when its process ends.

  Options as of `save/4`.
  """
  @spec exporter(Path.t(), function, keyword) :: Exporter.t()
  def exporter(path, function, options \\ []) do
    %{shapeless: shapeless} = Options.read(:exporter, options, shapeless: false)

    unless is_function(function),
      do: Error.fail(:exporter, "a function is needed, not #{inspect(function, limit: 5)}")

    path = Options.path(path, :exporter)
    ref = Job.run({:exporter, path, closure(function, shapeless), shapeless})
    %Exporter{ref: ref, function: function}
  end

  @doc """
  Call a function with an exporter, and close it: what the function gives. What it raises, throws or exits
  with discards the exporter.
  """
  @spec exporter(Path.t(), function, keyword, (Exporter.t() -> result)) :: result
        when result: term
  def exporter(path, function, options, writer) do
    unless is_function(writer, 1) do
      Error.fail(
        :exporter,
        "a function of an exporter is needed, not #{inspect(writer, limit: 5)}"
      )
    end

    exporter = exporter(path, function, options)

    try do
      writer.(exporter)
    catch
      kind, reason ->
        discard(exporter)
        :erlang.raise(kind, reason, __STACKTRACE__)
    else
      result ->
        close(exporter)
        result
    end
  end

  @doc """
  Trace the exporter's function on a list of arguments. Two traces for arrays of the same shapes and dtypes
  are refused.
  """
  @spec add(Exporter.t(), list) :: :ok
  def add(exporter, arguments) do
    %{ref: ref, function: function} = Options.one(:exporter, exporter, Exporter)
    callable!(:exporter, function, arguments)
    {arrays, template} = Tree.flatten(arguments)
    traced(template, fn -> Job.run({:exporter_add, ref, arrays}) end)
  end

  @doc "Write the file; where nothing was added there is none. To close again is nothing."
  @spec close(Exporter.t()) :: :ok
  def close(exporter), do: closed(exporter, true)

  @doc "Close it without a file."
  @spec discard(Exporter.t()) :: :ok
  def discard(exporter), do: closed(exporter, false)

  defp closed(exporter, written?),
    do: Job.run({:exporter_close, Options.ref(:exporter, exporter, Exporter), written?})

  # The structure of the arguments that are being traced, in the process that traces them.
  @traced :"$mlx_traced"

  defp closure(function, shapeless) do
    call = fn arrays -> apply(function, Tree.unflatten(Process.get(@traced), arrays)) end
    call = if shapeless, do: fn arrays -> Job.forwarded(fn -> call.(arrays) end) end, else: call
    {closure, _result} = Transforms.closure(call)
    closure
  end

  defp traced(template, function) do
    former = Process.put(@traced, template)

    try do
      function.()
    after
      if former, do: Process.put(@traced, former), else: Process.delete(@traced)
    end
  end

  defp callable!(name, function, arguments) do
    unless is_list(arguments) and is_function(function, length(arguments)) do
      Error.fail(
        name,
        "a function and the list of its arguments are needed, not " <>
          "#{inspect(function, limit: 5)} and #{inspect(arguments, limit: 5)}"
      )
    end
  end

  @doc "The function of a file: of a list of arrays, it gives a list of arrays."
  @spec load(Path.t()) :: ([Mlx.Array.t()] -> [Mlx.Array.t()])
  def load(path) do
    imported = Job.run({:import, Options.path(path, :import)})

    fn arrays ->
      {arrays, _template} = Tree.flatten(arrays, numbers: true)
      Job.run({:call_imported, imported, arrays})
    end
  end
end
