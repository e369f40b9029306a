"""Images as arrays (H, W, C) of uint8: files and bytes decoded, sizes changed, crops. JPEG files are
decoded by libjpeg where the package was built with it, others by Pillow, which resizing needs, too;
the rest is NumPy. The operations of pipelines are made of these functions."""

import io
import math
import os
from contextlib import contextmanager
from numbers import Integral, Real
from random import Random
from typing import Any, Optional, Sequence, Union

import numpy as np

from .._saved import write_file
from ._arrays import array_of
from ._reading import one_line, opened
from ._task import whole

try:
    from . import _jpeg  # type: ignore[attr-defined]
except ImportError:  # not built: Pillow decodes
    _jpeg = None

__all__ = [
    "area_crop",
    "center_crop",
    "channel_reduction",
    "crop",
    "load",
    "resize",
    "resize_smallest_side",
    "rotate",
    "save",
    "size",
]

MAX_PIXELS = 1 << 27
"""What `load` refuses to decode by default, and `resize` to make: an image that is larger would fill
the memory. A line of pixels becomes one where its smaller side is to have some hundreds."""

Source = Union[str, bytes, os.PathLike]

_WIDE = ("I;16", "I;16B", "I;16L", "I")  # modes whose samples have 16 bits


def _pillow():
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(
            "[data] images that are no plain JPEG files, and resizing, need Pillow: pip install Pillow"
        ) from None
    return Image


def load(
    source: Source,
    format: str = "RGB",
    *,
    from_memory: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """An image file, or its bytes with `from_memory`: (H, W, 3), of format "RGBA" (H, W, 4), of "L"
    (H, W, 1). 16-bit samples lose their lower byte; transparency is dropped unless asked for.
    Pixels are as they are stored: the orientation that EXIF names is not applied.

    Args:
        source: The file, or its bytes.
        format: "RGB", "RGBA" or "L".
        from_memory: Whether `source` is bytes.
        max_pixels: More are refused.

    Returns:
        numpy.ndarray: uint8.

    Raises:
        ValueError: there is no such format, the image is damaged, or has too many pixels

    Example:
        >>> images.save("x.png", mx.full((2, 3, 3), 7, mx.uint8))
        >>> images.load("x.png").shape, int(images.load("x.png", "L").max())
        ((2, 3, 3), 7)
    """
    check_format(format)
    with opened(source, from_memory) as file:
        if _jpeg is not None and format == "RGB":
            pixels = _jpeg_pixels(file, max_pixels)
            if pixels is not None:
                return pixels
        with _image_in(file) as image:
            _check_size(image.size, max_pixels)
            return _pixels(image, format)


def check_format(format: str) -> None:
    """Raise ValueError unless images are decoded into it."""
    if format not in ("RGB", "RGBA", "L"):
        raise ValueError(f"[data] load_image: the format is RGB, RGBA or L, not {format!r}")


def _jpeg_pixels(file, max_pixels):
    """A JPEG file decoded without the interpreter's lock, or None where Pillow is to see it."""
    head = file.read(3)
    file.seek(0)
    if head != b"\xff\xd8\xff":
        return None
    try:
        found = _jpeg.decode(file.read(), max(0, max_pixels))
    except OSError as error:
        raise ValueError(f"[data] the image is broken ({error})") from None
    if found is None:
        file.seek(0)
        return None
    pixels, height, width = found
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def size(source: Source, *, from_memory: bool = False) -> np.ndarray:
    """[w, h] of an image, from its header.

    Args:
        source: The file, or its bytes.
        from_memory: Whether `source` is bytes.

    Returns:
        numpy.ndarray: The width and the height.

    Raises:
        ValueError: it is no image

    Example:
        >>> images.save("x.png", mx.zeros((4, 6, 3), mx.uint8))
        >>> images.size("x.png").tolist()
        [6, 4]
    """
    with opened(source, from_memory) as file, _image_in(file) as image:
        return np.array(image.size)


@contextmanager
def _image_in(file):
    """What is wrong with the image, now and while it is decoded, is one sentence."""
    image_module = _pillow()
    try:
        with image_module.open(file) as image:
            yield image
    except image_module.DecompressionBombError as error:
        raise ValueError(f"[data] the image is too large ({error})") from None
    except image_module.UnidentifiedImageError:
        raise ValueError("[data] the file is no image that Pillow knows") from None
    except MemoryError:  # of what a broken header asks for
        raise ValueError("[data] the image is broken, or takes more memory than there is") from None
    except Exception as error:  # Pillow's decoders raise errors of any kind
        if getattr(error, "errno", None) or str(error).startswith("[data]"):
            raise
        raise ValueError(f"[data] the image is broken ({one_line(error)})") from None


def _check_size(size, limit):
    if size[0] * size[1] > limit:
        raise ValueError(f"[data] {size[0]} x {size[1]} pixels are more than max_pixels, {limit}")


def _pixels(image, format):
    if image.mode in _WIDE:
        wide = np.asarray(image).astype(np.int64).clip(0, 65535)
        image = _pillow().fromarray((wide >> 8).astype(np.uint8))  # as Pillow does in colours
    elif image.mode == "F":
        raise ValueError("[data] samples are floating-point numbers without a scale")
    if image.mode != format:
        image = image.convert(format)
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def as_image(image: Any) -> np.ndarray:
    """An array that is one image, (H, W) or (H, W, C), or ValueError: no batch of them."""
    try:
        array = array_of(image)
    except ValueError as error:
        raise ValueError(f"[data] {error}") from None
    if array.ndim not in (2, 3):
        raise ValueError(
            f"[data] an image is (H, W, C), not {array.shape}: its operations come before batch"
        )
    return array


def save(path: Source, image: Any) -> None:
    """Write an image (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8; the name says the
    format.

    Args:
        path: The file.
        image: The image.

    Raises:
        ValueError: the image has another shape or dtype, or no format has the name's end
        OSError: the file cannot be written; what was there is left

    Example:
        >>> images.save("x.png", mx.zeros((4, 4, 3), mx.uint8))
        >>> images.size("x.png").tolist()
        [4, 4]
    """
    array = as_image(image)
    if not array.size and array.shape[2:] != (0,):
        raise ValueError(f"[data] save: an image of {array.shape} has no pixels")
    picture, end = _picture(array), os.path.splitext(os.fsdecode(path))[1].lower()
    format = _pillow().registered_extensions().get(end)
    if format is None:
        raise ValueError(f"[data] no format of images has names that end like {os.fspath(path)!r}")
    encoded = io.BytesIO()
    try:
        picture.save(encoded, format)
    except (OSError, KeyError) as error:
        raise ValueError(f"[data] {os.fspath(path)}: {error}") from None
    write_file(path, encoded.getbuffer())


def _picture(image):
    if image.dtype != np.uint8:
        raise ValueError(f"[data] an image is (H, W, C) of uint8, not of {image.dtype}")
    if image.ndim == 3 and not 1 <= image.shape[2] <= 4:
        raise ValueError(f"[data] an image is (H, W, C) of 1 to 4 channels, not {image.shape}")
    return _pillow().fromarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)


FILTERS = ("nearest", "bilinear", "bicubic", "lanczos")


def check_filter(filter: str, known: Sequence[str] = FILTERS) -> None:
    """Raise ValueError unless there is such a filter."""
    if filter not in known:
        raise ValueError(f"[data] the filters are {', '.join(known)}, not {filter!r}")


def resize(image: Any, w: int, h: int, filter: str = "bilinear") -> np.ndarray:
    """Another size, by a filter of FILTERS; smaller images are averages of what falls together, but
    of "nearest", which takes pixels as they are, of any dtype. The last of 2 or 4 channels is
    taken for opacity: colours count by it, and where it is 0 there is none.

    Args:
        image: (H, W) or (H, W, C).
        w: The width.
        h: The height.
        filter: One of FILTERS.

    Returns:
        numpy.ndarray: Of the image's dtype.

    Raises:
        ValueError: there is no such filter, or the size is of more than MAX_PIXELS

    Example:
        >>> images.resize(mx.array([[0, 100]], mx.uint8), 4, 1)
        array([[  0,  25,  75, 100]], dtype=uint8)
    """
    image = as_image(image)
    check_size(w, h)
    check_filter(filter)
    if image.shape[:2] == (h, w):
        return image
    if 0 in image.shape[:2]:
        raise ValueError("[data] an image without pixels has no other size")
    if w * h > MAX_PIXELS:
        raise ValueError(
            f"[data] {image.shape[1]} x {image.shape[0]} pixels would become {w} x {h}, more than "
            f"images.MAX_PIXELS, {MAX_PIXELS}"
        )
    if filter == "nearest":
        return image[_nearest(image.shape[0], h)][:, _nearest(image.shape[1], w)]
    how = getattr(_pillow().Resampling, filter.upper())
    small = np.asarray(_picture(image).resize((w, h), how))
    return small.reshape(h, w, *image.shape[2:])


def _nearest(size, new):
    """Which of `size` pixels becomes each of `new`."""
    places = _pillow().fromarray(np.arange(size, dtype=np.int32)[None])
    return np.asarray(places.resize((new, 1), _pillow().Resampling.NEAREST))[0]


def resize_smallest_side(image: Any, size: int, filter: str = "bilinear") -> np.ndarray:
    """The smaller side becomes `size`; the sides keep their ratio.

    Args:
        image: (H, W) or (H, W, C).
        size: The smaller side.
        filter: One of FILTERS.

    Returns:
        numpy.ndarray: Of the image's dtype.

    Example:
        >>> images.resize_smallest_side(mx.zeros((30, 40, 3), mx.uint8), 15).shape
        (15, 20, 3)
    """
    return resize(image, *smallest_side(as_image(image).shape, size), filter)


def smallest_side(shape: Sequence[int], size: int) -> tuple[int, int]:
    """(w, h) where the smaller side is `size`."""
    h, w = shape[:2]
    if not h or not w:
        raise ValueError("[data] an image without pixels has no other size")
    return max(size, round(w * size / min(h, w))), max(size, round(h * size / min(h, w)))


def check_size(w: Any, h: Any) -> None:
    """Raise ValueError unless an image may have w x h pixels."""
    if type(w) is type(h) is int and w > 0 and h > 0:
        return
    if not all(isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in (w, h)):
        raise ValueError(f"[data] an image of {w} x {h} pixels is none")


def crop(image: Any, x: int, y: int, w: int, h: int) -> np.ndarray:
    """The part of w x h pixels whose corner is at (x, y).

    Args:
        image: (H, W) or (H, W, C).
        x: The first column.
        y: The first row.
        w: The width.
        h: The height.

    Returns:
        numpy.ndarray: The part.

    Raises:
        ValueError: it is not within the image

    Example:
        >>> images.crop(mx.arange(12).reshape(3, 4), 1, 0, 2, 2)
        array([[1, 2],
               [5, 6]], dtype=int32)
    """
    image = as_image(image)
    check_size(w, h)
    x, y = whole(x, "a column"), whole(y, "a row")
    if not (0 <= x <= image.shape[1] - w and 0 <= y <= image.shape[0] - h):
        raise ValueError(
            f"[data] {w} x {h} pixels at ({x}, {y}) are not within "
            f"{image.shape[1]} x {image.shape[0]}"
        )
    return image[y : y + h, x : x + w]


def center_crop(image: Any, w: int, h: int) -> np.ndarray:
    """The middle; a side that is shorter stays as it is.

    Args:
        image: (H, W) or (H, W, C).
        w: The width.
        h: The height.

    Returns:
        numpy.ndarray: The part.

    Example:
        >>> images.center_crop(mx.zeros((30, 40, 3), mx.uint8), 20, 50).shape
        (30, 20, 3)
    """
    image = as_image(image)
    return crop(image, *center_of(image.shape, w, h))


def center_of(shape: Sequence[int], w: int, h: int) -> tuple[int, int, int, int]:
    """(x, y, w, h) of the middle."""
    height, width = shape[:2]
    w, h = min(w, width), min(h, height)
    return (width - w) // 2, (height - h) // 2, w, h


def area_crop(
    image: Any,
    area: Sequence[float],
    ratio: Sequence[float],
    random: Any = None,
    trials: int = 10,
) -> np.ndarray:
    """A random part whose share of the area and whose width by height are within these ranges; the
    largest square in the middle if `trials` of them did not fit (Szegedy et al. 2015).

    Args:
        image: (H, W) or (H, W, C).
        area: The least and the greatest share of the image's area.
        ratio: The least and the greatest width by height.
        random: What draws, a `random.Random`; by default a new one.
        trials: How many parts are drawn.

    Returns:
        numpy.ndarray: The part.

    Example:
        >>> import random
        >>> image = mx.zeros((30, 40, 3), mx.uint8)
        >>> part = images.area_crop(image, (0.25, 0.5), (0.8, 1.25), random.Random(0))
        >>> 0.2 < part.size / image.size < 0.6
        True
    """
    check_areas(area, ratio)
    image = as_image(image)
    return crop(image, *area_of(image.shape, area, ratio, random or Random(), trials))


def check_areas(area: Sequence[float], ratio: Sequence[float]) -> None:
    """Raise ValueError unless these are ranges of shares of an area and of width by height."""
    for what, given, most in (("a share of the area", area, 1.0), ("width by height", ratio, None)):
        numbers = isinstance(given, (list, tuple)) and [isinstance(n, Real) for n in given]
        top = float("inf") if most is None else most
        if numbers != [True, True] or not 0 < given[0] <= given[1] <= top or given[1] == math.inf:
            upto = "" if most is None else " and at most 1"
            raise ValueError(
                f"[data] {what} is from one number above 0 to another{upto}, not {given!r}"
            )


def area_of(
    shape: Sequence[int], area: Sequence[float], ratio: Sequence[float], random: Any, trials: int
) -> tuple[int, int, int, int]:
    """(x, y, w, h) of what `area_crop` takes."""
    height, width = shape[:2]
    for _ in range(trials):
        share = random.uniform(*area) * height * width
        by = np.exp(random.uniform(np.log(ratio[0]), np.log(ratio[1])))
        w, h = round(float(np.sqrt(share * by))), round(float(np.sqrt(share / by)))
        if 0 < w <= width and 0 < h <= height:
            return random.randrange(width - w + 1), random.randrange(height - h + 1), w, h
    side = min(height, width)
    return (width - side) // 2, (height - side) // 2, side, side


TURN_FILTERS = FILTERS[:3]


def rotate(image: Any, angle: float, crop: bool = True, filter: str = "bilinear") -> np.ndarray:
    """Turned by degrees, against the clock; without `crop` the result holds all of it. The filter
    is one of TURN_FILTERS; opacity as in `resize`.

    Args:
        image: (H, W) or (H, W, C).
        angle: Degrees.
        crop: Whether the result has the size of the image.
        filter: One of TURN_FILTERS.

    Returns:
        numpy.ndarray: Of the image's dtype; zeros where nothing was.

    Example:
        >>> images.rotate(mx.array([[1, 2], [3, 4]], mx.uint8), 90)
        array([[2, 4],
               [1, 3]], dtype=uint8)
    """
    image = as_image(image)
    check_filter(filter, TURN_FILTERS)
    check_angle(angle)
    how = getattr(_pillow().Resampling, filter.upper())
    turned = np.asarray(_picture(image).rotate(angle, how, expand=not crop))
    return turned.reshape(*turned.shape[:2], *image.shape[2:])


def check_angle(angle: Any) -> None:
    """Raise ValueError unless one can turn by it."""
    if not isinstance(angle, Real) or not math.isfinite(angle):
        raise ValueError(f"[data] an angle is a number of degrees, not {angle!r}")


# Weights of red, green and blue: ITU-R BT.601 and BT.709, and others that are in use.
_GREY = {
    "rec601": (0.299, 0.587, 0.114),
    "rec709": (0.2126, 0.7152, 0.0722),
    "rec2020": (0.2627, 0.678, 0.0593),
    "green": (0.0, 1.0, 0.0),
    "mean": (1 / 3, 1 / 3, 1 / 3),
}


def channel_reduction(image: Any, preset: str = "rec601") -> np.ndarray:
    """Grey values (H, W, 1) of a colour image: weights rec601, rec709, rec2020, green or mean.

    Args:
        image: (H, W, 3), or (H, W, 4), whose transparency is dropped.
        preset: The weights of the colours.

    Returns:
        numpy.ndarray: (H, W, 1) of the image's dtype.

    Raises:
        ValueError: there is no such preset, or the image has no three colours

    Example:
        >>> images.channel_reduction(mx.array([[[10, 20, 30]]], mx.uint8), "mean")
        array([[[20]]], dtype=uint8)
    """
    if preset not in _GREY:
        raise ValueError(f"[data] the presets are {', '.join(_GREY)}, not {preset!r}")
    image = as_image(image)
    if image.ndim != 3 or image.shape[2] < 3:
        raise ValueError(f"[data] a colour image is (H, W, 3), not {image.shape}")
    grey = image[..., :3] @ np.array(_GREY[preset], np.float32)
    whole = np.issubdtype(image.dtype, np.integer)
    return (np.rint(grey) if whole else grey).astype(image.dtype)[..., None]
