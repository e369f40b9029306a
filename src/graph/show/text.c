/* Graphs as text for reading: see dot.h. */
#include <inttypes.h>
#include <string.h>

#include "graph/show/name.h"
#include "graph/show/walk.h"
#include "graph/watch/source.h"

/* --- parameters, by their field tables -------------------------------------------------------- */

static void put_ints(mx_text *t, const mx_ints *list) {
    mx_text_char(t, '[');
    for (int i = 0; i < list->n; i++)
        mx_text_add(t, i ? ",%d" : "%d", list->v[i]);
    mx_text_char(t, ']');
}

static void put_longs(mx_text *t, const mx_longs *list) {
    mx_text_char(t, '[');
    for (int i = 0; i < list->n; i++)
        mx_text_add(t, i ? ",%" PRId64 : "%" PRId64, list->v[i]);
    mx_text_char(t, ']');
}

static void put_value(mx_text *t, mx_field_kind kind, const void *at) {
    switch (kind) {
    case MX_F_INT: mx_text_add(t, "%d", *(const int *)at); break;
    case MX_F_BOOL: mx_text_str(t, *(const bool *)at ? "true" : "false"); break;
    case MX_F_LONG: mx_text_add(t, "%" PRId64, *(const int64_t *)at); break;
    case MX_F_DOUBLE: mx_text_f64(t, *(const double *)at); break;
    case MX_F_DTYPE: mx_text_str(t, mx_dtype_name((mx_dtype) * (const int *)at)); break;
    case MX_F_INTS: put_ints(t, at); break;
    case MX_F_LONGS: put_longs(t, at); break;
    case MX_F_OBJECT: break;
    }
}

/* Nothing to read: an object, an empty list, and what the name says. */
static bool is_empty(const mx_field *f, const void *at) {
    return f->kind == MX_F_OBJECT || !strcmp(f->name, "op") || !strcmp(f->name, "how") ||
           (f->kind == MX_F_INTS && !((const mx_ints *)at)->n) ||
           (f->kind == MX_F_LONGS && !((const mx_longs *)at)->n);
}

static void put_parameters(mx_text *t, const mx_node *n) {
    const mx_field *f = n->params ? mx_node_desc(n)->fields : NULL;
    bool some = n->nin > 0;
    for (; f && f->name; f++) {
        const void *at = (const char *)n->params + f->offset;
        if (is_empty(f, at))
            continue;
        mx_text_add(t, some ? ", %s=" : "%s=", f->name);
        put_value(t, f->kind, at);
        some = true;
    }
}

/* --- lines ------------------------------------------------------------------------------------ */

/* "A" */
static bool put_name(mx_picture *p, mx_array *a) {
    const char *name = mx_namer_get(p->namer, a);
    mx_text_str(p->t, name ? name : "");
    return name != NULL;
}

static bool put_names(mx_picture *p, mx_array *const *a, int n) {
    bool ok = true;
    for (int i = 0, some = 0; ok && i < n; i++) {
        if (!a[i])
            continue;
        mx_text_str(p->t, some++ ? ", " : "");
        ok = put_name(p, a[i]);
    }
    return ok;
}

/* ": float32 (2,3)" of each */
static void put_types(mx_picture *p, mx_array *const *a, int n) {
    char shape[128];
    for (int i = 0, some = 0; i < n; i++)
        if (a[i])
            mx_text_add(p->t, "%s%s %s", some++ ? ", " : ": ", mx_dtype_name(mx_dtype_of(a[i])),
                        mx_shape_text(shape, sizeof shape, a[i]->shape, a[i]->ndim));
}

static bool text_leaf(mx_picture *p, mx_array *a) {
    bool ok = put_name(p, a);
    put_types(p, &a, 1);
    mx_text_char(p->t, '\n');
    return ok;
}

static bool text_node(mx_picture *p, mx_node *n, mx_array *const *out) {
    const char *source = mx_source_text(n->source);
    bool ok = put_names(p, out, n->nout);
    put_types(p, out, n->nout);
    mx_text_add(p->t, " = %s(", mx_operation_name((mx_prim)n->prim, mx_operation_variant(n)));
    ok = ok && put_names(p, n->in, n->nin);
    put_parameters(p->t, n);
    mx_text_str(p->t, source ? ")  # " : ")");
    mx_text_str(p->t, source ? source : "");
    mx_text_char(p->t, '\n');
    return ok;
}

bool mx_graph_text(mx_text *t, mx_namer *namer, mx_array *const *outputs, int n) {
    mx_picture p = {.namer = namer, .t = t, .leaf = text_leaf, .node = text_node};
    bool ok = mx_picture_walk(&p, outputs, n);
    mx_text_str(t, "return ");
    ok = ok && put_names(&p, outputs, n);
    mx_text_char(t, '\n');
    return ok && !t->failed;
}
