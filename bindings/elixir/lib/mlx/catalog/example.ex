defmodule Mlx.Catalog.Example do
  @moduledoc false
  # The catalog's examples, which are Python's, as doctests of Elixir's: at compile time, for `Mlx.Catalog`.
  #
  #     >>> mx.cumsum(mx.array([1, 2]), 0)        iex> Mlx.cumsum(Mlx.array([1, 2]), axis: 0)
  #     array([1, 3], dtype=int32)                #Mlx.Array<int32[2]
  #                                                 [1, 3]
  #                                               >
  #
  # A recursive descent over what examples are made of: calls, literals, names, `.shape`, an index or a slice, and `>`.
  # Of an example with anything else (a lambda, `<<`) there is none here.

  @modules %{
    "" => "Mlx",
    "fft" => "Mlx.FFT",
    "linalg" => "Mlx.Linalg",
    "fast" => "Mlx.Fast",
    "random" => "Mlx.Random",
    "distributed" => "Mlx.Distributed"
  }
  @dtypes ~w(bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64)
  @words %{
    "True" => "true",
    "False" => "false",
    "None" => "nil",
    "mx.nan" => ":nan",
    "mx.inf" => ":infinity",
    "mx.pi" => ":math.pi()",
    "mx.e" => ":math.exp(1)"
  }

  @doc "The example in a manual, as text of a doctest; nil: there is none, or none that can be said so."
  def doctest(manual, rows) do
    with [_, text] <- String.split(manual, "\nExample:\n"),
         lines = text |> String.trim_trailing() |> String.split("\n") |> Enum.map(&indented/1),
         do: lines |> steps() |> Enum.map_join("\n", &step(&1, rows)) |> used()
  catch
    :unknown -> nil
  else
    [_] -> nil
    text -> text
  end

  # What is named and not looked at would be a warning.
  defp used(text) do
    for [_, names] <- Regex.scan(~r/iex> [{[]?([a-z, ]+)[]}]? = /, text),
        name <- String.split(names, ", "),
        length(Regex.scan(~r/\b#{name}\b/, text)) < 2,
        do: throw(:unknown)

    text
  end

  defp indented("    " <> line), do: line
  defp indented(line), do: line

  # [{">>> ...", [what is printed]}]
  defp steps(lines) do
    lines
    |> Enum.chunk_while(
      nil,
      fn
        ">>> " <> code, nil -> {:cont, {code, []}}
        ">>> " <> code, {last, printed} -> {:cont, {last, Enum.reverse(printed)}, {code, []}}
        line, {code, printed} -> {:cont, {code, [line | printed]}}
      end,
      fn {code, printed} -> {:cont, {code, Enum.reverse(printed)}, nil} end
    )
  end

  defp step({code, printed}, rows) do
    {code, type} = code |> tokens() |> statement(rows)
    {code, type} = arrays(printed, code, type)
    Enum.map_join(["iex> " <> code | printed(printed, type)], "\n", &("    " <> &1))
  end

  # Several arrays are shown as lists of numbers.
  defp arrays(["[array(" <> _], code, _type), do: {"Enum.map(#{code}, &Mlx.to_list/1)", "list"}

  defp arrays(["(array(" <> _], code, "list" <> _),
    do: {"Enum.map(#{code}, &Mlx.to_list/1)", "list"}

  defp arrays(["(array(" <> rest], code, _type),
    do: arrays(["[array(" <> rest], "Tuple.to_list(#{code})", "list")

  defp arrays(_, code, type), do: {code, type}

  # --- what is printed ------------------------------------------------------------------------

  defp printed([], _type), do: []

  defp printed(["array(" <> first | rest], _type) do
    [_, last, dtype] = Regex.run(~r/\A(.*), dtype=(\w+)\)\z/, List.last([first | rest]))
    lines = Enum.drop([first | rest], -1) ++ [last]
    values = Enum.map(lines, &("  " <> String.replace_prefix(&1, "      ", "")))
    ["#Mlx.Array<#{dtype}[#{Enum.join(sizes(Enum.join(lines)), ", ")}]"] ++ values ++ [">"]
  end

  defp printed(["mlx.core." <> dtype], _type) when dtype in @dtypes, do: [":" <> dtype]

  defp printed([line], "list") do
    arrays =
      for [_, values, dtype] <- Regex.scan(~r/array\((.*?), dtype=(\w+)\)/, line),
          do: numbers(values, dtype)

    ["[" <> Enum.join(arrays, ", ") <> "]"]
  end

  defp printed([line], type) do
    unless line =~ ~r/\A([-\d\s(),.]|True|False)+\z/, do: throw(:unknown)
    # sizes that an operation gives are a list
    {left, right} = if type == "tuple[int]", do: {"[", "]"}, else: {"{", "}"}

    [
      line
      |> words()
      |> String.replace(",)", ")")
      |> String.replace("(", left)
      |> String.replace(")", right)
    ]
  end

  defp printed(_, _), do: throw(:unknown)

  defp words(text), do: text |> String.replace("True", "true") |> String.replace("False", "false")

  defp numbers(values, "float" <> _),
    do: Regex.replace(~r/(?<![\d.])(\d+)(?![\d.])/, values, "\\1.0")

  defp numbers(values, _), do: words(values)

  # The sizes of "[[1, 2], [3, 4]]".
  defp sizes("[" <> _ = text) do
    {list, _} =
      text |> String.replace(~r/\s/, "") |> String.replace(~r/[^][,]+/, "0") |> Code.eval_string()

    lengths(list)
  end

  defp sizes(_), do: []

  defp lengths([]), do: [0]
  defp lengths([first | _] = list), do: [length(list) | lengths(first)]
  defp lengths(_), do: []

  # --- expressions ----------------------------------------------------------------------------

  defp tokens(code) do
    token =
      ~r/\G\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?j?|\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|"[^"]*"|[-()\[\],=*\/+:>])/

    found = Regex.scan(token, code)

    unless found |> Enum.map_join(&hd/1) |> String.length() == String.length(code),
      do: throw(:unknown)

    Enum.map(found, &List.last/1)
  end

  # `x = ...`, `q, r = ...`, or what is shown, with its type.
  defp statement(tokens, rows) do
    case Enum.split_while(tokens, &(&1 not in ["=", "("])) do
      {names, ["=" | rest]} -> rest |> shown(rows) |> assigned(Enum.reject(names, &(&1 == ",")))
      _ -> shown(tokens, rows)
    end
  end

  defp assigned({code, type}, [name]), do: {"#{name} = #{code}", type}

  defp assigned({code, type}, names) do
    {left, right} = if type =~ ~r/^list/, do: {"[", "]"}, else: {"{", "}"}
    {left <> Enum.join(names, ", ") <> right <> " = " <> code, type}
  end

  defp shown(tokens, rows) do
    case items(tokens, nil, rows) do
      {[{nil, value}], []} -> value
      {many, []} -> {"{#{Enum.map_join(many, ", ", fn {nil, {code, _}} -> code end)}}", "shape"}
      _ -> throw(:unknown)
    end
  end

  # Up to a closing token: [{name or nil, {code, type}}], where the type is the catalog's.
  defp items([close | rest], close, _rows), do: {[], rest}
  defp items([], nil, _rows), do: {[], []}

  defp items([name, "=" | rest], close, rows) do
    {value, rest} = expression(rest, rows)
    {others, rest} = more(rest, close, rows)
    {[{name, value} | others], rest}
  end

  defp items(tokens, close, rows) do
    {value, rest} = expression(tokens, rows)
    {others, rest} = more(rest, close, rows)
    {[{nil, value} | others], rest}
  end

  defp more(["," | rest], close, rows), do: items(rest, close, rows)
  defp more(rest, close, rows) when rest == [] or hd(rest) == close, do: items(rest, close, rows)
  defp more(_, _, _), do: throw(:unknown)

  defp expression(tokens, rows) do
    {value, rest} = signed(tokens, rows)
    operated(value, rest, rows)
  end

  # Of numbers alone.
  defp operated({re, "number"}, [sign, im | rest], rows) when sign in ["+", "-"] do
    if String.ends_with?(im, "j"),
      do:
        {{"{#{re}, #{String.trim_leading(sign, "+")}#{String.trim_trailing(im, "j")}}",
          "complex"}, rest},
      else: sum({re, "number"}, [sign, im | rest], rows)
  end

  defp operated({left, "array"}, [">" | rest], rows) do
    {{right, _}, rest} = signed(rest, rows)
    {{"Mlx.greater(#{left}, #{right})", "array"}, rest}
  end

  defp operated(value, [sign | _] = rest, rows) when sign in ["+", "-", "*", "/"],
    do: sum(value, rest, rows)

  defp operated(value, rest, _rows), do: {value, rest}

  defp sum({left, "number"}, [sign | rest], rows) do
    case signed(rest, rows) do
      {{right, "number"}, rest} -> operated({"#{left} #{sign} #{right}", "number"}, rest, rows)
      _ -> throw(:unknown)
    end
  end

  defp sum(_, _, _), do: throw(:unknown)

  defp signed(["-", "mx.inf" | rest], _rows), do: {{":neg_infinity", "number"}, rest}

  # Elixir reads -0.0 as 0.0.
  defp signed(["-", "0.0" | _], _rows), do: throw(:unknown)

  defp signed(["-" | rest], rows) do
    {{code, type}, rest} = signed(rest, rows)
    {{"-" <> code, type}, rest}
  end

  defp signed(tokens, rows) do
    {value, rest} = primary(tokens, rows)
    followed(value, rest)
  end

  defp primary(["(" | rest], rows), do: group(rest, ")", rows, "{", "}")
  defp primary(["[" | rest], rows), do: group(rest, "]", rows, "[", "]")
  defp primary(["mx." <> name, "(" | rest], rows), do: called(name, rest, rows)

  defp primary([<<first, _::binary>> = text | rest], _rows) when first in ?0..?9,
    do: {{number(text), "number"}, rest}

  defp primary(["\"" <> _ = text | rest], _rows), do: {{text, "str"}, rest}

  defp primary(["mx." <> name | rest], _rows) when name in @dtypes,
    do: {{":" <> name, "Dtype"}, rest}

  defp primary([name | rest], _rows) when is_map_key(@words, name),
    do: {{@words[name], "number"}, rest}

  # A variable, and what follows it: packed.shape
  defp primary([name | rest], _rows) do
    case Regex.run(~r/\A([a-z]\w*)(\.[a-z]+)?\z/, name) do
      [_, variable] when variable != "lambda" -> {{variable, "array"}, rest}
      [_, variable, attribute] when variable != "mx" -> {{variable, "array"}, [attribute | rest]}
      _ -> throw(:unknown)
    end
  end

  defp primary([], _rows), do: throw(:unknown)

  defp group(tokens, close, rows, left, right) do
    {items, rest} = items(tokens, close, rows)
    {{left <> Enum.map_join(items, ", ", fn {nil, {code, _}} -> code end) <> right, "list"}, rest}
  end

  # 1e-5 is 1.0e-5
  defp number(text), do: Regex.replace(~r/\A(\d+)e/, text, "\\1.0e")

  defp followed({code, _}, [".shape" | rest]),
    do: followed({"Mlx.shape(#{code})", "shape"}, rest)

  defp followed({code, _}, [".dtype" | rest]), do: followed({"Mlx.dtype(#{code})", "Dtype"}, rest)

  defp followed({code, _}, [".flatten", "(", ")" | rest]),
    do: followed({"Mlx.flatten(#{code})", "array"}, rest)

  defp followed(value, ["[", ":", to, "]" | rest]),
    do: followed(value, ["[", "0", ":", to, "]" | rest])

  defp followed({code, "array"}, ["[", from, ":", to, "]" | rest]),
    do: {{"#{code}[#{from}..#{String.to_integer(to) - 1}]", "array"}, rest}

  defp followed({code, type}, ["[", at, "]" | rest]) do
    case type do
      "array" -> {{"#{code}[#{at}]", "array"}, rest}
      "tuple" <> _ -> followed({"elem(#{code}, #{at})", "array"}, rest)
      "list" <> _ -> followed({"Enum.at(#{code}, #{at})", "array"}, rest)
      _ -> throw(:unknown)
    end
  end

  defp followed({_, _}, ["[" | _]), do: throw(:unknown)
  defp followed({_, _}, ["." <> _ | _]), do: throw(:unknown)
  defp followed(value, rest), do: {value, rest}

  # --- calls ----------------------------------------------------------------------------------

  defp called(name, tokens, rows) do
    {given, rest} = items(tokens, ")", rows)
    {{code(name, given, rows), result(name, rows)}, rest}
  end

  defp code("array", given, _rows),
    do: "Mlx.array(#{Enum.map_join(given, ", ", fn {_, {code, _}} -> code end)})"

  defp code(name, given, rows) do
    {plain, options} = name |> parameters(rows, given) |> arguments(given)
    options = for {name, code} <- options, do: "#{name}: #{code}"
    "#{function(name)}(#{Enum.join(plain ++ options, ", ")})"
  end

  # "fft.rfft" as "Mlx.FFT.rfft"
  defp function(name) do
    {module, name} = split(name)
    owner = Map.get(@modules, module) || throw(:unknown)
    "#{owner}.#{name}"
  end

  defp split(name) do
    case String.split(name, ".") do
      [name] -> {"", name}
      [module, name] -> {module, name}
    end
  end

  defp found(name, rows) do
    {module, name} = split(name)
    module = String.trim_trailing("mlx.core." <> module, ".")
    if name == "arange", do: throw(:unknown)

    case for(row <- rows, elem(row, 1) == module, to_string(elem(row, 2)) == name, do: row) do
      [] -> throw(:unknown)
      rows -> rows
    end
  end

  defp result("array", _rows), do: "array"
  defp result(name, rows), do: name |> found(rows) |> hd() |> elem(5)

  defp parameters(name, rows, given) do
    rows = found(name, rows)
    plain = Enum.count(given, &match?({nil, _}, &1))
    row = Enum.find(rows, hd(rows), &(length(required(&1)) == plain))
    elem(row, 7)
  end

  defp required(row), do: for({_, _, nil, place} = p <- elem(row, 7), place != :keyword, do: p)

  # Required ones by position, all others by name.
  defp arguments([{_, _, _, :rest} | parameters], given) do
    {plain, named} = Enum.split_with(given, &match?({nil, _}, &1))
    {_, options} = arguments(parameters, named)
    {["[" <> Enum.map_join(plain, ", ", fn {nil, {code, _}} -> code end) <> "]"], options}
  end

  defp arguments(_parameters, []), do: {[], []}

  defp arguments([{name, _, fallback, place} | parameters], [{nil, {code, _}} | given]) do
    {plain, options} = arguments(parameters, given)

    if fallback == nil and place != :keyword,
      do: {[code | plain], options},
      else: {plain, [{name, code} | options]}
  end

  defp arguments(parameters, given) do
    for {name, {code, _}} <- given, reduce: {[], []} do
      {plain, options} ->
        case Enum.find(parameters, &(to_string(elem(&1, 0)) == name)) do
          {_, _, nil, place} when place != :keyword -> {plain ++ [code], options}
          nil -> throw(:unknown)
          _ -> {plain, options ++ [{name, code}]}
        end
    end
  end
end
