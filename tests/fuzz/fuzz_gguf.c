/* .gguf: see fuzz.h. */
#include "fuzz.h"
#include "ops/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mx_scope scope = mx_scope_open();
    mx_source s;
    mx_gguf g = {{0}, {0}};
    if (fuzz_source(&s, data, size)) {
        if (mx_read_gguf(&s, &g))
            fuzz_use_all(&g.arrays);
        mx_source_close(&s);
    }
    mx_gguf_free(&g);
    mx_error_clear();
    mx_scope_close(scope);
    return 0;
}

static void u32(uint8_t **p, uint32_t v) {
    memcpy(*p, &v, 4);
    *p += 4;
}

static void u64(uint8_t **p, uint64_t v) {
    memcpy(*p, &v, 8);
    *p += 8;
}

/* One tensor of one type, with room for its blocks. */
static void add_tensor(fuzz_add *add, uint32_t type) {
    uint8_t file[4096] = {'G', 'G', 'U', 'F'}, *p = file + 4;
    u32(&p, 3);
    u64(&p, 1);
    u64(&p, 0);
    u64(&p, 1);
    *p++ = 'w';
    u32(&p, 2);
    u64(&p, 256);
    u64(&p, 2);
    u32(&p, type);
    u64(&p, 0);
    add(file, sizeof file);
}

/* The same the other way round: counts, sizes and a block's scales. */
static void add_swapped(fuzz_add *add, uint32_t type) {
    uint8_t file[1024] = {'G', 'G', 'U', 'F', 0, 0, 0, 3}, *p = file + 8;
    u64(&p, __builtin_bswap64(1));
    u64(&p, 0);
    u64(&p, __builtin_bswap64(1));
    *p++ = 'w';
    u32(&p, __builtin_bswap32(1));
    u64(&p, __builtin_bswap64(256));
    u32(&p, __builtin_bswap32(type));
    u64(&p, 0);
    add(file, sizeof file);
}

/* Arrays of arrays in the metadata. */
static void add_table(fuzz_add *add) {
    uint8_t file[256] = {'G', 'G', 'U', 'F'}, *p = file + 4;
    u32(&p, 3);
    u64(&p, 0);
    u64(&p, 1);
    u64(&p, 1);
    *p++ = 't';
    u32(&p, 9);
    u32(&p, 9);
    u64(&p, 2);
    for (int i = 0; i < 2; i++) {
        u32(&p, 4);
        u64(&p, 2);
        u64(&p, 5);
    }
    add(file, sizeof file);
}

void fuzz_seeds(fuzz_add *add) {
    mx_gguf g = {{0}, {0}};
    const char *words[] = {"a", "bc", ""};
    mx_map_set(&g.arrays, "weight", mx_ones((int[]){2, 32}, 2, MX_FLOAT32), NULL);
    mx_map_set(&g.meta, "general.name", mx_meta_of_string("seed"), NULL);
    mx_map_set(&g.meta, "tokens", mx_meta_of_strings(words, 3), NULL);
    mx_map_set(&g.meta, "scores", mx_meta_of_array(mx_arange(0, 3, 1, MX_FLOAT32)), NULL);
    fuzz_add_written(add, mx_write_gguf, &g);
    for (uint32_t type = 0; type < 43; type++) {
        add_tensor(add, type);
        add_swapped(add, type);
    }
    add_table(add);
    mx_map_free(&g.arrays, NULL);
    mx_map_free(&g.meta, mx_meta_free);
}
