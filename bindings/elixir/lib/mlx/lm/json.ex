defmodule Mlx.LM.JSON do
  @moduledoc false
  # JSON of plain terms: maps and keyword lists are objects (keyword lists in their order), atoms are
  # strings but for nil, true and false.

  alias Mlx.Error

  @most_levels 500

  def encode(term), do: term |> value(0) |> IO.iodata_to_binary()

  defp value(_term, @most_levels),
    do: Error.fail(:json, :range, "more than #{@most_levels} levels are inside each other")

  defp value(nil, _), do: "null"
  defp value(true, _), do: "true"
  defp value(false, _), do: "false"
  defp value(atom, _) when is_atom(atom), do: string(Atom.to_string(atom))
  defp value(text, _) when is_binary(text), do: string(text)
  defp value(number, _) when is_integer(number), do: Integer.to_string(number)
  defp value(number, _) when is_float(number), do: Float.to_string(number)

  defp value(map, depth) when is_map(map) and not is_struct(map),
    do: object(Enum.to_list(map), depth)

  defp value([{key, _} | _] = list, depth) when is_atom(key), do: object(list, depth)

  defp value(list, depth) when is_list(list) do
    if List.improper?(list), do: unknown(list)
    ["[", list |> Enum.map(&value(&1, depth + 1)) |> Enum.intersperse(","), "]"]
  end

  defp value(other, _), do: unknown(other)

  defp object(pairs, depth) do
    members =
      for pair <- pairs do
        case pair do
          {key, item} when is_atom(key) ->
            [string(Atom.to_string(key)), ":", value(item, depth + 1)]

          {key, item} when is_binary(key) ->
            [string(key), ":", value(item, depth + 1)]

          _ ->
            unknown(pair)
        end
      end

    ["{", Enum.intersperse(members, ","), "}"]
  end

  defp string(text) do
    unless String.valid?(text), do: Error.fail(:json, "a string is not UTF-8")
    [?", for(<<c::utf8 <- text>>, do: character(c)), ?"]
  end

  defp character(?"), do: "\\\""
  defp character(?\\), do: "\\\\"

  defp character(c) when c < 0x20,
    do: ["\\u", c |> Integer.to_string(16) |> String.pad_leading(4, "0")]

  defp character(c), do: <<c::utf8>>

  @spec unknown(term) :: no_return
  defp unknown(term), do: Error.fail(:json, "#{inspect(term, limit: 5)} is nothing that JSON has")
end
