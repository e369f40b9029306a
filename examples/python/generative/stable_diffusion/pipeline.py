"""Text to image, and image to image, with classifier-free guidance (Ho and Salimans 2022)."""

import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
from checkpoint import config_of

from generative.stable_diffusion.folder import (
    index_of,
    load_sampler,
    load_text,
    load_unet,
    load_vae,
)
from generative.stable_diffusion.text import conditions


MOST = 4096  # pixels of a side: four times what the largest of the models have learned


class StableDiffusion:
    """The parts of a model folder. The VAE stays float32: XL's overflows in halves."""

    def __init__(self, folder, dtype=mx.float32):
        self.folder, self.index, self.dtype = Path(folder), index_of(folder), dtype
        numbers = ["", "_2"] if self.index.get("text_encoder_2") else [""]
        self.encoders = [load_text(folder, number, dtype) for number in numbers]
        self.unet = load_unet(self.folder / "unet", dtype)
        self.vae = load_vae(self.folder / "vae")
        if self.unet.added and len(self.encoders) < 2:
            sys.exit(f"{folder}: the UNet is XL's, which needs text_encoder_2.")

    @property
    def default_size(self):
        """The side of pictures that the model was trained on."""
        size = config_of(self.folder / "unet", "UNet2DConditionModel").get("sample_size") or 64
        return size * self.vae.factor

    def latent_shape(self, width, height):
        """The latent image of a picture, whose sides must be multiples of the VAE's factor."""
        factor = self.vae.factor
        for name, side in (("width", width), ("height", height)):
            if not factor <= side <= MOST or side % factor:
                sys.exit(f"--{name} is a multiple of {factor} from {factor} to {MOST}, not {side}.")
        return 1, height // factor, width // factor, self.unet.conv_in.weight.shape[-1]

    def text(self, prompt, negative, width, height):
        """What the UNet sees beside x: the texts' states, and for XL vectors and sizes."""
        zeros = bool(self.index.get("force_zeros_for_empty_prompt"))
        states, vector = conditions(self.encoders, prompt, negative, zeros)
        if not self.unet.added:
            return states, None
        return states, (vector, mx.array([[height, width, 0, 0, height, width]] * 2))

    def predict(self, x, time, text, guidance):
        """The prediction for the prompt, away from that for the negative one. No guidance (1) asks for
        the prompt alone."""
        states, added = text
        if guidance == 1:
            only = added and tuple(part[1:] for part in added)
            return self.unet(x, mx.array([time]), states[1:], only)
        pair = mx.concatenate([x, x])
        other, wanted = mx.split(self.unet(pair, mx.array([time, time]), states, added), 2)
        return other + guidance * (wanted - other)

    def sample(self, sampler, x, text, guidance, first=0, progress=lambda step, total: None):
        """Latents after all steps from `first` on."""
        if not 0 <= guidance < float("inf"):
            sys.exit(f"--guidance is a number from 0 on, not {guidance}.")
        for i in range(first, len(sampler)):
            seen = sampler.scaled(i, x).astype(self.dtype)
            found = self.predict(seen, float(sampler.times[i]), text, guidance)
            x = sampler.step(i, x, found.astype(mx.float32))
            mx.eval(x)
            progress(i + 1 - first, len(sampler) - first)
        return x

    def picture(self, latents, tiled=False):
        """Latents (1, H, W, 4) as bytes (8 H, 8 W, 3)."""
        pixels = (self.vae.decode_tiled if tiled else self.vae.decode)(latents)[0]
        return np.array(mx.round(mx.clip(pixels * 127.5 + 127.5, 0, 255)).astype(mx.uint8))

    def text_to_image(
        self, prompt, negative="", sampler="ddim", steps=30, guidance=7.5, size=None, noise=None,
        progress=lambda step, total: None, **schedule,
    ):  # fmt: skip
        """Latents of a picture that the prompt describes. `size` is (width, height)."""
        width, height = size or (self.default_size, self.default_size)
        shape = self.latent_shape(width, height)
        sampler = load_sampler(self.folder, sampler, steps, **schedule)
        x = sampler.first(mx.random.normal(shape) if noise is None else noise)
        text = self.text(prompt, negative, width, height)
        return self.sample(sampler, x, text, guidance, 0, progress)

    def latents(self, pixels):
        """Latents of a picture (H, W, 3) of bytes."""
        height, width = pixels.shape[:2]
        noise = mx.random.normal(self.latent_shape(width, height))
        return self.vae.encode(mx.array(pixels).astype(mx.float32)[None] / 127.5 - 1, noise)

    def image_to_image(
        self, image, prompt, negative="", strength=0.8, sampler="ddim", steps=30, guidance=7.5,
        noise=None, progress=lambda step, total: None, **schedule,
    ):  # fmt: skip
        """Latents of a picture like that of the latents `image`: the last steps * strength steps,
        from the picture under as much noise as is left there."""
        if not 0 < strength <= 1:
            sys.exit(f"--strength is above 0 and at most 1, not {strength}.")
        sampler = load_sampler(self.folder, sampler, steps, **schedule)
        first = steps - min(int(steps * strength), steps)
        if first == steps:
            sys.exit(f"--strength {strength} of {steps} steps is less than one step.")
        noise = mx.random.normal(image.shape) if noise is None else noise
        height, width = (side * self.vae.factor for side in image.shape[1:3])
        text = self.text(prompt, negative, width, height)
        return self.sample(
            sampler, sampler.noised(first, image, noise), text, guidance, first, progress
        )
