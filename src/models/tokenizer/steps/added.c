/* Added tokens: texts that are an id wherever they stand. Of those that begin at a place the
 * longest counts. They are found in the text as it is, or, where they say so, in the normalized
 * text between the others.
 */
#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "models/tokenizer/parts.h"

/* --- finding ---------------------------------------------------------------------------------- */

static bool touches_word(tok_text s, size_t from, size_t to) {
    uint32_t c;
    return (from && tok_is_word(tok_before(s.p, s.p + from))) ||
           (to < s.n && (tok_step(s.p + to, s.p + s.n, &c), tok_is_word(c)));
}

static size_t spaces_before(tok_text s, size_t low, size_t at) {
    while (at > low && tok_is_space(tok_before(s.p, s.p + at)))
        do
            at--;
        while (at > low && (s.p[at] & 0xC0) == 0x80);
    return at;
}

static size_t spaces_behind(tok_text s, size_t at) {
    uint32_t c;
    for (size_t k; at < s.n && (k = tok_step(s.p + at, s.p + s.n, &c), tok_is_space(c));)
        at += k;
    return at;
}

/* Is what begins at a byte of the text as it is text, even a special token? Asked in order. */
static bool is_plain(tok_job *job, int which, size_t at) {
    const mx_encode *how = &job->how;
    while (which == 0 && job->edge < how->edges && how->edge[job->edge] <= at)
        job->edge++;
    return how->plain || job->edge % 2;
}

/* The next added token at or behind *at that counts: from *from to *to. NULL: there is none. */
static const tok_added *next_added(tok_job *job, int which, tok_text s, size_t low, size_t *from,
                                   size_t *to) {
    const tok_trie *trie = &job->t->find[which];
    size_t n;
    for (size_t at = low; trie->nodes && at < s.n;) {
        if (!trie->first[(unsigned char)s.p[at]].to) {
            at++;
            continue;
        }
        int32_t k = tok_trie_longest(trie, s.p + at, s.p + s.n, &n);
        const tok_added *a = k >= 0 ? &job->t->added[k] : NULL;
        if (a && !(a->special && is_plain(job, which, at)) &&
            !(a->single_word && touches_word(s, at, at + n))) {
            *from = a->lstrip ? spaces_before(s, low, at) : at;
            *to = a->rstrip ? spaces_behind(s, at + n) : at + n;
            return a;
        }
        at += a ? n : 1;
    }
    return NULL;
}

/* What lies between the added tokens of a kind goes on. */
typedef void tok_between(tok_job *job, tok_word w);

static void find_all(tok_job *job, int which, tok_word w, tok_between *go_on) {
    size_t at = 0, from, to;
    tok_text s = {w.p, w.n};
    for (const tok_added *a; (a = next_added(job, which, s, at, &from, &to)); at = to) {
        if (from > at)
            go_on(job, tok_part(w, at, from));
        tok_emit(job, w, from, to, a->id);
    }
    if (at < s.n)
        go_on(job, tok_part(w, at, s.n));
}

static void divide(tok_job *job, tok_word w) {
    tok_pass(job, job->t->split, w);
}

static void normalize(tok_job *job, tok_word w) {
    find_all(job, 1, tok_normalize(job->t, w, job->normal), divide);
}

void tok_run_added(tok_job *job, tok_word text) {
    find_all(job, 0, text, normalize);
}

size_t mx_tokenizer_special_at(const mx_tokenizer *t, const char *p, size_t n) {
    size_t length;
    if (!n || !t->named.nodes || !t->named.first[(unsigned char)*p].to)
        return 0;
    int32_t k = tok_trie_longest(&t->named, p, p + n, &length);
    return k >= 0 && t->added[k].special ? length : 0;
}

/* --- making ----------------------------------------------------------------------------------- */

bool tok_add_token(mx_tokenizer *t, tok_added a) {
    tok_text text;
    if (a.text.n > TOK_MOST_ADDED)
        return tok_fail(t, "an added token of %zu bytes", a.text.n);
    if (a.id < 0 || a.id >= TOK_MOST_PIECES)
        return tok_fail(t, "the added token '%.*s' has the id %d", (int)a.text.n, a.text.p, a.id);
    if (!mx_grow(&t->added, &t->added_room, t->added_count + 1, sizeof *t->added) ||
        !tok_copy(&text, a.text.p, a.text.n))
        return false;
    a.text = text;
    t->added[t->added_count++] = a;
    return true;
}

/* A normalized token is looked for as the normalizers make it. */
static bool add_to_tries(mx_tokenizer *t, int32_t k) {
    const tok_added *a = &t->added[k];
    tok_bytes room[2] = {0};
    tok_word w = {a->text.p, a->text.n, true, NULL};
    w = a->normalized ? tok_normalize(t, w, room) : w;
    bool ok = tok_trie_add(&t->find[a->normalized], (tok_text){w.p, w.n}, k) &&
              tok_trie_add(&t->named, a->text, k);
    tok_free(&room[0]);
    tok_free(&room[1]);
    return ok && !mx_failed();
}

bool tok_index_added(mx_tokenizer *t) {
    t->ids = t->vocab.count;
    for (size_t i = 0; i < t->added_count; i++)
        t->ids = (size_t)t->added[i].id >= t->ids ? (size_t)t->added[i].id + 1 : t->ids;
    t->added_at = mx_calloc(t->ids + 1, sizeof *t->added_at);
    for (size_t i = 0; t->added_at && i < t->ids; i++)
        t->added_at[i] = -1;
    for (size_t i = 0; t->added_at && i < t->added_count; i++) {
        t->added_at[t->added[i].id] = (int32_t)i;
        if (!add_to_tries(t, (int32_t)i))
            return false;
    }
    return t->added_at;
}
