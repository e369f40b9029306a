defmodule Mlx.IO do
  @moduledoc """
  Files of arrays: npy, npz, safetensors and GGUF, by the name's ending.

  Arrays of a file are read when they are evaluated. With `mapped: true` they are pages of the file,
  which must not be changed while they live. Saving replaces a file whole or not at all.
  """

  alias Mlx.{Array, Error, Job, Options}

  @endings ".npy, .npz, .safetensors and .gguf"

  @doc """
  The array of an npy file, or the arrays of another one by name.

  Options:

    * `:mapped` (false)
    * `:metadata` gives `{arrays, metadata}` of safetensors and GGUF files (false)
    * `:timeout` in milliseconds (`:infinity`)
  """
  @spec load(Path.t(), keyword) :: Array.t() | %{String.t() => Array.t()} | {map, map}
  def load(path, options \\ []) do
    path = Options.path(path, :io)
    o = Options.read(:load, options, mapped: false, metadata: false, timeout: :infinity)

    case format(path) do
      :npy -> Job.run({:load_npy, path, o.mapped}, o.timeout)
      :npz -> {:load_npz, path} |> Job.run(o.timeout) |> Map.new()
      :safetensors -> {:load_safetensors, path, o.mapped} |> Job.run(o.timeout) |> both(o)
      :gguf -> {:load_gguf, path, o.mapped} |> Job.run(o.timeout) |> both(o)
    end
  end

  defp both({arrays, metadata}, %{metadata: asked}),
    do: if(asked, do: {Map.new(arrays), Map.new(metadata)}, else: Map.new(arrays))

  @doc """
  Write an array (npy) or a map of arrays by name.

  Options:

    * `:metadata` a map of names and texts (safetensors), or of texts, lists of texts and arrays
      (GGUF)
    * `:compressed` deflates what an npz file has (false)
    * `:timeout` in milliseconds (`:infinity`)
  """
  @spec save(Path.t(), Array.t() | map, keyword) :: :ok
  def save(path, arrays, options \\ []) do
    path = Options.path(path, :io)
    o = Options.read(:save, options, metadata: %{}, compressed: false, timeout: :infinity)
    metadata = metadata(format(path), o.metadata)

    case format(path) do
      :npy -> Job.run({:save_npy, path, arrays}, o.timeout)
      :npz -> Job.run({:save_npz, path, pairs(arrays), o.compressed}, o.timeout)
      :safetensors -> Job.run({:save_safetensors, path, pairs(arrays), metadata}, o.timeout)
      :gguf -> Job.run({:save_gguf, path, pairs(arrays), metadata}, o.timeout)
    end
  end

  defp metadata(_format, map) when map == %{}, do: []

  defp metadata(format, map) when format in [:safetensors, :gguf] and is_map(map),
    do: Enum.to_list(map)

  defp metadata(format, map) when is_map(map),
    do: Error.fail(:save, "a file of the format #{format} has no metadata")

  defp metadata(_format, other),
    do: Error.fail(:save, "metadata must be a map, not #{inspect(other, limit: 5)}")

  defp pairs(arrays) when is_map(arrays) and not is_struct(arrays), do: Enum.to_list(arrays)

  defp pairs(other),
    do: Error.fail(:save, "a map of arrays by name is needed, not #{inspect(other, limit: 5)}")

  defp format(path) do
    case path |> Path.extname() |> String.downcase() do
      ".npy" -> :npy
      ".npz" -> :npz
      ".safetensors" -> :safetensors
      ".gguf" -> :gguf
      other -> Error.fail(:io, "no format has #{ending(other)}; there are #{@endings}")
    end
  end

  defp ending(""), do: "a name without an ending"
  defp ending(other), do: "names that end in #{inspect(other)}"
end

defmodule Mlx.Export do
  @moduledoc """
  Functions in files (`.mlxfn`), which any binding of the library can call.

      Mlx.Export.save("f.mlxfn", &Mlx.exp/1, [Mlx.array([1.0])])
      [y] = Mlx.Export.load("f.mlxfn").([Mlx.array([2.0])])
  """

  alias Mlx.{Error, Job, Options, Transforms, Tree}

  @doc """
  Trace a function on a list of arguments and write its graph. Its arrays, in order, are what the
  loaded function takes and gives.

  Options:

    * `:shapeless` it may be called with other sizes (false)
  """
  @spec save(Path.t(), function, list, keyword) :: :ok
  def save(path, function, arguments, options \\ []) do
    %{shapeless: shapeless} = Options.read(:export, options, shapeless: false)
    callable!(function, arguments)
    {arrays, template} = Tree.flatten(arguments)
    call = fn arrays -> apply(function, Tree.unflatten(template, arrays)) end
    call = if shapeless, do: fn arrays -> Job.forwarded(fn -> call.(arrays) end) end, else: call
    {closure, _result} = Transforms.closure(call)
    Job.run({:export, Options.path(path, :export), closure, arrays, shapeless})
  end

  defp callable!(function, arguments) do
    unless is_list(arguments) and is_function(function, length(arguments)) do
      Error.fail(
        :export,
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
