"""Texts from a model: what comes next, again and again."""

import time

import mlx.core as mx

PIECE = 512  # tokens of a prompt that are read together


def truncated(logits, top_k=0, top_p=1.0):
    """Logits (B, V) without all but the k likeliest, and without the unlikely ones that have 1 - p
    of the probability together (Holtzman et al. 2020)."""
    if 0 < top_k < logits.shape[-1]:
        least = mx.topk(logits, top_k).min(-1, keepdims=True)
        logits = mx.where(logits < least, -mx.inf, logits)
    if top_p < 1:
        order = mx.argsort(-logits, axis=-1)
        likely = mx.softmax(mx.take_along_axis(logits, order, -1), axis=-1)
        before = mx.cumsum(likely, axis=-1, inclusive=False)
        keep = mx.put_along_axis(mx.zeros(logits.shape, mx.bool_), order, before < top_p, -1)
        logits = mx.where(keep, logits, -mx.inf)
    return logits


def sample(logits, temperature=0.0, top_k=0, top_p=1.0):
    """A token (B,) of logits (B, V); at temperature 0 the likeliest."""
    if temperature == 0:
        return mx.argmax(logits, axis=-1)
    return mx.random.categorical(truncated(logits / temperature, top_k, top_p))


def read(model, tokens, caches):
    """The logits (1, V) behind a prompt."""
    for i in range(0, len(tokens), PIECE):
        x = model.model(mx.array([tokens[i : i + PIECE]]), caches)
        mx.eval(x, [(c.keys, c.values) for c in caches])
    return model.head(x[:, -1])


def tokens(model, prompt, **how):
    """The tokens that follow a prompt, without end. The next one is computed while the caller looks
    at the last."""
    caches = model.caches()
    token = sample(read(model, prompt, caches), **how)
    while True:
        following = sample(model(token[:, None], caches)[:, -1], **how)
        mx.async_eval(following)
        yield token.item()
        token = following


def stream(model, tokenizer, prompt, most=200, ends=(), **how):
    """The text that follows a prompt of tokens, piece by piece; returns how fast it came."""
    text, start, count = tokenizer.stream(follows=True), time.perf_counter(), 0
    first = start
    for token in tokens(model, prompt, **how):
        if not count:
            first = time.perf_counter()
        if token in ends:
            break
        yield text.put(token)
        count += 1
        if count == most:
            break
    yield text.end()
    now = time.perf_counter()
    return (
        f"prompt: {len(prompt)} tokens, {len(prompt) / (first - start):.0f} tokens/s; "
        f"answer: {count} tokens, {max(count - 1, 0) / (now - first):.1f} tokens/s"
    )
