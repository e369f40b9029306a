"""Loading data beside PyTorch's DataLoader, in one run:

    PYTHONPATH=build/python python3 bench/bindings/compare_data.py DATA [MODEL]

DATA is the folder of test data (mnist/, cifar10_subset/, text/), MODEL a GGUF file or folder whose
tokenizer reads the text. PyTorch has 2 workers, which stay from epoch to epoch; here are 2
threads. Both do the same work for each sample, PyTorch's side with NumPy and Pillow, text with the
same tokenizer. Printed are samples a second of the best of several epochs, from the first batch
that is asked for to the last one given, and microseconds of processor time a sample of all
processes together (of an epoch, with the workers' start for PyTorch). Here samples that are made in
microseconds have one thread."""

import gc
import os
import sys
import tempfile
import time
from pathlib import Path

import mlx.data as dx
import numpy as np
import torch
from mlx.data import datasets, images
from PIL import Image
from torch.utils.data import DataLoader, Dataset

WORKERS, EPOCHS = 2, 5
MEAN, STD = np.float32(33.3), np.float32(78.6)


def spent():
    """Processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def best(epochs, count):
    """Samples a second; `epochs()` gives an iterable of batches."""
    low = 1e9
    for _ in range(EPOCHS):
        start = time.perf_counter()
        seen = sum(len(next(iter(b.values())) if isinstance(b, dict) else b[0]) for b in epochs())
        low = min(low, time.perf_counter() - start)
        assert seen == count, (seen, count)
    return count / low


class Samples(Dataset):
    """A function of the number of a sample."""

    def __init__(self, count, sample):
        self.count, self.sample = count, sample

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return self.sample(i)


def theirs(count, sample, batch, collate=None):
    options = {"num_workers": WORKERS, "persistent_workers": True, "collate_fn": collate}
    loader, start = DataLoader(Samples(count, sample), batch, shuffle=True, **options), spent()
    speed = best(lambda: loader, count)
    del loader  # its workers end, so that their time is known
    gc.collect()
    return speed, (spent() - start) / EPOCHS / count


def ours(stream, count):
    start = spent()
    speed = best(stream.reset, count)
    return speed, (spent() - start) / EPOCHS / count


def row(name, here, there):
    times = f"{1e6 * here[1]:.1f} | {1e6 * there[1]:.1f}"
    ratio = here[0] / there[0]
    print(f"| {name} | {here[0]:,.0f} | {there[0]:,.0f} | {ratio:.1f} | {times} |", flush=True)


def mnist(data):
    buffer = datasets.load_mnist(data / "mnist")
    whole = buffer.batch(len(buffer))[0]
    pixels, labels, count = whole["image"], whole["label"], len(buffer)

    def normal(x):
        return (x.astype(np.float32) - MEAN) / STD

    there = theirs(count, lambda i: (torch.from_numpy(normal(pixels[i])), int(labels[i])), 64)
    each = buffer.shuffle(0).to_stream().key_transform("image", normal).batch(64)
    # Steps this short would hand the interpreter to and fro between threads.
    row("MNIST, each image normalized", ours(each.prefetch(8, 1), count), there)
    at_once = buffer.shuffle(0).to_stream().batch(64).normalize("image", MEAN, STD)
    row("MNIST, batches normalized", ours(at_once.prefetch(8, WORKERS), count), there)


def cifar(data, folder):
    sets = datasets.read_cifar(data / "cifar10_subset" / "cifar10_train_first2000.bin.gz")
    for i, (image, label) in enumerate(zip(sets["image"], sets["label"])):
        (folder / str(label)).mkdir(exist_ok=True)
        images.save(folder / str(label) / f"{i:04d}.jpg", image)
    buffer = dx.image_folder(folder)
    files = list(buffer)
    mean, std = np.float32([125, 123, 114]), np.float32([63, 62, 67])

    def sample(i):
        x = np.zeros((40, 40, 3), np.uint8)
        with Image.open(files[i]["file"]) as image:
            x[4:36, 4:36] = np.asarray(image.convert("RGB"))
        top, left = np.random.randint(0, 9, 2)
        x = x[top : top + 32, left : left + 32]
        x = x[:, ::-1] if np.random.random() < 0.5 else x
        return torch.from_numpy((x - mean) / std), files[i]["label"]

    stream = buffer.shuffle(0).to_stream().load_image("file", output_key="image")
    stream = stream.image_random_crop("image", 32, 32, pad=4).image_random_h_flip("image")
    stream = stream.filter_key(["image", "label"]).batch(128).normalize("image", mean, std)
    here = ours(stream.prefetch(8, WORKERS), len(files))
    row("CIFAR JPEGs, random crop and flip", here, theirs(len(files), sample, 128))


def padded(samples):
    return (torch.nn.utils.rnn.pad_sequence(samples, batch_first=True),)


def text(data, model):
    from mlx import lm

    tokenizer = lm.Tokenizer(model)
    lines = (data / "text" / "wikitext2_test.txt").read_text().split("\n")
    lines = [line for line in lines if line.strip()]

    def sample(i):
        return torch.tensor(tokenizer.encode(lines[i]), dtype=torch.int32)

    there = theirs(len(lines), sample, 32, padded)
    buffer = dx.buffer_from_arrays(text=lines).shuffle(0)
    stream = buffer.to_stream().batch(32).tokenize("text", tokenizer, pad=0)
    row("WikiText-2, tokens padded", ours(stream.prefetch(8, WORKERS), len(lines)), there)
    lengths = buffer.to_stream().tokenize("text", tokenizer)
    lengths = lengths.dynamic_batch(1024, "text", batch_size=32)
    row("WikiText-2, tokens by length", ours(lengths.prefetch(8, 1), len(lines)), there)


def main(data, model=None):
    data = Path(data)
    print("| samples a second | here | PyTorch | ratio | us a sample here | PyTorch |")
    print("|---|---|---|---|---|---|")
    mnist(data)
    with tempfile.TemporaryDirectory() as folder:
        cifar(data, Path(folder))
    if model:
        text(data, model)


if __name__ == "__main__":
    main(*sys.argv[1:])
