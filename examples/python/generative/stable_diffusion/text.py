"""Prompts as what the UNet looks at: the states of CLIP's text tower."""

import mlx.core as mx
import mlx.nn as nn
from vision.clip.inputs import tokenize
from vision.clip.model import TextTower


class TextEncoder(nn.Module):
    """A text tower with its tokenizer."""

    def __init__(self, config, projected, tokenizer, pad):
        super().__init__()
        self.text_model = TextTower(config)
        if projected:
            dims = config["hidden_size"]
            self.text_projection = nn.Linear(dims, config["projection_dim"], bias=False)
        self.read, self.length = tokenizer, config["max_position_embeddings"]
        self.pad = pad

    def __call__(self, texts):
        """The last state (B, L, D), the one before it, and where there is a projection the vector of
        the whole text (B, E)."""
        states, last, end = self.text_model(tokenize(self.read, texts, self.length, self.pad))
        vector = self.text_projection(end) if "text_projection" in self else None
        return last, states[-2], vector


def conditions(encoders, prompt, negative, zeros=False):
    """What the UNet sees of two texts, as a batch of negative and prompt: states (2, L, D), and of XL's
    two encoders, whose last states but one lie side by side, the second's vectors (2, E).

    `zeros` makes an empty negative prompt zeros, as XL was trained.
    """
    found = [encoder([negative, prompt]) for encoder in encoders]
    if len(encoders) == 1:
        return found[0][0], None
    states = mx.concatenate([before for _, before, _ in found], axis=-1)
    vector = found[1][2]
    if zeros and not negative:
        keep = mx.array([0, 1], states.dtype)
        states, vector = states * keep[:, None, None], vector * keep[:, None]
    return states, vector
