/* Pictures of graphs: see dot.h. */
#include "graph/show/dot.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "graph/show/walk.h"

/* --- names ------------------------------------------------------------------------ */

typedef struct named {
    mx_array *a;
    char text[];
} named;

typedef char address[24];

static const char *address_of(address text, const void *p) {
    snprintf(text, sizeof(address), "%p", p);
    return text;
}

static void drop_named(void *p) {
    named *e = p;
    if (e)
        mx_array_release(e->a);
    mx_free(e);
}

bool mx_namer_set(mx_namer *n, mx_array *a, const char *name) {
    address key;
    void *former = NULL;
    named *e = mx_malloc(sizeof *e + strlen(name) + 1);
    if (!e)
        return false;
    e->a = mx_array_retain(a);
    strcpy(e->text, name);
    bool ok = mx_map_set(&n->names, address_of(key, a), e, &former);
    drop_named(ok ? former : e);
    return ok;
}

/* Number 0 is A, 25 Z, 26 AA. */
static const char *letters(char out[16], uint64_t number) {
    char *p = out + 15;
    *p = 0;
    for (number++; number > 0; number = (number - 1) / 26)
        *--p = (char)('A' + (number - 1) % 26);
    return p;
}

const char *mx_namer_get(mx_namer *n, mx_array *a) {
    address key;
    char made[16];
    named *e = mx_map_get(&n->names, address_of(key, a));
    if (!e && mx_namer_set(n, a, letters(made, n->next++)))
        e = mx_map_get(&n->names, key);
    return e ? e->text : NULL;
}

void mx_namer_free(mx_namer *n) {
    mx_map_free(&n->names, drop_named);
    *n = (mx_namer){0};
}

/* --- Graphviz --------------------------------------------------------------------- */

static bool put_quoted(mx_picture *p, mx_array *a) {
    const char *name = mx_namer_get(p->namer, a);
    if (!name)
        return false;
    mx_text_char(p->t, '"');
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            mx_text_char(p->t, '\\');
        mx_text_char(p->t, *name);
    }
    mx_text_char(p->t, '"');
    return true;
}

static bool dot_leaf(mx_picture *p, mx_array *a) {
    mx_text_str(p->t, "{ rank=source; ");
    bool ok = put_quoted(p, a);
    mx_text_str(p->t, "; }\n");
    return ok;
}

static bool dot_node(mx_picture *p, mx_node *n, mx_array *const *out) {
    unsigned long long id = p->nodes;
    bool ok = true;
    mx_text_add(p->t, "{ op%llu [label =\"%s\", shape=rectangle]; }\n", id, mx_node_desc(n)->name);
    for (int i = 0; ok && i < n->nin; i++) {
        ok = put_quoted(p, n->in[i]);
        mx_text_add(p->t, " -> op%llu\n", id);
    }
    for (int i = 0; ok && i < n->nout; i++) {
        if (!out[i])
            continue;
        mx_text_str(p->t, mx_picture_is_sink(p, out[i]) ? "{ rank=sink; " : "{ ");
        ok = put_quoted(p, out[i]);
        mx_text_add(p->t, "; }\nop%llu -> ", id);
        ok = ok && put_quoted(p, out[i]);
        mx_text_char(p->t, '\n');
    }
    return ok;
}

bool mx_dot(mx_text *t, mx_namer *namer, mx_array *const *outputs, int n) {
    mx_picture p = {.namer = namer, .t = t, .leaf = dot_leaf, .node = dot_node};
    mx_text_str(t, "digraph {\n");
    bool ok = mx_picture_walk(&p, outputs, n);
    mx_text_str(t, "}\n");
    return ok && !t->failed;
}

/* --- lines ------------------------------------------------------------------------ */

/* A (2,3) float32 */
static bool put_described(mx_picture *p, mx_text *t, mx_array *a) {
    char shape[128];
    const char *name = mx_namer_get(p->namer, a);
    mx_shape_text(shape, sizeof shape, a->shape, a->ndim);
    mx_text_add(t, "%s%s %s %s", t->len ? ", " : "", name ? name : "", shape,
                mx_dtype_name(mx_dtype_of(a)));
    return name != NULL;
}

static bool line_leaf(mx_picture *p, mx_array *a) {
    return put_described(p, &p->inputs, a);
}

static bool put_names(mx_picture *p, mx_array *const *a, int n) {
    const char *name = "";
    for (int i = 0, some = 0; name && i < n; i++) {
        name = a[i] ? mx_namer_get(p->namer, a[i]) : "";
        if (a[i] && name)
            mx_text_add(p->t, "%s%s", some++ ? ", " : " ", name);
    }
    return name != NULL;
}

static bool line_node(mx_picture *p, mx_node *n, mx_array *const *out) {
    mx_text_str(p->t, mx_node_desc(n)->name);
    bool ok = put_names(p, n->in, n->nin);
    mx_text_str(p->t, " ->");
    ok = ok && put_names(p, out, n->nout);
    mx_text_char(p->t, '\n');
    return ok;
}

bool mx_graph_lines(mx_text *t, mx_namer *namer, mx_array *const *outputs, int n) {
    mx_text lines = {0}, last = {0};
    mx_picture p = {.namer = namer, .t = &lines, .leaf = line_leaf, .node = line_node};
    bool ok = mx_picture_walk(&p, outputs, n);
    for (int i = 0; ok && i < n; i++)
        ok = put_described(&p, &last, outputs[i]);
    mx_text_str(t, "Inputs: ");
    mx_text_str(t, mx_text_view(&p.inputs));
    mx_text_str(t, "\nOutputs: ");
    mx_text_str(t, mx_text_view(&last));
    mx_text_str(t, "\n\n");
    mx_text_str(t, mx_text_view(&lines));
    ok = ok && !t->failed && !lines.failed && !last.failed && !p.inputs.failed;
    mx_text_free(&p.inputs);
    mx_text_free(&last);
    mx_text_free(&lines);
    return ok;
}
