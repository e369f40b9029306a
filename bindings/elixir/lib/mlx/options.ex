defmodule Mlx.Options do
  @moduledoc false
  # What functions that are not of the catalog take as options.

  alias Mlx.Error

  @doc """
  The options of an operation as a map, with the defaults; all that there are have one, and where it is
  true or false the option is.
  """
  def read(name, given, defaults) do
    o = defaults |> Keyword.merge(check(name, given, Keyword.keys(defaults))) |> Map.new()
    for {key, yes} when is_boolean(yes) <- defaults, do: one_of(name, key, o[key], [true, false])
    o
  end

  @doc "The options, if they are some."
  def keywords(name, given) do
    unless Keyword.keyword?(given),
      do: Error.fail(name, "options are a keyword list, not #{inspect(given, limit: 5)}")

    given
  end

  @doc "The options, if all are known."
  def check(name, given, known) do
    for {key, _} <- keywords(name, given), key not in known do
      there = Enum.map_join(known, ", ", &inspect/1)
      Error.fail(name, "there is no option #{inspect(key)}; there are #{there}")
    end

    given
  end

  @doc "The option that is a number: any, one `:above` 0, one `:from` 0, or one of a range."
  def number(name, options, key, fallback, which \\ :any) do
    x = Keyword.get(options, key, fallback)

    unless is_number(x) and among?(x, which) do
      Error.fail(name, "#{key} must be #{wanted(which)}, not #{inspect(x, limit: 5)}")
    end

    x
  end

  defp among?(_x, :any), do: true
  defp among?(x, :above), do: x > 0
  defp among?(x, :from), do: x >= 0
  defp among?(x, least..most//_), do: x >= least and x <= most

  defp wanted(:any), do: "a number"
  defp wanted(:above), do: "a number above 0"
  defp wanted(:from), do: "a number from 0"
  defp wanted(least..most//_), do: "a number from #{least} to #{most}"

  @doc "The option that is true or false."
  def flag(name, options, key, fallback),
    do: one_of(name, key, Keyword.get(options, key, fallback), [true, false])

  @doc "The option that is a function of so many arguments."
  def function(name, options, key, arity, fallback) do
    function = Keyword.get(options, key, fallback)

    unless is_function(function, arity) do
      given = inspect(function, limit: 5)
      Error.fail(name, "#{key} must be a function of #{arity} arguments, not #{given}")
    end

    function
  end

  @doc "The option that is an integer, an axis."
  def axis(name, options, fallback) do
    axis = Keyword.get(options, :axis, fallback)

    unless is_integer(axis),
      do: Error.fail(name, "axis must be an integer, not #{inspect(axis, limit: 5)}")

    axis
  end

  @doc "The value, if it is one of those there are."
  def one_of(name, what, value, values) do
    unless value in values do
      {last, first} = values |> Enum.map(&inspect/1) |> List.pop_at(-1)

      Error.fail(
        name,
        "#{what} must be #{Enum.join(first, ", ")} or #{last}, not #{inspect(value, limit: 5)}"
      )
    end

    value
  end

  @doc "What is given, if it is a struct of the module."
  def one(name, given, module) do
    unless is_struct(given, module) do
      Error.fail(name, "a %#{inspect(module)}{} is needed, not #{inspect(given, limit: 5)}")
    end

    given
  end

  @doc "What such a struct refers to."
  def ref(name, given, module), do: one(name, given, module).ref

  @doc "A path as a string."
  def path(path, name \\ :load) do
    IO.chardata_to_string(path)
  rescue
    _ -> Error.fail(name, "a path must be a string, not #{inspect(path, limit: 5)}")
  end

  # What a process can wait for.
  @longest 0xFFFF_FFFF

  @doc "When a timeout ends, in the milliseconds of the monotonic clock, or :infinity."
  def deadline(timeout, name \\ :timeout)
  def deadline(:infinity, _name), do: :infinity

  def deadline(timeout, _name) when is_integer(timeout) and timeout in 0..@longest,
    do: System.monotonic_time(:millisecond) + timeout

  def deadline(timeout, name) do
    Error.fail(
      name,
      "a timeout must be :infinity or milliseconds, at most #{@longest}, " <>
        "not #{inspect(timeout, limit: 5)}"
    )
  end

  @doc "The milliseconds until a deadline."
  def left(:infinity), do: :infinity
  def left(deadline), do: max(deadline - System.monotonic_time(:millisecond), 0)
end
