"""Text to the numbers of a language model, and back; `mlx.lm` has it as `lm.Tokenizer`.

    from mlx.lm import Tokenizer

    t = Tokenizer("SmolLM2-135M-Instruct.Q4_1.gguf")
    ids = t.encode("The capital of France is Paris.")
    print(ids, t.decode(ids))

Text is str, or bytes in UTF-8; zeros are characters, and in bytes what is no UTF-8 counts as
U+FFFD. What can be no text or no token is a ValueError: a lone surrogate in a str, a number that is
negative, or beyond the vocabulary, or of any size. A tokenizer does not change, and any threads may
use it at once: the GIL is free while text is encoded and decoded.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Optional, Union

from .core import _lm

__all__ = ["Encoding", "TokenStream", "Tokenizer"]

_BARE, _PLAIN, _OFFSETS = 1, 2, 4

Text = Union[str, bytes]


def _flags(bare: Optional[bool], plain: Optional[bool]) -> int:
    return (bare or False) * _BARE | (plain or False) * _PLAIN


class Encoding(NamedTuple):
    """The tokens of a text, and for each where what it stands for begins and ends in it: in
    characters of a str, in bytes of bytes. (0, 0) for what the tokenizer puts around.

    Args:
        tokens: The tokens.
        offsets: A pair for each.

    Example:
        >>> tokenizer = lm.Tokenizer("model.gguf")
        >>> encoding = tokenizer.encode_with_offsets("To be")
        >>> ["To be"[begin:end] for begin, end in encoding.offsets]
        ['To', ' be']
    """

    tokens: list[int]
    offsets: list[tuple[int, int]]


class TokenStream:
    """Text as tokens come: whole characters only. All texts together are what `decode` says.

    Args:
        stream: What makes the text; `Tokenizer.stream` gives it.

    Example:
        >>> tokenizer = lm.Tokenizer("model.gguf")
        >>> stream = tokenizer.stream()
        >>> [stream.put(token) for token in tokenizer.encode("To be")] + [stream.end()]
        ['To', ' be', '']
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def put(self, token: int) -> str:
        """The text that a token adds."""
        text: str = self._stream.put(token)
        return text

    def end(self) -> str:
        """What was held back. The stream is as new."""
        text: str = self._stream.end()
        return text


class Tokenizer:
    """The tokenizer of a tokenizer.json, a tokenizer.model, a GGUF file, a folder with one of the
    first two, or a model "org/model" that the hub's cache has; of bytes: those of one of the first
    two files.

    Args:
        source: The file, the folder, the name, or bytes.

    Raises:
        RuntimeError: there is no such file, or it is no tokenizer

    Example:
        >>> tokenizer = lm.Tokenizer("model.gguf")
        >>> tokenizer.decode(tokenizer.encode("To be, or not to be"))
        'To be, or not to be'
    """

    def __init__(self, source: Union[str, bytes, "os.PathLike[str]"]) -> None:
        if isinstance(source, bytes):
            self._place: Optional[str] = None
            self._tokenizer: Any = _lm.tokenizer_bytes(source)
        else:
            self._place = place_of(source)
            self._tokenizer = _lm.tokenizer(self._place)
        self._about()

    def _about(self) -> None:
        self._size, self._kind, self._roles = self._tokenizer.about()

    @classmethod
    def _of(cls, tokenizer: Any, place: str) -> "Tokenizer":
        self = cls.__new__(cls)
        self._tokenizer, self._place = tokenizer, place
        self._about()
        return self

    # --- what it is -------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many tokens there are: all are below it."""
        size: int = self._size
        return size

    def __repr__(self) -> str:
        return f"Tokenizer({self._kind}, {self._size:,} tokens)"

    @property
    def kind(self) -> str:
        """BPE, Unigram, WordPiece or WordLevel."""
        kind: str = self._kind
        return kind

    def _role(self, i: int) -> Optional[int]:
        token: int = self._roles[i]
        return token if token >= 0 else None

    @property
    def bos(self) -> Optional[int]:
        """The token of a text's beginning."""
        return self._role(0)

    @property
    def eos(self) -> Optional[int]:
        """The token of a text's end."""
        return self._role(1)

    @property
    def unk(self) -> Optional[int]:
        """The token of what has none."""
        return self._role(2)

    @property
    def pad(self) -> Optional[int]:
        """The token that fills up."""
        return self._role(3)

    @property
    def sep(self) -> Optional[int]:
        """The token between texts."""
        return self._role(4)

    @property
    def cls(self) -> Optional[int]:
        """The token whose vector is a text's."""
        return self._role(5)

    @property
    def mask(self) -> Optional[int]:
        """The token that hides another."""
        return self._role(6)

    def piece(self, token: int) -> Optional[str]:
        """The text of a token as the vocabulary has it. None: the number is free."""
        found = self._tokenizer.piece(token)
        return found[0] if found else None

    def id(self, piece: str) -> Optional[int]:
        """The token of such a text. None: there is none."""
        token: int = self._tokenizer.id(piece)
        return token if token >= 0 else None

    def is_special(self, token: int) -> bool:
        """Has it no text of its own?"""
        found = self._tokenizer.piece(token)
        return bool(found and found[1])

    # --- text to tokens ---------------------------------------------------------------------------

    def encode(self, text: Text, *, bare: bool = False, plain: bool = False) -> list[int]:
        """The tokens of a text. bare: without what the tokenizer puts around it; plain: special
        tokens in it are text, as a stranger's should be."""
        tokens: list[int] = self._tokenizer.encode(text, _flags(bare, plain))
        return tokens

    def encode_with_offsets(
        self, text: Text, *, bare: bool = False, plain: bool = False
    ) -> Encoding:
        """The same with what each token stands for."""
        flags = _flags(bare, plain) | _OFFSETS
        return Encoding(*self._tokenizer.encode(text, flags))

    def encode_all(
        self, texts: Iterable[Text], *, bare: bool = False, plain: bool = False
    ) -> list[list[int]]:
        """The tokens of many texts, on all threads (MLX_NUM_THREADS)."""
        flags = _flags(bare, plain)
        all: list[list[int]] = self._tokenizer.encode_all(texts, flags)
        return all

    def encode_all_with_offsets(
        self, texts: Iterable[Text], *, bare: bool = False, plain: bool = False
    ) -> list[Encoding]:
        """The same with what each token stands for."""
        flags = _flags(bare, plain) | _OFFSETS
        return [Encoding(*pair) for pair in self._tokenizer.encode_all(texts, flags)]

    def count(self, text: Text, *, bare: bool = False, plain: bool = False) -> int:
        """How many tokens a text has."""
        n: int = self._tokenizer.count(text, _flags(bare, plain))
        return n

    def chat(
        self,
        messages: Union[str, Sequence[dict[str, Any]]],
        *,
        tools: Optional[Sequence[dict[str, Any]]] = None,
        variables: Optional[dict[str, Any]] = None,
    ) -> list[int]:
        """The tokens of a message, or of a conversation ([{"role": ..., "content": ...}]), by the
        model's chat template, where the model is to answer. Special tokens in messages are text.
        variables: what else the template is given."""
        if self._place is None:
            raise ValueError("[tokenizer] a tokenizer of bytes has no chat template")
        given = {"add_generation_prompt": True, **(variables or {})}
        tokens: list[int] = self._tokenizer.chat(
            chat_variables(messages, tools, given), self._place
        )
        return tokens

    def answers(
        self,
        messages: Sequence[dict[str, Any]],
        *,
        tools: Optional[Sequence[dict[str, Any]]] = None,
        variables: Optional[dict[str, Any]] = None,
    ) -> tuple[list[int], list[bool]]:
        """The tokens of a conversation, and which of them are the assistant's: a message, and what
        the template ends it with. What is trained on. What a template changes once others follow is
        not among them."""
        if self._place is None:
            raise ValueError("[tokenizer] a tokenizer of bytes has no chat template")
        made: tuple[list[int], list[bool]] = self._tokenizer.answers(
            chat_variables(messages, tools, variables), self._place
        )
        return made

    # --- tokens to text ---------------------------------------------------------------------------

    def decode(self, tokens: Iterable[int], *, special: bool = False) -> str:
        """The text of tokens. special: special ones have their own."""
        text: str = self._tokenizer.decode(tokens, special)
        return text

    def stream(self, *, special: bool = False, follows: bool = False) -> TokenStream:
        """A stream. follows: it begins in the middle of a text, so that the blank before its first
        token is shown, too."""
        return TokenStream(self._tokenizer.stream(special, follows))

    def pieces(self, tokens: Iterable[int], *, special: bool = False) -> Iterator[str]:
        """The text of tokens as they come: of each what it adds, and of the end."""
        stream = self.stream(special=special)
        for token in tokens:
            yield stream.put(token)
        yield stream.end()


def place_of(model: Union[str, "os.PathLike[str]"]) -> str:
    """A path, or the folder that the hub's cache has for "org/model"."""
    path = os.fspath(model)
    if not os.path.exists(path) and path.count("/") == 1 and "\0" not in path:
        return _lm.find(path) or path
    return path


def chat_variables(
    messages: Union[str, Sequence[dict[str, Any]]],
    tools: Optional[Sequence[dict[str, Any]]],
    variables: Optional[dict[str, Any]],
) -> str:
    """What a chat template is given, as JSON."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    given = messages
    if isinstance(messages, Iterable) and not isinstance(messages, (dict, bytes)):
        messages = list(messages)
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise TypeError(f"[lm] messages are a str or a list of dicts, not {given!r:.80}")
    if isinstance(tools, (str, bytes, dict)):
        raise TypeError(f"[lm] tools are a list of dicts, not {tools!r:.80}")
    given = {"messages": messages, **(variables or {})}
    if tools is not None:
        given["tools"] = tools
    return json.dumps(given, ensure_ascii=False)
