/* Unigram (Kudo 2018): of all ways to divide a word into pieces the one whose scores add up to
 * most (Viterbi), and for a character without a piece the unknown one, ten below the lowest score.
 * WordPiece (Schuster and Nakajima 2012): the longest piece that fits, again and again. WordLevel:
 * a word is a piece, or unknown. */
#include "base/vec.h"
#include "models/tokenizer/parts.h"

/* --- Unigram ---------------------------------------------------------------------------------- */

/* A better way to `to`? */
static void offer(const tok_model *m, tok_best *best, size_t from, size_t to, double score,
                  int32_t id) {
    tok_best *b = &best[to];
    double sum = best[from].score + score;
    if (m->single)
        sum = (float)sum;
    if (b->id == TOK_TEXT_B || sum > b->score)
        *b = (tok_best){sum, (uint32_t)from, id};
}

/* A piece of the user beats everything that would divide it. */
static double score_of(const tok_job *job, const tok_model *m, int32_t id, size_t n) {
    const tok_piece *x = &job->t->vocab.piece[id];
    return x->type == TOK_USER ? (float)((float)n * m->most_score - 0.1) : x->score;
}

/* All pieces that begin at `at`; the character alone, too. */
static void offer_all(tok_job *job, const tok_model *m, tok_word w, size_t at) {
    uint32_t c;
    const tok_edge *e = NULL;
    size_t one = tok_step(w.p + at, w.p + w.n, &c);
    bool has_one = false;
    for (size_t i = at; i < w.n && (e = tok_trie_step(&m->trie, e, (unsigned char)w.p[i]));) {
        i++;
        int32_t id = e->value;
        if (id < 0)
            continue;
        offer(m, job->best, at, i, score_of(job, m, id, i - at), id);
        has_one = has_one || i - at == one;
    }
    if (!has_one)
        offer(m, job->best, at, at + one, m->unk_score, -1);
}

/* best[i].from leads back; turned round, it leads forward. */
static void turn(tok_best *best, size_t n) {
    uint32_t to = UINT32_MAX;
    for (size_t at = n;;) {
        uint32_t from = best[at].from;
        best[at].from = to;
        to = (uint32_t)at;
        if (at == 0)
            return;
        at = from;
    }
}

static void unigram(tok_job *job, const tok_model *m, tok_word w) {
    if (!mx_grow(&job->best, &job->best_room, w.n + 1, sizeof *job->best))
        return;
    for (size_t i = 1; i <= w.n; i++)
        job->best[i] = (tok_best){0, 0, TOK_TEXT_B};
    job->best[0] = (tok_best){0, 0, 0};
    for (size_t i = 0; i < w.n; i++)
        if (job->best[i].id != TOK_TEXT_B)
            offer_all(job, m, w, i);
    turn(job->best, w.n);
    for (size_t at = 0; at < w.n;) {
        size_t to = job->best[at].from;
        int32_t id = job->best[to].id;
        if (id < 0)
            tok_put_unknown(job, m, w, at, to - at);
        else
            tok_emit(job, w, at, to, id), job->follows_unk = false;
        at = to;
    }
}

void tok_model_unigram(tok_job *job, const tok_model *m, tok_word w) {
    job->follows_unk = false;
    tok_run_cached(job, m, w, unigram);
}

/* --- WordPiece and WordLevel ------------------------------------------------------------------ */

static size_t count_chars(tok_word w) {
    size_t n = 0;
    for (size_t i = 0; i < w.n; i++)
        n += (w.p[i] & 0xC0) != 0x80;
    return n;
}

static void put_unk(tok_job *job, const tok_model *m, tok_word w) {
    if (m->unk >= 0)
        tok_emit(job, w, 0, w.n, m->unk);
}

static void wordpiece(tok_job *job, const tok_model *m, tok_word w) {
    size_t before = job->out.n, n;
    bool whole = count_chars(w) <= m->most_chars;
    for (const char *p = w.p, *end = w.p + w.n; whole && p < end; p += n) {
        int32_t id = tok_trie_longest(p == w.p ? &m->trie : &m->inner, p, end, &n);
        whole = id >= 0;
        if (whole)
            tok_emit(job, w, (size_t)(p - w.p), (size_t)(p - w.p) + n, id);
    }
    if (whole)
        return;
    job->out.n = before;
    put_unk(job, m, w);
}

void tok_model_wordpiece(tok_job *job, const tok_model *m, tok_word w) {
    job->follows_unk = false;
    tok_run_cached(job, m, w, wordpiece);
}

void tok_model_words(tok_job *job, const tok_model *m, tok_word w) {
    int32_t id = tok_vocab_find(&job->t->vocab, w.p, w.n);
    if (id >= 0)
        tok_emit(job, w, 0, w.n, id);
    else
        put_unk(job, m, w);
}
