/* See cache.h and pages.h: the pages of a cache, those that are kept, the table of beginnings. */
#include "models/direct/cache.h"

#include <string.h>

#include "base/memory/cache.h"
#include "base/machine/cpuinfo.h"
#include "base/mem.h"
#include "base/status.h"
#include "models/direct/pages.h"

enum { FIRST_SLOTS = 64 };

/* --- what a layer needs ----------------------------------------------------------------------- */

static bool room_of_attention(mx_cache *c, const mx_attender *a, mx_layer_room *l) {
    bool latent = a->rank > 0;
    int64_t key = latent ? a->rank + a->rope.rotated : a->dim;
    int64_t value = latent ? a->rank : a->value_dim;
    l->heads = latent ? 1 : a->kv_heads;
    if (c->bits < 16 && (key % MX_CACHE_GROUP || value % MX_CACHE_GROUP)) {
        mx_fail(MX_UNSUPPORTED,
                "[cache] %d bits need heads of a multiple of %d features, this model has %lld and "
                "%lld",
                c->bits, MX_CACHE_GROUP, (long long)key, (long long)value);
        return false;
    }
    l->key = mx_part_of(c->bits, key, true);
    l->value = mx_part_of(c->bits, value, false);
    l->at = c->page_bytes;
    c->page_bytes += (size_t)l->heads * (l->key.bytes + l->value.bytes);
    return true;
}

/* The inputs of the convolution that it sees again, then each head's state; float32. */
static void room_of_recurrence(mx_cache *c, mx_mixer_kind kind, const mx_recurrence *r,
                               mx_layer_room *l) {
    int64_t channels = r->conv ? r->conv->shape[0] : 0;
    int64_t cells = kind == MX_MIXER_SHORT_CONV ? 0 : (int64_t)r->heads * r->key_dim * r->value_dim;
    l->state = c->state_bytes;
    l->state_size = (size_t)(channels * (r->width - 1) + cells) * sizeof(float);
    c->state_bytes += (l->state_size + 63) / 64 * 64;
}

static bool measure(mx_cache *c) {
    const mx_decoder *d = c->decoder;
    for (int64_t i = 0; i < d->layers; i++) {
        const mx_layer *layer = &d->layer[i];
        if (layer->mixer != MX_MIXER_ATTENTION)
            room_of_recurrence(c, layer->mixer, &layer->recurrence, &c->layer[i]);
        else if (!room_of_attention(c, &layer->attention, &c->layer[i]))
            return false;
    }
    return true;
}

mx_cache *mx_cache_new(const mx_decoder *d, int bits, uint64_t most) {
    if (bits != 32 && bits != 16 && bits != 8 && bits != 4)
        return mx_fail(MX_INVALID, "[cache] keys and values of 32, 16, 8 or 4 bits, not %d", bits);
    mx_cache *c = mx_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->decoder = mx_decoder_retain((mx_decoder *)(uintptr_t)d);
    c->bits = bits;
    c->most = most ? most : UINT64_MAX;
    c->most_kept = UINT64_MAX;
    c->slots = FIRST_SLOTS;
    c->layer = mx_calloc((size_t)d->layers, sizeof *c->layer);
    c->table = mx_calloc(c->slots, sizeof(mx_page *));
    if (!c->layer || !c->table || !measure(c)) {
        mx_cache_free(c);
        return NULL;
    }
    return c;
}

/* --- pages ------------------------------------------------------------------------------------ */

static uint64_t page_cost(const mx_cache *c) {
    return c->page_bytes + sizeof(mx_page);
}

static void discard(mx_cache *c, mx_page *p) {
    mx_page_unlist(c, p);
    mx_block_free(p->data, c->page_bytes + 1);
    mx_free(p);
    c->bytes -= page_cost(c);
}

static void keep(mx_cache *c, mx_page *p) {
    p->older = c->newest;
    p->newer = NULL;
    *(c->newest ? &c->newest->newer : &c->oldest) = p;
    c->newest = p;
    c->kept += page_cost(c);
    p->since = ++c->keeps;
}

static void unkeep(mx_cache *c, mx_page *p) {
    *(p->newer ? &p->newer->older : &c->newest) = p->older;
    *(p->older ? &p->older->newer : &c->oldest) = p->newer;
    c->kept -= page_cost(c);
}

/* Nobody uses it. */
static void give_back(mx_cache *c, mx_page *p) {
    unkeep(c, p);
    discard(c, p);
}

bool mx_cache_has_room(mx_cache *c, uint64_t bytes) {
    while (c->oldest && (bytes > c->most || c->bytes > c->most - bytes))
        give_back(c, c->oldest);
    return bytes <= c->most && c->bytes <= c->most - bytes;
}

mx_page *mx_page_new(mx_cache *c, bool *full) {
    *full = !mx_cache_has_room(c, page_cost(c));
    if (*full)
        return NULL;
    mx_page *p = mx_calloc(1, sizeof *p);
    char *data = p ? mx_block_alloc(c->page_bytes + 1) : NULL;
    if (!data) {
        mx_free(p);
        return NULL;
    }
    // what is read of positions that nobody has written counts for nothing, but must be numbers
    memset(data, 0, c->page_bytes);
    p->data = data;
    p->references = 1;
    p->serial = ++c->serials;
    c->bytes += page_cost(c);
    return p;
}

/* --- the table -------------------------------------------------------------------------------- */

static mx_page **slot_of(const mx_cache *c, uint64_t parent) {
    return &c->table[(parent * 0x9e3779b97f4a7c15u >> 20) & (c->slots - 1)];
}

/* Where memory is short the lists grow longer instead. */
static void widen(mx_cache *c) {
    mx_page **former = c->table, **table = mx_calloc(2 * c->slots, sizeof(mx_page *));
    size_t slots = c->slots;
    if (!table) {
        mx_error_clear();
        return;
    }
    c->table = table;
    c->slots *= 2;
    for (size_t i = 0; i < slots; i++)
        for (mx_page *p = former[i], *next; p; p = next) {
            next = p->sibling;
            mx_page **slot = slot_of(c, p->parent);
            p->sibling = *slot;
            *slot = p;
        }
    mx_free(former);
}

void mx_page_list(mx_cache *c, mx_page *p) {
    if (p->listed)
        return;
    if (++c->listed > 2 * c->slots && !mx_failed())
        widen(c);
    mx_page **slot = slot_of(c, p->parent);
    p->sibling = *slot;
    *slot = p;
    p->listed = true;
}

void mx_page_unlist(mx_cache *c, mx_page *p) {
    if (!p->listed)
        return;
    mx_page **at = slot_of(c, p->parent);
    while (*at != p)
        at = &(*at)->sibling;
    *at = p->sibling;
    p->listed = false;
    c->listed--;
}

static int common(const mx_page *p, const int *tokens, int64_t n) {
    int i = 0;
    while (i < p->used && i < n && p->token[i] == tokens[i])
        i++;
    return i;
}

/* Do its tokens begin with all of q's, behind the same page? */
static bool says(const mx_page *p, const mx_page *q) {
    return p->parent == q->parent && common(p, q->token, q->used) == q->used;
}

mx_page *mx_page_twin(const mx_cache *c, const mx_page *p) {
    for (mx_page *q = *slot_of(c, p->parent); q; q = q->sibling)
        if (q != p && says(q, p))
            return q;
    return NULL;
}

mx_page *mx_page_find(const mx_cache *c, uint64_t parent, const int *tokens, int64_t n, int *same) {
    mx_page *best = NULL;
    *same = 0;
    for (mx_page *p = *slot_of(c, parent); p; p = p->sibling) {
        int s = p->parent == parent ? common(p, tokens, n) : 0;
        if (s > *same) {
            best = p;
            *same = s;
        }
    }
    return best;
}

/* --- who has them ----------------------------------------------------------------------------- */

void mx_page_retain(mx_cache *c, mx_page *p) {
    if (p->references++ == 0)
        unkeep(c, p);
}

/* Pages behind `p->parent` that say no more than p, and that nothing follows. */
static void drop_beginnings(mx_cache *c, const mx_page *p) {
    for (mx_page *q = *slot_of(c, p->parent), *next; q; q = next) {
        next = q->sibling;
        if (q != p && !q->references && q->used < MX_PAGE && says(p, q))
            give_back(c, q);
    }
}

/* Are both not full, and is half of the shorter one or more the same? */
static bool is_alike(const mx_page *p, const mx_page *q) {
    int less = p->used < q->used ? p->used : q->used;
    return p->parent == q->parent && p->used < MX_PAGE && q->used < MX_PAGE &&
           2 * common(p, q->token, q->used) >= less;
}

/* Of those that are kept and begin as p does the oldest goes, if they are too many. */
static void drop_alike(mx_cache *c, const mx_page *p) {
    mx_page *oldest = NULL;
    int n = 0;
    for (mx_page *q = *slot_of(c, p->parent); q; q = q->sibling) {
        if (q->references || !is_alike(p, q))
            continue;
        n++;
        oldest = !oldest || q->since < oldest->since ? q : oldest;
    }
    if (n > MX_ALIKE)
        give_back(c, oldest);
}

void mx_page_release(mx_cache *c, mx_page *p) {
    if (--p->references > 0)
        return;
    if (!p->listed || !p->used || (p->used < MX_PAGE && mx_page_twin(c, p))) {
        discard(c, p);
        return;
    }
    drop_beginnings(c, p);
    keep(c, p);
    drop_alike(c, p);
    while (c->kept > c->most_kept)
        give_back(c, c->oldest);
}

/* --- the whole -------------------------------------------------------------------------------- */

void mx_cache_free(mx_cache *c) {
    if (!c)
        return;
    while (c->oldest)
        give_back(c, c->oldest);
    mx_free(c->table);
    mx_free(c->layer);
    mx_decoder_release(c->decoder);
    mx_free(c);
}

bool mx_cache_has_states(const mx_cache *c) {
    return c->state_bytes > 0;
}

void mx_cache_keep(mx_cache *c, int64_t positions) {
    uint64_t asked = (uint64_t)((positions + MX_PAGE - 1) / MX_PAGE) * page_cost(c),
             quarter = mx_cpuinfo_get()->memory / 4;
    c->most_kept = asked < quarter ? asked : quarter;
}

int64_t mx_cache_positions(const mx_cache *c) {
    uint64_t pages = c->most / page_cost(c), most = (uint64_t)INT64_MAX / MX_PAGE;
    return (int64_t)(pages < most ? pages : most) * MX_PAGE;
}

uint64_t mx_cache_bytes(const mx_cache *c) {
    return c->bytes;
}

uint64_t mx_cache_kept_bytes(const mx_cache *c) {
    return c->kept;
}
