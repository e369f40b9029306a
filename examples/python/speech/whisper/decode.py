"""The tokens of one window: the likeliest, by beam search, or drawn at a temperature."""

from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from speech.whisper.rules import Rules


@dataclass
class Decoded:
    """What was said in a window, and how sure the model is."""

    tokens: list  # without the prompt and the end
    total: float  # the logarithm of the probability of all, the end included
    no_speech: float  # the probability that nothing is said
    temperature: float

    @property
    def mean(self):
        """The logarithm of a token's probability on average."""
        return self.total / (len(self.tokens) + 1)


def decode(model, encoded, vocabulary, prompt, asked, temperature=0.0, *, beam=5, best_of=5):
    """The best Decoded after `prompt`, tokens whose last part is `asked` (see
    Vocabulary.prompt)."""
    run = Run(model, encoded, vocabulary, prompt, asked)
    if temperature > 0:
        rows = drawn(run, temperature, best_of)
    elif beam > 1:
        rows = beams(run, beam)
    else:
        rows = likeliest(run)
    tokens, total = max(rows, key=lambda row: row[1] / (len(row[0]) + 1))
    return Decoded(tokens, total, run.no_speech, temperature)


class Run:
    """The decoder after a prompt: `logits` (rows, V) of what comes next."""

    def __init__(self, model, encoded, vocabulary, prompt, asked):
        self.decoder, self.vocabulary = model.decoder, vocabulary
        self.rules = Rules(vocabulary, vocabulary.no_timestamps not in asked)
        self.cache = self.decoder.begin(encoded)
        positions = model.config.max_target_positions
        self.room = min(positions // 2, positions - len(prompt))
        hidden = self.decoder(mx.array([prompt]), self.cache)
        begin = len(prompt) - len(asked)
        both = self.decoder.logits(hidden[:, mx.array([begin, len(prompt) - 1])])
        self.logits = both[:, 1]
        if not mx.isfinite(both).all().item():
            raise ValueError("what the model computes is no number: its weights are broken")
        chance = mx.softmax(both[0, 0].astype(mx.float32))
        self.no_speech = chance[vocabulary.no_speech].item() if vocabulary.no_speech else 0.0

    def spread(self, rows):
        """So many rows that begin alike."""
        self.cache.take([0] * rows)
        self.logits = mx.repeat(self.logits, rows, 0)

    def scores(self, rows, temperature=1.0):
        return self.rules.scores(self.logits, rows, temperature)

    def go_on(self, tokens):
        """With a token in each row."""
        hidden = self.decoder(mx.array(tokens)[:, None], self.cache)
        self.logits = self.decoder.logits(hidden)[:, -1]


def likeliest(run):
    """[(tokens, logarithm of their probability)] of one row, always the likeliest next token."""
    said, total = [], 0.0
    while True:
        scores = run.scores([said])[0]
        best = mx.argmax(scores)
        score, token = scores[best].item(), best.item()
        total += score
        if token == run.vocabulary.end or len(said) == run.room:
            return [(said, total)]
        said.append(token)
        run.go_on([token])


def drawn(run, temperature, count):
    """The same of `count` rows whose tokens are drawn."""
    run.spread(count)
    rows, totals = [[] for _ in range(count)], [0.0] * count
    going = list(range(count))
    while going:
        scores = run.scores(rows, temperature)
        tokens = mx.random.categorical(scores)
        chosen = mx.take_along_axis(scores, tokens[:, None], 1)[:, 0].tolist()
        tokens = tokens.tolist()
        for i in going:
            totals[i] += chosen[i]
        going = [i for i in going if tokens[i] != run.vocabulary.end and len(rows[i]) < run.room]
        for i in going:
            rows[i].append(tokens[i])
        run.go_on(tokens)
    return list(zip(rows, totals))


def beams(run, count):
    """The same by beam search: of the continuations of `count` rows always the likeliest `count`,
    until as many have ended."""
    run.spread(count)
    rows, ended = [([], 0.0)], []
    while len(ended) < count and len(rows[0][0]) < run.room:
        scores = run.scores([said for said, _ in rows] + [rows[0][0]] * (count - len(rows)))
        parents, rows = _best(run, scores, rows, ended, count)
        if not rows:
            break
        more = [0] * (count - len(rows))  # rows that stand empty until there are enough
        if [*parents, *more] != list(range(count)):
            run.cache.take([*parents, *more])
        run.go_on([said[-1] for said, _ in [*rows, *[rows[0]] * len(more)]])
    return ended or rows


def _best(run, scores, rows, ended, count):
    """The rows that go on, and where each came from; those that end are put to the ended."""
    tops = mx.argpartition(-scores, count, axis=-1)[:, : count + 1]
    gains = np.array(mx.take_along_axis(scores, tops, 1))
    found = [
        (rows[i][1] + float(gain), i, int(token))
        for i in range(len(rows))
        for gain, token in zip(gains[i], np.array(tops[i]))
        if gain > -np.inf
    ]
    going = []
    for total, i, token in sorted(found, reverse=True):
        if len(going) == count:
            break
        if token == run.vocabulary.end:
            ended.append((rows[i][0], total))
        else:
            going.append((i, (rows[i][0] + [token], total)))
    return [i for i, _ in going], [row for _, row in going]
