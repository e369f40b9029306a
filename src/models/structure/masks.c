/* See masks.h. */
#include "models/structure/masks.h"

#include "base/mem.h"
#include "base/vec.h"

/* --- walks ----------------------------------------------------------------------------------- */

static void take_tokens(const sg_vocabulary *v, uint32_t token, uint32_t *word) {
    for (; token != UINT32_MAX; token = v->same[token])
        word[token / 32] |= 1u << token % 32;
}

/* One byte further than level[depth - 1]; false: nothing is there, and nothing ended there. */
static bool descend(sg_masks *m, const sg_twig *t, size_t depth) {
    sg_stacks *s = &m->stacks;
    sg_level *l = &m->level[depth], *from = l - 1;
    sg_stacks_cut(s, from->frames, from->tops);
    l->first = s->tops;
    l->count = sg_stacks_step(s, from->first, from->count, t->byte);
    l->frames = s->frames;
    l->tops = s->tops;
    return l->count || s->complete || s->below;
}

/* The twigs i .. end - 1 from level[0], which stands for depth `base`. */
static bool walk(sg_masks *m, uint32_t i, uint32_t end, size_t base, sg_mask *out) {
    const sg_vocabulary *v = m->v;
    while (i < end && !m->stacks.failed) {
        const sg_twig *t = &v->twig[i];
        size_t depth = t->depth - base;
        bool there = descend(m, t, depth);
        out->deep |= m->stacks.deep;
        if (there)
            take_tokens(v, t->token, out->word);
        if (there && m->stacks.below && t->end > i + 1) {
            if (!mx_grow(&out->exit, &out->exit_room, out->exits + 1, sizeof *out->exit))
                return false;
            out->exit[out->exits++] = i;
        }
        i = m->level[depth].count ? i + 1 : t->end;
    }
    return !m->stacks.failed;
}

static void begin_walk(sg_masks *m, size_t first, size_t count) {
    m->level[0] = (sg_level){first, count, m->stacks.frames, m->stacks.tops};
}

/* From a state alone: only bytes at first, as calls and returns are tops of their own. */
static bool walk_state(sg_masks *m, sg_mask *out) {
    size_t frames = m->stacks.frames, tops = m->stacks.tops;
    if (!mx_grow(&m->stacks.top, &m->stacks.top_room, tops + 1, sizeof *m->stacks.top))
        return false;
    m->stacks.top[m->stacks.tops++] = (sg_top){out->of.state, SG_UNKNOWN};
    begin_walk(m, tops, 1);
    bool ok = walk(m, 0, (uint32_t)m->v->twigs, 0, out);
    sg_stacks_cut(&m->stacks, frames, tops);
    return ok;
}

/* Behind the exits of a state, on the frame below it. */
static bool walk_exits(sg_masks *m, const sg_mask *own, sg_mask *out) {
    sg_stacks *s = &m->stacks;
    size_t frames = s->frames, tops = s->tops;
    sg_frame below = s->frame[out->of.parent];
    size_t count = sg_stacks_enter(s, below.state, below.parent);
    bool ok = !s->failed;
    begin_walk(m, tops, count);
    for (size_t i = 0; ok && count && i < own->exits; i++) {
        const sg_twig *t = &m->v->twig[own->exit[i]];
        ok = walk(m, own->exit[i] + 1, t->end, t->depth, out);
    }
    sg_stacks_cut(s, frames, tops);
    return ok;
}

/* --- what is kept ---------------------------------------------------------------------------- */

static void mask_free(sg_mask *k) {
    if (!k)
        return;
    mx_free(k->word);
    mx_free(k->exit);
    mx_free(k);
}

static void drop_all(sg_masks *m) {
    for (size_t i = 0; i < m->slots; i++) {
        mask_free(m->slot[i]);
        m->slot[i] = NULL;
    }
    m->count = m->bytes = 0;
}

static sg_mask **place(sg_mask **slot, size_t slots, sg_top of) {
    uint64_t h = ((uint64_t)of.parent << 32 | of.state) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 32) & (slots - 1);
    while (slot[i] && (slot[i]->of.state != of.state || slot[i]->of.parent != of.parent))
        i = (i + 1) & (slots - 1);
    return &slot[i];
}

static bool more_slots(sg_masks *m) {
    size_t n = 2 * m->slots;
    sg_mask **slot = mx_calloc(n, sizeof(sg_mask *));
    if (!slot)
        return false;
    for (size_t i = 0; i < m->slots; i++)
        if (m->slot[i])
            *place(slot, n, m->slot[i]->of) = m->slot[i];
    mx_free(m->slot);
    m->slot = slot;
    m->slots = n;
    return true;
}

static sg_mask *keep(sg_masks *m, sg_mask *k) {
    if (2 * (m->count + 1) > m->slots && !more_slots(m)) {
        mask_free(k);
        return NULL;
    }
    *place(m->slot, m->slots, k->of) = k;
    m->count++;
    m->bytes += sizeof *k + m->v->words * sizeof *k->word + k->exit_room * sizeof *k->exit;
    return k;
}

static sg_mask *mask_new(const sg_masks *m, sg_top of) {
    sg_mask *k = mx_calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->of = of;
    k->word = mx_calloc(m->v->words, sizeof *k->word);
    if (k->word)
        return k;
    mask_free(k);
    return NULL;
}

/* Kept, or made by `own`'s exits (NULL: of a state alone). NULL: an error. */
static sg_mask *mask_of(sg_masks *m, sg_top of, const sg_mask *own) {
    sg_mask *k = *place(m->slot, m->slots, of);
    if (k)
        return k;
    k = mask_new(m, of);
    if (k && (own ? walk_exits(m, own, k) : walk_state(m, k)))
        return keep(m, k);
    mask_free(k);
    return NULL;
}

/* --- in and out ------------------------------------------------------------------------------ */

static void merge(const sg_masks *m, const sg_mask *k, uint32_t *words, bool *deep) {
    for (size_t i = 0; i < m->v->words; i++)
        words[i] |= k->word[i];
    *deep |= k->deep;
}

bool sg_masks_add(sg_masks *m, sg_top t, uint32_t *words, bool *deep) {
    if (m->bytes > SG_MOST_MASK_BYTES)
        drop_all(m);
    sg_mask *own = mask_of(m, (sg_top){t.state, SG_UNKNOWN}, NULL);
    if (!own)
        return false;
    merge(m, own, words, deep);
    if (t.parent == SG_BOTTOM || !own->exits)
        return true;
    sg_mask *rest = mask_of(m, t, own);
    if (rest)
        merge(m, rest, words, deep);
    return rest != NULL;
}

sg_masks *sg_masks_new(sg_grammar *g, sg_vocabulary *v) {
    sg_masks *m = mx_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    *m = (sg_masks){.g = g, .v = v, .slots = 64, .references = 1};
    g->references++;
    v->references++;
    m->slot = mx_calloc(m->slots, sizeof(sg_mask *));
    m->level = mx_malloc((v->longest + 1) * sizeof *m->level);
    if (m->slot && m->level && sg_stacks_begin(&m->stacks, g))
        return m;
    sg_masks_release(m);
    return NULL;
}

void sg_masks_release(sg_masks *m) {
    if (!m || --m->references)
        return;
    if (m->slot)
        drop_all(m);
    mx_free(m->slot);
    mx_free(m->level);
    sg_stacks_end(&m->stacks);
    sg_grammar_release(m->g);
    sg_vocabulary_release(m->v);
    mx_free(m);
}
