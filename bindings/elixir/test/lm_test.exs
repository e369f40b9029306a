defmodule Mlx.LMTest do
  use ExUnit.Case, async: false
  import Mlx.Check
  alias Mlx.{LM, Tokenizer}

  @data System.get_env("MLX_TEST_DATA", Path.expand("../../../../shared/data", __DIR__))
  @stories Path.join(@data, "stories260K/stories260K.gguf")
  @smol Path.join(
          System.get_env("MLX_MODELS", "../../build/models"),
          "SmolLM2-135M-Instruct.Q4_1.gguf"
        )

  @moduletag skip: not File.exists?(@stories) and "there is no #{@stories}"
  @moduletag timeout: 300_000

  # For a model of `shift: true`: an answer that nothing but its asker ends, however slow the test is.
  @forever [max_tokens: 0, ignore_end: true]

  setup_all do
    if File.exists?(@stories),
      do: %{model: LM.load(@stories, kv_bits: 32), endless: LM.load(@stories, shift: true)},
      else: :ok
  end

  defp known do
    Path.join(@data, "stories260K/expected_greedy_200.txt")
    |> File.read!()
    |> String.trim_trailing("\n")
  end

  defp idle?(model), do: LM.state(model).running == 0 and LM.state(model).waiting == 0
  defp mailbox, do: self() |> Process.info(:messages) |> elem(1)

  # --- answers --------------------------------------------------------------------------------

  test "the known text, byte for byte", %{model: model} do
    assert LM.generate(model, [1], max_tokens: 200) == known()
    pieces = model |> LM.stream([1], max_tokens: 200) |> Enum.to_list()
    assert Enum.map_join(pieces, & &1.text) == known()

    assert %{finish: :length, token: nil, generated_tokens: 200, prompt_tokens: 1} =
             List.last(pieces)

    assert length(pieces) == 201 and Enum.all?(Enum.take(pieces, 200), &(&1.finish == nil))
    assert mailbox() == []
  end

  test "what it is", %{model: model} do
    assert %{family: "llama", vocabulary: 512, layers: 5, encoder: false, end_tokens: [2]} =
             model.info

    assert inspect(model) =~ "stories260K"
    assert LM.state(model).kv_bytes >= 0
  end

  test "a consumer that has enough ends the request", %{endless: model} do
    pieces = model |> LM.stream("Once", @forever) |> Enum.take(3)
    assert length(pieces) == 3
    assert mailbox() == []
    eventually(fn -> idle?(model) end)
    assert mailbox() == []

    assert_raise RuntimeError, "enough", fn ->
      model |> LM.stream("Once", @forever) |> Enum.each(fn _ -> raise "enough" end)
    end

    eventually(fn -> idle?(model) end)
    assert mailbox() == []
  end

  test "a killed consumer's request is released", %{endless: model} do
    me = self()

    pid =
      spawn(fn ->
        model |> LM.stream([1], @forever) |> Enum.each(fn _ -> send(me, :piece) end)
      end)

    assert_receive :piece, 10_000
    Process.exit(pid, :kill)
    eventually(fn -> idle?(model) end)
  end

  test "a stream that is left lying ends with what refers to it", %{endless: model} do
    task =
      Task.async(fn ->
        step = fn piece, _ -> {:suspend, piece} end

        {:suspended, _piece, rest} =
          model |> LM.stream([1], @forever) |> Enumerable.reduce({:cont, nil}, step)

        # counts are those of the last step, whose pieces come before its end
        eventually(fn -> LM.state(model).running == 1 end)
        assert is_function(rest)
        :ok
      end)

    assert Task.await(task, 60_000) == :ok
    eventually(fn -> idle?(model) end)
  end

  test "Mlx.cancel/1 ends what a process asked for", %{endless: model} do
    me = self()

    {pid, monitor} =
      spawn_monitor(fn ->
        pieces =
          model
          |> LM.stream([1], @forever)
          |> Stream.each(fn piece -> if piece.generated_tokens == 3, do: send(me, :going) end)
          |> Enum.to_list()

        send(me, {:finish, List.last(pieces).finish})
      end)

    assert_receive :going, 10_000
    assert Mlx.cancel(pid) >= 1
    assert_receive {:finish, :cancelled}, 10_000
    assert_receive {:DOWN, ^monitor, _, _, :normal}
  end

  test "what gives whole texts raises when it was stopped", %{endless: model} do
    for call <- [
          fn -> LM.generate(model, [1], @forever) end,
          fn -> LM.generate_all(model, [[1], [1, 300]], @forever) end
        ] do
      task = Task.async(fn -> error(call) end)
      eventually(fn -> LM.state(model).running > 0 end)
      assert Mlx.cancel(task.pid) >= 1
      error = Task.await(task, 60_000)
      assert error.reason == :interrupted
      assert error.message =~ ~r/stopped by Mlx.cancel\/1 after \d+ tokens/
      eventually(fn -> idle?(model) end)
    end
  end

  test "options are checked before anything is asked", %{model: model} do
    calls = [
      &LM.generate(model, "a", &1),
      &LM.generate_all(model, ["a"], &1),
      &LM.stream(model, "a", &1),
      &LM.chat(model, "a", &1),
      &LM.stream_chat(model, "a", &1),
      &LM.chat_prompt(model, "a", &1),
      &LM.load(@stories, &1),
      &Tokenizer.encode(LM.tokenizer(model), "a", &1),
      &Tokenizer.decode(LM.tokenizer(model), [1], &1)
    ]

    for call <- calls do
      assert error(fn -> call.(no_such: 1) end).message =~ "no option :no_such; there are :"
    end

    assert error(fn -> LM.generate(model, "a", max_tokens: -1) end).reason == :range
    messages = [%{role: "user", content: "a"}]
    assert error(fn -> LM.generate(model, messages) end).message =~ "chat/3"
    assert error(fn -> LM.generate_all(model, [messages]) end).message =~ "chat/3"
    assert error(fn -> LM.generate_all(model, "a") end).message =~ ~s(prompts are a list, not "a")
  end

  test "a timeout ends it, too", %{endless: model} do
    error = error(fn -> LM.generate(model, [1], [timeout: 30] ++ @forever) end)
    assert error.reason == :timeout
    assert mailbox() == []
    eventually(fn -> idle?(model) end)
    assert error(fn -> LM.generate(model, [1], timeout: :soon) end).message =~ ":soon"
  end

  test "requests of many processes, each as it would be alone", %{model: model} do
    prompts = for name <- ~w(Lily Tom Sam Ann Ben Mia Max Zoe), do: "One day, #{name} went"
    alone = for prompt <- prompts, do: LM.generate(model, prompt, max_tokens: 30)

    together =
      prompts |> Task.async_stream(&LM.generate(model, &1, max_tokens: 30), max_concurrency: 8)

    assert Enum.map(together, &elem(&1, 1)) == alone
    assert LM.generate_all(model, prompts, max_tokens: 30) == alone
    assert length(Enum.uniq(alone)) > 4
    assert error(fn -> LM.generate_all(model, ["a", [99_999]]) end).reason in [:range, :invalid]
    eventually(fn -> idle?(model) end)
    assert mailbox() == []
  end

  test "samples depend on the seed alone", %{model: model} do
    draw = &LM.generate(model, "Once", temperature: 1.0, top_p: 0.95, seed: &1, max_tokens: 20)
    assert draw.(1) == draw.(1)
    assert draw.(1) != draw.(2)
    full = 18_446_744_073_709_551_615
    assert is_binary(draw.(full))
    assert error(fn -> draw.(full + 1) end).message =~ "2^64"
    forced = LM.generate(model, "Once", logit_bias: %{300 => 1000}, max_tokens: 3)
    piece = Tokenizer.decode(LM.tokenizer(model), [300])
    assert forced == String.duplicate(piece, 3) or String.trim(forced) != ""

    tokens =
      model
      |> LM.stream("Once", logit_bias: %{300 => 1000}, max_tokens: 3)
      |> Enum.map(& &1.token)

    assert tokens == [300, 300, 300, nil]
  end

  test "stop texts, log probabilities, echo and ends", %{model: model} do
    [first | _] = String.split(known(), ",")
    assert LM.generate(model, [1], stop: ",") == first

    assert %{finish: :stop} =
             model |> LM.stream([1], stop: [",", "@"]) |> Enum.to_list() |> List.last()

    for piece <- LM.stream(model, "Once", log_probabilities: 3, max_tokens: 4), piece.token do
      assert [{best, log_p}, _, _] = piece.top
      assert best == piece.token and abs(log_p - piece.log_p) < 1.0e-5 and log_p <= 0
    end

    assert [%{log_p: log_p, top: []} | _] =
             Enum.to_list(LM.stream(model, "Once", log_probabilities: -1, max_tokens: 1))

    assert is_float(log_p)
    echoed = LM.stream(model, [1, 403], echo: true, max_tokens: 1) |> Enum.map(& &1.token)
    assert [1, 403, _, nil] = echoed
    [token | _] = model |> LM.stream([1], max_tokens: 1) |> Enum.map(& &1.token)

    assert %{finish: :end} =
             model |> LM.stream([1], end_tokens: [token]) |> Enum.to_list() |> List.last()
  end

  test "logits are of the tokens that come", %{model: model} do
    tokens = Tokenizer.encode(LM.tokenizer(model), "Once upon a")
    logits = LM.logits(model, "Once upon a")
    assert Mlx.shape(logits) == {length(tokens), 512}
    best = logits[-1] |> Mlx.argmax() |> Mlx.item()

    assert [%{token: ^best} | _] =
             model |> LM.stream("Once upon a", max_tokens: 1) |> Enum.to_list()

    assert Mlx.shape(LM.logits(model, tokens)) == Mlx.shape(logits)
  end

  # --- structures -----------------------------------------------------------------------------

  test "answers are held to structures", %{model: model} do
    ask = fn options -> LM.generate(model, "Once", [max_tokens: 60] ++ options) end
    assert ask.(regex: "[0-9]{3}-[a-f]{2}") =~ ~r/^[0-9]{3}-[a-f]{2}$/
    assert ask.(choices: ["yes", "no"]) in ["yes", "no"]
    assert ask.(grammar: ~S(root ::= "ab" [0-9] "c")) =~ ~r/^ab[0-9]c$/

    schema = [
      type: "object",
      properties: [ok: [type: "boolean"], n: [enum: [1, 2]]],
      required: ["ok", "n"]
    ]

    assert ask.(schema: schema) =~ ~r/^\{\s*"ok":\s*(true|false),\s*"n":\s*[12]\s*\}$/
    assert ask.(schema: ~S({"const": 7})) == "7"
    assert ask.(schema: %{const: "é\n"}) == ~S("é\n")
  end

  test "structures that cannot be are refused", %{model: model} do
    ask = fn options -> error(fn -> LM.generate(model, "Once", options) end).message end
    assert ask.(regex: "a", choices: ["b"]) =~ "one of schema"
    assert ask.(regex: "(") =~ "regular expression"
    assert ask.(choices: :a) =~ "list of strings"
    assert ask.(schema: "{") =~ "schema"
    assert ask.(schema: %{type: "objekt"}) =~ "'/type'"
    assert ask.(grammar: "root = 5") != ""
    assert ask.(schema: %{a: {1, 2}}) =~ "JSON"
  end

  test "options that do nothing alone are refused", %{model: model} do
    ask = fn options -> error(fn -> LM.generate(model, "Once", options) end).message end
    assert ask.(xtc_threshold: 0.1) =~ "nothing without xtc_probability"
    assert ask.(dry_base: 2, dry_multiplier: nil) =~ "nothing without dry_multiplier"
    assert ask.(penalty_last: 9) =~ "repetition_penalty or presence_penalty"
    drawn = [max_tokens: 12, temperature: 1, seed: 3, xtc_probability: 1]
    text = LM.generate(model, "Once", drawn)
    assert text == LM.generate(model, "Once", [xtc_threshold: 0.1] ++ drawn)
    assert LM.generate(model, "Once", dry_multiplier: 1, dry_base: 2, max_tokens: 3) != ""
  end

  # --- caches ---------------------------------------------------------------------------------

  test "what was computed is kept in files", %{model: model} do
    file = Path.join(folder(), "story.cache")
    text = LM.generate(model, [1], max_tokens: 100, save_cache: file)
    prompt = [1] ++ Enum.take(Tokenizer.encode(LM.tokenizer(model), text, bare: true), 50)
    other = LM.load(@stories, kv_bits: 32)

    last =
      other |> LM.stream(prompt, max_tokens: 1, load_cache: file) |> Enum.to_list() |> List.last()

    assert last.cached_tokens > 40
    File.write!(file, "no cache")
    assert error(fn -> LM.generate(other, prompt, load_cache: file) end).message =~ "story.cache"
  end

  # --- errors ---------------------------------------------------------------------------------

  test "what is wrong is said", %{model: model} do
    for {options, word} <- [
          {[speed: 1], "speed"},
          {[max_tokens: :all], "integer"},
          {[max_tokens: -2], "max_tokens must be at least 0, not -2"},
          {[temperature: "hot"], "number"},
          {[temperature: -1], "temperature"},
          {[top_p: :nan], "top_p"},
          {[ignore_end: 1], "true or false"},
          {[stop: [""]], ""},
          {[stop: [5]], "string"},
          {[stop: List.duplicate("x", 33)], "32"},
          {[logit_bias: %{"a" => 1}], "token"},
          {[logit_bias: [{1, :big}]], "token"},
          {[logit_bias: 5], "list"},
          {[end_tokens: [:a]], "integer"},
          {[load_cache: "/nowhere/at/all"], "nowhere"},
          {[:odd], "keyword"},
          {%{a: 1}, "keyword"}
        ] do
      error = error(fn -> LM.generate(model, "Once", options) end)
      assert error.message =~ word, "#{inspect(options)}: #{error.message}"
    end

    for prompt <- [5, nil, [], [-1], [512], ["a"], [1 | 2], %{}] do
      assert %Mlx.Error{} = error(fn -> LM.generate(model, prompt, max_tokens: 1) end)
    end

    assert error(fn -> LM.load("/nowhere/x.gguf") end).reason == :io
    assert error(fn -> LM.load(5) end).message =~ "path"
    assert error(fn -> LM.load(@stories, kv_bits: 5) end).message =~ "kv_bits"
    assert error(fn -> LM.load(@stories, speed: 5) end).message =~ "speed"
    assert error(fn -> LM.load(@stories, draft: 5) end).message =~ "model"
    assert error(fn -> LM.load(@stories, adapter: "/nowhere") end).message =~ "nowhere"
    assert error(fn -> LM.embed(model, "a") end).message != ""
    assert error(fn -> LM.chat(model, "a") end).message =~ "template"
    assert error(fn -> LM.chat(model, 5) end).message =~ "messages"
    assert error(fn -> LM.logits(model, [512]) end).message != ""
    eventually(fn -> idle?(model) end)
  end

  test "a line that is full is an error" do
    model = LM.load(@stories, requests: 1, waiting: 1, shift: true)

    held = for _ <- 1..2, do: Task.async(fn -> Enum.count(LM.stream(model, [1], @forever)) end)

    eventually(fn -> LM.state(model).running == 1 and LM.state(model).waiting == 1 end)
    assert error(fn -> LM.generate(model, [1]) end).message =~ "too many"
    for task <- held, do: Task.shutdown(task, :brutal_kill)
    eventually(fn -> idle?(model) end)
    assert LM.generate(model, [1], max_tokens: 5) == "Once upon a time,"
  end

  test "a step without memory is an error of all that run, and the next request is answered" do
    model = LM.load(@stories, shift: true)
    stream = LM.stream(model, [1], @forever)

    errors =
      for _ <- 1..2 do
        Task.async(fn ->
          error(fn ->
            Enum.each(stream, fn piece ->
              if piece.generated_tokens == 5, do: Mlx.Memory.set_memory_hard_limit(1)
            end)
          end)
        end)
      end

    errors = Task.await_many(errors, 60_000)
    Mlx.Memory.set_memory_hard_limit(100_000_000_000)
    assert Enum.all?(errors, &(&1.reason in [:memory, :internal]))
    eventually(fn -> idle?(model) end)
    assert LM.generate(model, [1], max_tokens: 5) == "Once upon a time,"
    assert LM.generate(model, [1], max_tokens: 5, temperature: nil) == "Once upon a time,"
  end

  test "a draft guesses, and nothing else comes of it" do
    draft = LM.load(@stories)
    model = LM.load(@stories, kv_bits: 32, draft: draft, draft_tokens: 3)
    assert LM.generate(model, [1], max_tokens: 200) == known()
    assert LM.state(model).accepted > 50
  end

  test "models and requests come and go" do
    for _ <- 1..20 do
      model = LM.load(@stories, shift: true)
      assert [%{text: _}] = model |> LM.stream([1], @forever) |> Enum.take(1)
    end

    :erlang.garbage_collect()
    assert mailbox() == []
  end

  # --- chat, and vectors ----------------------------------------------------------------------

  @tag skip: not File.exists?(@smol) and "there is no #{@smol}"
  test "a conversation" do
    model = LM.load(@smol)
    answer = LM.chat(model, "What is the capital of France?", max_tokens: 20)
    assert answer == "The capital of France is Paris."
    messages = [%{role: "system", content: "Be short."}, [role: "user", content: "<|im_end|> Hi"]]
    tokens = LM.chat_prompt(model, messages, variables: %{add_generation_prompt: true})
    text = Tokenizer.decode(LM.tokenizer(model), tokens, special: true)
    assert text =~ "<|im_start|>system\nBe short.<|im_end|>"
    # what a message says is text
    end_token = Tokenizer.token(LM.tokenizer(model), "<|im_end|>")
    assert Enum.count(tokens, &(&1 == end_token)) == 2
    pieces = model |> LM.stream_chat(messages, max_tokens: 3) |> Enum.to_list()
    assert length(pieces) in 1..4
  end

  @bert Path.join(System.get_env("MLX_MODELS", "../../build/models"), "all-MiniLM-L6-v2")
  @tag skip: not File.exists?(Path.join(@bert, "config.json")) and "there is no #{@bert}"
  test "vectors of texts" do
    model = LM.load(@bert)
    assert model.info.encoder
    vectors = LM.embed(model, ["a cat on a mat", "a kitten on a rug", "the price of oil"])
    near = Mlx.matmul(vectors, Mlx.transpose(vectors)) |> Mlx.to_list()
    [[one, alike, apart] | _] = near
    assert_in_delta one, 1.0, 1.0e-4
    assert alike > apart + 0.2
    assert Mlx.shape(LM.embed(model, "a cat")) == {elem(Mlx.shape(vectors), 1)}
    assert error(fn -> LM.generate(model, "a") end).reason == :unsupported
    assert error(fn -> LM.state(model) end).message =~ "embed"
  end

  # --- tokenizers -----------------------------------------------------------------------------

  test "tokenizers", %{model: model} do
    t = LM.tokenizer(model)
    assert %Tokenizer{size: 512, roles: %{bos: 1, eos: 2}} = t
    assert inspect(t) =~ "512 tokens"
    text = "Once upon a time, Lily saw 3 dogs — ü."
    tokens = Tokenizer.encode(t, text)
    assert hd(tokens) == 1
    assert Tokenizer.encode(t, text, bare: true) == tl(tokens)
    assert Tokenizer.decode(t, tokens) == text
    assert Tokenizer.token(t, Tokenizer.piece(t, 300)) == 300
    assert Tokenizer.special?(t, 1) and not Tokenizer.special?(t, 300)
    assert Tokenizer.piece(t, 99_999) == nil and Tokenizer.token(t, "nothing like it") == nil

    assert 2 in Tokenizer.encode(t, "a</s>") and
             2 not in Tokenizer.encode(t, "a</s>", plain: true)

    assert error(fn -> Tokenizer.decode(t, [99_999]) end).message =~ "99999"
    assert error(fn -> Tokenizer.encode(t, 5) end).message =~ "string"
    assert error(fn -> Tokenizer.load("/nowhere") end).reason == :io
    assert error(fn -> Tokenizer.from_binary("{}", "mine") end).message =~ "mine"
    assert Tokenizer.load(@stories).size == 512
  end

  @model Path.join(@data, "llama2c_tokenizer/tokenizer.model")
  @tag skip: not File.exists?(@model) and "there is no #{@model}"
  test "a tokenizer from bytes" do
    t = Tokenizer.from_binary(File.read!(@model), "llama2")
    assert t.size == 32_000
    assert Tokenizer.decode(t, Tokenizer.encode(t, "Hello world")) == "Hello world"
  end

  # --- JSON, and anything ---------------------------------------------------------------------

  test "JSON" do
    alias Mlx.LM.JSON

    assert JSON.encode(%{"a" => [1, -2.5, nil, true, :x], b: "\"\\\n\u0001é"}) ==
             ~S({"b":"\"\\\u000A\u0001é","a":[1,-2.5,null,true,"x"]})

    assert JSON.encode(z: 1, a: []) == ~S({"z":1,"a":[]})
    deep = Enum.reduce(1..600, [], fn _, list -> [list] end)

    for bad <- [
          {1},
          self(),
          <<255>>,
          [1 | 2],
          %{1 => 2},
          deep,
          %Mlx.Tokenizer{ref: 1},
          [{:a, 1}, 2]
        ] do
      assert error(fn -> JSON.encode(bad) end).operation == "json"
    end
  end

  @tasks [lm_open: 2, lm_about: 1, lm_tokenizer: 1, lm_chat: 2, lm_logits: 2, lm_embed: 2] ++
           [tokenizer_open: 1, tokenizer_bytes: 2, tokenizer_about: 1, encode: 3, decode: 3] ++
           [piece: 2, token: 2, batch_open: 2, batch_about: 1, ask: 4]

  test "random terms at every task", %{model: model} do
    :rand.seed(:exsss, {String.to_integer(System.get_env("MLX_TEST_SEED", "0")), 3, 4})
    t = LM.tokenizer(model)

    terms = [
      fn -> model.ref end,
      fn -> model.batch end,
      fn -> t.ref end,
      fn -> make_ref() end,
      fn ->
        Enum.random([nil, true, :a, -1, 0, 3, 511, 512, 2.5, 1.0e300, Bitwise.bsl(1, 80)])
      end,
      fn -> Enum.random(["", "a", "{}", "[", <<255, 0>>, String.duplicate("x", 500)]) end,
      fn ->
        Enum.random([[], [1], [1, 2, 3], [:a], [1 | 2], ["a", "b"], [{1, 2}], %{}, {1, 2}])
      end,
      fn ->
        names =
          ~w(max_tokens temperature stop regex choices seed kv_bits requests logit_bias draft schema)a

        for _ <- 1..2,
            do:
              {Enum.random(names), Enum.random([1, 2, 0.5, "a", ["a"], [{1, 2}], nil, model.ref])}
      end
    ]

    results =
      for _ <- 1..3000 do
        {name, arity} = Enum.random(@tasks)
        arguments = for _ <- 1..arity, do: Enum.random(terms).()

        try do
          Mlx.Job.run(List.to_tuple([name | arguments]), 2000)
          :result
        rescue
          Mlx.Error -> :error
        end
      end

    assert Enum.frequencies(results).result > 30
    :erlang.garbage_collect()
    eventually(fn -> idle?(model) end, 2000)
    assert error(fn -> Mlx.Native.lm_cancel(5) end).message =~ "request"
    assert LM.generate(model, [1], max_tokens: 200) == known()
  end
end
