/* One way through a model, in the words of a machine: see machine.h. */
#include <stddef.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/machine.h"

typedef struct walk {
    mx_machine *m;
    const mx_machine_words *w;
    const mx_decoder *d;
    bool last; /* the layer is the last: rows that nobody wants end behind its mixer */
} walk;

static bool is(const mx_weight *w) {
    return w->kind != MX_WEIGHT_NONE;
}

/* --- words, with what is not there passed over ----------------------------------------------- */

static mx_rows *norm(const walk *k, const mx_norm *n, mx_rows *x) {
    return x && n->kind != MX_NORM_NONE ? k->w->norm(k->m, n, x, 0) : x;
}

static mx_rows *product(const walk *k, const mx_weight *w, mx_rows *x) {
    mx_rows *y = NULL;
    return x && k->w->products(k->m, &y, &w, 1, x) ? y : NULL;
}

static mx_rows *add(const walk *k, mx_rows *x, mx_rows *y) {
    return x && y ? k->w->add(k->m, x, y, k->d->residual_scale) : NULL;
}

/* --- mixers ---------------------------------------------------------------------------------- */

static mx_rows *attend(const walk *k, const mx_attender *a, int64_t n, mx_rows *x) {
    const mx_weight *w[] = {&a->q, &a->k, &a->v, &a->gate};
    mx_rows *y[4] = {NULL};
    if (!x || !k->w->products(k->m, y, w, is(&a->gate) ? 4 : 3, x))
        return NULL;
    return k->w->attend(k->m, a, n, y[0], y[1], y[2], y[3]);
}

static mx_rows *attend_latent(const walk *k, const mx_attender *a, int64_t n, mx_rows *x) {
    bool low = is(&a->q_down);
    const mx_weight *w[] = {low ? &a->q_down : &a->q, &a->kv_down};
    mx_rows *y[2] = {NULL};
    if (!x || !k->w->products(k->m, y, w, 2, x))
        return NULL;
    mx_rows *q = low ? product(k, &a->q, norm(k, &a->q_norm, y[0])) : y[0];
    return q ? k->w->attend(k->m, a, n, q, y[1], NULL, NULL) : NULL;
}

static mx_rows *recur(const walk *k, mx_mixer_kind kind, const mx_recurrence *r, int64_t n,
                      mx_rows *x) {
    const mx_weight *w[] = {&r->in, &r->in_more};
    mx_rows *y[2] = {NULL};
    if (!x || !k->w->products(k->m, y, w, is(&r->in_more) ? 2 : 1, x))
        return NULL;
    return k->w->recur(k->m, kind, r, n, y[0], y[1]);
}

static mx_rows *mix(const walk *k, const mx_layer *l, int64_t n, mx_rows *x) {
    if (l->mixer != MX_MIXER_ATTENTION)
        return product(k, &l->recurrence.output, recur(k, l->mixer, &l->recurrence, n, x));
    const mx_attender *a = &l->attention;
    return product(k, &a->output, a->rank ? attend_latent(k, a, n, x) : attend(k, a, n, x));
}

/* --- feed-forward ---------------------------------------------------------------------------- */

static mx_rows *feed(const walk *k, const mx_feed *f, mx_rows *x) {
    bool gated = is(&f->gate);
    const mx_weight *w[] = {gated ? &f->gate : &f->up, &f->up};
    mx_rows *y[2] = {NULL};
    if (!x || !k->w->products(k->m, y, w, gated ? 2 : 1, x))
        return NULL;
    mx_rows *inner = k->w->gate(k->m, f->act, gated ? y[0] : NULL, gated ? y[1] : y[0]);
    return product(k, &f->down, inner);
}

static bool feeds(const mx_layer *l) {
    return l->experts.count || is(&l->feed.down);
}

static mx_rows *feed_any(const walk *k, const mx_layer *l, mx_rows *x) {
    if (l->experts.count)
        return x ? k->w->experts(k->m, &l->experts, x) : NULL;
    return feed(k, &l->feed, x);
}

/* --- layers ---------------------------------------------------------------------------------- */

static mx_rows *wanted(const walk *k, mx_rows *x) {
    return x && k->last && k->m->pass->wanted ? k->w->wanted(k->m, x) : x;
}

/* Both parts read x. Without a norm of its own the feed-forward part reads the mixer's. */
static mx_rows *parallel(const walk *k, const mx_layer *l, int64_t n, mx_rows *x) {
    mx_rows *shared = norm(k, &l->before_mixer, x);
    mx_rows *own = l->before_feed.kind ? norm(k, &l->before_feed, x) : shared;
    mx_rows *y = wanted(k, norm(k, &l->after_mixer, mix(k, l, n, shared)));
    mx_rows *z = norm(k, &l->after_feed, feed_any(k, l, wanted(k, own)));
    return add(k, add(k, wanted(k, x), y), z);
}

/* x = norm(x + part(x)) */
static mx_rows *norms_after(const walk *k, const mx_layer *l, int64_t n, mx_rows *x) {
    x = norm(k, &l->after_mixer, add(k, x, mix(k, l, n, x)));
    return norm(k, &l->after_feed, add(k, x, feed_any(k, l, x)));
}

static mx_rows *layer(const walk *k, const mx_layer *l, int64_t n, mx_rows *x) {
    if (l->parallel)
        return parallel(k, l, n, x);
    if (k->d->norms_after)
        return norms_after(k, l, n, x);
    mx_rows *y = wanted(k, mix(k, l, n, norm(k, &l->before_mixer, x)));
    x = add(k, wanted(k, x), norm(k, &l->after_mixer, y));
    if (!feeds(l))
        return x;
    return add(k, x, norm(k, &l->after_feed, feed_any(k, l, norm(k, &l->before_feed, x))));
}

/* --- the ends -------------------------------------------------------------------------------- */

static void positions_of(const mx_pass *p, int *out) {
    for (int64_t i = 0; i < p->spans; i++)
        for (int64_t r = 0; r < p->span[i].count; r++)
            out[p->span[i].first + r] = (int)(p->span[i].position + r);
}

/* Adds rows of a table that `which` says, if there is one. */
static mx_rows *add_table(const walk *k, const mx_weight *table, const int *which, mx_rows *x) {
    if (!is(table) || !x)
        return x;
    mx_rows *y = k->w->embed(k->m, table, which, 1);
    return y ? k->w->add(k->m, x, y, 1) : NULL;
}

static mx_rows *joined(const walk *k, mx_rows *x) {
    const mx_join *j = &k->d->join;
    if (!is(&j->both) || !x)
        return x;
    mx_rows *h = norm(k, &j->hidden, k->w->given(k->m));
    mx_rows *t = norm(k, &j->token, x);
    return product(k, &j->both, h && t ? k->w->beside(k->m, t, h) : NULL);
}

/* `room`: a number for each row. */
static mx_rows *embed_in(const walk *k, int *room) {
    const mx_pass *p = k->m->pass;
    mx_rows *x = k->w->embed(k->m, &k->d->embedding, p->token, k->d->embedding_scale);
    for (int64_t i = 0; i < p->rows; i++)
        room[i] = 0;
    x = add_table(k, &k->d->types, p->type ? p->type : room, x);
    positions_of(p, room);
    x = add_table(k, &k->d->positions, room, x);
    return joined(k, norm(k, &k->d->embedding_norm, x));
}

static mx_rows *embed(const walk *k) {
    int *room = mx_malloc((size_t)k->m->pass->rows * sizeof *room);
    mx_rows *x = room ? embed_in(k, room) : NULL;
    mx_free(room);
    return x;
}

/* Behind the last layer of a pass that keeps hidden rows there are still all of them. */
static mx_rows *keep(const walk *k, mx_rows *x, bool here) {
    if (!x || !k->m->pass->keeps || !here)
        return x;
    k->w->keep(k->m, x);
    return k->m->pass->wanted ? k->w->wanted(k->m, x) : x;
}

static mx_rows *finish(const walk *k, mx_rows *x) {
    const mx_decoder *d = k->d;
    x = norm(k, &d->final_norm, keep(k, x, !d->normed_ahead));
    if (d->encoder)
        return x;
    x = product(k, &d->head, keep(k, x, d->normed_ahead));
    bool plain = d->logit_scale == 1 && d->logit_softcap == 0;
    return x && !plain ? k->w->finish(k->m, x, d->logit_scale, d->logit_softcap) : x;
}

/* Tokens that the tables have, spans that cover the rows. */
static bool check(const mx_decoder *d, const mx_pass *p) {
    for (int64_t i = 0; i < p->rows; i++)
        if (p->token[i] < 0 || p->token[i] >= d->embedding.out)
            return mx_fail(MX_RANGE, "[model] token %d, and '%s' has %lld", p->token[i], d->name,
                           (long long)d->embedding.out);
    for (int64_t i = 0; i < p->rows && p->type && d->types.kind; i++)
        if (p->type[i] < 0 || p->type[i] >= d->types.out)
            return mx_fail(MX_RANGE, "[model] token type %d, and '%s' has %lld", p->type[i],
                           d->name, (long long)d->types.out);
    for (int64_t i = 0; i < p->spans && d->positions.kind; i++)
        if (p->span[i].position + p->span[i].count > d->positions.out)
            return mx_fail(MX_RANGE, "[model] %lld positions, and '%s' has %lld",
                           (long long)(p->span[i].position + p->span[i].count), d->name,
                           (long long)d->positions.out);
    return true;
}

static walk walk_of(mx_machine *m) {
    return (walk){m, m->words, m->decoder, false};
}

mx_rows *mx_walk_embed(mx_machine *m) {
    walk k = walk_of(m);
    return check(m->decoder, m->pass) ? embed(&k) : NULL;
}

mx_rows *mx_walk_layer(mx_machine *m, int64_t n, mx_rows *x) {
    walk k = walk_of(m);
    k.last = n == m->decoder->layers - 1 && !m->decoder->encoder && !m->pass->keeps;
    return layer(&k, &m->decoder->layer[n], n, m->words->begin(m, x));
}

mx_rows *mx_walk_finish(mx_machine *m, mx_rows *x) {
    walk k = walk_of(m);
    return finish(&k, m->words->begin(m, x));
}

mx_rows *mx_walk(mx_machine *m) {
    mx_rows *x = mx_walk_embed(m);
    for (int64_t n = 0; x && n < m->decoder->layers; n++)
        x = mx_walk_layer(m, n, x);
    return x ? mx_walk_finish(m, x) : NULL;
}
