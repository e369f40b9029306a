/* See classes.h: partitions are refined round by round (Moore 1956), a round for each byte. A call
 * counts as a letter that is told apart by the state it leads to, and takes a byte at least: where
 * the rule that is called matches "", the state after the call is reached without it, too. */
#include "models/structure/classes.h"

#include <string.h>

#include "base/mem.h"
#include "models/structure/vocabulary.h"

typedef struct refining {
    const sg_grammar *g;
    uint32_t *was, *now; /* classes before and after this round */
    uint32_t *slot;      /* by hash: a state of a class + 1 */
    size_t slots;
    uint32_t count;
} refining;

static uint32_t class_of(const refining *f, uint32_t state) {
    return state == SG_DEAD ? SG_DEAD : f->was[state];
}

static uint64_t mix(uint64_t h, uint64_t x) {
    h = (h ^ x) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* Where bytes lead, as the first byte of each run that leads to one class. */
static uint64_t hash_of(const refining *f, uint32_t s) {
    const sg_state *x = &f->g->state[s];
    const uint8_t *letter = f->g->classes + 256 * (size_t)x->rule;
    uint64_t h = x->final;
    uint32_t before = SG_DEAD;
    for (int byte = 0; byte < 256; byte++) {
        if (byte && letter[byte] == letter[byte - 1])
            continue;
        uint32_t to = class_of(f, f->g->next[x->row + letter[byte]]);
        if (to != before)
            h = mix(h, (uint64_t)byte << 32 | to);
        before = to;
    }
    for (uint32_t i = 0; i < x->calls; i++) {
        const sg_call *c = &f->g->call[x->call + i];
        h = mix(h, (uint64_t)c->start << 32 | f->was[c->then]);
    }
    return mix(h, f->was[s]);
}

static bool same_bytes(const refining *f, const sg_state *x, const sg_state *y) {
    const uint8_t *a = f->g->classes + 256 * (size_t)x->rule,
                  *b = f->g->classes + 256 * (size_t)y->rule;
    for (int i = 0; i < 256; i++) {
        if (i && a[i] == a[i - 1] && b[i] == b[i - 1])
            continue;
        if (class_of(f, f->g->next[x->row + a[i]]) != class_of(f, f->g->next[y->row + b[i]]))
            return false;
    }
    return true;
}

static bool are_same(const refining *f, uint32_t s, uint32_t t) {
    const sg_state *x = &f->g->state[s], *y = &f->g->state[t];
    if (f->was[s] != f->was[t] || x->final != y->final || x->calls != y->calls)
        return false;
    for (uint32_t i = 0; i < x->calls; i++) {
        const sg_call *c = &f->g->call[x->call + i], *d = &f->g->call[y->call + i];
        if (c->start != d->start || f->was[c->then] != f->was[d->then])
            return false;
    }
    return same_bytes(f, x, y);
}

/* A class is named by its first state's number among the classes. */
static void place(refining *f, uint32_t s) {
    size_t h = (size_t)hash_of(f, s);
    for (; f->slot[h & (f->slots - 1)]; h++) {
        uint32_t t = f->slot[h & (f->slots - 1)] - 1;
        if (!are_same(f, s, t))
            continue;
        f->now[s] = f->now[t];
        return;
    }
    f->slot[h & (f->slots - 1)] = s + 1;
    f->now[s] = f->count++;
}

/* Did the round tell any apart? */
static bool refine(refining *f) {
    uint32_t before = f->count, *other = f->was;
    memset(f->slot, 0, f->slots * sizeof *f->slot);
    f->count = 0;
    for (uint32_t s = 0; s < f->g->states; s++)
        place(f, s);
    f->was = f->now;
    f->now = other;
    return f->count != before;
}

bool sg_classes_find(sg_grammar *g) {
    refining f = {.g = g, .slots = 64, .count = 1};
    while (f.slots < 2 * g->states)
        f.slots *= 2;
    f.was = mx_calloc(g->states, sizeof *f.was);
    f.now = mx_calloc(g->states, sizeof *f.now);
    f.slot = mx_malloc(f.slots * sizeof *f.slot);
    bool ok = f.was && f.now && f.slot;
    for (int round = 0; ok && round < SG_SHORT + 1 && refine(&f); round++)
        ;
    mx_free(f.slot);
    mx_free(f.now);
    if (ok)
        g->class = f.was;
    else
        mx_free(f.was);
    return ok;
}
