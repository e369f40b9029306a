/* Which examples are learned together, and in what order: see data.h. */
#include <string.h>

#include "base/mem.h"
#include "models/train/data.h"

void mx_batches_free(mx_batches *b) {
    mx_free(b->item);
    mx_free(b->start);
    *b = (mx_batches){0};
}

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Below n, all alike (Lemire 2019). */
static uint64_t below(uint64_t *state, uint64_t n) {
    unsigned __int128 m = (unsigned __int128)next(state) * n;
    while ((uint64_t)m < -n % n)
        m = (unsigned __int128)next(state) * n;
    return (uint64_t)(m >> 64);
}

static void swap(size_t *a, size_t *b) {
    size_t t = *a;
    *a = *b;
    *b = t;
}

/* Fisher and Yates. */
static void shuffle(size_t *item, size_t n, uint64_t *state) {
    for (size_t i = n; i > 1; i--)
        swap(&item[i - 1], &item[below(state, i)]);
}

/* By length, equal ones in their order: a merge of ever longer runs. */
static bool sort(size_t *item, const mx_examples *e) {
    size_t n = e->count, *other = mx_malloc(n * sizeof *other), *from = item, *to = other;
    for (size_t run = 1; other && run < n; run *= 2) {
        for (size_t at = 0; at < n; at += 2 * run) {
            size_t i = at, middle = at + run < n ? at + run : n, j = middle;
            size_t end = at + 2 * run < n ? at + 2 * run : n;
            for (size_t k = at; k < end; k++)
                to[k] = j >= end || (i < middle && e->item[from[i]].count <= e->item[from[j]].count)
                            ? from[i++]
                            : from[j++];
        }
        size_t *t = from;
        from = to;
        to = t;
    }
    if (other && from != item)
        memcpy(item, from, n * sizeof *item);
    mx_free(other);
    return other != NULL;
}

/* Batches in the order of their starts, in another order. */
static bool shuffle_batches(mx_batches *b, size_t examples, uint64_t *state) {
    size_t *order = mx_malloc(b->count * sizeof *order), at = 0;
    size_t *item = mx_malloc(examples * sizeof *item),
           *start = mx_malloc((b->count + 1) * sizeof *start);
    bool ok = order && item && start;
    for (size_t i = 0; ok && i < b->count; i++)
        order[i] = i;
    if (ok)
        shuffle(order, b->count, state);
    for (size_t i = 0; ok && i < b->count; i++) {
        size_t first = b->start[order[i]], n = b->start[order[i] + 1] - first;
        memcpy(item + at, b->item + first, n * sizeof *item);
        start[i] = at;
        at += n;
    }
    mx_free(order);
    if (!ok) {
        mx_free(item);
        mx_free(start);
        return false;
    }
    start[b->count] = at;
    mx_batches_free(&(mx_batches){.item = b->item, .start = b->start});
    b->item = item;
    b->start = start;
    return true;
}

/* Where batches end, of items in their final order. */
static void cut(mx_batches *b, const mx_examples *e, const mx_batch_spec *s) {
    int64_t tokens = 0;
    size_t n = 0;
    b->count = 0;
    for (size_t i = 0; i < e->count; i++) {
        int64_t more = e->item[b->item[i]].count;
        bool full = s->tokens ? tokens + more > s->tokens : n == s->size;
        if (i == 0 || full) {
            b->start[b->count++] = i;
            tokens = 0;
            n = 0;
        }
        tokens += more;
        n++;
    }
    b->start[b->count] = e->count;
}

bool mx_batches_make(mx_batches *b, const mx_examples *e, const mx_batch_spec *s, uint64_t epoch) {
    uint64_t state = s->seed * 0xD1342543DE82EF95u + epoch * 0x2545F4914F6CDD1Du + 1;
    *b = (mx_batches){.item = mx_malloc((e->count + 1) * sizeof *b->item),
                      .start = mx_malloc((e->count + 1) * sizeof *b->start)};
    bool ok = b->item && b->start;
    for (size_t i = 0; ok && i < e->count; i++)
        b->item[i] = i;
    if (ok && s->tokens)
        shuffle(b->item, e->count, &state);
    else
        ok = ok && sort(b->item, e);
    if (ok)
        cut(b, e, s);
    if (ok && (s->tokens || shuffle_batches(b, e->count, &state)))
        return true;
    mx_batches_free(b);
    return false;
}
