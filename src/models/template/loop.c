/* The variable `loop`, and what else has attributes of its own: see run.h. */
#include <string.h>

#include "models/template/run.h"

/* --- items ------------------------------------------------------------------------------------ */

static bool passes(tm_run *r, tm_loop *l, const tm_value *v, bool *out) {
    tm_value found;
    *out = true;
    if (!l->node->c)
        return true;
    tm_frame *inside = r->frame, *f = tm_frame_new(r, l->around);
    if (!f || !tm_assign(r, f, l->node->a, v))
        return false;
    r->frame = f;
    bool ok = r->calls->eval(r, l->node->c, &found);
    r->frame = inside;
    tm_frame_done(r, f);
    *out = ok && tm_truth(&found);
    return ok;
}

/* One more item that came through; false: there is none, or an error. When the loop is over there
   are no more. */
static bool pull(tm_run *r, tm_loop *l) {
    bool ok = false;
    while (l->next < l->from->n && !ok && !l->over) {
        const tm_value *v = &l->from->item[l->next++];
        if (!tm_spend(r, 1) || !passes(r, l, v, &ok) || (ok && !tm_list_add(r, &l->item, v)))
            return false;
    }
    return ok;
}

static bool has_item(tm_run *r, tm_loop *l, size_t i) {
    while (l->item.n <= i)
        if (!pull(r, l))
            return false;
    return true;
}

bool tm_loop_next(tm_run *r, tm_loop *l) {
    return has_item(r, l, ++l->index);
}

static bool all_items(tm_run *r, tm_loop *l, int64_t *n) {
    while (pull(r, l))
        ;
    *n = (int64_t)l->item.n;
    return !r->failed;
}

/* --- attributes ------------------------------------------------------------------------------- */

static bool neighbour(tm_run *r, tm_loop *l, bool next, tm_value *out) {
    *out = tm_undefined(next ? "there is no next item" : "there is no previous item");
    if (!next && l->index)
        *out = l->item.item[l->index - 1];
    if (next && has_item(r, l, l->index + 1))
        *out = l->item.item[l->index + 1];
    return !r->failed;
}

static bool cycle(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_seq *s = a[1].seq;
    if (!s->n)
        return tm_fail(r, MX_INVALID, "no items for cycling given");
    *out = s->item[a[0].loop->index % s->n];
    return true;
}

static bool changed(tm_run *r, const tm_value *a, tm_value *out) {
    tm_loop *l = a[0].loop;
    bool same = false;
    if (l->changed && !tm_equal(r, &l->last, &a[1], &same))
        return false;
    l->changed = true;
    l->last = a[1];
    *out = tm_bool(!same);
    return true;
}

static bool method(tm_run *r, const tm_value *x, const tm_native *f, tm_value *out) {
    tm_method *m = tm_alloc(r, 1, sizeof *m);
    if (m)
        *m = (tm_method){*x, f};
    *out = (tm_value){.kind = TM_METHOD, .method = m};
    return m;
}

typedef enum what {
    INDEX,
    INDEX0,
    REVERSE,
    REVERSE0,
    FIRST,
    LAST,
    LENGTH,
    DEPTH,
    DEPTH0,
    PREVIOUS,
    NEXT,
    CYCLE,
    CHANGED
} what;

static bool of_all(tm_run *r, tm_loop *l, what w, tm_value *out) {
    int64_t n;
    if (!all_items(r, l, &n))
        return false;
    *out = tm_int(w == LENGTH ? n : n - (int64_t)l->index - (w == REVERSE0));
    return true;
}

static bool of_loop(tm_run *r, const tm_value *x, what w, tm_value *out) {
    static const tm_native cycles = {"cycle", "self *", cycle};
    static const tm_native changes = {"changed", "self *", changed};
    tm_loop *l = x->loop;
    switch (w) {
    case INDEX: *out = tm_int((int64_t)l->index + 1); break;
    case INDEX0: *out = tm_int((int64_t)l->index); break;
    case FIRST: *out = tm_bool(l->index == 0); break;
    case LAST: *out = tm_bool(!has_item(r, l, l->index + 1)); break;
    case DEPTH: *out = tm_int(l->depth + 1); break;
    case DEPTH0: *out = tm_int(l->depth); break;
    case PREVIOUS:
    case NEXT: return neighbour(r, l, w == NEXT, out);
    case CYCLE: return method(r, x, &cycles, out);
    case CHANGED: return method(r, x, &changes, out);
    default: return of_all(r, l, w, out);
    }
    return !r->failed;
}

static bool next_of_cycler(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    tm_cycler *c = a[0].cycler;
    *out = c->seq->item[c->at++ % c->seq->n];
    return true;
}

static bool reset_cycler(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    a[0].cycler->at = 0;
    *out = tm_none();
    return true;
}

static bool of_cycler(tm_run *r, const tm_value *x, const char *name, tm_value *out) {
    static const tm_native next = {"next", "self", next_of_cycler};
    static const tm_native reset = {"reset", "self", reset_cycler};
    const tm_cycler *c = x->cycler;
    if (!strcmp(name, "current"))
        return *out = c->seq->item[c->at % c->seq->n], true;
    if (!strcmp(name, "next"))
        return method(r, x, &next, out);
    if (!strcmp(name, "reset"))
        return method(r, x, &reset, out);
    return tm_attribute(r, x, name, out);
}

static bool of_macro(tm_run *r, const tm_value *x, const char *name, tm_value *out) {
    const tm_node *n = x->macro->node;
    if (!strcmp(name, "name"))
        return *out = n->value, true;
    if (strcmp(name, "arguments") != 0)
        return tm_attribute(r, x, name, out);
    tm_seq *s = tm_seq_new(r, TM_TUPLE, n->kids);
    for (uint32_t i = 0; s && i < n->kids; i++)
        s->item[i] = n->kid[i]->value;
    if (s)
        *out = tm_of_seq(s);
    return s;
}

bool tm_loop_attribute(tm_run *r, const tm_value *x, const char *name, tm_value *out) {
    static const char *const names[] = {"index",    "index0", "revindex", "revindex0", "first",
                                        "last",     "length", "depth",    "depth0",    "previtem",
                                        "nextitem", "cycle",  "changed"};
    if (x->kind == TM_CYCLER)
        return of_cycler(r, x, name, out);
    if (x->kind == TM_MACRO)
        return of_macro(r, x, name, out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name))
            return of_loop(r, x, (what)i, out);
    return tm_attribute(r, x, name, out);
}
