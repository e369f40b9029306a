"""Stable Diffusion 1.5, 2.1 and XL (Rombach et al. 2022; Podell et al. 2023): a picture of what a text
says, or of what it says about another picture:

python -m generative.stable_diffusion --model DIR "a lighthouse in a storm, oil painting"
python -m generative.stable_diffusion --model DIR --image sketch.jpg --strength 0.7 "a castle"

DIR is a model as diffusers saves it (model_index.json, unet/, vae/, text_encoder/, tokenizer/,
scheduler/, for XL also text_encoder_2/ and tokenizer_2/, with safetensors files).
"""

import sys
import time

import mlx.core as mx
from checkpoint import dtype_of
from common import check_output, command, number
from pictures import read_image, write_png
from mlx.data import images

from generative.stable_diffusion.pipeline import StableDiffusion
from generative.stable_diffusion.samplers import SAMPLERS


def progress(start):
    """Writes `step 3/30  2.1 s a step` over itself."""

    def line(step, total):
        seconds = (time.perf_counter() - start) / step
        end = "\n" if step == total else ""
        print(
            f"\rstep {step}/{total}  {seconds:.2f} s a step  ", end=end, file=sys.stderr, flush=True
        )

    return line


def options():
    parser = command(__doc__)
    parser.add_argument("prompt", help="what the picture shows")
    parser.add_argument("--model", required=True, help="a folder of diffusers")
    parser.add_argument("--negative", default="", help="what it does not show")
    parser.add_argument("--image", help="the picture to begin with")
    parser.add_argument(
        "--strength", type=float, default=0.8, help="how much of it changes, 0 to 1"
    )
    parser.add_argument("--sampler", choices=SAMPLERS, help="default: the model's own")
    parser.add_argument(
        "--karras", action="store_true", default=None, help="the sigmas of Karras et al."
    )
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--guidance", type=float, default=7.5, help="1: the prompt alone")
    parser.add_argument("--width", type=int, help="default: the model's own")
    parser.add_argument("--height", type=int)
    parser.add_argument("--seed", type=number(0), default=0)
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("--tiled", action="store_true", help="decode in tiles: less memory")
    parser.add_argument("--output", default="picture.png")
    return parser.parse_args()


def pixels_of(path, width, height, model):
    """The picture to begin with, in the size that was asked for or the next smaller one there is."""
    pixels, factor = read_image(path), model.vae.factor
    width = width or pixels.shape[1] // factor * factor
    height = height or pixels.shape[0] // factor * factor
    if not width or not height:
        sys.exit(f"{path} is smaller than {factor} x {factor} pixels.")
    model.latent_shape(width, height)
    return images.resize(pixels, width, height, "lanczos")


def main(o):
    check_output(o, ".png")
    dtype = dtype_of(o.dtype)
    mx.random.seed(o.seed)
    model = StableDiffusion(o.model, dtype)
    common = {
        "prompt": o.prompt,
        "negative": o.negative,
        "sampler": o.sampler,
        "steps": o.steps,
        "guidance": o.guidance,
        "karras": o.karras,
        "progress": progress(time.perf_counter()),
    }
    if o.image:
        pixels = pixels_of(o.image, o.width, o.height, model)
        latents = model.image_to_image(model.latents(pixels), strength=o.strength, **common)
    else:
        size = (o.width or model.default_size, o.height or model.default_size)
        latents = model.text_to_image(size=size, **common)
    picture = model.picture(latents, o.tiled)
    write_png(o.output, picture)
    print(f"{picture.shape[1]} x {picture.shape[0]} pixels in {o.output}")


if __name__ == "__main__":
    main(options())
