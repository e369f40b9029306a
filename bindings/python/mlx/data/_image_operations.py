"""Operations on images in samples. What images are, and the functions: `mlx.data.images`."""

from functools import partial
from numbers import Real
from typing import Any, Callable, Optional, Sequence, TypeVar, Union

import numpy as np

from . import images
from ._arrays import array_of
from ._steps import Keys, Steps, at_key, bytes_of, keys_of, named, outputs_of, paths_below, recorded
from ._steps import value_at
from ._task import Step, whole

Self = TypeVar("Self", bound="ImageOperations")
Filters = Union[str, Sequence[str]]


class _Same:
    """What is done with the images of a sample, of which each has a number, and with its boxes."""

    def image(self, a: np.ndarray, number: int) -> np.ndarray:
        return a

    def boxes(self, b: np.ndarray) -> np.ndarray:
        return b


class _Part(_Same):
    """The part of w x h pixels at (x, y) of images with black pixels around."""

    def __init__(self, x: int, y: int, w: int, h: int, pad: int = 0) -> None:
        self.x, self.y, self.w, self.h, self.pad = x, y, w, h, pad

    def image(self, a: np.ndarray, number: int) -> np.ndarray:
        pad = self.pad
        if pad:
            inner, height, width = a, a.shape[0] + 2 * pad, a.shape[1] + 2 * pad
            a = np.zeros((height, width, *a.shape[2:]), a.dtype)
            a[pad : height - pad, pad : width - pad] = inner
        return images.crop(a, self.x, self.y, self.w, self.h)

    def boxes(self, b: np.ndarray) -> np.ndarray:
        moved = b + np.array([self.pad - self.x, self.pad - self.y] * 2, b.dtype)
        return np.clip(moved, 0, np.array([self.w, self.h] * 2, b.dtype))


class _Resized(_Same):
    """Another size, each image by its own filter."""

    def __init__(self, shape: Sequence[int], w: int, h: int, filters: Sequence[str]) -> None:
        self.shape, self.w, self.h, self.filters = shape, w, h, filters

    def image(self, a: np.ndarray, number: int) -> np.ndarray:
        return images.resize(a, self.w, self.h, self.filters[number])

    def boxes(self, b: np.ndarray) -> np.ndarray:
        real = b if b.dtype.kind == "f" else b.astype(np.float32)
        height, width = self.shape[:2]
        return real * np.array([self.w / width, self.h / height] * 2, real.dtype)


class _Flipped(_Same):
    """Left becomes right."""

    def __init__(self, width: int) -> None:
        self.width = width

    def image(self, a: np.ndarray, number: int) -> np.ndarray:
        return a[:, ::-1]

    def boxes(self, b: np.ndarray) -> np.ndarray:
        x0, y0, x1, y1 = b.T
        return np.stack([self.width - x1, y0, self.width - x0, y1], axis=1).astype(b.dtype)


_SAME = _Same()


def _boxes(value):
    """Boxes as (N, 4) of floats or signed integers, or ValueError."""
    b = array_of(value)
    b = b.reshape(0, 4).astype(np.float32) if b.shape == (0,) else b
    if b.ndim != 2 or b.shape[1] != 4 or b.dtype.kind not in "iuf":
        raise ValueError(f"boxes are (N, 4): x0, y0, x1, y1, not {b.shape} of {b.dtype}")
    return b.astype(np.int64) if b.dtype.kind == "u" else b


def _share(value, what):
    """A probability, or ValueError."""
    if not isinstance(value, Real) or not 0 <= value <= 1:
        raise ValueError(f"[data] {what} is a number from 0 to 1, not {value!r}")
    return value


def _filters(key, filter, known=images.FILTERS):
    """A filter for each key."""
    count = len(keys_of(key))
    filters = [filter] * count if isinstance(filter, str) else list(filter)
    for one in filters:
        images.check_filter(one, known)
    if len(filters) != count:
        raise ValueError(f"[data] {len(filters)} filters for {count} keys")
    return filters


class ImageOperations(Steps):
    """What buffers and streams do with images (H, W, C) of uint8 at `key`. Of several keys, an
    image and its mask, the same is done with each: they have one size. `boxes` is the key of boxes
    (N, 4) in pixels, x0, y0, x1, y1, which are moved with the image; of one that lies outside of a
    part nothing is left, and it has no area. Random operations draw their numbers from the seed,
    their place among the random steps, the epoch and the number of the sample."""

    def _moved(
        self: Self,
        name: str,
        key: Keys,
        output_key: Keys,
        boxes: str,
        move: Callable[[Sequence[int], Any], _Same],
        seed: Optional[int] = None,
    ) -> Self:
        """One more step: what `move(shape, random)` says is done with the images at the keys, and
        with the boxes."""
        keys = keys_of(key)
        outputs = outputs_of(keys, output_key)
        if boxes in outputs:
            raise ValueError(f"[data] {name}: {boxes!r} is the key of boxes and of an image")

        first, output = keys[0], outputs[0]

        def alone(sample, random):
            a = images.as_image(value_at(sample, first))
            return {**sample, output: move(a.shape, random).image(a, 0)}

        def together(sample, random):
            arrays = [_image_at(sample, one, len(keys)) for one in keys]
            _check_sizes(keys, arrays)
            found = move(arrays[0].shape, random)
            moved = {o: found.image(a, i) for i, (o, a) in enumerate(zip(outputs, arrays))}
            if boxes:
                moved[boxes] = found.boxes(_boxes(value_at(sample, boxes)))
            return {**sample, **moved}

        apply = together if boxes or len(keys) > 1 else alone
        if seed is None:
            return self._add(Step(name, lambda s, _: apply(s, None), keys[0]))
        return self._add_random(name, keys[0], apply, seed)

    @recorded
    def load_image(
        self: Self,
        key: Keys,
        prefix: Any = "",
        format: Union[str, Sequence[str]] = "RGB",
        from_memory: bool = False,
        output_key: Keys = "",
        *,
        info: bool = False,
        max_pixels: int = images.MAX_PIXELS,
    ) -> Self:
        """The image of the file that is named at `key` below `prefix`, or whose bytes are there
        (`from_memory`), as (H, W, 3) of "RGB", (H, W, 4) of "RGBA" or (H, W, 1) of "L"; of several
        keys each may have its own format. info: only its size, [w, h]."""
        formats = [format] * len(keys_of(key)) if isinstance(format, str) else list(format)
        for one in formats:
            images.check_format(one)
        path = paths_below(prefix)

        def load(format, value):
            source = bytes_of(value) if from_memory else path(value)
            if info:
                return images.size(source, from_memory=from_memory)
            return images.load(source, format, from_memory=from_memory, max_pixels=max_pixels)

        loads = [partial(load, one) for one in formats]
        return self._add(at_key("load_image", key, loads, output_key))

    @recorded
    def save_image(self: Self, key: str, filename_key: str, prefix: Any = "") -> Self:
        """Write each image to the file that is named at `filename_key` below `prefix`."""
        path = paths_below(prefix)

        def save(sample, _):
            images.save(path(value_at(sample, filename_key)), value_at(sample, key))
            return sample

        return self._add(Step("save_image", save, filename_key))

    @recorded
    def image_resize(
        self: Self,
        key: Keys,
        w: int,
        h: int,
        output_key: Keys = "",
        *,
        filter: Filters = "bilinear",
        boxes: str = "",
    ) -> Self:
        """Another size, by one of `images.FILTERS`, or one for each key: "nearest" for masks."""
        images.check_size(w, h)
        filters = _filters(key, filter)

        def move(shape, _):
            return _Resized(shape, w, h, filters)

        return self._moved("image_resize", key, output_key, boxes, move)

    @recorded
    def image_resize_smallest_side(
        self: Self,
        key: Keys,
        size: int,
        output_key: Keys = "",
        *,
        filter: Filters = "bilinear",
        boxes: str = "",
    ) -> Self:
        """The smaller side becomes `size`; the sides keep their ratio."""
        images.check_size(size, size)
        filters = _filters(key, filter)

        def move(shape, _):
            return _Resized(shape, *images.smallest_side(shape, size), filters)

        return self._moved("image_resize_smallest_side", key, output_key, boxes, move)

    @recorded
    def image_center_crop(
        self: Self, key: Keys, w: int, h: int, output_key: Keys = "", *, boxes: str = ""
    ) -> Self:
        """The middle; a side that is shorter stays as it is."""
        images.check_size(w, h)

        def move(shape, _):
            return _Part(*images.center_of(shape, w, h))

        return self._moved("image_center_crop", key, output_key, boxes, move)

    @recorded
    def image_random_crop(
        self: Self,
        key: Keys,
        w: int,
        h: int,
        output_key: Keys = "",
        *,
        pad: int = 0,
        boxes: str = "",
        seed: int = 0,
    ) -> Self:
        """A part of w x h pixels from anywhere, of the image with `pad` black pixels around."""
        images.check_size(w, h)
        whole(pad, "pad", 0)

        def move(shape, random):
            height, width = shape[0] + 2 * pad, shape[1] + 2 * pad
            x = random.randrange(max(1, width - w + 1))
            return _Part(x, random.randrange(max(1, height - h + 1)), w, h, pad)

        return self._moved("image_random_crop", key, output_key, boxes, move, seed)

    @recorded
    def image_random_area_crop(
        self: Self,
        key: Keys,
        area_range: Sequence[float],
        aspect_ratio_range: Sequence[float],
        num_trial: int = 10,
        output_key: Keys = "",
        *,
        boxes: str = "",
        seed: int = 0,
    ) -> Self:
        """A random part whose share of the area and whose width by height are within these
        ranges."""
        images.check_areas(area_range, aspect_ratio_range)
        whole(num_trial, "num_trial", 0)

        def move(shape, random):
            found = images.area_of(shape, area_range, aspect_ratio_range, random, num_trial)
            return _Part(*found)

        return self._moved("image_random_area_crop", key, output_key, boxes, move, seed)

    @recorded
    def image_random_h_flip(
        self: Self,
        key: Keys,
        prob: float = 0.5,
        output_key: Keys = "",
        *,
        boxes: str = "",
        seed: int = 0,
    ) -> Self:
        """Mirrored with this probability."""
        _share(prob, "prob")

        def move(shape, random):
            return _Flipped(shape[1]) if random.random() < prob else _SAME

        return self._moved("image_random_h_flip", key, output_key, boxes, move, seed)

    @recorded
    def image_rotate(
        self: Self,
        key: Keys,
        angle: float,
        crop: bool = True,
        output_key: Keys = "",
        *,
        filter: Filters = "bilinear",
    ) -> Self:
        """Turned by degrees, against the clock, by one of `images.TURN_FILTERS`, or one for each
        key."""
        images.check_angle(angle)
        turns = [
            partial(images.rotate, angle=angle, crop=crop, filter=one)
            for one in _filters(key, filter, images.TURN_FILTERS)
        ]
        return self._add(at_key("image_rotate", key, turns, output_key))

    @recorded
    def image_channel_reduction(
        self: Self, key: Keys, preset: str = "rec601", output_key: Keys = ""
    ) -> Self:
        """Grey values of a colour image."""

        def grey(x):
            return images.channel_reduction(x, preset)

        return self._add(at_key("image_channel_reduction", key, grey, output_key))


def _image_at(sample, key, count):
    value = value_at(sample, key)
    if count == 1:
        return images.as_image(value)
    with named(key):
        return images.as_image(value)


def _check_sizes(keys, arrays):
    sizes = {key: f"{a.shape[1]} x {a.shape[0]}" for key, a in zip(keys, arrays)}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the images of a step have one size, not {sizes}")
