/* Texts as models read them that make vectors or tell classes: see lm.h. */
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "models/generate/lm.h"

/* --- lower case ------------------------------------------------------------------------------- */

/* Character by character; what is no UTF-8 stays. For mx_free. */
static char *lower(const char *text, size_t n, size_t *size) {
    mx_text to = {0};
    for (size_t i = 0; i < n;) {
        utf8proc_int32_t c;
        utf8proc_uint8_t bytes[4];
        utf8proc_ssize_t used =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(n - i), &c);
        if (used > 0)
            mx_text_put(&to, (const char *)bytes,
                        (size_t)utf8proc_encode_char(utf8proc_tolower(c), bytes));
        else
            mx_text_char(&to, text[i]);
        i += used > 0 ? (size_t)used : 1;
    }
    *size = to.len;
    return mx_text_take(&to);
}

/* --- what is cut off -------------------------------------------------------------------------- */

typedef struct ids {
    int32_t *id, *type;
    size_t n;
} ids;

static void free_ids(ids *x) {
    mx_free(x->id);
    mx_free(x->type);
}

/* Where the tokens `part` stand in `all` from `from` on. */
static size_t find(const ids *all, const ids *part, size_t from) {
    size_t at = from;
    while (at + part->n < all->n && memcmp(all->id + at, part->id, part->n * sizeof *part->id))
        at++;
    return at;
}

static void remove_some(ids *x, size_t first, size_t count) {
    size_t rest = x->n - first - count;
    memmove(x->id + first, x->id + first + count, rest * sizeof *x->id);
    memmove(x->type + first, x->type + first + count, rest * sizeof *x->type);
    x->n -= count;
}

/* Of two texts the longer one loses its last token, again and again. */
static void shares(size_t *a, size_t *b, size_t most) {
    if (*a + *b <= most)
        return;
    size_t half = most / 2, less = *a < *b ? *a : *b;
    size_t kept = less <= half ? less : half;
    if (*a <= *b) {
        *a = kept;
        *b = most - kept;
    } else {
        *b = kept;
        *a = most - kept;
    }
}

/* `all` are the tokens of texts with what is put around them. */
static void cut(ids *all, const ids *a, const ids *b, size_t most) {
    size_t around = all->n - a->n - b->n, keep_a = a->n, keep_b = b->n;
    if (all->n <= most)
        return;
    shares(&keep_a, &keep_b, most > around ? most - around : 0);
    size_t at_a = find(all, a, 0), at_b = b->n ? find(all, b, at_a + a->n) : 0;
    if (b->n) // the second first: what is before it stays where it is
        remove_some(all, at_b + keep_b, b->n - keep_b);
    remove_some(all, at_a + keep_a, a->n - keep_a);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static bool encode(const mx_lm *lm, const char *a, size_t a_n, const char *b, size_t b_n, bool bare,
                   ids *out) {
    mx_encode how = {.bare = bare, .plain = true};
    out->id = mx_tokenizer_encode(lm->tokenizer, a, a_n, b, b_n, how, &out->n, &out->type);
    return out->id;
}

/* Tokens without what is put around them are needed only where there are too many. */
static bool encode_cut(const mx_lm *lm, const char *a, size_t a_n, const char *b, size_t b_n,
                       ids *all) {
    size_t most = (size_t)lm->decoder->most;
    ids x = {NULL, NULL, 0}, y = {NULL, NULL, 0};
    bool ok = encode(lm, a, a_n, b, b_n, false, all);
    if (!ok || all->n <= most)
        return ok;
    ok = encode(lm, a, a_n, NULL, 0, true, &x) && (!b || encode(lm, b, b_n, NULL, 0, true, &y));
    if (ok && x.n + y.n <= all->n)
        cut(all, &x, &y, most);
    free_ids(&x);
    free_ids(&y);
    return ok;
}

static bool append(mx_text_tokens *to, const ids *x) {
    size_t all = to->n + x->n;
    if (!mx_grow(&to->id, &to->room, all + 1, sizeof *to->id) ||
        !mx_grow(&to->type, &to->type_room, all + 1, sizeof *to->type))
        return false;
    memcpy(to->id + to->n, x->id, x->n * sizeof *x->id);
    memcpy(to->type + to->n, x->type, x->n * sizeof *x->type);
    to->n = all;
    return true;
}

static bool add(const mx_lm *lm, mx_text_tokens *to, const char *a, size_t a_n, const char *b,
                size_t b_n) {
    ids all = {NULL, NULL, 0};
    bool ok = encode_cut(lm, a, a_n, b, b_n, &all) && append(to, &all);
    free_ids(&all);
    return ok;
}

bool mx_lm_add_text(const mx_lm *lm, mx_text_tokens *to, const char *a, size_t a_n, const char *b,
                    size_t b_n) {
    if (!lm->decoder->lower)
        return add(lm, to, a, a_n, b, b_n);
    char *x = lower(a, a_n, &a_n), *y = b ? lower(b, b_n, &b_n) : NULL;
    bool ok = x && (y || !b) ? add(lm, to, x, a_n, y, b_n) : mx_fail_nomem("lm", a_n) != NULL;
    mx_free(x);
    mx_free(y);
    return ok;
}
