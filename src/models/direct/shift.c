/* Texts that forget some of their middle: what follows moves down, its keys are turned back. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "kernels/attention/k_rope.h"
#include "models/direct/pages.h"

typedef struct shift {
    mx_sequence *s;
    int64_t first, count;
    float *row, *cosine, *sine; /* room for a key or a value; for half of it */
} shift;

static bool fail_model(const mx_decoder *d, const char *why) {
    return mx_fail(MX_UNSUPPORTED, "[cache] texts of '%s' cannot be shifted: %s", d->name, why);
}

static bool may_shift(const mx_sequence *s) {
    const mx_decoder *d = s->cache->decoder;
    if (s->cache->state_bytes)
        return fail_model(d, "it has recurrences");
    if (d->positions.kind)
        return fail_model(d, "its positions are learned");
    for (int64_t i = 0; i < d->layers; i++)
        if (d->layer[i].attention.rope.far)
            return fail_model(d, "its rotations depend on the length");
    return true;
}

/* --- one layer -------------------------------------------------------------------------------- */

static void make_turns(const shift *h, const mx_rotation *r) {
    for (int i = 0; i < r->rotated / 2; i++) {
        double angle = (double)h->count * (double)r->frequency[i];
        h->cosine[i] = (float)cos(angle);
        h->sine[i] = (float)sin(angle);
    }
}

/* A key as if it stood `count` positions before. Latent rows turn at their end. */
static void turn_back(const shift *h, const mx_attender *a) {
    size_t turned = (size_t)a->rope.rotated;
    float *x = h->row + (a->rank ? a->rank : 0);
    if (turned)
        mx_kernels_get()->rope->rows[MX_FLOAT32](x, (ptrdiff_t)turned, x, (ptrdiff_t)turned,
                                                 h->cosine, h->sine, 1, turned, turned,
                                                 a->rope.adjacent, true);
}

static void move_head(const shift *h, const mx_attender *a, const mx_layer_room *l, int64_t head,
                      int64_t to) {
    const mx_page *from = h->s->page[(to + h->count) / MX_PAGE], *p = h->s->page[to / MX_PAGE];
    int64_t source = (to + h->count) % MX_PAGE, at = to % MX_PAGE;
    mx_part_get(&l->key, mx_page_keys(from, l, head), source, h->row);
    turn_back(h, a);
    mx_part_put(&l->key, mx_page_keys(p, l, head), at, h->row);
    mx_part_get(&l->value, mx_page_values(from, l, head), source, h->row);
    mx_part_put(&l->value, mx_page_values(p, l, head), at, h->row);
}

static void move_layer(const shift *h, int64_t layer) {
    const mx_attender *a = &h->s->cache->decoder->layer[layer].attention;
    const mx_layer_room *l = &h->s->cache->layer[layer];
    make_turns(h, &a->rope);
    for (int64_t to = h->first; to < h->s->length - h->count; to++)
        for (int64_t head = 0; head < l->heads; head++)
            move_head(h, a, l, head, to);
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool open_room(shift *h) {
    const mx_cache *c = h->s->cache;
    int64_t most = 2;
    for (int64_t i = 0; i < c->decoder->layers; i++) {
        const mx_layer_room *l = &c->layer[i];
        most = l->key.width > most ? l->key.width : most;
        most = l->value.width > most ? l->value.width : most;
    }
    h->row = mx_calloc((size_t)(2 * most), sizeof *h->row);
    h->cosine = h->row + (h->row ? most : 0);
    h->sine = h->cosine + (h->row ? most / 2 : 0);
    return h->row != NULL;
}

/* Pages from the first that changes on are this text's alone. */
static bool own_pages(mx_sequence *s, int64_t first) {
    for (int64_t i = first / MX_PAGE; i * MX_PAGE < s->length; i++) {
        int64_t left = s->length - i * MX_PAGE;
        bool full = false;
        if (mx_sequence_own_page(s, i, (int)(left < MX_PAGE ? left : MX_PAGE), &full))
            continue;
        if (full)
            mx_fail(MX_NOMEM, "[cache] no room to shift a text");
        return false;
    }
    return true;
}

static void move_tokens(const shift *h) {
    mx_sequence *s = h->s;
    for (int64_t to = h->first; to < s->length - h->count; to++)
        s->page[to / MX_PAGE]->token[to % MX_PAGE] = mx_sequence_token(s, to + h->count);
}

bool mx_sequence_shift(mx_sequence *s, int64_t first, int64_t count) {
    shift h = {.s = s, .first = first, .count = count};
    if (first < 0 || count < 0 || first > s->length || count > s->length - first)
        return mx_fail(MX_RANGE, "[cache] positions %lld and %lld behind it, of %lld",
                       (long long)first, (long long)count, (long long)s->length);
    if (!may_shift(s))
        return false;
    if (count == 0)
        return true;
    if (!open_room(&h) || !own_pages(s, first)) {
        mx_free(h.row);
        return false;
    }
    for (int64_t i = 0; i < s->cache->decoder->layers; i++)
        move_layer(&h, i);
    move_tokens(&h);
    mx_free(h.row);
    s->pure = s->pure < first ? s->pure : first;
    return mx_sequence_trim(s, s->length - count);
}
