/* Where bytes go: a new file, or what the program writes to. */
#include <string.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/array/again.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "io/io.h"
#include "ops/ops.h"

bool mx_sink_put(mx_sink *k, const void *bytes, size_t n) {
    if (n && !k->put(k, bytes, n))
        return false;
    k->count += n;
    return true;
}

bool mx_sink_zeros(mx_sink *k, size_t n) {
    static const char zeros[256];
    while (n) {
        size_t some = n < sizeof zeros ? n : sizeof zeros;
        if (!mx_sink_put(k, zeros, some))
            return false;
        n -= some;
    }
    return true;
}

mx_array *mx_sink_rows(mx_array *a) {
    mx_array *copy = a ? mx_again(a) : NULL;
    a = copy ? copy : a;
    mx_array *rows = a && mx_array_available(a) && a->row_contiguous ? a : mx_contiguous(a, false);
    return mx_eval1(rows) ? rows : NULL;
}

bool mx_sink_array(mx_sink *k, mx_array *a) {
    mx_scope scope = mx_scope_open();
    mx_array *rows = mx_sink_rows(a);
    bool ok = rows && mx_sink_put(k, rows->data, (size_t)rows->size * mx_itemsize(rows));
    mx_scope_close(scope);
    return ok;
}

/* --- new files -------------------------------------------------------------------- */

static bool put_file(mx_sink *k, const void *bytes, size_t n) {
    return mx_writer_put(k->to, bytes, n);
}

mx_sink mx_sink_writer(const char *op, const char *path, struct mx_writer *w) {
    return (mx_sink){op, path, put_file, w, 0};
}

static bool write_to(const char *op, const char *path, mx_write_fn *write, void *what) {
    mx_writer *w = mx_writer_open(op, path);
    if (!w)
        return false;
    mx_writer_heed(w);
    mx_sink k = mx_sink_writer(op, path, w);
    if (write(&k, what))
        return mx_writer_commit(w);
    mx_writer_abandon(w);
    return false;
}

char *mx_path_with(const char *op, const char *path, const char *ending) {
    if (!path)
        return mx_fail(MX_INVALID, "[%s] the file name is NULL", op);
    mx_text t = {0};
    mx_text_str(&t, path);
    mx_text_str(&t, mx_ends_with(path, ending) ? "" : ending);
    return mx_text_take(&t);
}

bool mx_sink_file(const char *op, const char *path, const char *ending, mx_write_fn *write,
                  void *what) {
    char *full = mx_path_with(op, path, ending);
    bool ok = full && write_to(op, full, write, what);
    mx_free(full);
    return ok;
}
