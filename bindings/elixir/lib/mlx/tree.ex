defmodule Mlx.Tree do
  @moduledoc """
  Trees of arrays: lists, tuples, maps and structs whose leaves are arrays. What else is in them
  (numbers, atoms, strings, functions) stays as it is.
  """

  alias Mlx.Array

  @typedoc "A tree with places instead of arrays, and numbers that became arrays."
  @type template :: term

  @doc """
  The arrays of a tree, in order (maps by their keys), and a template to build it again.

  With `numbers: true` floats and integers become arrays, too.
  """
  @spec flatten(term, keyword) :: {[Array.t()], template}
  def flatten(tree, options \\ []) do
    {arrays, template} = flat(tree, [], Keyword.get(options, :numbers, false))
    {Enum.reverse(arrays), template}
  end

  defp flat(%Array{} = a, found, _numbers), do: {[a | found], :"$array"}

  defp flat(number, found, true) when is_number(number),
    do: {[Mlx.array(number) | found], :"$array"}

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
  def unflatten(template, arrays) do
    {tree, []} = build(template, arrays)
    tree
  end

  defp build(:"$array", [a | rest]), do: {a, rest}
  defp build({:"$constant", value}, rest), do: {value, rest}
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

  defp build_pairs(items, rest) do
    Enum.map_reduce(items, rest, fn {key, item}, rest ->
      {value, rest} = build(item, rest)
      {{key, value}, rest}
    end)
  end

  @doc "The arrays of a tree, in order."
  @spec leaves(term) :: [Array.t()]
  def leaves(tree), do: tree |> flatten() |> elem(0)

  @doc "The tree with each array replaced by what the function gives for it."
  @spec map(term, (Array.t() -> term)) :: term
  def map(tree, function) do
    {arrays, template} = flatten(tree)
    unflatten(template, Enum.map(arrays, function))
  end

  @doc "The same of two trees of one structure."
  @spec map(term, term, (Array.t(), Array.t() -> term)) :: term
  def map(tree, other, function) do
    {arrays, template} = flatten(tree)
    others = leaves(other)

    if length(arrays) != length(others) do
      Mlx.Error.fail(:tree, "trees of #{length(arrays)} and of #{length(others)} arrays")
    end

    unflatten(template, Enum.zip_with(arrays, others, function))
  end
end
