/* See names.h: partitions are refined round by round (Moore 1956), a round for each byte, with a
 * hash of what a state's letters lead to in place of the number of a class.
 *
 * A call is a letter that stands for what the rule's start does, in the same round as it takes no
 * byte, and for what comes after it, which is a byte away at least: where the rule matches "", the
 * state after the call is reached without it, too. As no rule begins with itself there is an order
 * in which starts come before the states that call them.
 */
#include "models/structure/names.h"

#include <pthread.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "base/system.h"
#include "models/structure/vocabulary.h"

/* The most letters and rounds; a grammar that has more gives each state a name of its own. */
enum { MOST_WORK = 1 << 28 };

enum { ASKED_STATES = 1 << 12 }; // how many lie between two questions to the host

typedef struct naming {
    const sg_grammar *g;
    sg_name *was, *now;
    uint32_t *order, *stack, *at;
    uint8_t *letters; /* of each rule: the first byte of each class */
    uint16_t *count;
} naming;

static const sg_name dead = {0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u};

static uint64_t secret[4];

static void make_secret(void) {
    mx_secret(secret, sizeof secret);
}

static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 wide;
    wide p = (wide)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* Two hashes, each with secrets of its own, of a number and a name. Both factors depend on names,
   which may be related: a sum of the two might cancel out. */
static void mix(sg_name *h, uint64_t n, sg_name x) {
    h->a = fold(h->a ^ secret[0], (x.a ^ secret[2]) + (n << 32)) + 0x9e3779b97f4a7c15u;
    h->b = fold(h->b ^ secret[1], (x.b ^ secret[3]) + (n << 32)) + 0xd6e8feb86659fd93u;
}

static sg_name name_after(const naming *f, uint32_t state) {
    return state == SG_DEAD ? dead : f->was[state];
}

/* Each run of bytes that lead to one name, by its first byte. */
static void mix_bytes(const naming *f, const sg_state *x, sg_name *h) {
    const uint8_t *first = f->letters + 256 * (size_t)x->rule;
    sg_name before = {0, 0};
    for (uint32_t i = 0; i < f->count[x->rule]; i++) {
        sg_name to = name_after(f, f->g->next[x->row + i]);
        if (i && to.a == before.a && to.b == before.b)
            continue;
        mix(h, first[i], to);
        before = to;
    }
}

static sg_name name_of(const naming *f, uint32_t s) {
    const sg_state *x = &f->g->state[s];
    sg_name h = {0x452821e638d01377u, 0xbe5466cf34e90c6cu};
    mix(&h, 2u * x->calls + x->final, dead);
    mix_bytes(f, x, &h);
    for (uint32_t i = 0; i < x->calls; i++) {
        const sg_call *c = &f->g->call[x->call + i];
        mix(&h, 0, f->now[c->start]);
        mix(&h, 1, f->was[c->then]);
    }
    return h;
}

/* Depth first over calls: what a state calls comes before it. at: 0 is not seen, else the next call
   + 1. */
static void find_order(naming *f) {
    size_t n = 0;
    for (uint32_t s = 0; s < f->g->states; s++) {
        size_t depth = 0;
        if (f->at[s])
            continue;
        f->at[s] = 1;
        f->stack[depth++] = s;
        while (depth) {
            uint32_t top = f->stack[depth - 1];
            const sg_state *x = &f->g->state[top];
            if (f->at[top] > x->calls) {
                f->order[n++] = top;
                depth--;
                continue;
            }
            uint32_t to = f->g->call[x->call + f->at[top]++ - 1].start;
            if (!f->at[to]) {
                f->at[to] = 1;
                f->stack[depth++] = to;
            }
        }
    }
}

static void find_letters(naming *f) {
    for (size_t r = 0; r < f->g->rules; r++) {
        const uint8_t *class = f->g->classes + 256 * r;
        for (int byte = 0; byte < 256; byte++)
            if (!byte || class[byte] != class[byte - 1])
                f->letters[256 * r + f->count[r]++] = (uint8_t)byte;
    }
}

/* False: the host wants to stop. */
static bool name_all(const naming *f) {
    for (size_t i = 0; i < f->g->states; i++) {
        if (i % ASKED_STATES == 0 && mx_interrupted_within())
            return false;
        f->now[f->order[i]] = name_of(f, f->order[i]);
    }
    return true;
}

static bool give_names(naming *f) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_secret);
    find_order(f);
    find_letters(f);
    for (int round = 0; round <= SG_SHORT; round++) {
        if (!name_all(f))
            return false;
        sg_name *other = f->was;
        f->was = f->now;
        f->now = other;
    }
    return true;
}

/* By the grammar's number and the state's. */
static void number_states(naming *f) {
    for (uint32_t s = 0; s < f->g->states; s++)
        f->was[s] = (sg_name){f->g->number, s};
}

bool sg_names_find(sg_grammar *g) {
    naming f = {.g = g};
    f.was = mx_calloc(g->states, sizeof *f.was);
    f.now = mx_calloc(g->states, sizeof *f.now);
    f.order = mx_malloc(g->states * sizeof *f.order);
    f.stack = mx_malloc(g->states * sizeof *f.stack);
    f.at = mx_calloc(g->states, sizeof *f.at);
    f.letters = mx_malloc(256 * g->rules);
    f.count = mx_calloc(g->rules, sizeof *f.count);
    bool ok = f.was && f.now && f.order && f.stack && f.at && f.letters && f.count;
    if (ok && g->cells * (SG_SHORT + 1) <= MOST_WORK)
        ok = give_names(&f);
    else if (ok)
        number_states(&f);
    mx_free(f.now);
    mx_free(f.order);
    mx_free(f.stack);
    mx_free(f.at);
    mx_free(f.letters);
    mx_free(f.count);
    g->name = f.was;
    return ok;
}
