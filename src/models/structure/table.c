/* See table.h. All tables have one lock, which is held for a look at a few slots. */
#include "models/structure/table.h"

#include "base/mem.h"
#include "base/threads/lock.h"

struct sg_table {
    sg_mask **slot; /* by hash of the key */
    size_t slots, count, bytes, words;
};

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
    return k->key.parent == key.parent && k->key.tree == key.tree && k->key.a == key.a &&
           k->key.b == key.b;
}

static sg_mask **place(sg_mask **slot, size_t slots, sg_key key) {
    uint64_t h = (key.a ^ key.tree) * 0x9e3779b97f4a7c15u + key.b;
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
    size_t words = (k->word ? t->words : 0) + (k->token ? k->tokens : 0) + k->exits;
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

sg_table *sg_table_new(size_t words) {
    sg_table *t = mx_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (sg_table){.words = words, .slots = 64};
    t->slot = mx_calloc(t->slots, sizeof(sg_mask *));
    if (t->slot)
        return t;
    mx_free(t);
    return NULL;
}

void sg_table_free(sg_table *t) {
    if (!t)
        return;
    drop_all(t);
    mx_free(t->slot);
    mx_free(t);
}
