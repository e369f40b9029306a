/* PyTorch's checkpoints: see fuzz.h. Seeds are archives of a pickle and a storage, and the layout
   of before 1.6. */
#include "fuzz.h"
#include "io/archive/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mx_scope scope = mx_scope_open();
    mx_source s;
    mx_archive *a = fuzz_source(&s, data, size) ? mx_archive_over(s) : NULL;
    for (size_t i = 0; a && i < a->count && i < 32; i++) {
        fuzz_use(mx_archive_read(a, i, i % 2));
        mx_error_clear();
    }
    mx_archive_close(a);
    mx_error_clear();
    mx_scope_close(scope);
    return 0;
}

/* --- a zip with members that are stored as they are ------------------------------------ */

typedef struct zip {
    uint8_t bytes[8192], directory[2048];
    size_t size, listed, count;
} zip;

static void put(uint8_t *to, size_t *at, const void *from, size_t n) {
    memcpy(to + *at, from, n);
    *at += n;
}

static void put_number(uint8_t *to, size_t *at, uint64_t v, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[(*at)++] = i < sizeof v ? (uint8_t)(v >> 8 * i) : 0;
}

static void put_sizes(uint8_t *to, size_t *at, uint32_t size, uint32_t name) {
    put_number(to, at, 0, 4); // the checksum, which nobody reads
    put_number(to, at, size, 4);
    put_number(to, at, size, 4);
    put_number(to, at, name, 2);
}

static void add_member(zip *z, const char *name, const void *data, size_t n) {
    uint32_t at = (uint32_t)z->size, length = (uint32_t)strlen(name);
    put(z->bytes, &z->size, "PK\3\4\24\0\0\0\0\0\0\0\0\0", 14);
    put_sizes(z->bytes, &z->size, (uint32_t)n, length);
    put_number(z->bytes, &z->size, 0, 2);
    put(z->bytes, &z->size, name, length);
    put(z->bytes, &z->size, data, n);
    put(z->directory, &z->listed, "PK\1\2\24\0\24\0\0\0\0\0\0\0\0\0", 16);
    put_sizes(z->directory, &z->listed, (uint32_t)n, length);
    put_number(z->directory, &z->listed, 0, 12);
    put_number(z->directory, &z->listed, at, 4);
    put(z->directory, &z->listed, name, length);
    z->count++;
}

static void finish(zip *z, fuzz_add *add) {
    uint32_t at = (uint32_t)z->size;
    put(z->bytes, &z->size, z->directory, z->listed);
    put(z->bytes, &z->size, "PK\5\6\0\0\0\0", 8);
    put_number(z->bytes, &z->size, (uint32_t)z->count, 2);
    put_number(z->bytes, &z->size, (uint32_t)z->count, 2);
    put_number(z->bytes, &z->size, (uint32_t)z->listed, 4);
    put_number(z->bytes, &z->size, at, 4);
    put_number(z->bytes, &z->size, 0, 2);
    add(z->bytes, z->size);
}

/* --- pickles ------------------------------------------------------------------------------ */

#define STORAGE(old) "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\6" old "tQ"
// clang-format off
#define TENSOR(old, shape, stride) \
    "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE(old) "K\0" shape stride "\x89" \
    "ccollections\nOrderedDict\n)RtR"
#define ROOT(old) \
    "\x80\2}q\0(X\1\0\0\0aq\1" TENSOR(old, "K\2K\3\x86", "K\3K\1\x86") \
    "X\1\0\0\0b" TENSOR(old, "K\3K\2\x86", "K\1K\3\x86") \
    "X\4\0\0\0lr_xG?\xf0\0\0\0\0\0\0X\1\0\0\0n](K\1M\1\1J\1\1\1\1\x8a\2\1\1N\x88" \
    "eX\1\0\0\0th\1\x85u."
// clang-format on

static void add_zip(fuzz_add *add, const void *pickle, size_t n) {
    static zip z;
    const float data[6] = {1, 2, 3, 4, 5, 6};
    memset(&z, 0, sizeof z);
    add_member(&z, "m/data.pkl", pickle, n);
    add_member(&z, "m/byteorder", "little", 6);
    add_member(&z, "m/data/0", data, sizeof data);
    finish(&z, add);
}

static void add_old(fuzz_add *add) {
    static const char head[] =
        "\x80\2\x8a\12\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.\x80\2}.";
    static const char root[] = ROOT("N"), keys[] = "\x80\2]X\1\0\0\0000a.\6\0\0\0\0\0\0\0";
    uint8_t bytes[2048];
    size_t n = 0;
    put(bytes, &n, head, sizeof head - 1);
    put(bytes, &n, root, sizeof root - 1);
    put(bytes, &n, keys, sizeof keys - 1);
    put(bytes, &n, "123456781234567812345678", 24);
    add(bytes, n);
}

void fuzz_seeds(fuzz_add *add) {
    static const char root[] = ROOT(""), one[] = "\x80\2" TENSOR("", "K\6\x85", "K\1\x85") ".";
    add_zip(add, root, sizeof root - 1);
    add_zip(add, one, sizeof one - 1);
    add_old(add);
}
