defmodule Mlx.Error do
  @moduledoc """
  What every function of this package raises.

    * `operation`: the name of the operation, or `nil`
    * `reason`: `:invalid` (an argument that no call accepts), `:range` (an index, axis or size),
      `:memory`, `:io`, `:format` (of a file), `:unsupported`, `:device`, `:interrupted` (by
      `Mlx.cancel/1`), `:timeout`, `:deallocated`, `:not_finite` or `:internal`
    * `message`: what was given and what was expected
  """
  defexception [:operation, :reason, :message]

  @type t :: %__MODULE__{operation: String.t() | nil, reason: atom, message: String.t()}

  @impl true
  def message(%{operation: operation, message: message}) do
    if operation == nil or String.starts_with?(message, "["),
      do: message,
      else: "[#{operation}] #{message}"
  end

  @doc false
  def fail(operation, reason \\ :invalid, message),
    do: raise(__MODULE__, operation: to_string(operation), reason: reason, message: message)
end
