/* See structure.h. A step of a matcher is a list of tops; all steps are kept, so that going back is
 * forgetting the last ones. */
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/structure/masks.h"
#include "models/structure/structure.h"

typedef struct step {
    size_t first, count; /* tops */
    size_t frames;       /* of the stacks: later ones are later steps' */
    bool complete, ended;
} step;

struct mx_matcher {
    sg_masks masks;
    sg_top *top;
    step *step;
    size_t tops, top_room, steps, step_room;
};

static const step *last(const mx_matcher *m) {
    return &m->step[m->steps - 1];
}

/* The list of tops at stacks->top[from ...] becomes a step. */
static bool add_step(mx_matcher *m, const sg_top *top, size_t count, bool complete, bool ended) {
    if (!mx_grow(&m->top, &m->top_room, m->tops + count, sizeof *m->top) ||
        !mx_grow(&m->step, &m->step_room, m->steps + 1, sizeof *m->step))
        return false;
    if (count)
        memcpy(m->top + m->tops, top, count * sizeof *top);
    m->step[m->steps++] = (step){m->tops, count, m->masks.stacks.frames, complete, ended};
    m->tops += count;
    return true;
}

mx_matcher *mx_matcher_new(sg_grammar *g, sg_vocabulary *v) {
    mx_matcher *m = mx_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    bool ok = sg_masks_begin(&m->masks, g, v);
    sg_stacks *s = &m->masks.stacks;
    size_t count = ok ? sg_stacks_enter(s, g->start, SG_BOTTOM) : 0;
    ok = ok && !s->failed && add_step(m, s->top, count, s->complete, false);
    s->tops = 0;
    if (ok)
        return m;
    mx_matcher_free(m);
    return NULL;
}

mx_matcher *mx_matcher_copy(const mx_matcher *m) {
    mx_matcher *c = mx_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    bool ok = sg_masks_copy(&c->masks, &m->masks) &&
              mx_grow(&c->top, &c->top_room, m->tops, sizeof *c->top) &&
              mx_grow(&c->step, &c->step_room, m->steps, sizeof *c->step);
    if (!ok) {
        mx_matcher_free(c);
        return NULL;
    }
    if (m->tops)
        memcpy(c->top, m->top, m->tops * sizeof *c->top);
    memcpy(c->step, m->step, m->steps * sizeof *c->step);
    c->tops = m->tops;
    c->steps = m->steps;
    return c;
}

void mx_matcher_free(mx_matcher *m) {
    if (!m)
        return;
    sg_masks_end(&m->masks);
    mx_free(m->top);
    mx_free(m->step);
    mx_free(m);
}

sg_vocabulary *mx_matcher_vocabulary(const mx_matcher *m) {
    return m->masks.v;
}

/* The last step's tops where stacks work on them. */
static bool load(mx_matcher *m) {
    sg_stacks *s = &m->masks.stacks;
    size_t n = last(m)->count;
    if (!mx_grow(&s->top, &s->top_room, n, sizeof *s->top))
        return false;
    if (n)
        memcpy(s->top, m->top + last(m)->first, n * sizeof *s->top);
    s->tops = n;
    return true;
}

bool mx_matcher_accept_bytes(mx_matcher *m, const char *bytes, size_t n, bool *fits) {
    sg_stacks *s = &m->masks.stacks;
    size_t frames = s->frames, first = 0, count = last(m)->count;
    bool complete = last(m)->complete, ok = load(m);
    *fits = !last(m)->ended;
    for (size_t i = 0; ok && *fits && i < n; i++) {
        size_t next = s->tops;
        count = sg_stacks_step(s, first, count, (unsigned char)bytes[i]);
        complete = s->complete;
        first = next;
        *fits = count || (complete && i + 1 == n);
        ok = !s->failed;
    }
    ok = ok && (!*fits || add_step(m, s->top + first, count, complete, false));
    if (!ok || !*fits)
        sg_stacks_cut(s, frames, 0);
    s->failed = false; // it is the caller's error now
    s->tops = 0;
    return ok;
}

bool mx_matcher_accept(mx_matcher *m, uint32_t token, bool *fits) {
    const sg_vocabulary *v = m->masks.v;
    *fits = false;
    if (token >= v->count)
        return mx_fail(MX_RANGE, "[structure] token %u of a vocabulary of %zu", token, v->count);
    if (sg_is_end(v, token)) {
        *fits = last(m)->complete && !last(m)->ended;
        return !*fits || add_step(m, NULL, 0, true, true);
    }
    size_t n = v->from[token + 1] - v->from[token];
    return !n || mx_matcher_accept_bytes(m, v->text + v->from[token], n, fits);
}

bool mx_matcher_rollback(mx_matcher *m, size_t n) {
    if (n >= m->steps)
        return mx_fail(MX_RANGE, "[structure] %zu steps back of %zu", n, m->steps - 1);
    m->steps -= n;
    m->tops = last(m)->first + last(m)->count;
    sg_stacks_cut(&m->masks.stacks, last(m)->frames, 0);
    return true;
}

size_t mx_matcher_steps(const mx_matcher *m) {
    return m->steps - 1;
}

bool mx_matcher_complete(const mx_matcher *m) {
    return last(m)->complete;
}

bool mx_matcher_continues(const mx_matcher *m) {
    return last(m)->count > 0;
}

bool mx_matcher_ended(const mx_matcher *m) {
    return last(m)->ended;
}

/* --- what must come --------------------------------------------------------------------------- */

/* The only byte that may follow s->top[first] ...; -1: none, or several. */
static int only_byte(const sg_stacks *s, size_t first, size_t count) {
    int only = -1;
    for (int byte = 0; byte < 256; byte++)
        for (size_t i = first; i < first + count; i++) {
            if (sg_next(s->g, s->top[i].state, (unsigned char)byte) == SG_DEAD)
                continue;
            if (only >= 0)
                return -1;
            only = byte;
            break;
        }
    return only;
}

bool mx_matcher_forced(mx_matcher *m, char *out, size_t most, size_t *n) {
    sg_stacks *s = &m->masks.stacks;
    size_t frames = s->frames, first = 0, count = last(m)->count;
    bool complete = last(m)->complete, ok = load(m);
    for (*n = 0; ok && !complete && *n < most; ++*n) {
        int byte = only_byte(s, first, count);
        size_t next = s->tops;
        if (byte < 0)
            break;
        out[*n] = (char)byte;
        count = sg_stacks_step(s, first, count, (unsigned char)byte);
        complete = s->complete;
        first = next;
        ok = !s->failed;
        if (!count && !complete) // it would be too deep
            break;
    }
    sg_stacks_cut(s, frames, 0);
    s->failed = false; // it is the caller's error now
    return ok;
}

/* --- masks ------------------------------------------------------------------------------------ */

static bool is_empty(const uint32_t *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (words[i])
            return false;
    return true;
}

bool mx_matcher_mask(mx_matcher *m, uint32_t *words) {
    const sg_vocabulary *v = m->masks.v;
    bool ok = true;
    m->masks.deep = false;
    memset(words, 0, v->words * sizeof *words);
    for (size_t i = 0; ok && i < last(m)->count; i++)
        ok = sg_masks_add(&m->masks, m->top[last(m)->first + i], words);
    m->masks.stacks.failed = false; // it is the caller's error now
    for (size_t i = 0; last(m)->complete && !last(m)->ended && i < v->n_ends; i++)
        words[v->ends[i] / 32] |= 1u << v->ends[i] % 32;
    if (ok && is_empty(words, v->words) && !last(m)->complete)
        return mx_fail(MX_INVALID,
                       m->masks.deep ? "[structure] the text is nested more than %d deep"
                                     : "[structure] no token of the vocabulary can come next",
                       SG_MOST_STACK);
    return ok;
}
