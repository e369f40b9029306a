/* See cache.h and pages.h: sequences. */
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "models/direct/pages.h"

/* --- states of recurrences -------------------------------------------------------------------- */

static char *new_state(mx_cache *c) {
    char *state = mx_block_alloc(c->state_bytes);
    if (state)
        memset(state, 0, c->state_bytes);
    return state;
}

static bool add_states(mx_sequence *s) {
    mx_cache *c = s->cache;
    if (!c->state_bytes)
        return true;
    s->state[0] = new_state(c);
    s->state[1] = s->state[0] ? new_state(c) : NULL;
    c->bytes += 2 * c->state_bytes;
    return s->state[1] != NULL;
}

static void drop_states(mx_sequence *s) {
    mx_cache *c = s->cache;
    if (!c->state_bytes)
        return;
    mx_block_free(s->state[0], c->state_bytes);
    mx_block_free(s->state[1], c->state_bytes);
    if (s->mark)
        c->bytes -= c->state_bytes;
    mx_block_free(s->mark, c->state_bytes);
    c->bytes -= 2 * c->state_bytes;
}

/* --- life ------------------------------------------------------------------------------------- */

static mx_sequence *new_sequence(mx_cache *c) {
    mx_sequence *s = mx_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->cache = c;
    s->marked = -1;
    if (!add_states(s)) {
        drop_states(s);
        mx_free(s);
        return NULL;
    }
    return s;
}

/* Pages in the list from number `from` on go. The last go first: they are given back first. */
static void drop_pages(mx_sequence *s, int64_t from) {
    while (s->pages > from)
        mx_page_release(s->cache, s->page[--s->pages]);
}

void mx_sequence_end(mx_sequence *s) {
    if (!s)
        return;
    drop_pages(s, 0);
    drop_states(s);
    mx_free(s->page);
    mx_free(s);
}

static bool list_room(mx_sequence *s, int64_t pages) {
    return mx_grow(&s->page, &s->room, (size_t)pages, sizeof *s->page);
}

/* Keys of a text with far frequencies are other keys. */
static uint64_t last_serial(const mx_sequence *s, int64_t page) {
    return page ? s->page[page - 1]->serial : s->far ? UINT64_MAX : 0;
}

/* Is a text of n tokens beyond the near context of a rotation? */
static bool is_far(const mx_decoder *d, int64_t n) {
    for (int64_t i = 0; i < d->layers; i++) {
        const mx_rotation *r = &d->layer[i].attention.rope;
        if (d->layer[i].mixer == MX_MIXER_ATTENTION && r->far && n > r->near_context)
            return true;
    }
    return false;
}

/* Takes over pages that begin as the n tokens do. */
static bool find_beginning(mx_sequence *s, const int *tokens, int64_t n) {
    int same = MX_PAGE;
    while (same == MX_PAGE && s->length < n) {
        mx_page *p = mx_page_find(s->cache, last_serial(s, s->pages), tokens + s->length,
                                  n - s->length, &same);
        if (!p)
            return true;
        if (!list_room(s, s->pages + 1))
            return false;
        mx_page_retain(s->cache, p);
        s->page[s->pages++] = p;
        s->length += same;
    }
    return true;
}

mx_sequence *mx_sequence_begin(mx_cache *c, const int *tokens, int64_t n) {
    mx_sequence *s = new_sequence(c);
    if (s)
        s->far = is_far(c->decoder, n);
    if (s && tokens && n > 1 && !c->state_bytes && !find_beginning(s, tokens, n - 1)) {
        mx_sequence_end(s);
        return NULL;
    }
    return s;
}

mx_sequence *mx_sequence_fork(mx_sequence *s) {
    mx_cache *c = s->cache;
    int64_t pages = (s->length + MX_PAGE - 1) / MX_PAGE;
    mx_sequence *f = new_sequence(c);
    if (!f || !list_room(f, pages)) {
        mx_sequence_end(f);
        return NULL;
    }
    for (; f->pages < pages; f->pages++) {
        mx_page_retain(c, s->page[f->pages]);
        f->page[f->pages] = s->page[f->pages];
    }
    if (c->state_bytes)
        memcpy(f->state[0], s->state[0], c->state_bytes);
    f->length = s->length;
    f->far = s->far;
    return f;
}

int64_t mx_sequence_length(const mx_sequence *s) {
    return s->length;
}

int mx_sequence_token(const mx_sequence *s, int64_t at) {
    return s->page[at / MX_PAGE]->token[at % MX_PAGE];
}

bool mx_sequence_begins(const mx_sequence *s, const int *tokens, int64_t n) {
    bool same = s->length <= n;
    for (int64_t i = 0; same && i < s->length; i++)
        same = mx_sequence_token(s, i) == tokens[i];
    return same;
}

/* --- room ------------------------------------------------------------------------------------- */

/* A page that this sequence alone has, with the first `used` positions of another. */
static mx_page *copy_page(mx_cache *c, const mx_page *p, int used, bool *full) {
    mx_page *q = mx_page_new(c, full);
    if (!q)
        return NULL;
    memcpy(q->data, p->data, c->page_bytes);
    memcpy(q->token, p->token, sizeof q->token);
    q->parent = p->parent;
    q->used = used;
    return q;
}

/* A page of this sequence alone forgets what is behind `used`. */
static void cut_page(mx_cache *c, mx_page *p, int used) {
    if (p->references > 1 || p->used <= used)
        return;
    p->used = used;
    p->serial = ++c->serials;
}

/* The page at the end may be written to behind `length`. What an ended text had there stays kept,
   unless there is no room for both. */
static bool open_last(mx_sequence *s, bool *full) {
    int used = (int)(s->length % MX_PAGE);
    mx_page **last = used ? &s->page[s->length / MX_PAGE] : NULL;
    if (!last || ((*last)->references == 1 && (*last)->used <= used))
        return true;
    mx_page *own = copy_page(s->cache, *last, used, full);
    if (!own && (!*full || (*last)->references > 1))
        return false;
    if (own) {
        mx_page_release(s->cache, *last);
        *last = own;
    } else {
        cut_page(s->cache, *last, used);
        *full = false;
    }
    return true;
}

bool mx_sequence_reserve(mx_sequence *s, int64_t n, bool *full) {
    *full = false;
    if (n < 0 || n > INT64_MAX / 4 - s->length) {
        mx_fail(MX_RANGE, "[cache] room for %lld positions more", (long long)n);
        return false;
    }
    int64_t pages = (s->length + n + MX_PAGE - 1) / MX_PAGE;
    if (n && !open_last(s, full))
        return false;
    while (s->pages < pages) {
        mx_page *p = list_room(s, s->pages + 1) ? mx_page_new(s->cache, full) : NULL;
        if (!p)
            return false;
        s->page[s->pages++] = p;
    }
    return true;
}

/* A page that is whole now: others who read the same have the same. */
static void share_page(mx_sequence *s, mx_page **page) {
    mx_page *twin = (*page)->listed ? mx_page_twin(s->cache, *page) : NULL;
    if (!twin)
        return;
    mx_page_retain(s->cache, twin);
    mx_page_unlist(s->cache, *page);
    mx_page_release(s->cache, *page);
    *page = twin;
}

void mx_sequence_commit(mx_sequence *s, const int *tokens, int64_t n) {
    for (int64_t i = 0; i < n; i++, s->length++) {
        mx_page *p = s->page[s->length / MX_PAGE];
        p->token[s->length % MX_PAGE] = tokens[i];
        p->used = (int)(s->length % MX_PAGE) + 1;
        if (!p->listed) {
            p->parent = last_serial(s, s->length / MX_PAGE);
            if (!s->cache->state_bytes)
                mx_page_list(s->cache, p);
        }
        if (p->used == MX_PAGE)
            share_page(s, &s->page[s->length / MX_PAGE]);
    }
    char *now = s->state[1];
    s->state[1] = s->state[0];
    s->state[0] = now;
}

/* --- going back ------------------------------------------------------------------------------- */

static bool go_back_to_state(mx_sequence *s, int64_t n) {
    mx_cache *c = s->cache;
    if (n != 0 && n != s->marked)
        return false;
    if (n == 0)
        memset(s->state[0], 0, c->state_bytes);
    else
        memcpy(s->state[0], s->mark, c->state_bytes);
    return true;
}

bool mx_sequence_trim(mx_sequence *s, int64_t n) {
    if (n < 0 || n > s->length) {
        mx_fail(MX_RANGE, "[cache] cannot go back from position %lld to %lld", (long long)s->length,
                (long long)n);
        return false;
    }
    if (n == s->length)
        return true;
    if (s->cache->state_bytes && !go_back_to_state(s, n))
        return false;
    int64_t pages = (n + MX_PAGE - 1) / MX_PAGE;
    drop_pages(s, pages);
    s->length = n;
    if (n % MX_PAGE)
        cut_page(s->cache, s->page[pages - 1], (int)(n % MX_PAGE));
    if (s->marked > n)
        s->marked = -1;
    return true;
}

bool mx_sequence_mark(mx_sequence *s) {
    mx_cache *c = s->cache;
    if (c->state_bytes && !s->mark) {
        s->mark = mx_block_alloc(c->state_bytes);
        if (!s->mark)
            return false;
        c->bytes += c->state_bytes;
    }
    if (c->state_bytes)
        memcpy(s->mark, s->state[0], c->state_bytes);
    s->marked = s->length;
    return true;
}
