defmodule Mlx.Transforms.Arity do
  @moduledoc false

  @doc """
  A function of as many arguments as another, which go to `call` as a list. A macro, so that an error
  of a call with more or fewer names the transform.
  """
  defmacro of_arity(function, call) do
    clauses =
      for n <- 0..16 do
        arguments = Macro.generate_arguments(n, __MODULE__)

        {:->, [],
         [
           [n],
           quote(do: fn unquote_splicing(arguments) -> call.([unquote_splicing(arguments)]) end)
         ]}
      end

    other = quote(do: (n -> unquote(__MODULE__).fail(n)))

    quote do
      call = unquote(call)
      case unquote(__MODULE__).of(unquote(function)), do: unquote(clauses ++ other)
    end
  end

  def of(function) when is_function(function), do: function |> Function.info(:arity) |> elem(1)

  def of(other),
    do: Mlx.Error.fail(:transform, "a function is needed, not #{inspect(other, limit: 5)}")

  @spec fail(integer) :: no_return
  def fail(n),
    do: Mlx.Error.fail(:transform, :range, "a function of #{n} arguments has more than 16")
end
