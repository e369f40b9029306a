"""When each word was said: the path of dynamic time warping through the attention of those heads
that follow the words."""

from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from speech.whisper.vocabulary import STEP

FRAMES_PER_STEP = 2  # of features in a position of the encoder
MEDIAN = 7  # positions
WITHOUT_SPACES = {"zh", "ja", "th", "lo", "my", "yue"}
OPENING, CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


@dataclass
class Word:
    word: str
    start: float
    end: float
    probability: float


def add_words(model, vocabulary, encoded, asked, segments, frames):
    """Fill in the words of a window's segments; times are seconds from its begin."""
    texts = [[t for t in s.tokens if t < vocabulary.end] for s in segments]
    tokens = [t for text in texts for t in text]
    if not tokens:
        return
    begins, chances = align(model, vocabulary, encoded, asked, tokens, frames)
    language = asked[1] if len(asked) > 2 else None
    spaced = language not in {vocabulary.languages.get(code) for code in WITHOUT_SPACES}
    at = 0
    for segment, text in zip(segments, texts):
        words = divide(vocabulary, text, spaced)
        for word, count in words:
            probability = float(np.mean(chances[at : at + count]))
            segment.words.append(Word(word, begins[at], begins[at + count], probability))
            at += count


def align(model, vocabulary, encoded, asked, tokens, frames):
    """The second at which each token begins, and at which the last ends, and the probability of
    each."""
    start = [t for t in asked if t != vocabulary.no_timestamps] + [vocabulary.no_timestamps]
    whole = mx.array([[*start, *tokens, vocabulary.end]])
    hidden, attention = attentions(model, encoded, whole)
    first = len(start)
    logits = model.decoder.logits(hidden[0, first - 1 : -2]).astype(mx.float32)
    chances = mx.take_along_axis(mx.softmax(logits, axis=-1), mx.array(tokens)[:, None], 1)
    weights = attention[:, :, : max(frames // FRAMES_PER_STEP, 1)]
    matrix = smoothed(np.array(mx.softmax(weights.astype(mx.float32), axis=-1), np.float64))
    path = warp(-matrix[first - 1 : -1])
    return [step * STEP for step in path], np.array(chances)[:, 0]


def attentions(model, encoded, tokens):
    """Hidden states of tokens (1, L), and the scores (heads, L, S) of the heads that align."""
    found = []

    def watch(layer, attention, x, keys):
        heads = [head for at, head in model.config.alignment_heads if at == layer]
        if heads:
            found.append(attention.scores(x, keys, heads))

    hidden = model.decoder(tokens, model.decoder.begin(encoded), watch)
    return hidden, mx.concatenate(found)


def smoothed(weights):
    """(L, S): weights (heads, L, S) in units of their deviation among the tokens, the median of
    neighbours in time, the mean of the heads."""
    deviation = weights.std(1, keepdims=True)
    weights = (weights - weights.mean(1, keepdims=True)) / np.maximum(deviation, 1e-10)
    side = MEDIAN // 2
    if weights.shape[2] > side:
        padded = np.pad(weights, ((0, 0), (0, 0), (side, side)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, MEDIAN, axis=2)
        weights = np.median(windows, axis=-1)
    return weights.mean(0)


def warp(costs):
    """The column at which the cheapest path from corner to corner enters each row of costs (L, S),
    and the last column (Sakoe and Chiba 1978)."""
    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    came = np.zeros((rows + 1, columns + 1), np.int8)
    for diagonal in range(2, rows + columns + 1):  # the cells of one need those before alone
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        ways = np.stack([total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]])
        came[i, j] = ways.argmin(0)
        total[i, j] = costs[i - 1, j - 1] + ways.min(0)
    enters, i, j = [0] * rows, rows, columns
    while i > 0:
        enters[i - 1] = j - 1
        step = came[i, j]
        i, j = i - (step < 2), j - (step != 1)
    return [*enters, columns]


def divide(vocabulary, tokens, spaced=True):
    """[(word, tokens of it)]: whole characters, joined where no space is between, and signs with
    the words that they belong to."""
    parts, held = [], []
    for token in tokens:
        held.append(token)
        text = vocabulary.text(held)
        if "\ufffd" not in text:
            parts.append([text, len(held)])
            held = []
    if held:
        parts.append([vocabulary.text(held), len(held)])
    return [tuple(word) for word in _with_signs(_joined(parts, spaced))]


def _joined(parts, spaced):
    words = []
    for text, count in parts:
        new = not spaced or text.startswith(" ") or text.strip() in OPENING + CLOSING
        if not words or new and words[-1][0].strip():
            words.append([text, count])
        else:
            words[-1][0] += text
            words[-1][1] += count
    return words


def _with_signs(words):
    """Opening signs go to the word behind them, closing ones to the word before."""
    result, opening = [], None
    for text, count in words:
        if opening:
            text, count, opening = opening[0] + text, opening[1] + count, None
        if text.startswith(" ") and text.strip() and text.strip() in OPENING:
            opening = (text, count)
        elif result and text in CLOSING:
            result[-1][0] += text
            result[-1][1] += count
        else:
            result.append([text, count])
    return result + ([list(opening)] if opening else [])
