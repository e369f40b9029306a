/* GGUF files by hand, in either order of bytes. */
#ifndef GGUF_BUILD_H
#define GGUF_BUILD_H

#include "io_files.h"

#define GB __attribute__((unused)) static

typedef struct gguf_bytes {
    unsigned char at[1 << 16];
    size_t n;
    bool swapped; /* big-endian */
} gguf_bytes;

GB void gb_put(gguf_bytes *b, const void *p, size_t n) {
    memcpy(b->at + b->n, p, n);
    b->n += n;
}

/* A number of n bytes. */
GB void gb_number(gguf_bytes *b, uint64_t v, size_t n) {
    for (size_t i = 0; i < n; i++)
        b->at[b->n++] = (unsigned char)(v >> (8 * (b->swapped ? n - 1 - i : i)));
}

GB void gb_text(gguf_bytes *b, const char *s) {
    gb_number(b, strlen(s), 8);
    gb_put(b, s, strlen(s));
}

GB void gb_begin(gguf_bytes *b, bool swapped, uint64_t tensors, uint64_t pairs) {
    b->n = 0;
    b->swapped = swapped;
    gb_put(b, "GGUF", 4);
    gb_number(b, 3, 4);
    gb_number(b, tensors, 8);
    gb_number(b, pairs, 8);
}

/* A tensor of two axes. */
GB void gb_tensor(gguf_bytes *b, const char *name, uint64_t row, uint64_t rows, uint32_t type,
                  uint64_t offset) {
    gb_text(b, name);
    gb_number(b, 2, 4);
    gb_number(b, row, 8);
    gb_number(b, rows, 8);
    gb_number(b, type, 4);
    gb_number(b, offset, 8);
}

/* A number of the metadata. */
GB void gb_pair(gguf_bytes *b, const char *key, uint32_t type, uint64_t v, size_t n) {
    gb_text(b, key);
    gb_number(b, type, 4);
    gb_number(b, v, n);
}

GB void gb_align(gguf_bytes *b) {
    while (b->n % 32)
        b->at[b->n++] = 0;
}

#endif
