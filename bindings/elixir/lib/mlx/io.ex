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
