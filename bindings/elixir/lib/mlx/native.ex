defmodule Mlx.Native do
  @moduledoc false
  # The functions of c_src/nif.c. They check what they are given and raise Mlx.Error.

  # Where they cannot be loaded each raises what was wrong. A module that works is not replaced by one
  # that does not.

  alias Mlx.Error

  @on_load :load
  @failure {__MODULE__, :failure}
  @works {__MODULE__, :works}

  @doc false
  def load do
    case :erlang.load_nif(to_charlist(Path.join(folder(), "mlx_nif")), 0) do
      :ok -> :persistent_term.put(@works, true)
      {:error, {_reason, text}} -> failed(text)
    end
  end

  defp failed(text) do
    if :persistent_term.get(@works, false),
      do: :error,
      else: :persistent_term.put(@failure, to_string(text))
  end

  # Erlang finds it by the name of the application's folder; a copy may have another one.
  defp folder do
    folders = for folder when is_list(folder) <- [:code.priv_dir(:mlx), beside()], do: folder
    Enum.find(folders, "priv", &File.exists?(Path.join(&1, "mlx_nif.so")))
  end

  defp beside do
    with path when is_list(path) <- :code.which(__MODULE__),
         do: to_charlist(Path.join([Path.dirname(path), "..", "priv"]))
  end

  defp failure do
    why = :persistent_term.get(@failure, "it is another build's")

    %Error{
      reason: :internal,
      message:
        "the native half, mlx_nif.so in the folder priv beside that of the modules, " <>
          "was not loaded: " <> why
    }
  end

  functions = [
    call_row: [:row, :arguments, :options],
    part: [:name, :arguments],
    catalog: [],
    from_binary: [:binary, :shape, :dtype],
    from_numbers: [:numbers, :shape, :dtype],
    info: [:array],
    available?: [:array],
    binary: [:array],
    numbers: [:array],
    deallocate: [:array],
    start: [:parent, :reference, :task],
    answer: [:job, :answer],
    cancel: [:job],
    cancel_process: [:pid],
    relieved: [],
    eval_small: [:arrays],
    apply_closure: [:closure, :arrays],
    closure: [:function],
    transform: [:name, :closure, :options],
    cell_new: [:value],
    cell_get: [:cell],
    cell_put: [:cell, :value],
    place: [:name, :argument],
    lm_cancel: [:ticket],
    stats: []
  ]

  for {name, arguments} <- functions do
    arguments = for a <- arguments, do: {:"_#{a}", [], __MODULE__}
    def unquote(name)(unquote_splicing(arguments)), do: :erlang.nif_error(failure())
  end
end
