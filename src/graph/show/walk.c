/* The walk over a graph that is shown: see walk.h. */
#include "graph/show/walk.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/vec.h"
#include "graph/eval/eval.h"

typedef char address[24];

static const char *address_of(address text, const void *p) {
    snprintf(text, sizeof(address), "%p", p);
    return text;
}

typedef struct frame {
    mx_array *a;
    int next; /* input to visit */
} frame;

static char mark; /* the value of what is in a set */

static bool add(mx_map *set, const void *p) {
    address key;
    return mx_map_set(set, address_of(key, p), &mark, NULL);
}

static bool has(const mx_map *set, const void *p) {
    address key;
    return mx_map_has(set, address_of(key, p));
}

static bool draw_node(mx_picture *p, mx_node *n) {
    mx_array **out = mx_calloc(n->nout, sizeof *out);
    if (!out)
        return false;
    mx_node_hold_outputs(n, out);
    p->nodes++;
    bool ok = p->node(p, n, out);
    for (int i = 0; i < n->nout; i++)
        mx_array_release(out[i]);
    mx_free(out);
    return ok;
}

typedef struct stack {
    frame *at;
    size_t depth, room;
} stack;

/* Visit a: a leaf is drawn, a node is put on the stack; what was seen is left alone. */
static bool visit(mx_picture *p, stack *s, mx_array *a) {
    const void *what = a->node ? (const void *)a->node : a;
    if (has(&p->seen, what))
        return true;
    if (!add(&p->seen, what))
        return false;
    if (!a->node)
        return p->leaf(p, a);
    if (!mx_grow(&s->at, &s->room, s->depth + 1, sizeof *s->at))
        return false;
    s->at[s->depth++] = (frame){a, 0};
    return true;
}

static bool walk_from(mx_picture *p, stack *s, mx_array *output) {
    bool ok = visit(p, s, output);
    while (ok && s->depth) {
        frame *f = &s->at[s->depth - 1];
        mx_node *n = f->a->node;
        if (f->next < n->nin) {
            ok = visit(p, s, n->in[f->next++]);
            continue;
        }
        s->depth--;
        ok = draw_node(p, n);
    }
    return ok;
}

bool mx_picture_walk(mx_picture *p, mx_array *const *outputs, int n) {
    stack s = {0};
    bool ok = true;
    for (int i = 0; ok && i < n; i++)
        ok = add(&p->sinks, outputs[i]);
    mx_eval_lock();
    for (int i = 0; ok && i < n; i++)
        ok = walk_from(p, &s, outputs[i]);
    mx_eval_unlock();
    mx_free(s.at);
    mx_map_free(&p->seen, NULL);
    mx_map_free(&p->sinks, NULL);
    return ok;
}

bool mx_picture_is_sink(const mx_picture *p, const mx_array *a) {
    return has(&p->sinks, a);
}
