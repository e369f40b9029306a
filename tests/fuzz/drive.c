/* Changes seeds and feeds a fuzz target with them: see fuzz.h. The order of changes is always the
 * same; MLX_TEST_SEED chooses another. Arguments: more seeds, or files to run once. */
#include <stdio.h>
#include <time.h>

#include "check.h"
#include "fuzz.h"

enum { MOST_SEEDS = 4096 };

typedef struct seed {
    uint8_t *data;
    size_t size;
} seed;

static seed seeds[MOST_SEEDS];
static size_t n_seeds;
static uint64_t state;

static uint64_t any(uint64_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return n ? state % n : 0;
}

static void add(const void *bytes, size_t size) {
    if (n_seeds == MOST_SEEDS)
        return;
    seeds[n_seeds] = (seed){malloc(size + 1), size};
    memcpy(seeds[n_seeds++].data, bytes, size);
}

static void add_file(const char *path) {
    FILE *f = fopen(path, "rb");
    static uint8_t bytes[1 << 20];
    if (!f)
        return;
    add(bytes, fread(bytes, 1, sizeof bytes, f));
    fclose(f);
}

/* Numbers that counts and offsets break at. */
static uint64_t odd_number(void) {
    static const uint64_t odd[] = {0,          1,          2,          127,
                                   255,        256,        65535,      65536,
                                   INT32_MAX,  UINT32_MAX, 1ull << 31, 1ull << 32,
                                   1ull << 40, INT64_MAX,  1ull << 63, UINT64_MAX};
    return odd[any(sizeof odd / sizeof *odd)];
}

static size_t change(uint8_t *b, size_t n, size_t room) {
    size_t at = any(n), len = 1 + any(16);
    uint64_t number = odd_number();
    static const size_t widths[] = {1, 2, 4, 8};
    size_t width = widths[any(4)];
    switch (any(8)) {
    case 0: return at;
    case 1: b[at] ^= (uint8_t)(1 << any(8)); return n;
    case 2: b[at] = (uint8_t)any(256); return n;
    case 3:
    case 4:
        if (at + width <= n)
            memcpy(b + at, &number, width);
        return n;
    case 5: // some bytes go
        len = len < n - at ? len : n - at;
        memmove(b + at, b + at + len, n - at - len);
        return n - len;
    case 6: // some come twice
        len = len < n - at ? len : n - at;
        if (n + len > room)
            return n;
        memmove(b + at + len, b + at, n - at);
        return n + len;
    default: { // some of another seed
        const seed *o = &seeds[any(n_seeds)];
        size_t from = any(o->size);
        len = 1 + any(64);
        for (size_t i = 0; i < len && at + i < n && from + i < o->size; i++)
            b[at + i] = o->data[from + i];
        return n;
    }
    }
}

static void run_one(void) {
    const seed *s = &seeds[any(n_seeds)];
    size_t room = s->size + 64, n = s->size;
    uint8_t *b = malloc(room);
    memcpy(b, s->data, n);
    for (uint64_t k = 1 + any(4); k > 0 && n > 0; k--)
        n = change(b, n, room);
    LLVMFuzzerTestOneInput(b, n);
    free(b);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
    const char *seconds = getenv("FUZZ_SECONDS");
    unsigned long runs = 0;
    state = check_seed(0x9e3779b97f4a7c15u);
    mx_scope s = mx_scope_open();
    fuzz_seeds(add);
    mx_scope_close(s);
    for (int i = 1; i < argc; i++)
        add_file(argv[i]);
    for (size_t i = 0; i < n_seeds; i++)
        LLVMFuzzerTestOneInput(seeds[i].data, seeds[i].size);
    int64_t live = mx_alloc_live();
    double end = now() + (seconds ? atof(seconds) : 3);
    for (; n_seeds && (runs == 0 || now() < end); runs++)
        run_one();
    int64_t more = mx_alloc_live() - live;
    printf("%zu seeds, %lu runs, %lld more allocations\n", n_seeds, runs, (long long)more);
    for (size_t i = 0; i < n_seeds; i++)
        free(seeds[i].data);
    return runs == 0 || more > 16 || more < -16;
}
