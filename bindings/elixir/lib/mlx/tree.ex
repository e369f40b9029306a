defmodule Mlx.Tree do
  @moduledoc """
  Trees of arrays: lists, tuples, maps and structs whose leaves are arrays. What else is in them
  (numbers, atoms, strings, functions) stays as it is.
  """

  alias Mlx.{Array, Error, Options}

  @typedoc "A tree with places instead of arrays, and numbers that became arrays."
  @type template :: term

  @doc """
  The arrays of a tree, in order (maps by their keys), and a template to build it again.

  With `numbers: true` floats and integers become arrays, too, with a dtype instead of `true` arrays of it.
  """
  @spec flatten(term, keyword) :: {[Array.t()], template}
  def flatten(tree, options \\ []) do
    {arrays, template} = flat(tree, [], numbers(options))
    {Enum.reverse(arrays), template}
  end

  # what the package itself asks for is known
  defp numbers([]), do: false
  defp numbers(numbers: true), do: true
  defp numbers(options), do: Options.read(:flatten, options, numbers: nil).numbers || false

  defp flat(%Array{} = a, found, _numbers), do: {[a | found], :"$array"}

  defp flat(number, found, true) when is_number(number),
    do: {[Mlx.array(number) | found], :"$array"}

  defp flat(number, found, dtype) when is_number(number) and dtype != false,
    do: {[Mlx.array(number, dtype) | found], :"$array"}

  defp flat(list, found, numbers) when is_list(list) do
    if proper?(list) do
      {items, found} = flat_all(list, found, numbers)
      {found, {:"$list", items}}
    else
      {found, {:"$constant", list}}
    end
  end

  defp flat(tuple, found, numbers) when is_tuple(tuple) do
    {items, found} = flat_all(Tuple.to_list(tuple), found, numbers)
    {found, {:"$tuple", items}}
  end

  defp flat(%name{} = struct, found, numbers) do
    {items, found} = flat_pairs(Map.from_struct(struct), found, numbers)
    {found, {:"$struct", name, items}}
  end

  defp flat(map, found, numbers) when is_map(map) do
    {items, found} = flat_pairs(map, found, numbers)
    {found, {:"$map", items}}
  end

  defp flat(other, found, _numbers), do: {found, {:"$constant", other}}

  defp proper?(list), do: :erlang.is_list(list) and List.improper?(list) == false

  defp flat_all(items, found, numbers) do
    Enum.map_reduce(items, found, fn item, found ->
      {found, template} = flat(item, found, numbers)
      {template, found}
    end)
  end

  defp flat_pairs(map, found, numbers) do
    map
    |> Enum.sort()
    |> Enum.map_reduce(found, fn {key, value}, found ->
      {found, template} = flat(value, found, numbers)
      {{key, template}, found}
    end)
  end

  @doc "A tree from a template and as many arrays as it has places."
  @spec unflatten(template, [term]) :: term
  def unflatten(template, arrays) when is_list(arrays) do
    case build(template, arrays) do
      {tree, []} -> tree
      {_tree, rest} -> misfitting("#{length(rest)} arrays are left over")
    end
  end

  def unflatten(_template, other),
    do: misfitting("arrays are a list, not #{inspect(other, limit: 5)}")

  @spec misfitting(String.t()) :: no_return
  defp misfitting(why), do: Error.fail(:unflatten, why)

  defp build(:"$array", [a | rest]), do: {a, rest}
  defp build({:"$constant", value}, rest), do: {value, rest}

  defp build(:"$array", _none),
    do: misfitting("the template has more places than there are arrays")

  defp build({:"$list", items}, rest), do: Enum.map_reduce(items, rest, &build/2)

  defp build({:"$tuple", items}, rest) do
    {items, rest} = Enum.map_reduce(items, rest, &build/2)
    {List.to_tuple(items), rest}
  end

  defp build({:"$map", items}, rest) do
    {pairs, rest} = build_pairs(items, rest)
    {Map.new(pairs), rest}
  end

  defp build({:"$struct", name, items}, rest) do
    {pairs, rest} = build_pairs(items, rest)
    {pairs |> Map.new() |> Map.put(:__struct__, name), rest}
  end

  defp build(other, _rest),
    do: misfitting("a template of flatten/2 is needed, not #{inspect(other, limit: 5)}")

  defp build_pairs(items, rest) do
    Enum.map_reduce(items, rest, fn {key, item}, rest ->
      {value, rest} = build(item, rest)
      {{key, value}, rest}
    end)
  end

  @doc """
  What another tree has at the places of a template, with the path to each place. Where it is `nil`, or
  a map without that key, all below is `nil`; what else does not fit is an error that names the path.

      iex> {_arrays, template} = Mlx.Tree.flatten(%{a: Mlx.array(1), b: [Mlx.array(2)]})
      iex> Mlx.Tree.parts(template, %{b: [:x]})
      [{[:a], nil}, {[:b, 0], :x}]
  """
  @spec parts(template, term) :: [{list, term}]
  def parts(template, tree), do: template |> places(tree, [], []) |> Enum.reverse()

  defp places(:"$array", part, path, found), do: [{Enum.reverse(path), part} | found]
  defp places({:"$constant", _}, _tree, _path, found), do: found

  defp places({kind, items}, nil, path, found) when kind in [:"$list", :"$tuple"],
    do: places_of(Enum.map(items, &{&1, nil}), path, found)

  defp places({:"$list", items}, list, path, found) when length(list) == length(items),
    do: items |> Enum.zip(list) |> places_of(path, found)

  defp places({:"$tuple", items}, tuple, path, found)
       when is_tuple(tuple) and tuple_size(tuple) == length(items),
       do: items |> Enum.zip(Tuple.to_list(tuple)) |> places_of(path, found)

  defp places({:"$map", items}, map, path, found), do: places_in(items, map, path, found)

  defp places({:"$struct", _name, items}, map, path, found),
    do: places_in(items, map, path, found)

  defp places(_template, _tree, path, _found), do: misfit(path)

  defp places_of(pairs, path, found) do
    pairs
    |> Enum.with_index()
    |> Enum.reduce(found, fn {{template, part}, i}, found ->
      places(template, part, [i | path], found)
    end)
  end

  defp places_in(items, map, path, found) when is_map(map) or map == nil do
    map = map || %{}
    known = MapSet.new(items, &elem(&1, 0))

    for key <- Map.keys(map), key != :__struct__, key not in known do
      misfit([key | path])
    end

    Enum.reduce(items, found, fn {key, template}, found ->
      places(template, Map.get(map, key), [key | path], found)
    end)
  end

  defp places_in(_items, _other, path, _found), do: misfit(path)

  @spec misfit(list) :: no_return
  defp misfit(path) do
    Error.fail(:tree, "the trees differ at #{path |> Enum.reverse() |> inspect()}")
  end

  @doc """
  The arrays of a tree by names, the keys and places of their paths with dots between: as Python's
  `tree_flatten` names them, and so as files of weights do. The option `:prefix` stands before all.

      iex> Mlx.Tree.named(%{layers: [%{weight: Mlx.array(1)}]}) |> Map.keys()
      ["layers.0.weight"]
  """
  @spec named(term, keyword) :: %{String.t() => Array.t()}
  def named(tree, options \\ []) do
    %{prefix: prefix} = Options.read(:named, options, prefix: [])
    {arrays, template} = flatten(tree)
    template |> names(tree, prefix) |> Enum.zip(arrays) |> Map.new()
  end

  @doc """
  The tree with other arrays, by their names: what `Mlx.IO.load/2` gives of a file that has a tree's
  `named/2`. All must be there, with the same shapes, and no others. Option: `:prefix`.

      parameters = Mlx.Tree.put_named(parameters, Mlx.IO.load("weights.safetensors"))
  """
  @spec put_named(tree, %{String.t() => Array.t()}, keyword) :: tree when tree: term
  def put_named(tree, arrays, options \\ []) do
    %{prefix: prefix} = Options.read(:put_named, options, prefix: [])

    unless is_map(arrays) and not is_struct(arrays),
      do: misnamed("a map of arrays by name is needed, not #{inspect(arrays, limit: 5)}")

    {own, template} = flatten(tree)
    names = names(template, tree, prefix)
    unknown = Map.keys(arrays) -- names
    unless unknown == [], do: misnamed("the tree has no #{inspect(unknown, limit: 5)}")
    unflatten(template, Enum.zip_with(names, own, &replacement(&1, &2, arrays)))
  end

  defp names(template, tree, prefix) do
    before = List.wrap(prefix)
    unless word?(before), do: misnamed("no prefix is #{inspect(prefix, limit: 5)}")
    names = for {path, _} <- parts(template, tree), do: Enum.join(before ++ path, ".")
    twice = Enum.uniq(names -- Enum.uniq(names))
    unless twice == [], do: misnamed("arrays of one name: #{inspect(twice, limit: 5)}")
    names
  end

  defp word?(words) do
    not List.improper?(words) and
      Enum.all?(words, &((is_binary(&1) and String.valid?(&1)) or is_atom(&1) or is_integer(&1)))
  end

  defp replacement(name, own, arrays) do
    case arrays do
      %{^name => array} ->
        {shape, wanted} = {Mlx.shape(array), Mlx.shape(own)}

        if shape == wanted,
          do: array,
          else: misnamed("#{name} is #{inspect(shape)}, not #{inspect(wanted)}")

      %{} ->
        misnamed("#{name} is missing")
    end
  end

  @spec misnamed(String.t()) :: no_return
  defp misnamed(why), do: Error.fail(:named, why)

  @doc "The arrays of a tree, in order."
  @spec leaves(term) :: [Array.t()]
  def leaves(tree), do: tree |> flatten() |> elem(0)

  @doc "The tree with each array replaced by what the function gives for it."
  @spec map(term, (Array.t() -> term)) :: term
  def map(tree, function) do
    callable!(function, 1)
    {arrays, template} = flatten(tree)
    unflatten(template, Enum.map(arrays, function))
  end

  @doc "The same of two trees of one structure."
  @spec map(term, term, (Array.t(), Array.t() -> term)) :: term
  def map(tree, other, function) do
    callable!(function, 2)
    {arrays, template} = flatten(tree)
    others = leaves(other)

    if length(arrays) != length(others) do
      Error.fail(:tree, "trees of #{length(arrays)} and of #{length(others)} arrays")
    end

    unflatten(template, Enum.zip_with(arrays, others, function))
  end

  defp callable!(function, arity) do
    unless is_function(function, arity) do
      Error.fail(
        :map,
        "a function of #{arity} arrays is needed, not #{inspect(function, limit: 5)}"
      )
    end
  end
end
