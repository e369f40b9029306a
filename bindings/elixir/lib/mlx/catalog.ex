defmodule Mlx.Catalog do
  @moduledoc false
  # Functions made from libmlxc's catalog at compile time.
  #
  #     use Mlx.Catalog, module: "mlx.core.fft"
  #
  # gives the module a function for each name that the catalog has there: required arguments by
  # position, all others as options. Names of `except:` are left out, and second names call the
  # first. What is about memory is in a module of its own, "mlx.core.memory".

  alias Mlx.Catalog.Example
  alias Mlx.Native

  @memory ~w(get_active_memory get_cache_memory get_peak_memory get_memory_limit
    reset_peak_memory clear_cache set_cache_limit set_memory_limit set_memory_hard_limit
    set_wired_limit)a

  @doc "A number that is another one where the catalog is."
  def fingerprint, do: :erlang.phash2(Native.catalog(), 4_294_967_296)

  defmacro __using__(options) do
    module = Keyword.fetch!(options, :module)
    {rows, aliases} = Native.catalog()
    except = Keyword.get(options, :except, [])
    groups = rows |> Enum.filter(&(module_of(&1) == module)) |> Enum.group_by(&elem(&1, 2))
    groups = Enum.reject(groups, fn {name, _rows} -> name in except end)

    quote do
      @external_resource unquote(Path.join(Mix.Project.app_path(), "priv/mlx_nif.so"))
      unquote_splicing(Enum.flat_map(groups, fn {name, rows} -> functions(name, rows) end))
      unquote_splicing(aliases(aliases, module, rows))
    end
  end

  defp module_of(row) do
    if elem(row, 1) == "mlx.core" and elem(row, 2) in @memory,
      do: "mlx.core.memory",
      else: elem(row, 1)
  end

  # --- one function ---------------------------------------------------------------------------

  defp functions(name, rows) do
    counts = rows |> Enum.map(&length(required(&1))) |> Enum.uniq() |> Enum.sort()
    [documentation(name, rows) | Enum.flat_map(arities(counts), &arity(name, rows, counts, &1))]
  end

  defp arities(counts), do: counts |> Enum.flat_map(&[&1, &1 + 1]) |> Enum.uniq()

  # With n arguments the last is what options are, an argument, or either.
  defp arity(name, rows, counts, n) do
    case {n in counts, (n - 1) in counts} do
      {true, true} -> [options_clause(name, rows, n, true), plain_clause(name, rows, n)]
      {true, false} -> [plain_clause(name, rows, n)]
      {false, true} -> [options_clause(name, rows, n, false)]
    end
  end

  defp plain_clause(name, rows, n) do
    arguments = arguments(rows, n)

    quote do
      @spec unquote(name)(unquote_splicing(types(rows, n))) :: unquote(result(rows, n))
      def unquote(name)(unquote_splicing(arguments)),
        do: unquote(call(rows, arguments, if(keyed?(rows), do: keyed([]), else: [])))
    end
  end

  defp options_clause(name, rows, n, guarded?) do
    arguments = arguments(rows, n - 1)
    options = Macro.var(:options, __MODULE__)
    body = call(rows, arguments, if(keyed?(rows), do: keyed(options), else: options))
    head = {name, [], arguments ++ [options]}
    head = if guarded?, do: {:when, [], [head, keyword_guard(options)]}, else: head

    quote do
      @spec unquote(name)(unquote_splicing(types(rows, n - 1)), keyword) ::
              unquote(result(rows, n - 1))
      def unquote(head), do: unquote(body)
    end
  end

  defp keyword_guard(options) do
    quote do
      unquote(options) == [] or
        (is_list(unquote(options)) and is_tuple(hd(unquote(options))) and
           is_atom(elem(hd(unquote(options)), 0)))
    end
  end

  defp call([row | _], arguments, options) do
    quote do
      Mlx.Job.call(unquote(elem(row, 0)), {unquote_splicing(arguments)}, unquote(options))
    end
  end

  # Random numbers come from the process's own sequence of keys unless one is given.
  defp keyed?([row | _]),
    do:
      elem(row, 1) == "mlx.core.random" and
        Enum.any?(parameters(row), &match?({:key, _, "None", _}, &1))

  defp keyed(options), do: quote(do: Mlx.Random.keyed(unquote(options)))

  defp parameters(row), do: elem(row, 7)

  defp required(row),
    do: for({_, _, nil, place} = p <- parameters(row), place != :keyword, do: p)

  defp arguments(rows, n) do
    row = Enum.find(rows, hd(rows), &(length(required(&1)) == n))
    for {name, _, _, _} <- Enum.take(required(row), n), do: Macro.var(variable(name), __MODULE__)
  end

  # Names that are not variables of Elixir's.
  defp variable(name) do
    case Atom.to_string(name) do
      <<first, _::binary>> = text when first in ?A..?Z -> String.to_atom(String.downcase(text))
      "fn" -> :function
      _ -> name
    end
  end

  # --- types ----------------------------------------------------------------------------------

  defp types(rows, n) do
    row = Enum.find(rows, hd(rows), &(length(required(&1)) == n))

    for {_, type, _, place} <- Enum.take(required(row), n) do
      if place == :rest, do: quote(do: list | tuple), else: type(type)
    end
  end

  defp result(rows, n) do
    row = Enum.find(rows, hd(rows), &(length(required(&1)) == n))

    case elem(row, 5) do
      "" -> quote(do: term)
      text -> type(text)
    end
  end

  defp type(""), do: quote(do: term)

  defp type(text) do
    text |> String.split("|") |> Enum.map(&part(String.trim(&1))) |> Enum.uniq() |> union()
  end

  defp union([type]), do: type
  defp union([type | types]), do: {:|, [], [type, union(types)]}

  defp part("array"), do: quote(do: Mlx.Array.t())
  defp part("scalar"), do: quote(do: Mlx.scalar())
  defp part("int"), do: quote(do: integer)
  defp part("float"), do: quote(do: number | :nan | :infinity | :neg_infinity)
  defp part("bool"), do: quote(do: boolean)
  defp part("str"), do: quote(do: String.t() | atom)
  defp part("Dtype"), do: quote(do: Mlx.dtype())
  defp part("Group"), do: quote(do: Mlx.Distributed.Group.t())
  defp part("None"), do: nil

  defp part(text) do
    cond do
      String.starts_with?(text, "Literal") -> quote(do: String.t() | atom)
      String.starts_with?(text, "list[array") -> quote(do: [Mlx.Array.t()])
      String.starts_with?(text, "tuple[array, ...") -> quote(do: [Mlx.Array.t()] | tuple)
      true -> quote(do: list | tuple)
    end
  end

  # --- documentation --------------------------------------------------------------------------

  defp documentation(_name, rows) do
    text = Enum.find_value(rows, "", &elem(&1, 4))
    options = rows |> Enum.flat_map(&options/1) |> Enum.uniq_by(&elem(&1, 0))
    whole = rows |> hd() |> elem(8)
    manual = sections(whole)
    said = Map.new(Map.get(manual, "Args", []), &item/1)

    parts = [
      text,
      example(whole),
      list("Arguments", for({n, t} <- said, n not in names(options), do: "`#{n}`: #{t}")),
      option_lines(options, said),
      list("Gives", for(t <- Map.get(manual, "Returns", []), do: t |> item() |> elem(1))),
      list("Errors", for(t <- Map.get(manual, "Raises", []), do: t |> item() |> elem(1)))
    ]

    quote(do: @doc(unquote(parts |> Enum.join() |> String.trim())))
  end

  defp example(manual) do
    case Example.doctest(manual, elem(Native.catalog(), 0)) do
      nil -> ""
      text -> "\n\n" <> text
    end
  end

  # The manual of the catalog, in the form of Python's docstrings: %{"Args" => ["a (array): The input array." ...]}
  defp sections(manual) do
    {_, sections} =
      for line <- String.split(manual, "\n"), line != "", reduce: {nil, %{}} do
        {head, found} ->
          case line do
            "        " <> rest ->
              {head, Map.update!(found, head, &continue(&1, rest))}

            "    " <> rest ->
              {head, Map.update!(found, head, &(&1 ++ [rest]))}

            head ->
              {String.trim_trailing(head, ":"),
               Map.put(found, String.trim_trailing(head, ":"), [])}
          end
      end

    sections
  end

  defp continue(items, rest), do: List.update_at(items, -1, &(&1 <> " " <> rest))

  # "a (array): The input array." as {"a", "The input array."}
  defp item(text) do
    case String.split(text, ": ", parts: 2) do
      [head, rest] -> {head |> String.split(" ") |> hd() |> String.trim_leading("*"), rest}
      [all] -> {"", all}
    end
  end

  defp names(options),
    do: ["stream", "device" | for({name, _, _} <- options, do: to_string(name))]

  defp list(_title, []), do: ""
  defp list(title, items), do: "\n\n#{title}:\n\n" <> Enum.map_join(items, &"  * #{&1}\n")

  defp options(row) do
    for {name, type, fallback, place} <- parameters(row),
        fallback != nil or place == :keyword,
        name not in [:stream, :device],
        do: {name, type, fallback}
  end

  defp option_lines([], _said), do: ""

  defp option_lines(options, said) do
    lines =
      for {name, type, fallback} <- options do
        text = if t = said[to_string(name)], do: ": " <> t, else: ""
        "  * `:#{name}` (#{written(type)}#{if fallback, do: ", " <> written(fallback)})#{text}\n"
      end

    "\n\nOptions:\n\n#{lines}"
  end

  defp written("None"), do: "nil"
  defp written("True"), do: "true"
  defp written("False"), do: "false"
  defp written(text), do: text |> String.replace("'", "\"") |> String.replace("None", "nil")

  # --- second names ---------------------------------------------------------------------------

  defp aliases(aliases, module, rows) do
    for {^module, name, of, from} <- aliases,
        clause <- second_name(rows, name, of, from),
        do: clause
  end

  defp second_name(rows, name, of, from) do
    group = Enum.filter(rows, &(elem(&1, 1) == from and elem(&1, 2) == of))
    counts = group |> Enum.map(&length(required(&1))) |> Enum.uniq()

    for n <- Enum.sort(arities(counts)) do
      arguments = Macro.generate_arguments(n, __MODULE__)

      quote do
        @doc unquote("The same as `#{of}/#{n}`.")
        @spec unquote(name)(unquote_splicing(types_of(group, counts, n))) ::
                unquote(result(group, n))
        def unquote(name)(unquote_splicing(arguments)),
          do: unquote(owner(from)).unquote(of)(unquote_splicing(arguments))
      end
    end
  end

  # With one argument more than the operation has the last is its options.
  defp types_of(group, counts, n) do
    if n in counts, do: types(group, n), else: types(group, n - 1) ++ [quote(do: keyword)]
  end

  defp owner("mlx.core"), do: Mlx
  defp owner("mlx.core.linalg"), do: Mlx.Linalg
end
