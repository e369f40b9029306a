/* See masks.h. */
#include "models/structure/masks.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

/* --- walks ----------------------------------------------------------------------------------- */

static void take_tokens(const sg_vocabulary *v, uint32_t token, uint32_t *word) {
    for (; token != UINT32_MAX; token = v->same[token])
        word[token / 32] |= 1u << token % 32;
}

/* A state that is left for no other one without a byte, but for the end of its rule, which leads
   nowhere from these parents. */
static bool is_simple(const sg_state *x, uint32_t parent) {
    return !x->calls && (!x->final || parent <= SG_UNKNOWN);
}

/* From the only top of level `from`: its one successor. False: it takes more than a look. */
static bool step_one(sg_masks *m, const sg_level *from, sg_level *l, unsigned char byte) {
    sg_stacks *s = &m->stacks;
    uint32_t next = sg_next(s->g, from->one.state, byte);
    const sg_state *x = next == SG_DEAD ? NULL : &s->g->state[next];
    if (x && !is_simple(x, from->one.parent))
        return false;
    s->below = x && x->final && from->one.parent == SG_UNKNOWN;
    s->complete = x && x->final && from->one.parent == SG_BOTTOM;
    s->deep = false;
    *l = (sg_level){from->tops, x && x->bytes, from->frames, from->tops, {next, from->one.parent}};
    return true;
}

/* A list of tops that is there as one top only. */
static void unfold(sg_masks *m, sg_level *from) {
    sg_stacks *s = &m->stacks;
    sg_stacks_cut(s, from->frames, from->tops);
    if (from->first != from->tops || !from->count)
        return;
    if (sg_stacks_push(s, from->one))
        from->tops = s->tops;
}

/* One byte further than level[depth - 1]; false: nothing is there, and nothing ended there. */
static bool descend(sg_masks *m, const sg_twig *t, size_t depth) {
    sg_stacks *s = &m->stacks;
    sg_level *l = &m->level[depth], *from = l - 1;
    if (from->count == 1 && step_one(m, from, l, t->byte))
        return l->count || s->complete || s->below;
    unfold(m, from);
    l->first = s->tops;
    l->count = sg_stacks_step(s, from->first, from->count, t->byte);
    l->frames = s->frames;
    l->tops = s->tops;
    l->one = l->count ? s->top[l->first] : (sg_top){0};
    return l->count || s->complete || s->below;
}

static bool add_exit(sg_masks *m, uint32_t twig) {
    if (!mx_grow(&m->exit, &m->exit_room, m->exits + 1, sizeof *m->exit))
        return false;
    m->exit[m->exits++] = twig;
    return true;
}

/* The twigs i .. end - 1 from level[0], which stands for depth `base`, into `word`. */
static bool walk(sg_masks *m, const sg_tree *tree, uint32_t i, uint32_t end, size_t base,
                 uint32_t *word) {
    while (i < end && !m->stacks.failed) {
        const sg_twig *t = &tree->twig[i];
        size_t depth = t->depth - base;
        bool there = descend(m, t, depth);
        m->deep |= m->stacks.deep;
        if (there)
            take_tokens(m->v, t->token, word);
        if (there && m->stacks.below && t->end > i + 1 && !add_exit(m, i))
            return false;
        i = m->level[depth].count ? i + 1 : t->end;
    }
    return !m->stacks.failed;
}

static void begin_walk(sg_masks *m, size_t first, size_t count) {
    sg_top one = count ? m->stacks.top[first] : (sg_top){0};
    m->level[0] = (sg_level){first, count, m->stacks.frames, m->stacks.tops, one};
}

/* From a top alone: only bytes at first, as calls and returns are tops of their own. */
static bool walk_top(sg_masks *m, const sg_tree *tree, sg_top t, uint32_t *word) {
    size_t frames = m->stacks.frames, tops = m->stacks.tops;
    if (!sg_stacks_push(&m->stacks, t))
        return false;
    begin_walk(m, tops, 1);
    bool ok = walk(m, tree, 0, (uint32_t)tree->twigs, 0, word);
    sg_stacks_cut(&m->stacks, frames, tops);
    return ok;
}

/* Behind the exits of `own`, in a state that returns from its rule lead to. */
static bool walk_exits(sg_masks *m, const sg_tree *tree, const sg_mask *own, uint32_t state) {
    sg_stacks *s = &m->stacks;
    size_t frames = s->frames, tops = s->tops;
    size_t count = sg_stacks_enter(s, state, SG_UNKNOWN);
    bool ok = !s->failed, ends = s->below;
    begin_walk(m, tops, count);
    for (size_t i = 0; ok && i < own->exits; i++) {
        const sg_twig *t = &tree->twig[own->exit[i]];
        ok = (!ends || add_exit(m, own->exit[i])) &&
             walk(m, tree, own->exit[i] + 1, count ? t->end : 0, t->depth, m->word);
    }
    sg_stacks_cut(s, frames, tops);
    return ok;
}

/* --- entries ---------------------------------------------------------------------------------- */

static size_t tokens_of(const uint32_t *word, size_t words) {
    size_t n = 0;
    for (size_t i = 0; i < words; i++)
        n += (size_t)__builtin_popcount(word[i]);
    return n;
}

static void list_tokens(uint32_t *token, const uint32_t *word, size_t words) {
    for (size_t i = 0; i < words; i++)
        for (uint32_t rest = word[i]; rest; rest &= rest - 1)
            *token++ = (uint32_t)(32 * i) + (uint32_t)__builtin_ctz(rest);
}

/* What the walk has found. */
static sg_mask *mask_new(const sg_masks *m, sg_key key) {
    sg_mask *k = mx_calloc(1, sizeof *k);
    if (!k)
        return NULL;
    size_t words = m->v->words;
    k->key = key;
    atomic_init(&k->references, 1);
    k->tokens = tokens_of(m->word, words);
    k->exits = m->exits;
    k->rise = m->stacks.highest;
    k->exit = mx_memdup(m->exit, m->exits * sizeof *k->exit);
    if (2 * k->tokens > words)
        k->word = mx_memdup(m->word, words * sizeof *k->word);
    else if ((k->token = mx_malloc(k->tokens * sizeof *k->token)))
        list_tokens(k->token, m->word, words);
    if (k->exit && (k->word || k->token))
        return k;
    sg_mask_release(k);
    return NULL;
}

/* Held: kept, or made by the exits of `own` (NULL: of a state alone). NULL: an error. */
static sg_mask *mask_of(sg_masks *m, int tree, const sg_mask *own, uint32_t state) {
    sg_name name = tree == SG_SHORT_TREE ? m->g->name[state] : (sg_name){m->g->number, state};
    sg_key key = {own ? own->number : 0, name.a, name.b, (uint64_t)tree};
    sg_mask *k = sg_table_find(m->v->table, key);
    if (k)
        return k;
    memset(m->word, 0, m->v->words * sizeof *m->word);
    m->exits = m->stacks.highest = 0;
    const sg_tree *t = &m->v->tree[tree];
    bool ok =
        own ? walk_exits(m, t, own, state) : walk_top(m, t, (sg_top){state, SG_UNKNOWN}, m->word);
    k = ok ? mask_new(m, key) : NULL;
    return k ? sg_table_keep(m->v->table, k) : NULL;
}

static void merge(const sg_masks *m, const sg_mask *k, uint32_t *words) {
    for (size_t i = 0; k->word && i < m->v->words; i++)
        words[i] |= k->word[i];
    for (size_t i = 0; k->token && i < k->tokens; i++)
        words[k->token[i] / 32] |= 1u << k->token[i] % 32;
}

/* --- a stack ---------------------------------------------------------------------------------- */

/* The state's own tokens and, down the stack, those behind exits. words NULL: only to see whether
   they count (*whole): not where the stack comes near its greatest depth. */
static bool add_kept(sg_masks *m, int tree, sg_top t, uint32_t *words, bool *whole) {
    sg_mask *k = mask_of(m, tree, NULL, t.state);
    uint32_t at = t.parent;
    while (k) {
        sg_frame below = m->stacks.frame[at];
        *whole &= below.depth + k->rise <= SG_MOST_STACK;
        if (words)
            merge(m, k, words);
        if (at == SG_BOTTOM || !k->exits || !*whole)
            break;
        sg_mask *next = mask_of(m, tree, k, below.state);
        sg_mask_release(k);
        k = next;
        at = below.parent;
    }
    bool ok = k != NULL;
    sg_mask_release(k);
    return ok;
}

static bool add_tree(sg_masks *m, int tree, sg_top t, uint32_t *words) {
    bool whole = true;
    if (!m->v->tree[tree].twigs)
        return true;
    if (!add_kept(m, tree, t, NULL, &whole))
        return false;
    return whole ? add_kept(m, tree, t, words, &whole) : walk_top(m, &m->v->tree[tree], t, words);
}

bool sg_masks_add(sg_masks *m, sg_top t, uint32_t *words) {
    for (int tree = 0; tree < SG_TREES; tree++)
        if (!add_tree(m, tree, t, words))
            return false;
    return true;
}

static bool begin(sg_masks *m, sg_grammar *g, sg_vocabulary *v) {
    *m = (sg_masks){.g = sg_grammar_retain(g), .v = sg_vocabulary_retain(v)};
    m->level = mx_malloc((v->longest + 1) * sizeof *m->level);
    m->word = mx_malloc(v->words * sizeof *m->word);
    return m->level && m->word;
}

bool sg_masks_begin(sg_masks *m, sg_grammar *g, sg_vocabulary *v) {
    return begin(m, g, v) && sg_stacks_begin(&m->stacks, g);
}

bool sg_masks_copy(sg_masks *to, const sg_masks *from) {
    return begin(to, from->g, from->v) && sg_stacks_copy(&to->stacks, &from->stacks);
}

void sg_masks_end(sg_masks *m) {
    mx_free(m->level);
    mx_free(m->word);
    mx_free(m->exit);
    sg_stacks_end(&m->stacks);
    sg_grammar_release(m->g);
    sg_vocabulary_release(m->v);
}
