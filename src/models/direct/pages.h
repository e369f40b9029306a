/* Between the files of the cache, and for the machine that fills it.
 *
 *     page    layer 0: head 0: keys of MX_PAGE positions, then their values; head 1 ...
 *             layer 1: ...
 *
 *     part    what one head of a layer keeps of MX_PAGE positions, as kernels read it
 *             (k_decode.h): keys turned, a row for each feature and a column for each position;
 *             values a row for each position. Codes, then their scales, then least values
 *
 * Pages form chains: a page's parent is the number (`serial`) of the page before it. A page that is
 * written anew behind what others know gets another number. So parent and tokens say all that its
 * keys depend on, and a beginning is looked up page by page in a table by parent. Pages of equal
 * parent and tokens are equal: of such one is kept, and none that is another's beginning. Of pages
 * that are not full and begin alike, as those of one prompt with many answers, MX_ALIKE are kept.
 */
#ifndef MX_MODELS_PAGES_H
#define MX_MODELS_PAGES_H

#include "kernels/attention/k_attention.h"
#include "models/direct/cache.h"

enum { MX_CACHE_GROUP = 32, MX_ALIKE = 8 };

typedef struct mx_part {
    int64_t width; /* numbers of a position; 0: nothing is kept */
    int bits;
    bool turned;
    size_t scales, least; /* where they begin */
    size_t bytes;         /* of all */
} mx_part;

typedef struct mx_layer_room {
    int64_t heads;
    mx_part key, value;
    size_t at;                /* in a page */
    size_t state, state_size; /* in a sequence's states */
} mx_layer_room;

typedef struct mx_page {
    int references; /* sequences that have it; 0: kept */
    int used;       /* positions that are whole */
    bool listed;    /* in the table of beginnings */
    uint64_t serial, parent;
    uint64_t since;                /* kept: later ones have more */
    struct mx_page *newer, *older; /* of those that are kept */
    struct mx_page *sibling;       /* in the table */
    char *data;
    int token[MX_PAGE];
} mx_page;

struct mx_cache {
    mx_decoder *decoder;
    int bits;
    uint64_t most, bytes, kept, most_kept;
    mx_layer_room *layer;
    size_t page_bytes, state_bytes;
    mx_page **table;
    size_t slots, listed;
    mx_page *newest, *oldest;
    uint64_t serials, keeps;
    uint64_t mark; /* of the model, in files; 0: not yet known */
};

struct mx_sequence {
    mx_cache *cache;
    mx_page **page;
    int64_t pages;
    size_t room; /* of `page` */
    int64_t length;
    int64_t marked; /* length at the mark; -1: none */
    bool far;       /* longrope: its text is long */
    char *state[2]; /* of recurrences: now, and room for the next */
    char *mark;
};

/* --- pages ------------------------------------------------------------------------------------ */

/* A page of one reference. *full: there is no room; else NULL is an error. */
mx_page *mx_page_new(mx_cache *c, bool *full);
void mx_page_retain(mx_cache *c, mx_page *p);
void mx_page_release(mx_cache *c,
                     mx_page *p);           /* kept where it is listed and says more than others */
void mx_page_list(mx_cache *c, mx_page *p); /* into the table */
void mx_page_unlist(mx_cache *c, mx_page *p);
/* The page behind `parent` that begins with most of the n tokens; *same: how many. */
mx_page *mx_page_find(const mx_cache *c, uint64_t parent, const int *tokens, int64_t n, int *same);
/* Another page behind the same one that has all tokens of p; NULL: there is none. */
mx_page *mx_page_twin(const mx_cache *c, const mx_page *p);
bool mx_cache_has_room(mx_cache *c, uint64_t bytes); /* gives back what is kept */

/* Where head `head` of a layer lies. */
static inline char *mx_page_keys(const mx_page *p, const mx_layer_room *l, int64_t head) {
    return p->data + l->at + (size_t)head * (l->key.bytes + l->value.bytes);
}
static inline char *mx_page_values(const mx_page *p, const mx_layer_room *l, int64_t head) {
    return mx_page_keys(p, l, head) + l->key.bytes;
}

/* --- parts ------------------------------------------------------------------------------------ */

mx_part mx_part_of(int bits, int64_t width, bool turned);
/* Position `at` of a part becomes x, or is read. */
void mx_part_put(const mx_part *p, char *part, int64_t at, const float *x);
void mx_part_get(const mx_part *p, const char *part, int64_t at, float *x);
/* The first n positions, and `width` numbers of each. Turned, some more positions, up to a multiple
   of 16. */
mx_k_cells mx_part_cells(const mx_part *p, const char *part, int64_t n, int64_t width);

/* --- sequences -------------------------------------------------------------------------------- */

/* n more positions hold these tokens. */
void mx_sequence_commit(mx_sequence *s, const int *tokens, int64_t n);
int mx_sequence_token(const mx_sequence *s, int64_t at);

#endif
