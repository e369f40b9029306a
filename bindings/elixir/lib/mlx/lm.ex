defmodule Mlx.LM do
  @moduledoc """
  Language models: text in, text out.

      model = Mlx.LM.load("SmolLM2-135M-Instruct.Q4_1.gguf")
      Mlx.LM.chat(model, "What is the capital of France?")

      model
      |> Mlx.LM.stream("Once upon a time", max_tokens: 50)
      |> Enum.each(&IO.write(&1.text))

  A model is a GGUF file, or a folder as Hugging Face or MLX have it. Any processes may use it: their
  requests are computed together, on a thread of the native half, and none changes what another
  answers. A request ends when its stream is halted, when its process ends, or by `Mlx.cancel/1`: then
  the last piece of a stream has `finish: :cancelled`, and what gives a whole text raises `Mlx.Error`
  with the reason `:interrupted`, as a part is no answer.

  Options of requests:

    * `:max_tokens` (256; of `chat/3` 1024; 0: to the end of the context)
    * `:timeout` in milliseconds, of the whole answer (`:infinity`)
    * `:stop` a text, or several, that end the answer; `:ignore_end`, `:end_tokens`
    * `:temperature` (0: the likeliest token), `:seed`, `:top_k`, `:top_p`, `:min_p`, `:typical_p`,
      `:xtc_probability`, `:xtc_threshold`, `:repetition_penalty`, `:presence_penalty`,
      `:frequency_penalty`, `:penalty_last`, `:dry_multiplier`, `:dry_base`, `:dry_allowed`,
      `:dry_last`, `:mirostat_tau`, `:mirostat_eta`, `:logit_bias` (`%{token => number}`). Given without
      what they are of, `:xtc_threshold` (0.1), `:dry_base` (1.75), `:dry_allowed` (2), `:mirostat_eta`
      (0.1) and their like are refused
    * one of `:schema` (JSON Schema, as a map or a text), `:regex`, `:grammar` (GBNF) and `:choices`:
      what the answer is held to. A map's keys come in the order of their names; a keyword list keeps
      its own
    * `:log_probabilities` of so many of the likeliest tokens (-1: of the token alone), `:echo`,
      `:show_special`, `:special` (special tokens in a prompt of text are those tokens)
    * `:save_cache` a file that keeps what was computed of prompt and answer, `:load_cache` one whose
      text the prompt begins with
  """

  alias Mlx.{Array, Error, Job, Native, Options, Tokenizer}
  alias Mlx.LM.{JSON, Piece}

  @loaded ~w(adapter requests waiting context chunk kv_bytes kv_bits shift keep lookup draft
    draft_tokens heads)a
  @asked ~w(max_tokens timeout stop ignore_end end_tokens temperature seed top_k top_p min_p
    typical_p xtc_probability xtc_threshold repetition_penalty presence_penalty frequency_penalty
    penalty_last dry_multiplier dry_base dry_allowed dry_last mirostat_tau mirostat_eta logit_bias
    schema regex grammar choices log_probabilities echo show_special special save_cache load_cache)a

  # Options that do nothing where none of these is given.
  @needs [
    xtc_threshold: [:xtc_probability],
    dry_base: [:dry_multiplier],
    dry_allowed: [:dry_multiplier],
    dry_last: [:dry_multiplier],
    mirostat_eta: [:mirostat_tau],
    penalty_last: [:repetition_penalty, :presence_penalty, :frequency_penalty]
  ]

  @enforce_keys [:ref]
  defstruct [:ref, :batch, :info]

  @type t :: %__MODULE__{ref: reference, batch: reference | nil, info: map}
  @type prompt :: String.t() | [Tokenizer.token()]
  @type messages :: String.t() | [map | keyword]

  # --- models ---------------------------------------------------------------------------------

  @doc """
  The model of a GGUF file or a folder. Weights are mapped.

  Options:

    * `:adapter` a folder with a low-rank change
    * `:requests` that are computed at a time (16), `:waiting` that may wait (1000)
    * `:context` most tokens of one request, `:chunk` tokens of prompts in a step (512)
    * `:kv_bytes` most of keys and values, which are kept until others need the place (a quarter of the
      machine's memory; 0: no bound), `:kv_bits` (16; 32, 8, 4)
    * `:shift` and `:keep`: beyond the context half of the text behind `keep` tokens is forgotten
    * `:lookup` tokens guessed from what was said before, `:draft` a smaller model of the same tokens
      that guesses, `:draft_tokens`; `:heads` tokens guessed by the model's own head
  """
  @spec load(Path.t(), keyword) :: t
  def load(path, options \\ []) do
    {adapter, options} = :load |> Options.check(options, @loaded) |> Keyword.pop(:adapter)
    ref = Job.run({:lm_open, Options.path(path), adapter && Options.path(adapter)})
    info = info(ref)
    batch = unless info.encoder, do: Job.run({:batch_open, ref, Enum.map(options, &opened/1)})
    %__MODULE__{ref: ref, batch: batch, info: info}
  end

  defp opened({:draft, %__MODULE__{ref: ref}}), do: {:draft, ref}
  defp opened(option), do: option

  @names [:family, :name, :context, :vocabulary, :hidden, :layers, :parameters, :nbytes, :encoder] ++
           [:end_tokens]

  defp info(ref), do: Map.new(Enum.zip(@names, Tuple.to_list(Job.run({:lm_about, ref}))))

  @doc "Its tokenizer."
  @spec tokenizer(t) :: Tokenizer.t()
  def tokenizer(model),
    do: {:lm_tokenizer, ref(:tokenizer, model)} |> Job.run() |> Tokenizer.from_ref()

  @counts [:running, :waiting, :kv_bytes, :kv_kept, :prompt_tokens, :generated, :cached, :guessed] ++
            [:accepted, :steps]

  @doc """
  Counts as of the last step: requests that run and wait, bytes of keys and values, tokens read,
  generated, found in the cache, guessed, and steps.
  """
  @spec state(t) :: %{atom => non_neg_integer}
  def state(model) do
    batch = :state |> Options.one(model, __MODULE__) |> batch()
    Map.new(Enum.zip(@counts, Tuple.to_list(Job.run({:batch_about, batch}))))
  end

  @doc "Logits `{n, vocabulary}` of all positions of a text, not computed yet."
  @spec logits(t, prompt) :: Array.t()
  def logits(model, text) when is_binary(text),
    do: logits(model, model |> tokenizer() |> Tokenizer.encode(text))

  def logits(model, tokens), do: Job.run({:lm_logits, ref(:logits, model), tokens})

  @doc "The vectors `{n, hidden}` of texts, of length 1; of one text `{hidden}`."
  @spec embed(t, String.t() | [String.t()]) :: Array.t()
  def embed(model, text) when is_binary(text), do: embed(model, [text])[0]
  def embed(model, texts), do: Job.run({:lm_embed, ref(:embed, model), texts})

  defp ref(name, model), do: Options.ref(name, model, __MODULE__)

  # --- answers --------------------------------------------------------------------------------

  @doc "The text that goes on with a prompt. Options: those of the module."
  @spec generate(t, prompt, keyword) :: String.t()
  def generate(model, prompt, options \\ []),
    do: model |> stream(prompt, options) |> Enum.map_join(&whole/1)

  # The text of a piece of an answer that nobody stopped.
  defp whole(%Piece{finish: :cancelled, generated_tokens: n}) do
    Error.fail(:lm, :interrupted, "the answer was stopped by Mlx.cancel/1 after #{n} tokens")
  end

  defp whole(%Piece{text: text}), do: text

  @doc "The same for several prompts, which are computed together."
  @spec generate_all(t, [prompt], keyword) :: [String.t()]
  def generate_all(model, prompts, options \\ []) do
    Options.one(:generate_all, model, __MODULE__)

    unless is_list(prompts),
      do: Error.fail(:lm, "prompts are a list, not #{inspect(prompts, limit: 5)}")

    {timeout, options} = request(options, 256)
    asked = Enum.map_reduce(prompts, [], &ask_all(model, &1, options, timeout, &2)) |> elem(0)

    try do
      for asked <- asked, do: asked |> text_of() |> IO.iodata_to_binary()
    after
      Enum.each(asked, &close/1)
    end
  end

  # One that cannot be asked leaves none behind.
  defp ask_all(model, prompt, options, timeout, before) do
    asked = ask(model, prompt, options, timeout)
    {asked, [asked | before]}
  rescue
    error ->
      Enum.each(before, &close/1)
      reraise error, __STACKTRACE__
  end

  defp text_of(asked) do
    case next(asked) do
      {:halt, _asked} -> []
      {[piece], asked} -> [whole(piece) | text_of(asked)]
    end
  end

  @doc """
  The pieces of an answer as they come, `Mlx.LM.Piece`. Nothing is asked before the stream is run, and
  each run asks anew; when whoever runs it has enough, the request ends. Options: those of the module.
  """
  @spec stream(t, prompt, keyword) :: Enumerable.t()
  def stream(model, prompt, options \\ []) do
    Options.one(:stream, model, __MODULE__)
    {timeout, options} = request(options, 256)
    Stream.resource(fn -> ask(model, prompt, options, timeout) end, &next/1, &close/1)
  end

  @doc """
  The answer to a message, or to a conversation (`[%{role: "user", content: "..."}]`), by the model's
  chat template. Special tokens in messages are text.

  Options: those of the module, and `:tools`, a list of descriptions of functions, and `:variables`, what
  else the template is given.
  """
  @spec chat(t, messages, keyword) :: String.t()
  def chat(model, messages, options \\ []),
    do: model |> stream_chat(messages, options) |> Enum.map_join(&whole/1)

  @doc "The same piece by piece."
  @spec stream_chat(t, messages, keyword) :: Enumerable.t()
  def stream_chat(model, messages, options \\ []) do
    Options.one(:chat, model, __MODULE__)
    Options.check(:lm, options, [:tools, :variables | @asked])
    {given, options} = Keyword.split(options, [:tools, :variables])

    stream(
      model,
      chat_prompt(model, messages, given),
      Keyword.put_new(options, :max_tokens, 1024)
    )
  end

  @doc """
  The tokens of a conversation, where the model is to answer. Options: `:tools`, `:variables`.
  """
  @spec chat_prompt(t, messages, keyword) :: [Tokenizer.token()]
  def chat_prompt(model, messages, options \\ [])

  def chat_prompt(model, text, options) when is_binary(text),
    do: chat_prompt(model, [%{role: "user", content: text}], options)

  def chat_prompt(model, messages, options) when is_list(messages) do
    ref = ref(:chat, model)
    o = Options.read(:chat, options, tools: nil, variables: nil)
    given = Map.new(o.variables || %{}) |> Map.put(:messages, messages)
    given = if o.tools, do: Map.put(given, :tools, o.tools), else: given
    Job.run({:lm_chat, ref, JSON.encode(given)})
  end

  def chat_prompt(_model, other, _options),
    do: Error.fail(:chat, "messages are a text or a list, not #{inspect(other, limit: 5)}")

  # --- requests -------------------------------------------------------------------------------

  defp batch(%{batch: nil, info: info}),
    do: Error.fail(:lm, :unsupported, "#{info.name} makes vectors of texts, no text: see embed/2")

  defp batch(%{batch: batch}), do: batch

  # The timeout, and the options as the native half reads them.
  defp request(options, most) do
    {timeout, options} = :lm |> Options.check(options, @asked) |> Keyword.pop(:timeout, :infinity)
    options = options |> Keyword.put_new(:max_tokens, most) |> Enum.flat_map(&option/1)
    Enum.each(@needs, &check_needs(&1, options))
    {timeout, options}
  end

  defp check_needs({name, needs}, options) do
    if Keyword.has_key?(options, name) and not Enum.any?(needs, &Keyword.has_key?(options, &1)),
      do: Error.fail(:lm, "#{name} does nothing without #{Enum.join(needs, " or ")}")
  end

  defp option({_name, nil}), do: []

  defp option({:max_tokens, n}) when is_integer(n) and n < 0,
    do: Error.fail(:lm, :range, "max_tokens must be at least 0, not #{n}")

  defp option({:stop, text}) when is_binary(text), do: [stop: [text]]
  defp option({:logit_bias, map}) when is_map(map), do: [logit_bias: Map.to_list(map)]
  defp option({:schema, text}) when is_binary(text), do: [schema: text]
  defp option({:schema, schema}), do: [schema: JSON.encode(schema)]

  defp option({name, path}) when name in [:load_cache, :save_cache],
    do: [{name, Options.path(path)}]

  defp option(option), do: [option]

  defp ask(_model, [message | _], _options, _timeout) when is_map(message) or is_list(message) do
    Error.fail(
      :lm,
      "a prompt is a text or a list of tokens; chat/3 and stream_chat/3 take messages"
    )
  end

  defp ask(model, prompt, options, timeout) do
    reference = make_ref()
    deadline = Options.deadline(timeout, :lm)
    ticket = Job.run({:ask, batch(model), reference, prompt, options}, timeout)
    %{reference: reference, ticket: ticket, deadline: deadline, ended: false}
  end

  defp next(%{ended: true} = asked), do: {:halt, asked}

  defp next(%{reference: reference} = asked) do
    receive do
      {^reference, :lm, nil, _, nil, _, _, _, _, _, _} -> next(asked)
      {^reference, :lm, nil, why, :failed, _, _, _, _, _, _} -> Error.fail(:lm, :internal, why)
      {^reference, :lm, _, _, finish, _, _, _, _, _, _} = event -> piece(event, asked, finish)
      {^reference, :lm_error, error} -> raise error
    after
      Options.left(asked.deadline) ->
        Error.fail(:lm, :timeout, "the answer took longer than the timeout")
    end
  end

  defp piece({_, :lm, token, text, finish, prompt, _, cached, made, log_p, top}, asked, finish) do
    piece = %Piece{
      text: text,
      token: token,
      finish: finish,
      log_p: log_p,
      top: top,
      prompt_tokens: prompt,
      cached_tokens: cached,
      generated_tokens: made
    }

    {[piece], %{asked | ended: finish != nil}}
  end

  # After it was cancelled nothing more is sent.
  defp close(%{reference: reference, ticket: ticket}) do
    Native.lm_cancel(ticket)
    flush(reference)
  end

  defp flush(reference) do
    receive do
      event when is_tuple(event) and elem(event, 0) == reference -> flush(reference)
    after
      0 -> :ok
    end
  end

  defimpl Inspect do
    def inspect(%{info: info}, _options),
      do: "#Mlx.LM<#{info.name}, #{info.family}, #{info.parameters} parameters>"
  end
end
