/* Products of chosen parts, and the Hadamard transform, each beside what bounds it: name and best
 * milliseconds a line. BENCH_CPU=1 counts processor time.
 *
 *     bench_products [substring]
 */
#include "graph/eval/eval.h"
#include "ops/ops.h"

enum { TOKENS = 1024, EXPERTS = 8, IN = 1024, OUT = 2048 };

static mx_array *lines, *twelve, *halves, *tokens, *experts, *one, *random_ids, *sorted_ids,
    *few_ids, *segments, *left, *right;

static mx_array *normal(int a, int b, int c) {
    return mx_random_normal((int[]){a, b, c}, 3, MX_FLOAT32, NULL, NULL, mx_random_next_key());
}

static mx_array *ids(int n) {
    return mx_random_randint(mx_scalar(0, MX_INT32), mx_scalar(EXPERTS, MX_INT32), &n, 1, MX_INT32,
                             mx_random_next_key());
}

static void prepare(void) {
    mx_random_seed(0);
    lines = normal(1, 1024, 4096), twelve = normal(1, 1024, 12 * 256),
    halves = mx_astype(lines, MX_FLOAT16);
    tokens = normal(TOKENS, 1, IN), experts = normal(EXPERTS, IN, OUT), one = normal(1, 1, IN);
    random_ids = ids(TOKENS), sorted_ids = mx_sort(random_ids, 0), few_ids = ids(2);
    left = mx_reshape(normal(1, IN, TOKENS), (int[]){IN, TOKENS}, 2);
    right = mx_reshape(normal(1, TOKENS, OUT), (int[]){TOKENS, OUT}, 2);
    int ends[2 * EXPERTS];
    for (int i = 0; i < 2 * EXPERTS; i++)
        ends[i] = (i + 1) / 2 * (TOKENS / EXPERTS);
    segments = mx_array_from(ends, (int[]){EXPERTS, 2}, 2, MX_INT32);
    mx_array *all[] = {lines,      twelve,     halves,  tokens,   experts, one,
                       random_ids, sorted_ids, few_ids, segments, left,    right};
    mx_eval(all, sizeof all / sizeof *all);
}

#define ROWS                                                                                     \
    ROW("negative 4M (reads and writes as the transform does)", mx_negative(lines))              \
    ROW("hadamard 1024 lines of 4096", mx_hadamard_transform(lines, NULL))                       \
    ROW("hadamard 1024 lines of 4096, float16", mx_hadamard_transform(halves, NULL))             \
    ROW("hadamard 1024 lines of 12 x 256", mx_hadamard_transform(twelve, NULL))                  \
    ROW("matmul 1024x1024x2048", mx_matmul(mx_reshape(tokens, (int[]){TOKENS, IN}, 2),           \
                                           mx_squeeze_axis(mx_slice_axis(experts, 0, 0, 1), 0))) \
    ROW("gather_mm 1024 rows, 8 matrices, sorted",                                               \
        mx_gather_mm(tokens, experts, NULL, sorted_ids, true))                                   \
    ROW("gather_mm 1024 rows, 8 matrices, any order",                                            \
        mx_gather_mm(tokens, experts, NULL, random_ids, false))                                  \
    ROW("gather_mm 1 row, 2 matrices", mx_gather_mm(one, experts, NULL, few_ids, false))         \
    ROW("segmented_mm 8 segments of 1024x1024x2048", mx_segmented_mm(left, right, segments))

#include "bench_rows.h"
