/* NumPy's .npz: a zip archive of npy members, through libzip.
 *
 * At most a million members, which are unpacked when the archive is loaded: each as far as its npy
 * header says, which may be no more than the archive's directory does.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "io/io.h"
#include "ops/ops.h"

#define MAX_MEMBERS 1000000

static void *fail_zip(const char *op, const char *name, const char *what, zip_error_t *e) {
    return mx_fail(MX_FORMAT, "[%s] '%s': %s: %s", op, name, what, zip_error_strerror(e));
}

/* --- reading ---------------------------------------------------------------------- */

/* libzip's source over memory or a file of its own descriptor. */
static zip_source_t *bytes_of(const mx_source *s, zip_error_t *e) {
    if (!s->file)
        return zip_source_buffer_create(s->data, s->size, 0, e);
    int fd = mx_file_duplicate(s->file->file);
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;
    zip_source_t *bytes = f ? zip_source_filep_create(f, 0, -1, e) : NULL;
    if (f && !bytes)
        fclose(f);
    else if (!f && fd >= 0)
        close(fd);
    return bytes;
}

static zip_t *open_archive(const mx_source *s) {
    zip_error_t e;
    if (s->size < 22) // an end record; libzip would take no bytes for no members
        return mx_source_fail(s, s->size, "it is not a zip archive");
    zip_error_init(&e);
    zip_source_t *bytes = bytes_of(s, &e);
    zip_t *z = bytes ? zip_open_from_source(bytes, ZIP_RDONLY | ZIP_CHECKCONS, &e) : NULL;
    if (!z) {
        zip_source_free(bytes);
        fail_zip(s->op, s->name, "it is not a zip archive that can be read", &e);
    }
    zip_error_fini(&e);
    return z;
}

/* No compression that libzip knows makes less than a 1,100th, and zero bytes make nothing. */
static bool believable(const zip_stat_t *st) {
    return st->size <= (1u << 20) || st->size / 1100 <= st->comp_size;
}

/* A member while it is unpacked: as far as its own header says, however much there is. */
typedef struct unpacking {
    const char *op, *label;
    zip_file_t *f;
    size_t size, done; /* bytes announced, unpacked */
} unpacking;

static size_t unpack(void *from, void *to, size_t n) {
    unpacking *u = from;
    zip_int64_t got = zip_fread(u->f, to, n);
    if (got < 0)
        fail_zip(u->op, u->label, "it cannot be unpacked", zip_file_get_error(u->f));
    u->done += got < 0 ? 0 : (size_t)got;
    return got < 0 ? SIZE_MAX : (size_t)got;
}

/* To the end of the member, where libzip compares its checksum. */
static bool unpack_rest(unpacking *u) {
    char some[4096];
    size_t n = 1;
    while (n > 0 && n != SIZE_MAX && u->done <= u->size)
        n = unpack(u, some, sizeof some);
    if (n != SIZE_MAX && u->done > u->size)
        mx_fail(MX_FORMAT, "[%s] '%s': it unpacks to more than the %zu bytes announced", u->op,
                u->label, u->size);
    return n == 0;
}

static mx_array *read_member(unpacking *u) {
    mx_source member;
    mx_source_stream(&member, u->op, u->label, unpack, u, u->size);
    mx_array *a = mx_read_npy(&member, NULL);
    mx_source_close(&member);
    return a && unpack_rest(u) ? a : NULL;
}

/* What is done with a member, of which so many bytes are announced. */
typedef void *member_fn(unpacking *u, void *out);

static void *with_member(const mx_source *s, zip_t *z, const zip_stat_t *st, member_fn *use,
                         void *out) {
    char label[512];
    snprintf(label, sizeof label, "%s:%s", s->name, st->name);
    if (!believable(st))
        return mx_fail(MX_FORMAT, "[%s] '%s': %llu bytes cannot unpack to %llu", s->op, label,
                       (unsigned long long)st->comp_size, (unsigned long long)st->size);
    unpacking u = {s->op, label, zip_fopen_index(z, st->index, 0), (size_t)st->size, 0};
    if (!u.f)
        return fail_zip(s->op, label, "it cannot be unpacked", zip_get_error(z));
    void *result = use(&u, out);
    zip_fclose(u.f);
    return result;
}

static void *read_all(unpacking *u, void *unused) {
    (void)unused;
    return read_member(u);
}

static mx_array *load_member(const mx_source *s, zip_t *z, const zip_stat_t *st) {
    return with_member(s, z, st, read_all, NULL);
}

static void *read_head(unpacking *u, void *out) {
    mx_source member;
    mx_source_stream(&member, u->op, u->label, unpack, u, u->size);
    bool ok = mx_npy_open(&member, out);
    mx_source_close(&member);
    return ok ? out : NULL;
}

static void *one_member(const mx_source *s, uint64_t index, member_fn *use, void *out) {
    zip_t *z = open_archive(s);
    zip_stat_t st;
    void *result = NULL;
    if (z && zip_stat_index(z, index, 0, &st) == 0)
        result = with_member(s, z, &st, use, out);
    else if (z)
        fail_zip(s->op, s->name, "a member cannot be found", zip_get_error(z));
    if (z)
        zip_discard(z);
    return result;
}

bool mx_npz_member_head(const mx_source *s, uint64_t index, mx_npy_head *out) {
    return one_member(s, index, read_head, out) != NULL;
}

mx_array *mx_npz_member(const mx_source *s, uint64_t index) {
    return one_member(s, index, read_all, NULL);
}

bool mx_npz_plain_name(const char *name) {
    for (; *name; name++)
        if ((unsigned char)*name > 127)
            return false;
    return true;
}

static const char *name_of(zip_t *z, zip_uint64_t i, const zip_stat_t *st) {
    const char *raw = zip_get_name(z, i, ZIP_FL_ENC_RAW);
    return raw && mx_npz_plain_name(raw) ? raw : st->name;
}

/* The member's name without .npy, for mx_free. */
static char *key_of(const char *name) {
    size_t n = strlen(name);
    if (n >= 4 && strcmp(name + n - 4, ".npy") == 0)
        n -= 4;
    char *key = mx_malloc(n + 1);
    if (key)
        snprintf(key, n + 1, "%s", name);
    return key;
}

static bool add_array(mx_map *arrays, const char *key, mx_array *a) {
    void *former = NULL;
    bool ok = a && mx_map_set(arrays, key, mx_array_retain(a), &former);
    if (a && !ok)
        mx_array_release(a);
    mx_array_release(former);
    return ok;
}

static bool load_index(const mx_source *s, zip_t *z, zip_uint64_t i, mx_map *arrays) {
    zip_stat_t st;
    if (zip_stat_index(z, i, 0, &st) != 0)
        return fail_zip(s->op, s->name, "a member cannot be found", zip_get_error(z));
    mx_array *a = load_member(s, z, &st);
    char *key = a ? key_of(name_of(z, i, &st)) : NULL;
    bool ok = key && add_array(arrays, key, a);
    mx_free(key);
    return ok;
}

bool mx_load_npz(mx_source *s, mx_map *arrays) {
    zip_t *z = open_archive(s);
    if (!z)
        return false;
    zip_int64_t n = zip_get_num_entries(z, 0);
    bool ok = n <= MAX_MEMBERS ||
              mx_fail(MX_FORMAT, "[%s] '%s': more than %d members", s->op, s->name, MAX_MEMBERS);
    for (zip_int64_t i = 0; ok && i < n; i++)
        ok = load_index(s, z, (zip_uint64_t)i, arrays);
    zip_discard(z);
    return ok;
}
