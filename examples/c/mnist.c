/* Digits: a trained convolutional network reads MNIST images and counts how many it gets right.
 *
 *     mnist weights.safetensors images.idx labels.idx
 *
 * The weights are named and laid out as PyTorch does; the network is
 *
 *     conv1 (8,1,3,3)  relu   conv2 (16,8,3,3)  relu   conv3 (24,16,3,3)  relu   norm1
 *     fc1 (32, 24 x 22 x 22)  relu   fc2 (10,32)   norm2
 *
 * without padding, with batch norms by the statistics of the training. Pixels are scaled to
 * (x / 255 - 0.1307) / 0.3081. Here channels come last: kernels (O,C,H,W) become (O,H,W,C), and so
 * do the columns of fc1. IDX files: a magic number, the sizes as big-endian int32, then bytes.
 */
#include <stdint.h>
#include <string.h>

#include "command.h"
#include "expr.h"

enum { BATCH = 500, SIDE = 28, CHANNELS = 24, LEFT = 22 };

static mlx_map_string_to_array weights;

static void die(const char *what, const char *path) {
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

/* --- data ----------------------------------------------------------------------------- */

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Images have 28 x 28 pixels; of labels the header has no sizes. */
static bool has_size(const uint8_t *head, size_t header) {
    return header == 8 || (big_endian(head + 8) == SIDE && big_endian(head + 12) == SIDE);
}

/* The bytes of an IDX file with this magic number, `size` for each of *count items. */
static uint8_t *read_idx(const char *path, uint32_t magic, size_t header, size_t size, int *count) {
    uint8_t head[16];
    FILE *f = fopen(path, "rb");
    if (!f)
        die("cannot be opened", path);
    if (fread(head, 1, header, f) != header || big_endian(head) != magic)
        die("not the IDX file that is expected", path);
    if (!has_size(head, header))
        die("images of 28 x 28 pixels are expected", path);
    size_t n = big_endian(head + 4);
    if (n == 0 || n > 1000000)
        die("its number of items is out of range", path);
    uint8_t *data = malloc(n * size);
    if (!data || fread(data, size, n, f) != n)
        die("the file is too short", path);
    fclose(f);
    *count = (int)n;
    return data;
}

static uint8_t *read_labels(const char *path, int *count) {
    uint8_t *label = read_idx(path, 0x801, 8, 1, count);
    for (int i = 0; i < *count; i++)
        if (label[i] > 9)
            die("a label is none of the ten digits", path);
    return label;
}

static mlx_array bytes(const uint8_t *data, const int *shape, int ndim) {
    return owned(mlx_array_new_data(data, shape, ndim, MLX_UINT8));
}

/* --- the network ---------------------------------------------------------------------- */

static mlx_array weight(const char *layer, const char *what) {
    char name[64];
    mlx_array a = mlx_array_new();
    snprintf(name, sizeof name, "%s.%s", layer, what);
    if (mlx_map_string_to_array_get(&a, weights, name))
        die("not among the weights", name);
    return owned(a);
}

static mlx_array relu(mlx_array x) {
    EXPR(mlx_maximum(&r, x, scalar(0), on));
}

/* (O,C,H,W) -> (O,H,W,C) */
static mlx_array channels_last(mlx_array a) {
    const int axes[4] = {0, 2, 3, 1};
    EXPR(mlx_transpose_axes(&r, a, axes, 4, on));
}

static mlx_array convolve(mlx_array x, mlx_array w) {
    EXPR(mlx_conv2d(&r, x, w, 1, 1, 0, 0, 1, 1, 1, on));
}

static mlx_array conv(mlx_array x, const char *layer) {
    return add(convolve(x, channels_last(weight(layer, "weight"))), weight(layer, "bias"));
}

static mlx_array batch_norm(mlx_array x, const char *layer) {
    mlx_array spread = root(add(weight(layer, "running_var"), scalar(1e-5f)));
    mlx_array y = quot(sub(x, weight(layer, "running_mean")), spread);
    return add(mul(y, weight(layer, "weight")), weight(layer, "bias"));
}

static mlx_array fully(mlx_array x, mlx_array w, const char *layer) {
    return add(linear(x, w), weight(layer, "bias"));
}

static mlx_array reshape2(mlx_array a, int d0, int d1) {
    int shape[2] = {d0, d1};
    EXPR(mlx_reshape(&r, a, shape, 2, on));
}

/* Pixels (N,28,28,1) to scores (N,10). */
static mlx_array network(mlx_array pixels, int n) {
    mlx_array x = quot(sub(times(pixels, 1 / 255.0f), scalar(0.1307f)), scalar(0.3081f));
    x = relu(conv(x, "conv1"));
    x = relu(conv(x, "conv2"));
    x = batch_norm(relu(conv(x, "conv3")), "norm1");
    int features = LEFT * LEFT * CHANNELS;
    mlx_array w = channels_last(reshape4(weight("fc1", "weight"), 32, CHANNELS, LEFT, LEFT));
    x = relu(fully(reshape2(x, n, features), reshape2(w, 32, features), "fc1"));
    return batch_norm(fully(x, weight("fc2", "weight"), "fc2"), "norm2");
}

static mlx_array argmax(mlx_array a) {
    EXPR(mlx_argmax_axis(&r, a, -1, false, on));
}
static mlx_array equal(mlx_array a, mlx_array b) {
    EXPR(mlx_equal(&r, a, b, on));
}
static mlx_array count(mlx_array a) {
    EXPR(mlx_sum(&r, a, false, on));
}

static int right_of(const uint8_t *images, const uint8_t *labels, int n) {
    size_t begin = step_begin();
    int right = 0;
    mlx_array pixels = bytes(images, (int[]){n, SIDE, SIDE, 1}, 4), want = bytes(labels, &n, 1);
    need(mlx_array_item_int32(&right, count(equal(argmax(network(pixels, n)), want))));
    step_end(begin);
    return right;
}

int main(int argc, char **argv) {
    int n, m, right = 0;
    begin_command(argc, argv, "usage: mnist weights.safetensors images.idx labels.idx\n", 3, 3);
    on = mlx_default_cpu_stream_new();
    mlx_map_string_to_string notes = mlx_map_string_to_string_new();
    weights = mlx_map_string_to_array_new();
    need(mlx_load_safetensors(&weights, &notes, argv[1], on));
    uint8_t *images = read_idx(argv[2], 0x803, 16, SIDE * SIDE, &n);
    uint8_t *labels = read_labels(argv[3], &m);
    if (n != m)
        die("as many labels as images are expected", argv[3]);
    for (int i = 0; i < n; i += BATCH)
        right +=
            right_of(images + (size_t)i * SIDE * SIDE, labels + i, n - i < BATCH ? n - i : BATCH);
    printf("%d of %d right\n", right, n);
    free(images);
    free(labels);
    mlx_map_string_to_array_free(weights);
    mlx_map_string_to_string_free(notes);
    mlx_stream_free(on);
    return printed();
}
