"""Segment Anything (Kirillov et al. 2023): what lies at a point or in a box of a picture.

python -m vision.sam --model DIR photo.jpg --point 320,200 --output cut.png
python -m vision.sam --model DIR photo.jpg --box 80,40,400,360 --not 90,50

DIR is a SAM of transformers (config.json, model.safetensors), such as facebook/sam-vit-base.
The output is the picture with what was found in colour: of three proposals the likeliest.
"""

import sys

import mlx.core as mx
import numpy as np
from checkpoint import dtype_of
from common import check_output, command
from pictures import read_image, write_png
from mlx.data import images

from vision.sam.model import load

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
COLOUR = (30, 144, 255)


def fitted(pixels, size):
    """How large the picture becomes whose longer side is `size`: (height, width)."""
    scale = size / max(pixels.shape[:2])
    return tuple(int(side * scale + 0.5) or 1 for side in pixels.shape[:2])


def preprocess(pixels, size):
    """A picture (H, W, 3) of bytes as the model sees it (size, size, 3), zeros below and right."""
    height, width = fitted(pixels, size)
    small = images.resize(pixels, width, height).astype(np.float32) / 255
    small = (small - np.float32(MEAN)) / np.float32(STD)
    return mx.array(np.pad(small, ((0, size - height), (0, size - width), (0, 0))))


def resized(x, height, width):
    """(H, W) to another size, linear between the middles of pixels."""

    def weights(old, new):
        place = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
        distance = np.abs(place[:, None] - np.arange(old))
        return mx.array(np.maximum(1 - distance, 0).astype(np.float32))

    return weights(x.shape[0], height) @ x @ weights(x.shape[1], width).T


def postprocess(mask, pixels, size):
    """A mask of the model's as True and False for each pixel of the picture."""
    height, width = fitted(pixels, size)
    large = resized(mask.astype(mx.float32), size, size)[:height, :width]
    return np.array(resized(large, *pixels.shape[:2]) > 0)


def overlay(pixels, mask):
    """The picture, grey where nothing was found and tinted where something was."""
    grey = images.channel_reduction(pixels).repeat(3, axis=2) // 2
    tinted = (pixels.astype(np.int32) * 6 + np.array(COLOUR) * 4) // 10
    return np.where(mask[..., None], tinted, grey).astype(np.uint8)


def main(folder, image, points=(), labels=(), box=None, dtype="float32"):
    """The picture, what was found as a mask, and how sure the model is of it."""
    pixels = read_image(image)
    for x, y in [*points, *([box[:2], box[2:]] if box else [])]:
        if not (0 <= x < pixels.shape[1] and 0 <= y < pixels.shape[0]):
            sys.exit(f"({x:g}, {y:g}) is not within {pixels.shape[1]} x {pixels.shape[0]} pixels.")
    model = load(folder, dtype_of(dtype))
    height, width = fitted(pixels, model.size)
    scale = np.array([width / pixels.shape[1], height / pixels.shape[0]])
    points = [tuple(np.array(point) * scale) for point in points]
    box = None if box is None else tuple((np.array(box).reshape(2, 2) * scale).ravel())
    embedding = model.embed(preprocess(pixels, model.size).astype(dtype_of(dtype)))
    masks, quality = model(embedding, points, labels, box)
    best = mx.argmax(quality).item()
    return pixels, postprocess(masks[best], pixels, model.size), quality[best].item()


def numbers(count):
    def read(text):
        found = [float(part) for part in text.split(",")]
        if len(found) != count or not all(map(np.isfinite, found)):
            raise ValueError
        return tuple(found)

    read.__name__ = f"{count} numbers"
    return read


if __name__ == "__main__":
    parser = command(__doc__)
    parser.add_argument("image", help="a JPEG or PNG file")
    parser.add_argument("--model", required=True, help="a folder of SAM")
    add = parser.add_argument
    add(
        "--point", type=numbers(2), action="append", default=[], help="x,y of the thing; repeatable"
    )
    add("--not", type=numbers(2), action="append", default=[], dest="other", help="x,y of the rest")
    add("--box", type=numbers(4), help="left,top,right,bottom of the thing")
    add("--dtype", default="float32", help="float32, bfloat16 or float16")
    add("--output", default="segment.png")
    o = parser.parse_args()
    if not o.point and not o.other and not o.box:
        sys.exit("Say where the thing is: --point x,y or --box left,top,right,bottom.")
    if o.box and not (o.box[0] < o.box[2] and o.box[1] < o.box[3]):
        sys.exit("--box is left,top,right,bottom, with left < right and top < bottom.")
    check_output(o, ".png")
    labels = [1] * len(o.point) + [0] * len(o.other)
    pixels, mask, quality = main(o.model, o.image, o.point + o.other, labels, o.box, o.dtype)
    write_png(o.output, overlay(pixels, mask))
    print(f"{100 * mask.mean():.1f}% of the picture, quality {quality:.2f}, in {o.output}")
