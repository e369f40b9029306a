/* See product.h. */
#include "models/structure/automaton/product.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/structure/grammar.h"

/* --- of an expression ------------------------------------------------------------------------ */

/* A grammar of one rule that calls none. */
static sg_dfa *of_grammar(const sg_grammar *g) {
    uint32_t letters = 1u + g->classes[255]; // classes have the bytes' order
    sg_dfa *d = sg_dfa_new((uint32_t)g->states, letters);
    if (!d)
        return NULL;
    memcpy(d->letter, g->classes, sizeof d->letter);
    for (size_t s = 0; s < g->states; s++) {
        memcpy(d->next + s * letters, g->next + g->state[s].row, letters * sizeof *d->next);
        d->final[s] = g->state[s].final;
    }
    return d;
}

sg_dfa *sg_dfa_of(sg_builder *b, sg_builder *own, sg_expr x) {
    sg_dfa *d = NULL;
    sg_grammar *g = NULL;
    bool empty = false;
    uint32_t root = sg_rule_new(own, "root", 4);
    sg_rule_set(own, root, x);
    if (!own->failed && !b->failed)
        g = sg_compile_or_empty(own, root, &empty);
    if (g || empty)
        d = g ? of_grammar(g) : sg_dfa_new(0, 1);
    b->failed |= !d;
    sg_grammar_release(g);
    sg_end(own);
    return d;
}

/* --- of two ---------------------------------------------------------------------------------- */

typedef struct pairs {
    const sg_dfa *x, *y;
    bool minus;
    uint32_t letters, a[256], b[256]; /* of the product: what they are in x and y */
    uint64_t *pair;                   /* of each state: x's, then y's */
    uint32_t *next, *slot;            /* by hash: number + 1 */
    size_t count, pair_room, next_room, slots;
} pairs;

static void find_letters(pairs *p, uint8_t letter[256]) {
    p->letters = 0;
    for (int byte = 0; byte < 256; byte++) {
        uint32_t a = p->x->letter[byte], b = p->y->letter[byte], i = 0;
        while (i < p->letters && (p->a[i] != a || p->b[i] != b))
            i++;
        p->a[i] = a;
        p->b[i] = b;
        p->letters += i == p->letters;
        letter[byte] = (uint8_t)i;
    }
}

static size_t hash_of(uint64_t pair) {
    uint64_t h = pair * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32);
}

static bool rehash(pairs *p) {
    size_t slots = p->slots ? 2 * p->slots : 64;
    uint32_t *slot = mx_calloc(slots, sizeof *slot);
    if (!slot)
        return false;
    for (size_t i = 0; i < p->count; i++) {
        size_t h = hash_of(p->pair[i]);
        while (slot[h & (slots - 1)])
            h++;
        slot[h & (slots - 1)] = (uint32_t)i + 1;
    }
    mx_free(p->slot);
    p->slot = slot;
    p->slots = slots;
    return true;
}

/* SG_DEAD: an error. */
static uint32_t number(sg_builder *b, pairs *p, uint32_t s, uint32_t t) {
    uint64_t pair = (uint64_t)s << 32 | t;
    if (2 * (p->count + 1) > p->slots && !rehash(p))
        return b->failed = true, SG_DEAD;
    size_t h = hash_of(pair);
    for (; p->slot[h & (p->slots - 1)]; h++)
        if (p->pair[p->slot[h & (p->slots - 1)] - 1] == pair)
            return p->slot[h & (p->slots - 1)] - 1;
    if (p->count >= SG_MOST_DFA)
        return sg_fail(b, MX_RANGE, "what is demanded of a text together has more than %d states",
                       SG_MOST_DFA),
               SG_DEAD;
    if (!mx_grow(&p->pair, &p->pair_room, p->count + 1, sizeof *p->pair))
        return b->failed = true, SG_DEAD;
    p->pair[p->count++] = pair;
    p->slot[h & (p->slots - 1)] = (uint32_t)p->count;
    return (uint32_t)p->count - 1;
}

static uint32_t step(const sg_dfa *d, uint32_t s, uint32_t letter) {
    return s == SG_DEAD ? SG_DEAD : d->next[(size_t)s * d->letters + letter];
}

static void add_row(sg_builder *b, pairs *p, size_t i) {
    uint32_t s = (uint32_t)(p->pair[i] >> 32), t = (uint32_t)p->pair[i];
    if (!mx_grow(&p->next, &p->next_room, (i + 1) * p->letters, sizeof *p->next)) {
        b->failed = true;
        return;
    }
    for (uint32_t k = 0; k < p->letters && !b->failed; k++) {
        uint32_t x = step(p->x, s, p->a[k]), y = step(p->y, t, p->b[k]);
        bool dead = x == SG_DEAD || (!p->minus && y == SG_DEAD);
        p->next[i * p->letters + k] = dead ? SG_DEAD : number(b, p, x, y);
    }
}

static bool is_final(const pairs *p, size_t i) {
    uint32_t s = (uint32_t)(p->pair[i] >> 32), t = (uint32_t)p->pair[i];
    return p->x->final[s] && (t != SG_DEAD && p->y->final[t]) != p->minus;
}

static sg_dfa *from_pairs(const pairs *p, const uint8_t letter[256]) {
    sg_dfa *d = sg_dfa_new((uint32_t)p->count, p->letters);
    if (!d)
        return NULL;
    memcpy(d->letter, letter, sizeof d->letter);
    if (p->count)
        memcpy(d->next, p->next, p->count * p->letters * sizeof *d->next);
    for (size_t i = 0; i < p->count; i++)
        d->final[i] = is_final(p, i);
    if (sg_dfa_trim(d))
        return d;
    sg_dfa_free(d);
    return NULL;
}

static sg_dfa *product(sg_builder *b, const sg_dfa *x, const sg_dfa *y, bool minus) {
    if (b->failed || !x || !y)
        return NULL;
    uint8_t letter[256];
    pairs p = {.x = x, .y = y, .minus = minus};
    find_letters(&p, letter);
    if (x->states && (y->states || minus))
        number(b, &p, 0, y->states ? 0 : SG_DEAD);
    for (size_t i = 0; i < p.count && !sg_stopped(b) && sg_affords(b); i++) {
        *b->steps += p.letters;
        add_row(b, &p, i);
    }
    sg_dfa *d = b->failed ? NULL : from_pairs(&p, letter);
    b->failed |= !d;
    mx_free(p.pair);
    mx_free(p.next);
    mx_free(p.slot);
    return d;
}

sg_dfa *sg_dfa_and(sg_builder *b, const sg_dfa *x, const sg_dfa *y) {
    return product(b, x, y, false);
}

sg_dfa *sg_dfa_minus(sg_builder *b, const sg_dfa *x, const sg_dfa *y) {
    return product(b, x, y, true);
}

void sg_dfa_meet(sg_builder *b, sg_dfa **x, sg_dfa *y) {
    sg_dfa *both = *x && y ? sg_dfa_and(b, *x, y) : NULL;
    if (*x) {
        sg_dfa_free(*x);
        sg_dfa_free(y);
        *x = both;
    } else {
        *x = y;
    }
}
