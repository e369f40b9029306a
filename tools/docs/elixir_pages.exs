# elixir elixir_pages.exs FOLDER-OF-BEAMS OUT: a page of Markdown for each documented module, and OUT/modules with a line for
# each: its name, a tab, its first sentence.
[beams, out] = System.argv()

text = fn
  %{"en" => doc} -> doc
  _ -> nil
end

# headings inside a page's entries are bold words
flat = fn doc -> Regex.replace(~r/^\#{1,4} (.*)$/m, doc, "**\\1**") end

# a specification on one line
line = fn code -> code |> String.replace(~r/\s+/, " ") |> String.replace("( ", "(") |> String.replace(" )", ")") end

# {name, arity} => lines of its @spec
specs_of = fn beam ->
  case Code.Typespec.fetch_specs(File.read!(beam)) do
    {:ok, specs} ->
      for {{name, _} = key, types} <- specs, into: %{} do
        {key, Enum.map(types, &("@spec " <> line.(Macro.to_string(Code.Typespec.spec_to_quoted(name, &1)))))}
      end

    :error ->
      %{}
  end
end

entry = fn {{kind, name, arity}, _, signatures, doc, _}, specs ->
  called = if signatures == [], do: ["#{name}/#{arity}"], else: signatures
  shown = Enum.join(called ++ Map.get(specs, {name, arity}, []), "\n")
  ["### #{name}/#{arity}#{if kind == :macro, do: " (macro)"}\n\n```elixir\n#{shown}\n```\n\n", flat.(text.(doc)), "\n\n"]
end

first = fn doc -> doc |> String.split("\n\n") |> hd() |> String.replace("\n", " ") |> String.split(". ") |> hd() end

modules =
  for beam <- Path.wildcard(Path.join(beams, "*.beam")),
      {:docs_v1, _, :elixir, _, module_doc, _, entries} <- [Code.fetch_docs(beam)],
      doc = text.(module_doc) do
    name = beam |> Path.basename(".beam") |> String.replace_prefix("Elixir.", "")
    shown = for {{kind, _, _}, _, _, d, _} = e <- entries, kind in [:function, :macro], text.(d), do: e
    specs = specs_of.(beam)
    page = ["# #{name}\n\n", flat.(doc), "\n\n", if(shown == [], do: [], else: "## Functions\n\n") | Enum.map(Enum.sort(shown), &entry.(&1, specs))]
    File.write!(Path.join(out, "#{name}.md"), page)
    "#{name}\t#{first.(doc)}\n"
  end

File.write!(Path.join(out, "modules"), modules)
