"""k-means: a photograph with a few colours only, those nearest to all of its own. The first centres
are far from each other by k-means++ (Arthur and Vassilvitskii 2007).

    python -m methods.kmeans --image FILE        writes kmeans.png, the photograph in 8 colours;
                                                 without FILE the cat of DIR/clip from --data DIR
"""

import sys

import mlx.core as mx
import numpy as np
from common import Progress, arguments, data_file
from pictures import write_png
from mlx.data import images


def distances(x, centres):
    """Squared distances (N, k) of points (N, D) from centres (k, D)."""
    squares = mx.sum(mx.square(x), axis=1)[:, None] + mx.sum(mx.square(centres), axis=1)
    return mx.maximum(squares - 2 * x @ centres.T, 0)


def first_centres(x, k):
    """k of the points, each chosen with a probability that grows with the squared distance from
    those before."""
    centres = x[mx.random.randint(0, len(x), (1,))]
    for _ in range(1, k):
        nearest = mx.min(distances(x, centres), axis=1)
        index = mx.random.categorical(mx.log(nearest + 1e-12))
        centres = mx.concatenate([centres, x[index][None]])
        mx.eval(centres)
    return centres


@mx.compile
def improve(x, centres):
    """The means of the points nearest to each centre, and the mean squared distance before. A centre
    that has no points stays where it is."""
    apart = distances(x, centres)
    nearest = mx.argmin(apart, axis=1)
    counts = mx.zeros((len(centres), 1)).at[nearest].add(1)
    sums = mx.zeros_like(centres).at[nearest].add(x)
    return mx.where(counts > 0, sums / mx.maximum(counts, 1), centres), mx.mean(
        mx.min(apart, axis=1)
    )


def kmeans(x, k, steps):
    """Centres (k, D), and the mean squared distance of points from the nearest at each step: it never
    grows."""
    centres, errors, progress = first_centres(x, k), [], Progress(steps)
    for i in range(1, steps + 1):
        centres, error = improve(x, centres)
        errors.append(error.item())
        progress(i, error=error)
        if i > 1 and errors[-2] - errors[-1] < 1e-9:
            break
    return centres, errors


def main(image, colours=8, steps=50, seed=0, output=None):
    """Returns the colours (k, 3), and the root of the mean squared error of a pixel's channel."""
    mx.random.seed(seed)
    pixels = mx.array(images.load(image)).astype(mx.float32) / 255
    x = pixels.reshape(-1, 3)
    some = x[mx.random.randint(0, len(x), (20000,))] if len(x) > 20000 else x
    centres, _ = kmeans(some, colours, steps)
    apart = distances(x, centres)
    if output:
        picture = centres[mx.argmin(apart, axis=1)].reshape(pixels.shape)
        write_png(output, np.array(mx.round(255 * picture).astype(mx.uint8)))
    return centres, mx.sqrt(mx.mean(mx.min(apart, axis=1)) / 3).item()


if __name__ == "__main__":
    o = arguments(__doc__, image="", colours=8, steps=50, output="kmeans.png")
    image = o.image or data_file(o.data, "clip", "cat.jpeg")
    if o.colours > 256:
        sys.exit(f"--colours {o.colours}: more than 256 are no longer few.")
    centres, error = main(image, o.colours, o.steps, o.seed, o.output)
    print(
        " ".join("#%02x%02x%02x" % tuple(c) for c in np.round(255 * np.array(centres)).astype(int))
    )
    print(f"a channel is wrong by {255 * error:.1f} of 255; the picture is {o.output}")
