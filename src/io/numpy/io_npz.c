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
} unpacking;

static size_t unpack(void *from, void *to, size_t n) {
    unpacking *u = from;
    zip_int64_t got = zip_fread(u->f, to, n);
    if (got < 0)
        fail_zip(u->op, u->label, "it cannot be unpacked", zip_file_get_error(u->f));
    return got < 0 ? SIZE_MAX : (size_t)got;
}

static mx_array *read_member(unpacking *u, size_t size) {
    mx_source member;
    char more;
    mx_source_stream(&member, u->op, u->label, unpack, u, size);
    mx_array *a = mx_read_npy(&member, NULL);
    mx_source_close(&member);
    // the end of the member is where libzip compares its checksum
    return a && unpack(u, &more, 1) != SIZE_MAX ? a : NULL;
}

/* What is done with a member, of which `size` bytes are announced. */
typedef void *member_fn(unpacking *u, size_t size, void *out);

static void *with_member(const mx_source *s, zip_t *z, const zip_stat_t *st, member_fn *use,
                         void *out) {
    char label[512];
    snprintf(label, sizeof label, "%s:%s", s->name, st->name);
    if (!believable(st))
        return mx_fail(MX_FORMAT, "[%s] '%s': %llu bytes cannot unpack to %llu", s->op, label,
                       (unsigned long long)st->comp_size, (unsigned long long)st->size);
    unpacking u = {s->op, label, zip_fopen_index(z, st->index, 0)};
    if (!u.f)
        return fail_zip(s->op, label, "it cannot be unpacked", zip_get_error(z));
    void *result = use(&u, (size_t)st->size, out);
    zip_fclose(u.f);
    return result;
}

static void *read_all(unpacking *u, size_t size, void *unused) {
    (void)unused;
    return read_member(u, size);
}

static mx_array *load_member(const mx_source *s, zip_t *z, const zip_stat_t *st) {
    return with_member(s, z, st, read_all, NULL);
}

static void *read_head(unpacking *u, size_t size, void *out) {
    mx_source member;
    mx_source_stream(&member, u->op, u->label, unpack, u, size);
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

/* --- writing: libzip writes to the new file, and goes back in it to fill in sizes -- */

enum { HEAD = 2048 };

typedef struct saving {
    mx_writer *out;
    zip_t *z;
    zip_error_t error; /* of the output, for libzip */
    char (*head)
        [HEAD]; /* of each member: they and the elements must live until the archive is closed */
    zip_int32_t method;
} saving;

/* What libzip asks of an output that does not exist yet. The error that counts is recorded by the
   writer. */
static zip_int64_t output(void *state, void *data, zip_uint64_t n, zip_source_cmd_t command) {
    saving *v = state;
    switch (command) {
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(
            ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_OPEN, ZIP_SOURCE_READ,
            ZIP_SOURCE_CLOSE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_BEGIN_WRITE,
            ZIP_SOURCE_WRITE, ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_COMMIT_WRITE,
            ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_REMOVE, -1);
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&v->error, data, n);
    case ZIP_SOURCE_STAT: zip_stat_init(data); return sizeof(zip_stat_t);
    case ZIP_SOURCE_WRITE:
        if (mx_writer_put(v->out, data, (size_t)n))
            return (zip_int64_t)n;
        break;
    case ZIP_SOURCE_SEEK_WRITE: {
        zip_int64_t to =
            zip_source_seek_compute_offset(mx_writer_at(v->out), mx_writer_count(v->out), data, n,
                                           &v->error);
        if (to >= 0 && mx_writer_seek(v->out, (uint64_t)to))
            return 0;
        break;
    }
    case ZIP_SOURCE_TELL_WRITE: return (zip_int64_t)mx_writer_at(v->out);
    case ZIP_SOURCE_READ:
    case ZIP_SOURCE_SEEK:
    case ZIP_SOURCE_TELL: break;
    default: return 0;
    }
    zip_error_set(&v->error, ZIP_ER_WRITE, 0);
    return -1;
}

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

static bool save_member(saving *v, const char *path, size_t i, const mx_map_entry *entry) {
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
        return mx_failed() ? false : fail_zip("save_npz", path, entry->key, zip_get_error(v->z));
    return true;
}

static bool save_members(saving *v, const char *path, const mx_map *arrays) {
    bool ok = true;
    for (size_t i = 0; ok && i < arrays->count; i++)
        ok = save_member(v, path, i, &arrays->entry[i]);
    if (ok && zip_close(v->z) == 0)
        return true;
    if (ok)
        mx_fail(MX_IO, "[save_npz] cannot write '%s': %s", path, zip_strerror(v->z));
    zip_discard(v->z);
    return false;
}

static bool save_to(saving *v, const char *path, const mx_map *arrays) {
    zip_error_t e;
    zip_error_init(&e);
    zip_error_init(&v->error);
    zip_source_t *out = zip_source_function_create(output, v, &e);
    v->z = out ? zip_open_from_source(out, ZIP_CREATE | ZIP_TRUNCATE, &e) : NULL;
    if (!v->z) {
        zip_source_free(out);
        fail_zip("save_npz", path, "it cannot be written", &e);
    }
    zip_error_fini(&e);
    bool ok = v->z && save_members(v, path, arrays);
    zip_error_fini(&v->error);
    return ok;
}

static bool write_archive(const char *path, const mx_map *arrays, bool compressed) {
    saving v = {.method = compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE};
    v.head = mx_calloc(arrays->count, HEAD);
    v.out = v.head ? mx_writer_open("save_npz", path) : NULL;
    bool ok = v.out && save_to(&v, path, arrays);
    if (ok)
        ok = mx_writer_commit(v.out);
    else
        mx_writer_abandon(v.out);
    mx_free(v.head);
    return ok;
}

/* libzip writes no archive without members: the end record of an empty one stands alone. */
static bool write_empty(mx_sink *k, void *nothing) {
    (void)nothing;
    return mx_sink_put(k, "PK\5\6", 4) && mx_sink_zeros(k, 18);
}

bool mx_save_npz(const char *path, const mx_map *arrays, bool compressed) {
    if (arrays->count == 0)
        return mx_sink_file("save_npz", path, ".npz", write_empty, NULL);
    mx_scope scope = mx_scope_open();
    char *full = mx_path_with("save_npz", path, ".npz");
    bool ok = full && write_archive(full, arrays, compressed);
    mx_free(full);
    mx_scope_close(scope);
    return ok;
}
