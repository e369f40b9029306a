"""Language models: text in, text out.

    from mlx import lm

    model = lm.load("SmolLM2-135M-Instruct.Q4_1.gguf")
    print(model.chat("What is the capital of France?"))
    for piece in model.stream("Once upon a time", max_tokens=50):
        print(piece.text, end="", flush=True)

A model is a GGUF file, or a folder as Hugging Face or MLX have it. Requests of all threads are
computed together, and none changes what another answers.
"""

import json
import os
import threading
from collections import deque
from typing import Any, Iterator, NamedTuple, Optional, Sequence, Union

from .core import _lm, array, clip, sigmoid
from .tokenizer import Encoding, Tokenizer, TokenStream, chat_variables, place_of

__all__ = ["Encoding", "Model", "Piece", "TokenStream", "Tokenizer", "load"]

_FINISH = (None, "end", "stop", "length", "cancelled", "failed")
_END_OF_ANSWER = 5

# What may be asked; None is the same as nothing.
_OPTIONS = {
    *("stop", "ignore_end", "log_probabilities", "show_special", "seed", "temperature", "top_k"),
    *("top_p", "min_p", "typical_p", "xtc_probability", "xtc_threshold", "repetition_penalty"),
    *("presence_penalty", "frequency_penalty", "penalty_last", "dry_multiplier", "dry_base"),
    *("dry_allowed", "dry_last", "mirostat_tau", "mirostat_eta", "logit_bias", "schema", "regex"),
    *("grammar", "choices", "save_cache", "load_cache"),
}
_OF_FILES = {"save_cache", "load_cache"}
_OF_READING = {*_OF_FILES, "log_probabilities", "show_special"}  # of the prompt's tokens
_OF_MODELS = {
    *("requests", "waiting", "context", "chunk", "kv_bytes", "kv_bits", "shift", "keep", "lookup"),
    *("draft_tokens", "heads"),
}
# Options that do nothing where none of these is given.
_NEEDS = {
    "xtc_threshold": ("xtc_probability",),
    "dry_base": ("dry_multiplier",),
    "dry_allowed": ("dry_multiplier",),
    "dry_last": ("dry_multiplier",),
    "mirostat_eta": ("mirostat_tau",),
    "penalty_last": ("repetition_penalty", "presence_penalty", "frequency_penalty"),
}

Prompt = Union[str, Sequence[int]]
Messages = Union[str, Sequence[dict]]


class Piece(NamedTuple):
    """What came of one token. The last one has `finish` and no token.

    Args:
        text: What the token adds to the text.
        token: Its number.
        finish: "end", "stop", "length" or "cancelled", of the last piece.
        log_p: The logarithm of the token's probability, where it was asked for.
        top: Pairs of token and logarithm, the likeliest first, where they were asked for.
        prompt_tokens: How many tokens the prompt has.
        cached_tokens: How many of these need not be computed.
        generated_tokens: How many came so far.

    Example:
        >>> model = lm.load("model.gguf")
        >>> pieces = list(model.stream("The capital of France is", max_tokens=3))
        >>> len(pieces), pieces[-1].finish, pieces[-1].generated_tokens
        (4, 'length', 3)
    """

    text: str
    token: Optional[int]
    finish: Optional[str]  # "end", "stop", "length" or "cancelled"
    log_p: Optional[float]  # where log_probabilities were asked for
    top: list  # [(token, log probability)], likeliest first
    prompt_tokens: int
    cached_tokens: int  # of these, found in the cache
    generated_tokens: int


def _piece(event) -> Piece:
    token, text, finish, prompt, _, cached, generated, log_p, top = event
    return Piece(
        text,
        token if token >= 0 else None,
        _FINISH[finish],
        log_p if log_p == log_p else None,
        top,
        prompt,
        cached,
        generated,
    )


def _structure(schema, regex, grammar, choices):
    if schema is not None and not isinstance(schema, str):
        schema = json.dumps(schema)
    if choices is not None:
        choices = _list_of("str", choices, "choices")
    kinds = {"schema": schema, "regex": regex, "grammar": grammar, "choices": choices}
    given = [(kind, what) for kind, what in kinds.items() if what is not None]
    if len(given) > 1:
        raise ValueError("[lm] one of schema, regex, grammar and choices at a time")
    return given[0] if given else None


def _said(why):
    return why if why.startswith("[") else f"[lm] {why}"


def _given(options, known):
    return {name: x for name, x in options.items() if x is not None or name not in known}


def _check_needs(request):
    for name, needs in _NEEDS.items():
        if name in request and not any(other in request for other in needs):
            raise ValueError(f"[lm] {name} does nothing without {' or '.join(needs)}")


def _check_reading(options, allowed):
    for name, given in options.items():
        if given is not None and name in _OPTIONS - allowed:
            raise ValueError(f"[lm] {name} does nothing where a prompt is only read")


def _list_of(what, given, name):
    """Of a str its letters would be the list."""
    if isinstance(given, (str, bytes, bytearray)):
        raise TypeError(f"[lm] {name} are a list of {what}, not one: [{given!r:.80}]")
    return list(given)


class Model:
    """A language model. `load` makes one.

    Example:
        >>> model = lm.load("model.gguf")
        >>> model.logits([1, 2, 3]).shape[0]
        3
    """

    def __init__(self, model, options, place):
        self._model = model
        self.tokenizer = Tokenizer._of(model.tokenizer(), place)
        self._options = options
        self._batch = None
        self._lock = threading.Lock()

    # --- what it is -------------------------------------------------------------------------------

    @property
    def info(self) -> dict[str, Any]:
        """family, name, context, vocabulary, hidden, layers, parameters, nbytes, encoder, vector
        (numbers of a text's), classes (of its classifier), end_tokens."""
        return self._model.about()

    @property
    def state(self) -> dict[str, int]:
        """Counts of all requests so far: tokens read, generated, found in the cache, guessed; bytes of
        keys and values."""
        return self._requests().about()

    def __repr__(self):
        i = self.info
        return f"Model({i['name']!r}, {i['family']}, {i['parameters']:,} parameters)"

    def encode(self, text: str, *, bare: bool = False, plain: bool = False) -> list[int]:
        """The tokens of a text. bare: without what the tokenizer puts around it; plain: special tokens
        in it are text."""
        return self.tokenizer.encode(text, bare=bare, plain=plain)

    def decode(self, tokens: Sequence[int], *, special: bool = False) -> str:
        """The text of tokens."""
        return self.tokenizer.decode(tokens, special=special)

    def logits(self, prompt: Prompt) -> array:
        """Logits (n, vocabulary) of all positions of a text, not computed yet."""
        return self._model.logits(self.encode(prompt) if isinstance(prompt, str) else prompt)

    def embed(self, texts: Union[str, Sequence[str]]) -> array:
        """The vectors (n, info["vector"]) of texts, of length 1; of one text one. What is beyond the
        tokens that the model reads is cut off."""
        if isinstance(texts, str):
            return self._model.embed([texts])[0]
        return self._model.embed(_list_of("str", texts, "texts"))

    def classify(self, text: str, others: Sequence[str]) -> array:
        """What the model's classifier gives a text with each of some others: (n, classes), as it is."""
        return self._model.classify(text, _list_of("str", others, "others"))

    def rerank(self, query: str, texts: Sequence[str]) -> list[tuple[int, float]]:
        """(number, relevance) of texts, the best answers to a query first: by the classifier where the
        model has one of one class (a cross-encoder: 0 to 1), else the cosine of their vectors."""
        texts = _list_of("str", texts, "texts")
        if self.info["classes"]:
            scores = sigmoid(self.classify(query, texts))
            if scores.shape[1] != 1:
                raise ValueError(f"[lm] the model tells {scores.shape[1]} classes: it ranks none")
            scores = scores[:, 0].tolist()
        else:
            cosines = self.embed(texts) @ self.embed(query)
            scores = clip(cosines, -1, 1).tolist()  # vectors are rounded
        return sorted(enumerate(scores), key=lambda pair: (-pair[1], pair[0]))

    # --- answers ----------------------------------------------------------------------------------

    def generate(self, prompt: Prompt, max_tokens: int = 256, **options) -> str:
        """The text that goes on with a prompt; options are those of `stream`."""
        return "".join(piece.text for piece in self.stream(prompt, max_tokens, **options))

    def generate_all(
        self, prompts: Sequence[Prompt], max_tokens: int = 256, **options
    ) -> list[str]:
        """The same for several prompts, which are computed together."""
        streams = []
        try:
            for prompt in _list_of("prompts", prompts, "prompts"):
                streams.append(self.stream(prompt, max_tokens, **options))
            return ["".join(piece.text for piece in stream) for stream in streams]
        finally:  # one that fails leaves none behind
            for stream in streams:
                stream.close()

    def read(self, prompt: Prompt, **options) -> None:
        """Read a prompt without an answer, so that what begins as it does need not be read again:
        in this model's cache, or in a file (save_cache, which may go on from a load_cache)."""
        _check_reading(options, _OF_FILES)
        self.generate(prompt, -1, **options)

    def stream(self, prompt: Prompt, max_tokens: int = 256, **options) -> Iterator[Piece]:
        """The same piece by piece, as tokens come. Leaving the loop ends the request.

        Options: stop (texts), ignore_end, log_probabilities (n likeliest, -1: the token's own),
        show_special; seed, temperature (0: the likeliest), top_k, top_p, min_p, typical_p,
        xtc_probability, xtc_threshold, repetition_penalty, presence_penalty, frequency_penalty,
        penalty_last, dry_multiplier, dry_base, dry_allowed, dry_last, mirostat_tau, mirostat_eta,
        logit_bias ({token: number}); schema, regex, grammar, choices: what the answer is held to;
        save_cache: a file that keeps what was computed of prompt and answer, load_cache: one whose
        text the prompt begins with, so that it is not computed again (see `read`).
        Of a top_k of 0 all tokens may come, of a top_p or typical_p of 0 one; a
        repetition_penalty of 1 changes nothing. Without one xtc_threshold is 0.1, dry_base 1.75,
        dry_allowed 2, mirostat_eta 0.1; given alone, without what they are of, they are refused.
        None is the same as nothing given. max_tokens=0: to the end of the context."""
        return _Stream(self, *self._start(self._request(prompt, max_tokens, options)))

    def chat(self, messages: Messages, max_tokens: int = 1024, **options) -> str:
        """The answer to a message, or to a conversation ([{"role": ..., "content": ...}]), by the
        model's chat template. Special tokens in messages are text."""
        return "".join(piece.text for piece in self.stream_chat(messages, max_tokens, **options))

    def stream_chat(
        self, messages: Messages, max_tokens: int = 1024, *, tools=None, variables=None, **options
    ) -> Iterator[Piece]:
        """The same piece by piece. variables: what else the template is given."""
        most = 1024 if max_tokens is None else max_tokens
        return self.stream(self.prompt(messages, tools=tools, variables=variables), most, **options)

    def prompt(self, messages: Messages, *, tools=None, variables=None) -> list[int]:
        """The tokens of a conversation, where the model is to answer."""
        return self._model.chat(chat_variables(messages, tools, variables))

    # --- requests ---------------------------------------------------------------------------------

    def _requests(self):
        with self._lock:
            if self._batch is None:
                self._batch = _lm.batch(self._model, **self._options)
            return self._batch

    @staticmethod
    def _request(prompt, max_tokens, options):
        most = 256 if max_tokens is None else max_tokens
        request = {"max_tokens": most, **_given(options, _OPTIONS)}
        if isinstance(prompt, (bytes, bytearray)):
            raise TypeError("[lm] a prompt is str or a list of tokens, not bytes: decode them")
        for name, n in request.items():
            if name != "seed" and isinstance(n, int) and not -(2**31) <= n < 2**31:
                raise OverflowError(f"[lm] {name} is {n}, which has more than 32 bits")
        if most == -1:
            _check_reading(request, _OF_READING)
        _check_needs(request)
        if request.get("repetition_penalty") == 0:
            raise ValueError("[lm] repetition_penalty is 0: 1 leaves logits as they are")
        if request.get("xtc_threshold") == 0:
            raise ValueError("[lm] xtc_threshold is 0, and has to be above it")
        for name in ("top_p", "typical_p"):  # the least there is, one token
            if request.get(name) == 0:
                request[name] = 1e-300
        request["text" if isinstance(prompt, str) else "tokens"] = prompt
        kinds = [request.pop(k, None) for k in ("schema", "regex", "grammar", "choices")]
        request["structure"] = _structure(*kinds)
        for file in ("load_cache", "save_cache"):
            if file in request:
                request[file] = os.fspath(request[file])
        stop = request.get("stop", ())
        request["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
        return request

    def _start(self, request):
        events = deque()
        number = self._requests().add(events, **request)
        if not number:
            with self._lock:
                self._batch.step()  # those that were cancelled leave
            number = self._batch.add(events, **request)
        if not number:
            raise RuntimeError("[lm] too many requests wait")
        return number, events


class _Stream:
    """The pieces of an answer as they come. Letting go of it ends the request."""

    def __init__(self, model, number, events):
        self._model, self._number, self._events = model, number, events
        self._ended = False

    def __iter__(self):
        return self

    def __next__(self):
        try:
            while not self._ended:
                event = self._event()
                if event[2] == _END_OF_ANSWER:
                    raise RuntimeError(_said(event[1]))
                self._ended = event[2] != 0
                if self._ended or event[0] >= 0:
                    return _piece(event)
        except BaseException:
            self.close()
            raise
        raise StopIteration

    def _event(self):
        while not self._events:
            with self._model._lock:  # whoever has it computes for all
                if not self._events:
                    self._model._batch.step()
        return self._events.popleft()

    def close(self):
        """The answer ends here."""
        if not self._ended:
            self._ended = True
            self._model._batch.cancel(self._number)

    __del__ = close


def load(path, adapter=None, *, draft: Optional[Model] = None, **options) -> Model:
    """The language model of a file or folder.

    Weights are mapped; after a hundred tokens or so they may move into memory of the process, which
    other processes do not share, unless MLX_LARGE_PAGES=0 is in the environment (docs/lm.md).

    Args:
        path: A GGUF file, a folder, or "org/model" in the hub's cache.
        adapter: A folder with a low-rank change.
        draft: A smaller model of the same tokens that guesses, so that this one need only check.
        options: requests (computed at a time, 16), waiting (1000), context (tokens of one request),
            chunk (tokens of prompts in a step, 512), kv_bytes (most of keys and values; 0: as many
            as are needed), kv_bits
            (32, 16, 8, 4), shift and keep (beyond the context half of the text behind `keep` tokens
            is forgotten), lookup (tokens guessed from what was said before), draft_tokens, heads
            (tokens guessed by the model's own head). None is the same as nothing given.

    Returns:
        Model: The model, of which nothing was computed yet.

    Raises:
        RuntimeError: there is no such file, or it is no language model
        TypeError: `draft` is no Model, or there is no such option

    Example:
        >>> model = lm.load("model.gguf", context=512)
        >>> model.generate("The capital of France is", max_tokens=1)
        ' Paris'
    """
    options = _given(options, _OF_MODELS)
    if draft is not None:
        if not isinstance(draft, Model):
            raise TypeError(
                f"[lm] draft: a Model (load makes one) was expected, not {draft!r:.200}"
            )
        options["draft"] = draft._model
    path = place_of(path)
    model = Model(_lm.open(path, adapter and os.fspath(adapter)), options, path)
    if options:
        model._requests()  # what is wrong with them is said now
    return model
