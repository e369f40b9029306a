"""Images: what is decoded, the operations, and what is refused."""

import io
import struct
import zlib

import mlx.data as dx
import numpy as np
import pytest
from mlx.data import images

from seeds import generator

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def picture(h=20, w=30, c=3):
    return generator(12).integers(0, 256, (h, w, c), np.uint8)


def encoded(image, format="PNG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def load(data, format="RGB", **options):
    return images.load(data, format, from_memory=True, **options)


def test_files_and_bytes(tmp_path):
    x = picture()
    for name in ("a.png", "a.bmp", "a.tiff"):
        images.save(tmp_path / name, x)
        np.testing.assert_array_equal(images.load(tmp_path / name), x)
    smooth = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None], (64, 64, 3))
    images.save(tmp_path / "a.jpg", smooth)
    assert np.abs(images.load(tmp_path / "a.jpg").astype(int) - smooth).max() <= 3
    assert images.load(tmp_path / "a.png", "L").shape == (20, 30, 1)
    assert images.size(tmp_path / "a.png").tolist() == [30, 20]
    b = dx.buffer_from_vector([{"f": b"a.png"}]).load_image("f", prefix=tmp_path, output_key="x")
    np.testing.assert_array_equal(b[0]["x"], x)
    assert dx.buffer_from_vector([{"f": "a.png"}]).load_image("f", tmp_path, info=True)[0][
        "f"
    ].tolist() == [30, 20]
    saved = b.save_image("x", "g", tmp_path)
    with pytest.raises(dx.SampleError, match="no 'g' among"):
        saved[0]


def test_pictures_that_have_no_channels_of_pictures(tmp_path):
    for shape in (8, 8, 7), (8, 8, 0):
        image = np.zeros(shape, np.uint8)
        for call in (
            lambda: images.save(tmp_path / "a.png", image),
            lambda: images.resize(image, 4, 4),
            lambda: images.rotate(image, 4),
        ):
            with pytest.raises(ValueError, match="of 1 to 4 channels, not"):
                call()
    for shape in (0, 8, 3), (8, 0), (0, 0, 4):
        with pytest.raises(ValueError, match="no pixels"):
            images.save(tmp_path / "a.png", np.zeros(shape, np.uint8))
    for filter in "nearest", "bilinear":
        with pytest.raises(ValueError, match="without pixels has no other size"):
            images.resize(np.zeros((0, 8, 3), np.uint8), 4, 4, filter)
    with pytest.raises(ValueError, match=r"^\[data\] values of several kinds: 2 stands"):
        images.save(tmp_path / "a.png", [["a", 2]])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I"])
def test_odd_modes(mode):
    grey = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(grey.astype(np.int32) * 257)
    else:
        image = Image.fromarray(grey).convert(mode)
    if mode in ("CMYK", "YCbCr", "I"):  # packed, as Pillow 12.0 cannot read YCbCr that is not
        data = encoded(image, "TIFF", compression="packbits")
    else:
        data = encoded(image)
    x = load(data)
    assert x.shape == (8, 8, 3) and x.dtype == np.uint8
    if mode not in ("1",):
        assert np.abs(x.astype(int) - grey[..., None]).max() <= 2


def test_lines_do_not_fill_the_memory():
    line = np.zeros((1, 100000, 3), np.uint8)
    b = dx.buffer_from_vector([{"x": line}])
    for step in b.image_resize_smallest_side("x", 256), b.image_resize("x", 1 << 14, 1 << 14):
        with pytest.raises(dx.SampleError, match="100000 x 1 pixels would become .*MAX_PIXELS"):
            step[0]
    assert images.resize(line, 1000, 1).shape == (1, 1000, 3)


def test_wide_samples_lose_their_lower_byte():
    wide = generator(16).integers(0, 1 << 16, (6, 7), np.uint16)
    for values, format in (wide, "PNG"), (wide, "TIFF"), (wide.astype(np.int32), "TIFF"):
        data = encoded(Image.fromarray(values), format)
        np.testing.assert_array_equal(load(data, "L")[..., 0], wide >> 8)


def test_colours_count_by_their_opacity():
    image = np.array([[[200, 100, 50, 255], [0, 0, 0, 0]]], np.uint8)
    for part in image, image[..., 2:]:
        wanted = [*part[0, 0, :-1], 128]
        np.testing.assert_allclose(images.resize(part, 1, 1)[0, 0], wanted, atol=1)


def test_transparent_palette():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    data = encoded(image, transparency=1)
    assert load(data)[0, 0].tolist() == [0, 255, 0]
    assert load(data, "RGBA")[0, 0].tolist() == [0, 255, 0, 0]


def bomb(w, h):
    """A PNG of a few bytes that says it has w x h pixels."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def with_text(text):
    """A picture with a text of so many bytes, which are packed into few."""
    good = encoded(Image.fromarray(picture()))
    data = b"zTXtk\0\0" + zlib.compress(text)
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return good[:33] + chunk + good[33:]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_hostile_files():
    good = encoded(Image.fromarray(picture(64, 64)), "JPEG")
    for data, words in [
        (b"", "no image that Pillow knows"),
        (b"GIF89a", "no image|broken"),
        (b"hello" * 100, "no image that Pillow knows"),
        (good[: len(good) // 2], "broken .*truncated"),
        (encoded(Image.fromarray(picture()))[:100], "broken"),
        (bomb(60000, 60000), "too large|more than max_pixels"),
        (bomb(12000, 12000), "144000000|more than max_pixels"),
        (bomb(100, 100), "broken"),
        (with_text(b"a" * (2 << 20)), "broken"),
    ]:
        with pytest.raises(ValueError, match=words) as caught:
            load(data)
        assert "\n" not in str(caught.value) and str(caught.value).startswith("[data] ")
    with pytest.raises(ValueError, match="64 x 64 pixels are more than max_pixels, 4095"):
        load(good, max_pixels=4095)
    with pytest.raises(FileNotFoundError):
        images.load("/nowhere/a.png")
    with pytest.raises(TypeError):
        images.load(0)  # the number of an open file is no path
    with pytest.raises(ValueError, match="not 'BGR'"):
        load(good, "BGR")
    floats = encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(ValueError, match="floating-point"):
        load(floats)


def pillow(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.skipif(images._jpeg is None, reason="built without libjpeg")
def test_jpeg_beside_pillow():
    """Grey, colours in all samplings, progressive and not: the same pixels, but for rounding of other
    versions of the library."""
    x = np.asarray(Image.fromarray(picture(9, 7)).resize((53, 37), Image.Resampling.BICUBIC))
    for mode in ("RGB", "L", "CMYK"):
        for subsampling in (0, 1, 2):
            for progressive in (False, True):
                options = {"quality": 90, "subsampling": subsampling, "progressive": progressive}
                data = encoded(Image.fromarray(x).convert(mode), "JPEG", **options)
                found = load(data).astype(int)
                assert found.shape == (37, 53, 3)
                assert np.abs(found - pillow(data)).max() <= 2, (mode, options)
                assert (images._jpeg.decode(data, 1 << 20) is None) == (mode == "CMYK")


@pytest.mark.skipif(images._jpeg is None, reason="built without libjpeg")
def test_broken_jpegs():
    """Cut anywhere or changed anywhere: pixels or one sentence."""
    random = generator(13)
    for progressive in (False, True):
        good = encoded(Image.fromarray(picture(40, 33)), "JPEG", progressive=progressive)
        cut = 0
        for _ in range(300):
            data = bytearray(good)
            if random.random() < 0.5:
                del data[random.integers(4, len(data) - 2) :]
            else:
                for _ in range(random.integers(1, 8)):
                    data[random.integers(3, len(data))] = random.integers(256)
            try:
                assert load(bytes(data)).shape[2] == 3
            except ValueError as error:
                assert str(error).startswith("[data] ") and "\n" not in str(error)
                cut += "truncated" in str(error)
        assert cut > 50
    with pytest.raises(ValueError, match="more than max_pixels"):
        load(good, max_pixels=40 * 33 - 1)


def test_errors_name_the_file(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    b = dx.files_from_folder(tmp_path).load_image("file", output_key="image")
    with pytest.raises(
        dx.SampleError,
        match=r"\[data\] load_image of sample 0 \(.*bad.png\): the file is no image",
    ):
        next(b.to_stream().batch(4).prefetch(2, 2))


@pytest.mark.parametrize("read", [images.load, images.size])
def test_errors_of_functions_name_the_file(read, tmp_path):
    good = encoded(Image.fromarray(picture()))
    for data, words in (good[:20], "the image is broken"), (b"nonsense", "the file is no image"):
        (tmp_path / "bad.png").write_bytes(data)
        with pytest.raises(ValueError) as caught:
            read(tmp_path / "bad.png")
        assert str(caught.value).startswith(f"[data] {tmp_path}/bad.png: {words}")
    with pytest.raises(ValueError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"[data] {tmp_path}: Is a directory"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["BMP", "DDS", "GIF", "PNG", "PPM", "TGA", "TIFF", "WEBP"])
def test_changed_files_are_pixels_or_an_error(format):
    """Pillow's decoders raise errors of any kind."""
    random, good = generator(18), encoded(Image.fromarray(picture(8, 8)), format)
    for _ in range(200):
        data = bytearray(good)
        for _ in range(random.integers(1, 6)):
            data[random.integers(min(len(data), 160))] = random.choice([0, 1, 127, 128, 255])
        try:
            assert load(bytes(data), max_pixels=1 << 16).dtype == np.uint8
        except ValueError as error:
            assert str(error).startswith("[data] ") and "\n" not in str(error)


def test_a_file_that_is_too_large_is_named(tmp_path):
    for format in "png", "jpeg":
        Image.fromarray(picture()).save(tmp_path / f"a.{format}")
        with pytest.raises(ValueError) as caught:
            images.load(tmp_path / f"a.{format}", max_pixels=599)
        words = f"[data] {tmp_path}/a.{format}: 30 x 20 pixels are more than max_pixels, 599"
        assert str(caught.value) == words


def test_sizes():
    x = picture(20, 30)
    assert images.resize(x, 15, 10).shape == (10, 15, 3)
    np.testing.assert_array_equal(images.resize(x, 30, 20), x)
    assert images.resize(x[..., :1], 7, 9).shape == (9, 7, 1)
    for filter in images.FILTERS:
        want = Image.fromarray(x).resize((11, 40), getattr(Image.Resampling, filter.upper()))
        np.testing.assert_array_equal(images.resize(x, 11, 40, filter), np.asarray(want))
    flat = np.full((9, 9, 3), 77, np.uint8)
    assert np.all(images.resize(flat, 4, 5) == 77)
    assert images.resize_smallest_side(x, 10).shape == (10, 15, 3)
    np.testing.assert_array_equal(images.center_crop(x, 10, 8), x[6:14, 10:20])
    assert images.center_crop(x, 100, 8).shape == (8, 30, 3)
    np.testing.assert_array_equal(images.crop(x, 3, 2, 5, 6), x[2:8, 3:8])
    assert images.rotate(x, 90).shape == (20, 30, 3)
    turned = images.rotate(x, 90, crop=False)
    np.testing.assert_array_equal(turned, np.rot90(x))
    for call in (lambda: images.crop(x, 28, 0, 5, 5), lambda: images.crop(x, -1, 0, 5, 5)):
        with pytest.raises(ValueError, match="not within 30 x 20"):
            call()
    with pytest.raises(ValueError, match="0 x 5 pixels"):
        images.resize(x, 0, 5)
    with pytest.raises(ValueError, match="the filters are nearest, bilinear"):
        images.resize(x, 4, 5, "box")
    with pytest.raises(ValueError, match="uint8"):
        images.resize(x.astype(np.float32), 5, 5)


def test_grey():
    x = picture()
    grey = images.channel_reduction(x)
    luma = np.rint(x @ np.array([0.299, 0.587, 0.114]))
    assert grey.dtype == np.uint8 and np.abs(grey[..., 0] - luma).max() <= 1
    np.testing.assert_array_equal(images.channel_reduction(x, "green")[..., 0], x[..., 1])
    with pytest.raises(ValueError, match="presets"):
        images.channel_reduction(x, "blue")
    with pytest.raises(ValueError, match="colour image"):
        images.channel_reduction(x[..., :1])


def test_random_operations():
    x = np.arange(30 * 30).astype(np.uint8).reshape(30, 30, 1).repeat(3, 2)
    b = dx.buffer_from_vector([{"x": x} for _ in range(50)])
    crops = b.image_random_crop("x", 10, 12, seed=1)
    assert {c["x"].shape for c in crops} == {(12, 10, 3)}
    assert len({c["x"].tobytes() for c in crops}) > 20
    np.testing.assert_array_equal(crops[4]["x"], crops[4]["x"])
    s = crops.to_stream()
    first = [c["x"].tobytes() for c in s]
    assert first != [c["x"].tobytes() for c in s.reset()]
    assert first == [c["x"].tobytes() for c in s.reset(0).prefetch(4, 3)]
    assert b.image_random_crop("x", 30, 30, pad=4)[0]["x"].shape == (30, 30, 3)
    flips = [np.array_equal(c["x"], x) for c in b.image_random_h_flip("x", 0.5, seed=2)]
    assert 10 < sum(flips) < 40
    parts = [c["x"].shape for c in b.image_random_area_crop("x", [0.2, 0.5], [0.75, 1.33], seed=3)]
    assert all(0.15 < h * w / 900 < 0.6 and 0.6 < w / h < 1.6 for h, w, _ in parts)
    assert len(set(parts)) > 10
    never = b.image_random_area_crop("x", [0.9, 1], [9, 9])
    assert never[0]["x"].shape == (30, 30, 3)
    with pytest.raises(dx.SampleError, match="image_random_crop of sample 0: .*not within 30 x 30"):
        b.image_random_crop("x", 40, 10)[0]
    assert b.image_resize("x", 4, 5).image_center_crop("x", 2, 2).image_channel_reduction("x")[0][
        "x"
    ].shape == (2, 2, 1)
    assert b.image_resize_smallest_side("x", 6).image_rotate("x", 45)[0]["x"].shape == (6, 6, 3)


def test_steps_on_images_take_one_image(tmp_path):
    four = dx.buffer_from_vector([{"x": picture(8, 8), "f": f"{i}.png"} for i in range(4)])
    batch = four.batch(4)
    steps = [
        lambda b: b.image_resize("x", 4, 4),
        lambda b: b.image_resize_smallest_side("x", 4),
        lambda b: b.image_center_crop("x", 4, 4),
        lambda b: b.image_random_crop("x", 4, 4),
        lambda b: b.image_random_crop("x", 4, 4, pad=1),
        lambda b: b.image_random_area_crop("x", (0.5, 1), (1, 1)),
        lambda b: b.image_random_h_flip("x", 0),
        lambda b: b.image_random_h_flip("x", 1),
        lambda b: b.image_rotate("x", 90),
        lambda b: b.image_channel_reduction("x"),
        lambda b: b.map(lambda s: {**s, "f": "a.png"}).save_image("x", "f", tmp_path),
    ]
    for step in steps:
        assert step(four)[0]["x"].ndim == 3
        with pytest.raises(
            dx.SampleError, match=r"\(H, W, C\), not \(4, 8, 8, 3\): .* before batch"
        ):
            step(batch)[0]
    assert images.crop(picture(8, 8)[..., 0], 1, 2, 3, 4).shape == (4, 3)
    with pytest.raises(ValueError, match=r"not \(3,\)"):
        images.center_crop(np.zeros(3, np.uint8), 1, 1)


# --- images with masks and boxes ------------------------------------------------------------------


def scene():
    """An image whose pixels say where they were, its mask, and boxes around single pixels."""
    place = 1 + np.arange(20 * 30).reshape(20, 30)  # 0 is what is around
    image = np.stack([place // 256, place % 256, place % 7], -1).astype(np.uint8)
    corners = np.array([[3, 4], [11, 9], [28, 19], [0, 0], [17, 2]])
    return {"i": image, "m": place.astype(np.int32), "b": np.hstack([corners, corners + 1])}


MOVES = [
    lambda s: s.image_random_crop(("i", "m"), 12, 9, boxes="b", seed=1),
    lambda s: s.image_random_crop(("i", "m"), 30, 20, pad=3, boxes="b", seed=2),
    lambda s: s.image_random_area_crop(("i", "m"), (0.2, 0.6), (0.5, 2), boxes="b", seed=3),
    lambda s: s.image_random_h_flip(("i", "m"), boxes="b", seed=4),
    lambda s: s.image_center_crop(("i", "m"), 10, 11, boxes="b"),
    lambda s: s.image_random_crop(["i", "m"], 15, 10, boxes="b").image_random_h_flip(
        ["i", "m"], boxes="b"
    ),
]


@pytest.mark.parametrize("place", range(len(MOVES)))
def test_images_masks_and_boxes_move_together(place):
    first = scene()
    b = MOVES[place](dx.buffer_from_vector([first] * 40))
    places, kept = set(), 0
    for s in [*b, *b.to_stream().prefetch(3, 2)]:
        h, w = s["m"].shape
        assert s["i"].shape == (h, w, 3) and s["b"].shape == (5, 4) and s["b"].dtype == np.int64
        told = s["i"][..., 0].astype(int) * 256 + s["i"][..., 1]
        np.testing.assert_array_equal(told, s["m"])
        places.add(s["m"].tobytes())
        for before, (x0, y0, x1, y1) in zip(first["b"], s["b"]):
            assert 0 <= x0 <= x1 <= w and 0 <= y0 <= y1 <= h
            inside = s["m"] == first["m"][before[1], before[0]]
            if x1 > x0 and y1 > y0:
                assert inside[y0, x0] and (x1 - x0, y1 - y0) == (1, 1)
                kept += 1
            else:
                assert not inside[1:-1, 1:-1].any()
    assert kept and (len(places) > 1) == (place != 4)


def test_sizes_of_images_masks_and_boxes():
    b = dx.buffer_from_vector([scene()])
    s = b.image_resize("i", 60, 10, boxes="b")[0]
    np.testing.assert_allclose(s["b"][1], [22, 4.5, 24, 5])
    assert s["b"].dtype == np.float32 and s["i"].shape == (10, 60, 3)
    s = b.image_resize(("i", "m"), 15, 10, filter=("bilinear", "nearest"), boxes="b")[0]
    assert s["m"].dtype == np.int32 and set(s["m"].ravel()) <= set(range(1, 601))
    s = b.image_resize_smallest_side("i", 40, boxes="b", filter="nearest")[0]
    np.testing.assert_array_equal(s["b"], scene()["b"] * 2.0)
    grey = b.key_transform("m", lambda m: (m % 256).astype(np.uint8))
    turned = grey.image_rotate(("i", "m"), 90, False, filter=("bilinear", "nearest"))[0]
    np.testing.assert_array_equal(turned["m"], np.rot90(grey[0]["m"]))
    np.testing.assert_array_equal(turned["i"], np.rot90(grey[0]["i"]))
    for w, h in ((7, 13), (31, 19), (64, 64), (1, 1)):
        x = picture()
        want = np.asarray(Image.fromarray(x).resize((w, h), Image.Resampling.NEAREST))
        for kind in (np.uint8, np.int64, np.float32):
            found = images.resize(x.astype(kind), w, h, "nearest")
            assert found.dtype == kind
            np.testing.assert_array_equal(found, want)
    nothing = b.map(lambda s: {**s, "b": []}).image_random_h_flip("i", 1, boxes="b")[0]["b"]
    assert nothing.shape == (0, 4)
    small = b.map(lambda s: {**s, "b": s["b"].astype(np.uint8)})
    assert small.image_center_crop("i", 10, 10, boxes="b")[0]["b"].min() == 0


def test_the_same_part_of_several_arrays():
    b = dx.buffer_from_vector([{"x": np.arange(50), "y": np.arange(100).reshape(50, 2)}] * 30)
    parts = [(s["x"], s["y"]) for s in b.random_slice(("x", "y"), 0, 7)]
    assert all(len(x) == 7 and np.array_equal(y[:, 0], 2 * x) for x, y in parts)
    assert len({x[0] for x, _ in parts}) > 10
    with pytest.raises(dx.SampleError, match="'x' has 50 along dimension -1, 'y' 2"):
        b.random_slice(("x", "y"), -1, 1)[0]


def test_each_of_several_keys():
    b = dx.buffer_from_vector([{"x": 1, "y": 2, "f": "a.png", "g": "none.png"}])
    assert b.cast(["x", "y"], "float32", ["p", "q"])[0]["q"] == 2
    assert b.normalize(("x", "y"), 1, 2)[0]["y"] == 0.5
    with pytest.raises(dx.SampleError, match="cast of sample 0: 'y': 300 is beyond uint8"):
        b.replace("y", 2, 300).cast(("x", "y"), "uint8")[0]
    with pytest.raises(dx.SampleError, match="cast of sample 0: no 'z' among"):
        b.cast(("x", "z"), "uint8")[0]


def test_arguments_of_steps_on_images():
    b = dx.buffer_from_vector([scene()])
    for call, words in [
        (lambda: b.image_random_h_flip("i", 1.5), "prob is a number from 0 to 1, not 1.5"),
        (lambda: b.image_random_h_flip("i", -0.1), "prob is a number from 0 to 1"),
        (lambda: b.image_random_h_flip("i", float("nan")), "prob is .* not nan"),
        (lambda: b.image_random_h_flip("i", "x"), "prob is .* not 'x'"),
        (lambda: b.image_random_area_crop("i", (0.5, 0.2), (1, 1)), "a share of the area is from"),
        (lambda: b.image_random_area_crop("i", (0, 1), (1, 1)), "a share of the area is from"),
        (lambda: b.image_random_area_crop("i", (0.5, 1.1), (1, 1)), "at most 1, not"),
        (lambda: b.image_random_area_crop("i", (0.5, 1), (1, float("inf"))), "width by height is"),
        (lambda: b.image_random_area_crop("i", (0.5, 1), (float("nan"), 1)), "width by height is"),
        (lambda: b.image_random_area_crop("i", 0.5, (1, 1)), "a share .* not 0.5"),
        (lambda: b.image_random_area_crop("i", (0.5, 1), (1, 1), -1), "num_trial"),
        (lambda: images.area_crop(picture(), (2, 1), (1, 1)), "a share of the area is"),
        (lambda: b.image_random_crop("i", 0, 5), "0 x 5 pixels"),
        (lambda: b.image_random_crop("i", 5, 2.5), "5 x 2.5 pixels"),
        (lambda: b.image_random_crop("i", 5, 5, pad=-1), "pad is a whole number from 0, not -1"),
        (lambda: b.image_random_crop("i", 5, 5, seed=True), "a seed is a whole number, not True"),
        (lambda: b.image_center_crop("i", -1, 5), "-1 x 5 pixels"),
        (lambda: b.image_resize("i", 5, 0), "5 x 0 pixels"),
        (lambda: b.image_resize("i", 5, 5, filter="box"), "the filters are"),
        (lambda: b.image_resize(("i", "m"), 5, 5, filter=["nearest"]), "1 filters for 2 keys"),
        (lambda: b.image_resize_smallest_side("i", 0), "0 x 0 pixels"),
        (lambda: b.image_rotate("i", float("nan")), "an angle is a number of degrees, not nan"),
        (
            lambda: b.image_rotate("i", 5, filter="lanczos"),
            "the filters are nearest, bilinear, bic",
        ),
        (lambda: b.load_image("f", format="BGR"), "the format is RGB, RGBA or L"),
        (lambda: b.image_resize(("i", "i"), 5, 5), "there are several that differ"),
        (lambda: b.image_resize((), 5, 5), "a key is a text"),
        (lambda: b.image_resize(("i", 3), 5, 5), "a key is a text"),
        (
            lambda: b.image_resize(("i", "m"), 5, 5, "x"),
            "output_key is a text for each key of i, m",
        ),
        (lambda: b.image_resize("i", 5, 5, boxes="i"), "'i' is the key of boxes and of an image"),
        (lambda: b.image_random_crop("i", 5, 5, boxes="m")[0], r"boxes are \(N, 4\): .*\(20, 30\)"),
        (lambda: b.image_random_crop("i", 5, 5, boxes="z")[0], "no 'z' among"),
        (
            lambda: b.image_random_crop(("i", "b"), 2, 2)[0],
            "one size, not {'i': '30 x 20', 'b': '4",
        ),
        (lambda: b.image_resize(("i", "m"), 5, 5)[0], "not of int32"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(dx.SampleError, match="'m': an image is .* not of int32"):
        b.image_rotate(("i", "m"), 5)[0]
    for key, words in (("n", "a text, not int: files are read before batch"), ("l", "not list")):
        with pytest.raises(dx.SampleError, match=words):
            dx.buffer_from_vector([{"n": 1, "l": ["a.png"]}]).load_image(key)[0]
    with pytest.raises(dx.SampleError, match="the bytes of a file were expected, not str"):
        dx.buffer_from_vector([{"n": "a.png"}]).load_image("n", from_memory=True)[0]
