/* Writing NumPy's .npz archives, through libzip.
 *
 * libzip asks for the bytes of a member when the archive is closed. Only then its array is made and
 * evaluated, and let go when it has been read, so that one is in memory at a time.
 */
#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "io/io.h"

static const char op[] = "save_npz";

static void *fail_zip(const char *path, const char *what, zip_error_t *e) {
    return mx_fail(MX_FORMAT, "[%s] '%s': %s: %s", op, path, what, zip_error_strerror(e));
}

/* --- the new file: libzip goes back in it to fill in sizes ------------------------------------ */

enum { HEAD = 2048 };

struct saving;

typedef struct member {
    struct saving *in;
    size_t number;
    uint64_t size;
    mx_array *rows; /* while it is read */
    uint64_t at;    /* of the next byte */
    char head[HEAD];
    size_t head_size;
} member;

typedef struct saving {
    mx_writer *out;
    zip_t *z;
    zip_error_t error; /* of the output, for libzip */
    const mx_npz_each *each;
    member *member; /* they must live until the archive is closed */
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

/* --- a member: a header and the elements ------------------------------------------------------ */

static bool make(member *m) {
    const mx_npz_each *each = m->in->each;
    mx_scope scope = mx_scope_open();
    mx_array *rows = mx_sink_rows(each->array(each->payload, m->number));
    m->rows = rows ? mx_array_retain(rows) : NULL;
    m->at = 0;
    mx_scope_close(scope);
    return rows;
}

static size_t copy_from(const void *bytes, uint64_t size, uint64_t at, char *to, size_t n) {
    size_t some = size - at < n ? (size_t)(size - at) : n;
    memcpy(to, (const char *)bytes + at, some);
    return some;
}

static zip_int64_t read_member(member *m, char *to, size_t n) {
    size_t done = 0;
    if (m->at < m->head_size)
        done = copy_from(m->head, m->head_size, m->at, to, n);
    if (done < n && m->at + done < m->size)
        done += copy_from(m->rows->data, m->size - m->head_size, m->at + done - m->head_size,
                          to + done, n - done);
    m->at += done;
    return (zip_int64_t)done;
}

static bool let_go(member *m) {
    const mx_npz_each *each = m->in->each;
    mx_array_release(m->rows);
    m->rows = NULL;
    return !each->wrote || each->wrote(each->payload, m->number);
}

/* What libzip asks of a member. The error that counts is recorded where it happens. */
static zip_int64_t input(void *state, void *data, zip_uint64_t n, zip_source_cmd_t command) {
    member *m = state;
    switch (command) {
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                              -1);
    case ZIP_SOURCE_OPEN: return make(m) ? 0 : -1;
    case ZIP_SOURCE_READ: return read_member(m, data, (size_t)n);
    case ZIP_SOURCE_CLOSE: return let_go(m) ? 0 : -1;
    case ZIP_SOURCE_STAT:
        zip_stat_init(data);
        ((zip_stat_t *)data)->valid = ZIP_STAT_SIZE;
        ((zip_stat_t *)data)->size = m->size;
        return sizeof(zip_stat_t);
    case ZIP_SOURCE_ERROR: {
        zip_error_t e;
        zip_error_init(&e);
        zip_error_set(&e, ZIP_ER_READ, 0);
        return zip_error_to_data(&e, data, n);
    }
    default: return 0;
    }
}

/* Its header, from an array that nobody evaluates. */
static bool describe(member *m) {
    const mx_npz_each *each = m->in->each;
    mx_scope scope = mx_scope_open();
    mx_array *a = each->array(each->payload, m->number);
    int n = a ? mx_npy_header(m->head, HEAD, a) : 0;
    if (n < 0)
        mx_fail(MX_RANGE, "[%s] the header of an array is too long", op);
    m->head_size = n > 0 ? (size_t)n : 0;
    m->size = m->head_size + (a ? (uint64_t)a->size * mx_itemsize(a) : 0);
    mx_scope_close(scope);
    return n > 0;
}

static char *name_of(const mx_npz_each *each, size_t i) {
    mx_text name = {0};
    mx_text_add(&name, "%s.npy", each->name(each->payload, i));
    return mx_text_take(&name);
}

static bool fail_name(const saving *v, const char *path, const char *name) {
    return mx_fail(MX_INVALID, "[%s] '%s': '%.200s' cannot be the name of an array: %s", op, path,
                   name, zip_error_strerror(zip_get_error(v->z)));
}

enum { MOST_NAME = 65535 /* bytes: the format's */ };

static zip_int64_t add(const saving *v, const char *name, zip_source_t *source) {
    if (strlen(name) > MOST_NAME)
        return mx_fail(MX_INVALID, "[%s] the name of an array is longer than %d bytes: '%.60s...'",
                       op, MOST_NAME, name),
               -1;
    return zip_file_add(v->z, name, source,
                        mx_npz_plain_name(name) ? ZIP_FL_ENC_GUESS : ZIP_FL_ENC_UTF_8);
}

static bool add_member(saving *v, const char *path, size_t i) {
    member *m = &v->member[i];
    *m = (member){.in = v, .number = i};
    zip_source_t *source = describe(m) ? zip_source_function(v->z, input, m) : NULL;
    char *name = source ? name_of(v->each, i) : NULL;
    zip_int64_t at = name ? add(v, name, source) : -1;
    bool ok = at >= 0 && zip_set_file_compression(v->z, (zip_uint64_t)at, v->method, 0) == 0;
    if (at < 0)
        zip_source_free(source);
    if (!ok && !mx_failed())
        fail_name(v, path, name ? name : "");
    mx_free(name);
    return ok;
}

static bool save_members(saving *v, const char *path) {
    bool ok = true;
    for (size_t i = 0; ok && i < v->each->count; i++)
        ok = add_member(v, path, i);
    if (ok && zip_close(v->z) == 0)
        return true;
    if (!mx_failed())
        mx_fail(MX_IO, "[%s] cannot write '%s': %s", op, path, zip_strerror(v->z));
    zip_discard(v->z);
    return false;
}

static bool save_to(saving *v, const char *path) {
    zip_error_t e;
    zip_error_init(&e);
    zip_error_init(&v->error);
    zip_source_t *out = zip_source_function_create(output, v, &e);
    v->z = out ? zip_open_from_source(out, ZIP_CREATE | ZIP_TRUNCATE, &e) : NULL;
    if (!v->z) {
        zip_source_free(out);
        fail_zip(path, "it cannot be written", &e);
    }
    zip_error_fini(&e);
    bool ok = v->z && save_members(v, path);
    zip_error_fini(&v->error);
    return ok;
}

static bool write_archive(const char *path, const mx_npz_each *each, bool compressed) {
    saving v = {.method = compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, .each = each};
    v.member = mx_calloc(each->count, sizeof *v.member);
    v.out = v.member ? mx_writer_open(op, path) : NULL;
    if (v.out && each->keeps)
        mx_writer_keep(v.out);
    if (v.out && !each->wrote) // what is let go on the way cannot be written again
        mx_writer_heed(v.out);
    bool ok = v.out && mx_writer_room(v.out, each->bytes) && save_to(&v, path);
    if (ok)
        ok = mx_writer_commit(v.out);
    else
        mx_writer_abandon(v.out);
    for (size_t i = 0; v.member && i < each->count; i++)
        mx_array_release(v.member[i].rows);
    mx_free(v.member);
    return ok;
}

/* libzip writes no archive without members: the end record of an empty one stands alone. */
static bool write_empty(mx_sink *k, void *nothing) {
    (void)nothing;
    return mx_sink_put(k, "PK\5\6", 4) && mx_sink_zeros(k, 18);
}

bool mx_save_npz_each(const char *path, const mx_npz_each *each, bool compressed) {
    if (each->count == 0)
        return mx_sink_file(op, path, "", write_empty, NULL);
    mx_scope scope = mx_scope_open();
    bool ok = write_archive(path, each, compressed);
    mx_scope_close(scope);
    return ok;
}

static const char *key_of(const void *map, size_t i) {
    return ((const mx_map *)map)->entry[i].key;
}

static mx_array *value_of(const void *map, size_t i) {
    return ((const mx_map *)map)->entry[i].value;
}

bool mx_save_npz(const char *path, const mx_map *arrays, bool compressed) {
    const mx_npz_each each = {arrays->count, key_of, value_of, NULL, arrays, false, 0};
    char *full = mx_path_with(op, path, ".npz");
    bool ok = full && mx_save_npz_each(full, &each, compressed);
    mx_free(full);
    return ok;
}
