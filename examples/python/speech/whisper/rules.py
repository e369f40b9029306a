"""What the next token may be: text, the end, or times that go forward in pairs (the rules of the
paper's decoder), and the logarithm of each one's probability."""

from functools import partial

import mlx.core as mx

LATEST_BEGIN = 50  # the first time of a window is at most 1 s, in steps of 20 ms


class Rules:
    """The rules for what follows a prompt. `timestamps`: times are said, not text alone."""

    def __init__(self, vocabulary, timestamps):
        self.vocabulary, self.timestamps = vocabulary, timestamps
        self.kinds = self._kinds()

    def _kinds(self):
        """Two rows over the vocabulary, 0 or -inf: at later tokens, and at the first."""
        v, tokens = self.vocabulary, mx.arange(self.vocabulary.size)
        later = mx.zeros((v.size,))
        if v.suppressed:
            later[mx.array(v.suppressed)] = -mx.inf
        later = mx.where(tokens == v.no_timestamps, -mx.inf, later)
        first = mx.where(tokens == v.end, -mx.inf, later)
        if v.suppressed_first:
            first[mx.array(v.suppressed_first)] = -mx.inf
        return mx.stack([later, first])

    def bounds(self, said):
        """(text, end, low, high): whether text may follow the tokens said so far, whether the end
        may, and which times, low <= t < high."""
        v = self.vocabulary
        if not self.timestamps:
            return 1, 1, v.size, v.size
        if not said:
            return 0, 0, v.first_time, min(v.first_time + LATEST_BEGIN + 1, v.size)
        times = [t for t in said if v.is_time(t)]
        last, before = v.is_time(said[-1]), len(said) < 2 or v.is_time(said[-2])
        if last and before:  # a segment begins: text
            return 1, 1, v.size, v.size
        if last:  # a segment has ended: where the next begins, or nothing
            return 0, 1, times[-1], v.size
        return 1, 1, times[-1] + 1 if times else v.first_time, v.size

    def scores(self, logits, rows, temperature=1.0):
        """The logarithms of probabilities (R, V) of what may follow the tokens of each row."""
        bounds = mx.array([self.bounds(said) for said in rows])
        kinds = self.kinds[0 if rows[0] else 1]
        v = self.vocabulary
        return _scores(logits.astype(mx.float32) / temperature, kinds, bounds, v.end, v.first_time)


@partial(mx.compile, shapeless=False)
def _scores(logits, kinds, bounds, end, first_time):
    token = mx.arange(logits.shape[-1])
    text, ending, low, high = mx.split(bounds, 4, axis=1)
    is_time = token >= first_time
    may = mx.where(is_time, (token >= low) & (token < high), mx.where(token == end, ending, text))
    logits = mx.where(may, logits + kinds, -mx.inf)
    # Where times together are likelier than each text, it is a time.
    times = mx.logsumexp(mx.where(is_time, logits, -mx.inf), -1, keepdims=True)
    texts = mx.max(mx.where(is_time, -mx.inf, logits), -1, keepdims=True)
    logits = mx.where(is_time | (times <= texts), logits, -mx.inf)
    return logits - mx.logsumexp(logits, -1, keepdims=True)
