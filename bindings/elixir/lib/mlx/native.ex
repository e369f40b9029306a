defmodule Mlx.Native do
  @moduledoc false
  # The functions of c_src/nif.c. They check what they are given and raise Mlx.Error.

  @on_load :load

  @doc false
  def load do
    path = :filename.join(:code.priv_dir(:mlx), ~c"mlx_nif")
    :erlang.load_nif(path, 0)
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
    def unquote(name)(unquote_splicing(arguments)), do: :erlang.nif_error(:not_loaded)
  end
end
