"""Principal components of MNIST: the directions in which digits differ most, and digits made of the
first few of them only.

    python -m methods.pca --data DIR        writes pca.png: the mean and 47 eigen-digits; then test
                                            images and what 8, 32 and 128 components keep of them
"""

import mlx.core as mx
from common import arguments
from pictures import image_grid, write_png
from samples import mnist


def components(x):
    """The mean (D,) of examples (N, D), their principal directions as rows (D, D) and the variances
    along them, the largest first."""
    mean = mx.mean(x, axis=0)
    covariance = (x - mean).T @ (x - mean) / (len(x) - 1)
    variances, vectors = mx.linalg.eigh(covariance)
    return mean, vectors.T[::-1], mx.maximum(variances[::-1], 0)


def restored(x, mean, directions):
    """Examples from their coordinates along these directions alone."""
    return (x - mean) @ directions.T @ directions + mean


def eigen_digits(directions):
    """Directions as images in [0, 1], where grey is no change."""
    return 0.5 + 0.5 * directions / mx.max(mx.abs(directions), axis=1, keepdims=True)


def main(data=None, counts=(8, 32, 128), output=None):
    """Returns the share of variance that each count of components keeps, and the share that is kept
    of the test images."""
    images, _, test, _ = mnist(data)
    images, test = images.reshape(-1, 784), test.reshape(-1, 784)
    mean, directions, variances = components(images)
    versions = [restored(test, mean, directions[:n]) for n in counts]
    if output:
        rows = [mean[None], eigen_digits(directions[:47]), test[:16], *(v[:16] for v in versions)]
        write_png(output, image_grid(mx.concatenate(rows).reshape(-1, 28, 28), 16))
    total = mx.sum(mx.square(test - mean))
    kept = [mx.sum(variances[:n]) / mx.sum(variances) for n in counts]
    kept_of_test = [1 - mx.sum(mx.square(test - v)) / total for v in versions]
    return [k.item() for k in kept], [k.item() for k in kept_of_test]


if __name__ == "__main__":
    o = arguments(__doc__, output="pca.png")
    for count, kept, of_test in zip((8, 32, 128), *main(o.data, output=o.output)):
        print(
            f"{count:3} components keep {100 * kept:.1f}% of the variance, {100 * of_test:.1f}% in new digits"
        )
    print(f"pictures in {o.output}")
