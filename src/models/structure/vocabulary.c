/* See vocabulary.h. */
#include "models/structure/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "models/structure/table.h"

typedef struct word {
    const char *text;
    size_t size;
    uint32_t token;
} word;

static int by_text(const void *a, const void *b) {
    const word *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
    if (order || x->size != y->size)
        return order ? order : x->size < y->size ? -1 : 1;
    return x->token < y->token ? -1 : 1;
}

static size_t shared(const word *a, const word *b) {
    size_t n = 0;
    while (n < a->size && n < b->size && a->text[n] == b->text[n])
        n++;
    return n;
}

/* Adds the twigs of w that its predecessor does not have; path[d] is the open twig of depth d. */
static bool grow_tree(sg_vocabulary *v, sg_tree *t, const word *w, const word *before,
                      uint32_t *path) {
    size_t depth = before ? shared(w, before) : 0;
    if (before && depth == w->size) {
        v->same[w->token] = t->twig[path[depth]].token;
        t->twig[path[depth]].token = w->token;
        return true;
    }
    for (size_t d = depth + 1; before && d <= before->size; d++)
        t->twig[path[d]].end = (uint32_t)t->twigs;
    if (!mx_grow(&t->twig, &t->room, t->twigs + w->size - depth, sizeof *t->twig))
        return false;
    for (size_t d = depth + 1; d <= w->size; d++) {
        path[d] = (uint32_t)t->twigs;
        t->twig[t->twigs++] = (sg_twig){0, UINT32_MAX, (uint16_t)d, (uint8_t)w->text[d - 1]};
    }
    t->twig[t->twigs - 1].token = w->token;
    return true;
}

/* Of those words, in order, whose size belongs into it. */
static bool make_tree(sg_vocabulary *v, sg_tree *t, const word *w, size_t n) {
    uint32_t *path = mx_malloc((v->longest + 1) * sizeof *path);
    const word *before = NULL;
    bool ok = path != NULL, is_short = t == &v->tree[SG_SHORT_TREE];
    for (size_t i = 0; ok && i < n; i++)
        if ((w[i].size <= SG_SHORT) == is_short) {
            ok = grow_tree(v, t, &w[i], before, path);
            before = &w[i];
        }
    for (size_t d = 1; ok && before && d <= before->size; d++)
        t->twig[path[d]].end = (uint32_t)t->twigs;
    mx_free(path);
    return ok;
}

static bool copy_text(sg_vocabulary *v, const char *const *text, const size_t *size) {
    size_t total = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (size[i] > SG_MOST_TOKEN || total > UINT32_MAX - SG_MOST_TOKEN)
            return mx_fail(MX_INVALID, "[structure] token %zu has %zu bytes, at most %d can be", i,
                           size[i], SG_MOST_TOKEN);
        total += sg_is_end(v, (uint32_t)i) ? 0 : size[i];
        v->longest = size[i] > v->longest ? size[i] : v->longest;
    }
    v->text = mx_malloc(total);
    if (!v->text)
        return false;
    for (size_t i = 0; i < v->count; i++) {
        size_t n = sg_is_end(v, (uint32_t)i) ? 0 : size[i];
        v->from[i + 1] = v->from[i] + (uint32_t)n;
        if (n)
            memcpy(v->text + v->from[i], text[i], n);
    }
    return true;
}

static bool fill(sg_vocabulary *v, const char *const *text, const size_t *size) {
    word *w = mx_malloc(v->count * sizeof *w);
    bool ok = w && copy_text(v, text, size);
    size_t n = 0;
    for (size_t i = 0; ok && i < v->count; i++) {
        uint32_t from = v->from[i], bytes = v->from[i + 1] - from;
        v->same[i] = UINT32_MAX;
        if (bytes)
            w[n++] = (word){v->text + from, bytes, (uint32_t)i};
    }
    if (ok && n)
        qsort(w, n, sizeof *w, by_text);
    for (int i = 0; ok && i < SG_TREES; i++)
        ok = make_tree(v, &v->tree[i], w, n);
    mx_free(w);
    return ok;
}

sg_vocabulary *sg_vocabulary_new(const char *const *text, const size_t *size, size_t count,
                                 const uint32_t *ends, size_t n_ends) {
    if (count > SG_MOST_TOKENS || n_ends > count)
        return mx_fail(MX_INVALID, "[structure] a vocabulary of %zu tokens", count);
    for (size_t i = 0; i < n_ends; i++)
        if (ends[i] >= count)
            return mx_fail(MX_RANGE, "[structure] the end %u is no token of %zu", ends[i], count);
    sg_vocabulary *v = mx_calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->count = count;
    v->words = (count + 31) / 32;
    atomic_init(&v->references, 1);
    v->from = mx_calloc(count + 1, sizeof *v->from);
    v->same = mx_malloc(count * sizeof *v->same);
    v->ends = mx_memdup(ends, n_ends * sizeof *ends);
    v->n_ends = v->ends ? n_ends : 0;
    v->table = sg_table_new(v->words);
    if (v->from && v->same && v->ends && v->table && fill(v, text, size))
        return v;
    sg_vocabulary_release(v);
    return NULL;
}

sg_vocabulary *sg_vocabulary_retain(sg_vocabulary *v) {
    atomic_fetch_add(&v->references, 1);
    return v;
}

void sg_vocabulary_release(sg_vocabulary *v) {
    if (!v || atomic_fetch_sub(&v->references, 1) != 1)
        return;
    mx_free(v->text);
    mx_free(v->from);
    mx_free(v->same);
    for (int i = 0; i < SG_TREES; i++)
        mx_free(v->tree[i].twig);
    mx_free(v->ends);
    sg_table_free(v->table);
    mx_free(v);
}

bool sg_is_end(const sg_vocabulary *v, uint32_t token) {
    for (size_t i = 0; i < v->n_ends; i++)
        if (v->ends[i] == token)
            return true;
    return false;
}
