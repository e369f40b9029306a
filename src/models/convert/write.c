/* One tensor after the other into files: see write.h. */
#include "models/convert/side/side.h"
#include "models/convert/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "ops/ops.h"

static const char op[] = "convert";

enum { PIECE = 16 << 20 }; /* bytes of the source that are in memory at once */

/* --- metadata -------------------------------------------------------------------------------- */

static bool set_text(mx_archive_writer *w, const char *key, const char *text) {
    return mx_archive_set_meta(w, key, mx_meta_of_string(text));
}

/* What the source says in texts, where no family knows better. */
static bool copy_texts(const mx_conversion *p, mx_archive_writer *w) {
    const mx_archive *from = p->model->archive;
    bool ok = true;
    for (size_t i = 0; ok && i < from->meta.count; i++) {
        const char *key = from->meta.entry[i].key;
        const mx_meta *m = from->meta.entry[i].value;
        if (m->kind != MX_META_STRING)
            ok = p->choice->folder ||
                 mx_note(p->choice->o, key, "metadata is left out: only texts go along");
        else if (strcmp(key, MX_QUANTIZATION_KEY))
            ok = mx_archive_set_meta(w, key, mx_meta_copy(m));
    }
    return ok;
}

/* Where no config.json says so. */
static bool set_quantization(const mx_conversion *p, mx_archive_writer *w) {
    json_t *all = mx_side_quantization(p);
    char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    bool ok = text ? set_text(w, MX_QUANTIZATION_KEY, text) : !all || mx_fail_nomem(op, 0);
    free(text);
    json_decref(all);
    return ok && !mx_failed();
}

static bool set_gguf(const mx_conversion *p, mx_archive_writer *w) {
    mx_map meta = {0};
    bool ok = mx_side_metadata(p, &meta);
    for (size_t i = 0; ok && i < meta.count; i++) {
        ok = mx_archive_set_meta(w, meta.entry[i].key, meta.entry[i].value);
        meta.entry[i].value = NULL;
    }
    mx_map_free(&meta, mx_meta_free);
    return ok;
}

static bool set_meta(const mx_conversion *p, mx_archive_writer *w) {
    bool own = p->choice->keeps_names && !p->model->is_gguf;
    if (p->choice->naming == MX_NAMED_GGUF)
        return (!own || copy_texts(p, w)) && set_gguf(p, w);
    if (p->choice->keeps_names)
        return copy_texts(p, w) && set_quantization(p, w);
    return set_text(w, "format", p->choice->naming == MX_NAMED_MLX ? "mlx" : "pt") &&
           (p->model->config || set_quantization(p, w));
}

/* --- tensors --------------------------------------------------------------------------------- */

static bool declare(const mx_conversion *p, mx_archive_writer *w) {
    bool ok = true;
    for (size_t i = 0; ok && i < p->count; i++)
        for (int k = 0; ok && k < mx_output_part_count(&p->output[i]); k++) {
            mx_output_part part;
            ok = mx_output_part_of(p, &p->output[i], k, &part) &&
                 mx_archive_declare(w, part.name, part.storage, part.shape.dim, part.shape.ndim);
            mx_free(part.name);
        }
    return ok;
}

/* Can the bytes of all of its parts be copied? */
static bool is_raw(const mx_conversion *p, const mx_output *o) {
    const mx_archive *from = p->model->archive;
    bool raw = mx_output_is_copy(p, o);
    for (int k = 0; raw && k < mx_output_part_count(o); k++) {
        const mx_archive_tensor *t = &from->tensor[p->model->tensor[o->from[0]].part[k]];
        raw = t->raw && from->part[t->part].source.file;
    }
    return raw;
}

static bool put_raw(const mx_conversion *p, const mx_output *o, mx_archive_writer *w) {
    bool ok = true;
    for (int k = 0; ok && k < mx_output_part_count(o); k++) {
        mx_output_part part;
        ok = mx_output_part_of(p, o, k, &part) &&
             mx_archive_put_raw(w, part.name, p->model->archive,
                                (size_t)p->model->tensor[o->from[0]].part[k]);
        mx_free(part.name);
    }
    return ok;
}

static bool put_parts(const mx_conversion *p, const mx_output *o, mx_archive_writer *w,
                      const mx_parts *parts, int first) {
    bool ok = true;
    for (int k = 0; ok && k < mx_output_part_count(o); k++) {
        mx_output_part part;
        ok = mx_output_part_of(p, o, k, &part) &&
             mx_archive_put_rows(w, part.name, parts->part[k], first);
        mx_free(part.name);
    }
    return ok;
}

/* Dtypes of which each holds more than the one before; blocks and words make float32. */
static int range_of(const mx_elements *e) {
    static const mx_dtype wider[] = {MX_FLOAT16, MX_BFLOAT16, MX_FLOAT32, MX_FLOAT64};
    for (int i = 0; mx_elements_are_plain(e) && i < 4; i++)
        if (e->dtype == wider[i])
            return i;
    return 2;
}

/* Numbers that are infinite in the dtype that is made, and may have been finite. */
static bool has_infinite(const mx_output *o, mx_array *a) {
    bool narrow = mx_elements_are_plain(&o->made) && range_of(&o->made) < range_of(&o->held);
    mx_array *any = narrow && mx_eval1(a) ? mx_reduce(MX_ANY, mx_isinf(a), NULL, 0, false) : NULL;
    return any && mx_eval1(any) && *(const bool *)any->data;
}

/* Scales of blocks are float16, and biases that follow from the largest have no room there. */
static bool check_biases(const mx_output *o, const mx_parts *parts) {
    bool affine = mx_elements_are_words(&o->made) && o->made.quant.mode == MX_AFFINE;
    if (!o->held.block || !affine)
        return true;
    mx_array *lost = mx_logical_and(mx_isfinite(parts->part[1]), mx_isinf(parts->part[2]));
    mx_array *any = mx_reduce(MX_ANY, lost, NULL, 0, false);
    if (!any || !mx_eval1(any))
        return false;
    return !*(const bool *)any->data ||
           mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s': %s whose scales are beyond what float16 holds as biases of words: "
                   "choose a mode, or dequantize",
                   op, o->name, o->held.storage);
}

static bool note_infinite(const mx_conversion *p, const mx_output *o, bool infinite) {
    return !mx_failed() &&
           (!infinite || mx_note(p->choice->o, o->name,
                                 "some numbers are infinite: float16 ends at 65504, bfloat16 and "
                                 "float32 at 3.4e38"));
}

/* What is large goes through memory some rows at a time. */
static bool put_rows(const mx_conversion *p, const mx_output *o, mx_archive_writer *w) {
    const mx_archive_tensor *t = &p->model->archive->tensor[p->model->tensor[o->from[0]].part[0]];
    int rows = o->shape.dim[0];
    uint64_t one = t->bytes / (uint64_t)rows, n = one ? PIECE / one : PIECE;
    int step = n < 1 ? 1 : n < (uint64_t)rows ? (int)n : rows;
    bool ok = true, infinite = false;
    for (int first = 0; ok && first < rows; first += step) {
        int last = rows - first < step ? rows : first + step;
        mx_parts parts;
        mx_scope scope = mx_scope_open();
        ok = mx_output_rows(p, o, first, last, &parts);
        infinite = infinite || (ok && has_infinite(o, parts.part[0]));
        ok = ok && check_biases(o, &parts) && put_parts(p, o, w, &parts, first);
        mx_scope_close(scope);
    }
    return ok && note_infinite(p, o, infinite);
}

static bool put_whole(const mx_conversion *p, const mx_output *o, mx_archive_writer *w) {
    mx_parts parts;
    mx_scope scope = mx_scope_open();
    bool ok = mx_output_parts(p, o, &parts);
    ok = ok && check_biases(o, &parts) && note_infinite(p, o, has_infinite(o, parts.part[0]));
    for (int k = 0; ok && k < mx_output_part_count(o); k++) {
        mx_output_part part;
        ok = mx_output_part_of(p, o, k, &part) && mx_archive_put(w, part.name, parts.part[k]);
        mx_free(part.name);
    }
    mx_scope_close(scope);
    return ok;
}

/* What operations say of numbers has no name yet. */
static bool name_error(const mx_output *o) {
    char said[300];
    if (mx_error_status() != MX_INVALID)
        return false;
    snprintf(said, sizeof said, "%s", mx_error_message());
    mx_error_clear();
    return mx_fail(MX_INVALID, "[convert] '%.200s': %s", o->name, said);
}

/* Everything that belongs to one output is let go before the next. */
static bool put(const mx_conversion *p, const mx_output *o, mx_archive_writer *w) {
    if (is_raw(p, o))
        return put_raw(p, o, w);
    return (mx_output_has_rows(p, o) ? put_rows : put_whole)(p, o, w) || name_error(o);
}

static uint64_t bytes_of(const mx_archive_writer *w, size_t first, size_t n) {
    uint64_t bytes = 0;
    for (size_t i = first; i < first + n; i++)
        bytes += w->entry[i].bytes;
    return bytes;
}

static bool report(const mx_conversion *p, const mx_convert_progress *at) {
    const mx_convert_options *o = p->choice->o;
    return !o->progress || o->progress(o->payload, at) ||
           mx_fail(MX_INTERRUPTED, "[%s] it was stopped", op);
}

static bool put_all(const mx_conversion *p, mx_archive_writer *w) {
    mx_convert_progress at = {.count = p->count, .bytes = bytes_of(w, 0, w->count)};
    size_t entry = 0;
    bool ok = report(p, &at);
    for (size_t i = 0; ok && i < p->count; i++) {
        const mx_output *o = &p->output[i];
        size_t parts = (size_t)mx_output_part_count(o);
        ok = put(p, o, w);
        at.tensor = o->name;
        at.done = i + 1;
        at.bytes_done += bytes_of(w, entry, parts);
        entry += parts;
        ok = ok && report(p, &at);
    }
    return ok;
}

bool mx_write_model(const mx_conversion *p, const char *path, const char *format,
                    uint64_t most_bytes) {
    mx_archive_writer *w = mx_archive_create(path, format, most_bytes);
    if (w)
        w->keeps = !p->choice->o->overwrite;
    bool ok = w && set_meta(p, w) && declare(p, w) && put_all(p, w) && mx_archive_finish(w);
    mx_archive_writer_free(w);
    return ok;
}

/* --- npz ------------------------------------------------------------------------------------- */

/* One output is one array: npz holds neither words nor blocks (choose.c). */
typedef struct archive {
    const mx_conversion *p;
    char **name;
    mx_convert_progress *at;
} archive;

static const char *npz_name(const void *payload, size_t i) {
    return ((const archive *)payload)->name[i];
}

static mx_array *npz_array(const void *payload, size_t i) {
    const mx_conversion *p = ((const archive *)payload)->p;
    const mx_output *o = &p->output[i];
    mx_parts parts;
    return mx_output_parts(p, o, &parts) && note_infinite(p, o, has_infinite(o, parts.part[0]))
               ? parts.part[0]
               : NULL;
}

static uint64_t size_of(const mx_output *o) {
    uint64_t n = mx_elements_are_words(&o->made) ? 0 : mx_dtype_size(o->made.dtype);
    for (int i = 0; i < o->shape.ndim; i++)
        n *= (uint64_t)o->shape.dim[i];
    return n;
}

static bool npz_wrote(const void *payload, size_t i) {
    const archive *a = payload;
    a->at->tensor = a->p->output[i].name;
    a->at->done = i + 1;
    a->at->bytes_done += size_of(&a->p->output[i]);
    return report(a->p, a->at);
}

static bool npz_names(const mx_conversion *p, char **name) {
    bool ok = name;
    for (size_t i = 0; ok && i < p->count; i++) {
        mx_output_part part = {0};
        ok = mx_output_part_of(p, &p->output[i], 0, &part);
        name[i] = part.name;
    }
    return ok;
}

static bool note_metadata(const mx_conversion *p) {
    const mx_map *meta = &p->model->archive->meta;
    bool ok = true;
    for (size_t i = 0; ok && i < meta->count; i++)
        ok = mx_note(p->choice->o, meta->entry[i].key, "metadata is left out: npz has none");
    return ok;
}

bool mx_write_npz(const mx_conversion *p, const char *path) {
    mx_convert_progress at = {.count = p->count};
    archive a = {p, mx_calloc(p->count + 1, sizeof *a.name), &at};
    for (size_t i = 0; i < p->count; i++)
        at.bytes += size_of(&p->output[i]);
    bool ok = npz_names(p, a.name) && note_metadata(p) && report(p, &at) &&
              mx_save_npz_each(path,
                               &(mx_npz_each){p->count, npz_name, npz_array, npz_wrote, &a,
                                              !p->choice->o->overwrite, at.bytes},
                               false);
    for (size_t i = 0; a.name && i < p->count; i++)
        mx_free(a.name[i]);
    mx_free(a.name);
    return ok;
}
