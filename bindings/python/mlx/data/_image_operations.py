"""Operations on images in samples. What images are, and the functions: `mlx.data.images`."""

from typing import Any, Sequence, TypeVar

import numpy as np

from . import images
from ._steps import Steps, at_key, path_below, value_at
from ._task import Step

Self = TypeVar("Self", bound="ImageOperations")


class ImageOperations(Steps):
    """What buffers and streams do with images (H, W, C) of uint8 at `key`. Random ones draw their
    numbers from the seed, their place among the random steps, the epoch and the number of the
    sample."""

    def load_image(
        self: Self,
        key: str,
        prefix: Any = "",
        format: str = "RGB",
        from_memory: bool = False,
        output_key: str = "",
        *,
        info: bool = False,
        max_pixels: int = images.MAX_PIXELS,
    ) -> Self:
        """The image of the file that is named at `key` below `prefix`, or whose bytes are there
        (`from_memory`). info: only its size, [w, h]."""

        def load(value):
            source = value if from_memory else path_below(prefix, value)
            if info:
                return images.size(source, from_memory=from_memory)
            return images.load(source, format, from_memory=from_memory, max_pixels=max_pixels)

        return self._add(at_key("load_image", key, load, output_key))

    def save_image(self: Self, key: str, filename_key: str, prefix: Any = "") -> Self:
        """Write each image to the file that is named at `filename_key` below `prefix`."""

        def save(sample, _):
            images.save(path_below(prefix, value_at(sample, filename_key)), value_at(sample, key))
            return sample

        return self._add(Step("save_image", save, filename_key))

    def image_resize(self: Self, key: str, w: int, h: int, output_key: str = "") -> Self:
        """Another size, bilinear."""
        return self._add(at_key("image_resize", key, lambda x: images.resize(x, w, h), output_key))

    def image_resize_smallest_side(self: Self, key: str, size: int, output_key: str = "") -> Self:
        """The smaller side becomes `size`; the sides keep their ratio."""

        def resized(x):
            return images.resize_smallest_side(x, size)

        return self._add(at_key("image_resize_smallest_side", key, resized, output_key))

    def image_center_crop(self: Self, key: str, w: int, h: int, output_key: str = "") -> Self:
        """The middle; a side that is shorter stays as it is."""
        return self._add(
            at_key("image_center_crop", key, lambda x: images.center_crop(x, w, h), output_key)
        )

    def image_random_crop(
        self: Self, key: str, w: int, h: int, output_key: str = "", *, pad: int = 0, seed: int = 0
    ) -> Self:
        """A part of w x h pixels from anywhere, of the image with `pad` black pixels around."""

        def cropped(x, random):
            x = images.as_image(x)
            if pad:
                inner, height, width = x, x.shape[0] + 2 * pad, x.shape[1] + 2 * pad
                x = np.zeros((height, width, *x.shape[2:]), x.dtype)
                x[pad : height - pad, pad : width - pad] = inner
            left = random.randrange(max(1, x.shape[1] - w + 1))
            return images.crop(x, left, random.randrange(max(1, x.shape[0] - h + 1)), w, h)

        return self._add_random("image_random_crop", key, cropped, output_key, seed)

    def image_random_area_crop(
        self: Self,
        key: str,
        area_range: Sequence[float],
        aspect_ratio_range: Sequence[float],
        num_trial: int = 10,
        output_key: str = "",
        *,
        seed: int = 0,
    ) -> Self:
        """A random part whose share of the area and whose width by height are within these
        ranges."""

        def cropped(x, random):
            return images.area_crop(x, area_range, aspect_ratio_range, random, num_trial)

        return self._add_random("image_random_area_crop", key, cropped, output_key, seed)

    def image_random_h_flip(
        self: Self, key: str, prob: float = 0.5, output_key: str = "", *, seed: int = 0
    ) -> Self:
        """Mirrored with this probability."""

        def flipped(x, random):
            image = images.as_image(x)
            return image[:, ::-1] if random.random() < prob else image

        return self._add_random("image_random_h_flip", key, flipped, output_key, seed)

    def image_rotate(
        self: Self, key: str, angle: float, crop: bool = True, output_key: str = ""
    ) -> Self:
        """Turned by degrees, against the clock."""
        return self._add(
            at_key("image_rotate", key, lambda x: images.rotate(x, angle, crop), output_key)
        )

    def image_channel_reduction(
        self: Self, key: str, preset: str = "rec601", output_key: str = ""
    ) -> Self:
        """Grey values of a colour image."""

        def grey(x):
            return images.channel_reduction(x, preset)

        return self._add(at_key("image_channel_reduction", key, grey, output_key))
