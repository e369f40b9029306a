defmodule Mlx.Tokenizer do
  @moduledoc """
  Text to the tokens of a language model, and back.

      tokenizer = Mlx.Tokenizer.load("model.gguf")
      tokens = Mlx.Tokenizer.encode(tokenizer, "Once upon a time")
      Mlx.Tokenizer.decode(tokenizer, tokens)

  It is read from tokenizer.json (Hugging Face), tokenizer.model (SentencePiece) or a GGUF file, or from
  a folder with one of the first two. What a file asks for and is not understood is refused by name.
  """

  alias Mlx.{Job, Options}

  @enforce_keys [:ref]
  defstruct [:ref, :kind, :size, :roles]

  @typedoc """
  `kind` is `"BPE"`, `"Unigram"`, `"WordPiece"` or `"WordLevel"`; all tokens are below `size`; `roles`
  has the tokens `:bos`, `:eos`, `:unk`, `:pad`, `:sep`, `:cls` and `:mask`, or `nil`.
  """
  @type t :: %__MODULE__{
          ref: reference,
          kind: String.t(),
          size: non_neg_integer,
          roles: %{atom => non_neg_integer | nil}
        }

  @type token :: non_neg_integer

  @doc "The tokenizer of a file or folder."
  @spec load(Path.t()) :: t
  def load(path), do: {:tokenizer_open, Options.path(path)} |> Job.run() |> from_ref()

  @doc "That of the bytes of a tokenizer.json or tokenizer.model; the name is for messages."
  @spec from_binary(binary, String.t()) :: t
  def from_binary(bytes, name \\ "tokenizer"),
    do: {:tokenizer_bytes, name, bytes} |> Job.run() |> from_ref()

  @doc false
  def from_ref(ref) do
    {kind, size, roles} = Job.run({:tokenizer_about, ref})
    roles = Map.new(Enum.zip([:bos, :eos, :unk, :pad, :sep, :cls, :mask], roles))
    %__MODULE__{ref: ref, kind: kind, size: size, roles: roles}
  end

  @doc """
  The tokens of a text.

  Options:

    * `:bare` without what the tokenizer puts around a text (false)
    * `:plain` special tokens in the text are text: for texts of strangers (false)
  """
  @spec encode(t, String.t(), keyword) :: [token]
  def encode(tokenizer, text, options \\ []) do
    ref = ref(:encode, tokenizer)
    o = Options.read(:encode, options, bare: false, plain: false)
    Job.run({:encode, ref, text, if(o.bare, do: 1, else: 0) + if(o.plain, do: 2, else: 0)})
  end

  @doc "The text of tokens. Options: `:special` tokens have a text, too (false)."
  @spec decode(t, [token], keyword) :: String.t()
  def decode(tokenizer, tokens, options \\ []) do
    ref = ref(:decode, tokenizer)
    %{special: special} = Options.read(:decode, options, special: false)
    Job.run({:decode, ref, tokens, special})
  end

  @doc "The text of a token as the vocabulary has it, or `nil`."
  @spec piece(t, token) :: String.t() | nil
  def piece(tokenizer, token), do: Job.run({:piece, ref(:piece, tokenizer), token}) |> elem(0)

  @doc "Whether a token is one that has no text of its own."
  @spec special?(t, token) :: boolean
  def special?(tokenizer, token),
    do: Job.run({:piece, ref(:special?, tokenizer), token}) |> elem(1)

  @doc "The token of a text of the vocabulary, or `nil`."
  @spec token(t, String.t()) :: token | nil
  def token(tokenizer, piece), do: Job.run({:token, ref(:token, tokenizer), piece})

  defp ref(name, tokenizer), do: Options.ref(name, tokenizer, __MODULE__)

  defimpl Inspect do
    def inspect(tokenizer, _options),
      do: "#Mlx.Tokenizer<#{tokenizer.kind}, #{tokenizer.size} tokens>"
  end
end
