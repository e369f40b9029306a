/* Fuzz targets: a reader each, fed with any bytes.
 *
 *     fuzz_<format>.c   LLVMFuzzerTestOneInput, and seeds that are right
 *     drive.c           a plain program around one: changes the seeds for $FUZZ_SECONDS (3), counts
 *                       what stays allocated
 *
 * With clang: -DMLXC_FUZZ=ON links libFuzzer instead of drive.c.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "io/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Files that are right: each is handed to add, which copies it. For drive.c. */
typedef void fuzz_add(const void *bytes, size_t size);
void fuzz_seeds(fuzz_add *add);

/* What a file asks for beyond this is refused, whoever feeds the target. */
__attribute__((constructor)) static void fuzz_bound_memory(void) {
    mx_mem_set_hard_limit((size_t)256 << 20);
}

/* A source over a copy of the bytes. */
__attribute__((unused)) static bool fuzz_source(mx_source *s, const uint8_t *data, size_t size) {
    mx_buffer *b = mx_buffer_new(size + 1);
    if (!b)
        return false;
    memcpy(b->ptr, data, size);
    mx_source_memory(s, "fuzz", "input", b, size);
    mx_buffer_release(b);
    return true;
}

/* What was read is used, where that is quick. */
__attribute__((unused)) static void fuzz_use(mx_array *a) {
    if (a && a->size < 1 << 16)
        mx_eval1(a);
    mx_error_clear();
}

__attribute__((unused)) static void fuzz_use_all(const mx_map *arrays) {
    for (size_t i = 0; i < arrays->count; i++)
        fuzz_use(arrays->entry[i].value);
}

/* A sink into memory, for seeds. */
typedef struct fuzz_bytes {
    char *data;
    size_t size;
} fuzz_bytes;

__attribute__((unused)) static bool fuzz_put(mx_sink *k, const void *bytes, size_t n) {
    fuzz_bytes *b = k->to;
    b->data = realloc(b->data, b->size + n + 1);
    memcpy(b->data + b->size, bytes, n);
    b->size += n;
    return true;
}

__attribute__((unused)) static void fuzz_add_written(fuzz_add *add, mx_write_fn *write,
                                                     void *what) {
    fuzz_bytes b = {NULL, 0};
    mx_sink k = {"fuzz", "seed", fuzz_put, &b, 0};
    if (write(&k, what))
        add(b.data, b.size);
    free(b.data);
}

#endif
