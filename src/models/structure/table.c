/* See table.h. All tables have one lock, which is held for a look at a few slots. */
#include "models/structure/table.h"

#include "base/lock.h"
#include "base/mem.h"

/* --- entries ---------------------------------------------------------------------------------- */

void sg_mask_release(sg_mask *k) {
    if (!k || atomic_fetch_sub(&k->references, 1) != 1)
        return;
    mx_free(k->word);
    mx_free(k->token);
    mx_free(k->exit);
    mx_free(k);
}

static sg_mask *hold(sg_mask *k) {
    if (k)
        atomic_fetch_add(&k->references, 1);
    return k;
}

static bool is_key(const sg_mask *k, sg_key key) {
    return k->key.parent == key.parent && k->key.tree == key.tree && k->key.state == key.state;
}

static sg_mask **place(sg_mask **slot, size_t slots, sg_key key) {
    uint64_t h = (key.parent ^ ((uint64_t)key.tree << 32 | key.state)) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 29 ^ key.parent) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 32) & (slots - 1);
    while (slot[i] && !is_key(slot[i], key))
        i = (i + 1) & (slots - 1);
    return &slot[i];
}

static void drop_all(sg_table *t) {
    for (size_t i = 0; i < t->slots; i++) {
        sg_mask_release(t->slot[i]);
        t->slot[i] = NULL;
    }
    t->count = t->bytes = 0;
}

static bool more_slots(sg_table *t) {
    size_t n = 2 * t->slots;
    sg_mask **slot = mx_calloc(n, sizeof(sg_mask *));
    if (!slot)
        return false;
    for (size_t i = 0; i < t->slots; i++)
        if (t->slot[i])
            *place(slot, n, t->slot[i]->key) = t->slot[i];
    mx_free(t->slot);
    t->slot = slot;
    t->slots = n;
    return true;
}

sg_mask *sg_table_find(sg_table *t, sg_key key) {
    mx_lock(MX_LOCK_MASKS);
    sg_mask *k = hold(*place(t->slot, t->slots, key));
    mx_unlock(MX_LOCK_MASKS);
    return k;
}

static size_t bytes_of(const sg_table *t, const sg_mask *k) {
    size_t words = (k->word ? t->v->words : 0) + (k->token ? k->tokens : 0) + k->exits;
    return sizeof *k + words * sizeof *k->word;
}

/* With the lock held. */
static bool keep(sg_table *t, sg_mask *k) {
    static uint64_t numbers;
    if (t->bytes + bytes_of(t, k) > SG_MOST_MASK_BYTES)
        drop_all(t);
    if (2 * (t->count + 1) > t->slots && !more_slots(t))
        return false;
    k->number = ++numbers;
    *place(t->slot, t->slots, k->key) = hold(k);
    t->count++;
    t->bytes += bytes_of(t, k);
    return true;
}

sg_mask *sg_table_keep(sg_table *t, sg_mask *k) {
    mx_lock(MX_LOCK_MASKS);
    sg_mask *kept = hold(*place(t->slot, t->slots, k->key));
    bool other = kept != NULL;
    if (!other && keep(t, k))
        kept = k;
    mx_unlock(MX_LOCK_MASKS);
    if (kept != k)
        sg_mask_release(k);
    return kept;
}

/* --- tables ----------------------------------------------------------------------------------- */

void sg_table_release(sg_table *t) {
    if (!t || atomic_fetch_sub(&t->references, 1) != 1)
        return;
    if (t->slot)
        drop_all(t);
    mx_free(t->slot);
    sg_vocabulary_release(t->v);
    mx_free(t);
}

void sg_tables_free(sg_table *first) {
    while (first) {
        sg_table *t = first;
        first = t->next;
        sg_table_release(t);
    }
}

static sg_table *table_new(sg_vocabulary *v) {
    sg_table *t = mx_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    atomic_init(&t->references, 2); // the grammar's and the caller's
    t->slots = 64;
    t->slot = mx_calloc(t->slots, sizeof(sg_mask *));
    t->v = sg_vocabulary_retain(v);
    if (t->slot)
        return t;
    atomic_init(&t->references, 1);
    sg_table_release(t);
    return NULL;
}

/* What is found is held. */
static sg_table *find(const sg_grammar *g, const sg_vocabulary *v) {
    sg_table *t = g->tables;
    while (t && t->v != v)
        t = t->next;
    if (t)
        atomic_fetch_add(&t->references, 1);
    return t;
}

/* First of the list; what falls off its end, for sg_tables_free. */
static sg_table *put(sg_grammar *g, sg_table *t) {
    t->next = g->tables;
    g->tables = t;
    for (int i = 1; t && i < SG_MOST_TABLES; i++)
        t = t->next;
    sg_table *rest = t ? t->next : NULL;
    if (t)
        t->next = NULL;
    return rest;
}

sg_table *sg_table_of(sg_grammar *g, sg_vocabulary *v) {
    mx_lock(MX_LOCK_MASKS);
    sg_table *t = find(g, v), *made = NULL, *rest = NULL;
    mx_unlock(MX_LOCK_MASKS);
    if (t || !(made = table_new(v)))
        return t;
    mx_lock(MX_LOCK_MASKS);
    t = find(g, v); // another thread may have made one
    if (!t)
        rest = put(g, made);
    mx_unlock(MX_LOCK_MASKS);
    sg_tables_free(t ? NULL : rest);
    if (!t)
        return made;
    atomic_fetch_sub(&made->references, 1);
    sg_table_release(made);
    return t;
}
