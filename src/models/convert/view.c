/* A model as an archive of real numbers under Hugging Face's names: what conversion would write,
 * read one tensor at a time. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "models/convert/convert.h"
#include "ops/ops.h"

typedef struct view {
    mx_model model;
    mx_choice choice;
    mx_conversion plan;
} view;

static const mx_convert_options as_numbers = {.dequantize = true, .dtype = "float32"};

static mx_array *read(mx_archive *a, const mx_archive_tensor *t, bool stored) {
    const view *v = a->state;
    mx_parts p;
    (void)stored; // there is no other way in which they lie
    return mx_output_parts(&v->plan, &v->plan.output[t->how], &p) ? p.part[0] : NULL;
}

static void close(mx_archive *a) {
    view *v = a->state;
    mx_conversion_free(&v->plan);
    mx_choice_free(&v->choice);
    mx_model_close(&v->model);
    mx_free(v);
}

static const mx_archive_format format = {.name = "model", .read = read, .close = close};

static bool add(mx_archive *a, const mx_conversion *plan, size_t i) {
    mx_output_part part;
    const mx_output *o = &plan->output[i];
    bool ok = mx_output_part_of(plan, o, 0, &part);
    mx_archive_tensor t = {.name = part.name,
                           .storage = part.storage,
                           .dtype = o->made.dtype,
                           .ndim = part.shape.ndim,
                           .shape = part.shape.dim,
                           .how = i};
    ok = ok && mx_archive_add(a, t);
    mx_free(part.name);
    return ok;
}

static bool fill(mx_archive *a, view *v, const char *path) {
    bool ok = mx_model_open(&v->model, path, NULL, true) &&
              mx_choice_of(&as_numbers, MX_NAMED_HF, !v->model.family, &v->choice) &&
              (!v->model.family || mx_model_check(&v->model)) &&
              mx_conversion_make(&v->plan, &v->model, &v->choice);
    a->label = ok ? mx_strdup(v->model.label) : NULL;
    a->path = ok ? mx_strdup(path) : NULL;
    ok = a->label && a->path;
    for (size_t i = 0; ok && i < v->plan.count; i++)
        ok = add(a, &v->plan, i);
    return ok;
}

mx_archive *mx_convert_view(const char *path) {
    if (!path)
        return mx_fail(MX_INVALID, "[convert] the file name is NULL");
    mx_archive *a = mx_calloc(1, sizeof *a);
    view *v = a ? mx_calloc(1, sizeof *v) : NULL;
    if (!v) {
        mx_free(a);
        return NULL;
    }
    a->format = &format;
    a->state = v;
    mx_scope scope = mx_scope_open();
    bool ok = fill(a, v, path);
    mx_scope_close(scope);
    if (ok)
        return a;
    mx_archive_close(a);
    return NULL;
}
