/* NumPy's .npz: a zip archive of npy members, through libzip.
 *
 * At most a million members; a member unpacks to as many bytes as the directory says or is refused.
 */
#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/eval.h"
#include "graph/scope.h"
#include "io/io.h"
#include "ops/ops.h"

#define MAX_MEMBERS 1000000

static void *fail_zip(const char *op, const char *name, const char *what, zip_error_t *e) {
    return mx_fail(MX_FORMAT, "[%s] '%s': %s: %s", op, name, what, zip_error_strerror(e));
}

/* --- reading ---------------------------------------------------------------------- */

static zip_t *open_archive(const mx_source *s) {
    zip_error_t e;
    if (s->size < 22) // an end record; libzip would take no bytes for no members
        return mx_source_fail(s, s->size, "it is not a zip archive");
    zip_error_init(&e);
    zip_source_t *bytes = zip_source_buffer_create(s->data, s->size, 0, &e);
    zip_t *z = bytes ? zip_open_from_source(bytes, ZIP_RDONLY | ZIP_CHECKCONS, &e) : NULL;
    if (!z) {
        zip_source_free(bytes);
        fail_zip(s->op, s->name, "it is not a zip archive that can be read", &e);
    }
    zip_error_fini(&e);
    return z;
}

static bool read_member(zip_t *z, zip_uint64_t i, void *to, zip_uint64_t n) {
    zip_file_t *f = zip_fopen_index(z, i, 0);
    if (!f)
        return false;
    char more;
    bool all = zip_fread(f, to, n) == (zip_int64_t)n && zip_fread(f, &more, 1) == 0;
    return zip_fclose(f) == 0 && all;
}

/* No compression that libzip knows makes less than a 1,100th, and zero bytes make nothing. */
static bool believable(const zip_stat_t *st) {
    return st->size <= (1u << 20) || st->size / 1100 <= st->comp_size;
}

static mx_array *load_member(const mx_source *s, zip_t *z, const zip_stat_t *st) {
    char label[512];
    snprintf(label, sizeof label, "%s:%s", s->name, st->name);
    if (!believable(st))
        return mx_fail(MX_FORMAT, "[%s] '%s': %llu bytes cannot unpack to %llu", s->op, label,
                       (unsigned long long)st->comp_size, (unsigned long long)st->size);
    mx_buffer *b = mx_buffer_new((size_t)st->size);
    if (!b)
        return NULL;
    mx_source member;
    mx_source_memory(&member, s->op, label, b, (size_t)st->size);
    mx_buffer_release(b);
    mx_array *a = read_member(z, st->index, b->ptr, st->size)
                      ? mx_read_npy(&member, NULL)
                      : fail_zip(s->op, label, "it cannot be unpacked", zip_get_error(z));
    mx_source_close(&member);
    return a;
}

/* The member's name without .npy, for mx_free. */
static char *key_of(const char *name) {
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, ".npy") == 0)
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
    char *key = a ? key_of(st.name) : NULL;
    bool ok = key && add_array(arrays, key, a);
    mx_free(key);
    return ok;
}

bool mx_load_npz(const mx_source *s, mx_map *arrays) {
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

/* --- writing: libzip makes a temporary file beside the target and renames it ------ */

enum { HEAD = 2048 };

typedef struct saving {
    const char *path;
    zip_t *z;
    char (*head)
        [HEAD]; /* of each member: they and the elements must live until the archive is closed */
    zip_int32_t method;
} saving;

static mx_array *rows_of(mx_array *a) {
    mx_array *rows = mx_contiguous(a, false);
    return mx_eval1(rows) ? rows : NULL;
}

/* The member's bytes, not copied: a header and the elements. */
static zip_source_t *member_source(char head[HEAD], const mx_array *a) {
    int n = mx_npy_header(head, HEAD, a);
    zip_buffer_fragment_t part[2] = {
        {(zip_uint8_t *)head, n > 0 ? (zip_uint64_t)n : 0},
        {(zip_uint8_t *)a->data, (zip_uint64_t)a->size * mx_itemsize(a)}};
    zip_error_t e;
    zip_error_init(&e);
    zip_source_t *source =
        n > 0 ? zip_source_buffer_fragment_create(part, part[1].length ? 2 : 1, 0, &e) : NULL;
    if (!source)
        fail_zip("save_npz", "a member", "it cannot be prepared", &e);
    zip_error_fini(&e);
    return source;
}

static bool save_member(saving *v, size_t i, const mx_map_entry *entry) {
    mx_array *rows = rows_of(entry->value);
    zip_source_t *source = rows ? member_source(v->head[i], rows) : NULL;
    if (!source)
        return false;
    mx_text name = {0};
    mx_text_add(&name, "%s.npy", entry->key);
    char *text = mx_text_take(&name);
    zip_int64_t at = text ? zip_file_add(v->z, text, source, ZIP_FL_ENC_UTF_8) : -1;
    mx_free(text);
    if (at < 0)
        zip_source_free(source);
    if (at < 0 || zip_set_file_compression(v->z, (zip_uint64_t)at, v->method, 0) != 0)
        return mx_failed() ? false : fail_zip("save_npz", v->path, entry->key, zip_get_error(v->z));
    return true;
}

static bool save_members(saving *v, const mx_map *arrays) {
    for (size_t i = 0; i < arrays->count; i++)
        if (!save_member(v, i, &arrays->entry[i])) {
            zip_discard(v->z);
            return false;
        }
    if (zip_close(v->z) == 0)
        return true;
    mx_fail(MX_IO, "[save_npz] cannot write '%s': %s", v->path, zip_strerror(v->z));
    zip_discard(v->z);
    return false;
}

/* libzip writes no archive without members: the end record of an empty one stands alone. */
static bool write_empty(mx_sink *k, void *nothing) {
    (void)nothing;
    return mx_sink_put(k, "PK\5\6", 4) && mx_sink_zeros(k, 18);
}

static bool save_to(saving *v, const mx_map *arrays) {
    int code = 0;
    v->z = zip_open(v->path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (!v->z) {
        zip_error_t e;
        zip_error_init_with_code(&e, code);
        mx_fail(MX_IO, "[save_npz] cannot write '%s': %s", v->path, zip_error_strerror(&e));
        zip_error_fini(&e);
        return false;
    }
    return save_members(v, arrays);
}

bool mx_save_npz(const char *path, const mx_map *arrays, bool compressed) {
    if (arrays->count == 0)
        return mx_sink_file("save_npz", path, ".npz", write_empty, NULL);
    mx_scope scope = mx_scope_open();
    saving v = {.method = compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE};
    char *full = mx_path_with("save_npz", path, ".npz");
    v.path = full;
    v.head = full ? mx_calloc(arrays->count, HEAD) : NULL;
    bool ok = v.head && save_to(&v, arrays);
    mx_free(v.head);
    mx_free(full);
    mx_scope_close(scope);
    return ok;
}
