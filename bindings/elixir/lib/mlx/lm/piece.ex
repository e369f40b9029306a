defmodule Mlx.LM.Piece do
  @moduledoc """
  What came of one token of an answer. The last one has `finish` (`:end`, `:stop`, `:length` or
  `:cancelled`) and no token; `top` has `{token, log probability}` where they were asked for, likeliest
  first; of the prompt's tokens `cached_tokens` were found in the cache.
  """
  defstruct [
    :token,
    :finish,
    :log_p,
    text: "",
    top: [],
    prompt_tokens: 0,
    cached_tokens: 0,
    generated_tokens: 0
  ]

  @type t :: %__MODULE__{
          text: String.t(),
          token: non_neg_integer | nil,
          finish: nil | :end | :stop | :length | :cancelled,
          log_p: float | nil,
          top: [{non_neg_integer, float}],
          prompt_tokens: non_neg_integer,
          cached_tokens: non_neg_integer,
          generated_tokens: non_neg_integer
        }
end
