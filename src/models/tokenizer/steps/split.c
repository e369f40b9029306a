/* Splitters: what divides a text into words, and what makes the words ready for the model. */
#include <string.h>

#include "models/tokenizer/parts.h"

/* --- by a pattern ----------------------------------------------------------------------------- */

/* Pieces come in turn, matches or not; those that wait for a neighbour are held. */
typedef struct flow {
    tok_job *job;
    const tok_split *self;
    tok_word w;
    size_t from, to; /* held: from < to */
    bool match;      /* the one that is held */
} flow;

static void flush(flow *f) {
    if (f->from < f->to)
        tok_pass(f->job, f->self + 1, tok_part(f->w, f->from, f->to));
    f->from = f->to;
}

/* Does a piece belong to the one before? */
static bool joins(const flow *f, bool match) {
    switch (f->self->behavior) {
    case TOK_CONTIGUOUS: return match == f->match;
    case TOK_MERGED_WITH_PREVIOUS: return match && !f->match;
    case TOK_MERGED_WITH_NEXT: return !match && f->match;
    default: return false;
    }
}

/* A match of nothing is a piece as well, between two others. */
static void put(flow *f, size_t from, size_t to, bool match) {
    if (f->from == f->to || !joins(f, match)) {
        flush(f);
        f->from = from;
    }
    f->to = to;
    f->match = match;
    if (match && f->self->behavior == TOK_REMOVED)
        f->from = f->to;
}

static void put_between(flow *f, size_t from, size_t to) {
    if (from < to)
        put(f, from, to, f->self->invert);
}

void tok_split_pattern(tok_job *job, const tok_split *self, tok_word w) {
    flow f = {job, self, w, 0, 0, false};
    size_t at = 0, start, end;
    bool matched = false;
    for (size_t from = 0;
         from < w.n && tok_pattern_next(self->pattern, w.p, w.n, from, &start, &end);) {
        uint32_t c;
        if (end > start || start > at || !matched) { // nothing right behind a match is none
            put_between(&f, at, start);
            put(&f, start, end, !self->invert);
            at = end;
            matched = true;
        }
        from = end > start ? end : end < w.n ? end + tok_step(w.p + end, w.p + w.n, &c) : w.n;
    }
    put_between(&f, at, w.n);
    flush(&f);
}

/* --- without one ------------------------------------------------------------------------------ */

void tok_split_spaces(tok_job *job, const tok_split *self, tok_word w) {
    size_t begin = 0, k;
    uint32_t c;
    for (size_t at = 0; at < w.n; at += k) {
        k = tok_step(w.p + at, w.p + w.n, &c);
        if (!tok_is_space(c))
            continue;
        tok_pass(job, self + 1, tok_part(w, begin, at));
        begin = at + k;
    }
    tok_pass(job, self + 1, tok_part(w, begin, w.n));
}

void tok_split_length(tok_job *job, const tok_split *self, tok_word w) {
    uint32_t c;
    for (size_t at = 0, to = 0; at < w.n; at = to) {
        for (size_t i = 0; i < self->length && to < w.n; i++)
            to += tok_step(w.p + to, w.p + w.n, &c);
        tok_pass(job, self + 1, tok_part(w, at, to));
    }
}

/* --- words in other characters ---------------------------------------------------------------- */

static void pass_stage(tok_job *job, const tok_split *self, bool first) {
    tok_pass(job, self + 1, tok_word_in(&job->stage[self->index], first));
}

void tok_prefix_space(tok_job *job, const tok_split *self, tok_word w) {
    tok_bytes *b = &job->stage[self->index];
    if (*w.p == ' ') {
        tok_pass(job, self + 1, w);
        return;
    }
    tok_begin(b, w.p, w.n, w.span);
    tok_source_first(b, w.p, w.n);
    tok_put(b, " ", 1);
    tok_put(b, w.p, w.n);
    pass_stage(job, self, w.first);
}

/* Do short words stand for themselves? */
static bool is_mapped(tok_word w) {
    bool own = w.n <= 8;
    for (size_t i = 0; own && i < w.n; i++)
        own = w.p[i] > ' ' && w.p[i] < 127;
    return own;
}

void tok_map_bytes(tok_job *job, const tok_split *self, tok_word w) {
    tok_bytes *b = &job->stage[self->index];
    if (!b->track && is_mapped(w)) {
        tok_pass(job, self + 1, w);
        return;
    }
    tok_begin(b, w.p, w.n, w.span);
    if (b->track) {
        tok_normal_bytes(NULL, (tok_text){w.p, w.n}, b);
        pass_stage(job, self, w.first);
        return;
    }
    if (!tok_room(b, 2 * w.n))
        return;
    char *to = b->p;
    for (size_t i = 0; i < w.n; i++) {
        uint32_t c = tok_char_of_byte((unsigned char)w.p[i]);
        if (c < 0x80)
            *to++ = (char)c;
        else {
            *to++ = (char)(0xC0 | c >> 6);
            *to++ = (char)(0x80 | (c & 0x3F));
        }
    }
    b->n = (size_t)(to - b->p);
    pass_stage(job, self, w.first);
}

static bool begins(tok_text s, tok_text with) {
    return s.n >= with.n && !memcmp(s.p, with.p, with.n);
}

void tok_map_spaces(tok_job *job, const tok_split *self, tok_word w) {
    tok_bytes *b = &job->stage[self->index];
    tok_text mark = self->text, s = {w.p, w.n};
    bool wanted = self->scheme == TOK_ALWAYS || (self->scheme == TOK_FIRST && w.first);
    tok_begin(b, w.p, w.n, w.span);
    tok_source_first(b, w.p, w.n);
    if (wanted && *w.p != ' ' && !begins(s, mark))
        tok_put(b, mark.p, mark.n);
    for (const char *end = s.p + s.n, *space; s.n; s.p = space, s.n = (size_t)(end - space)) {
        space = memchr(s.p, ' ', s.n);
        tok_put(b, s.p, space ? (size_t)(space - s.p) : s.n);
        if (!space)
            break;
        tok_source(b, space, 1);
        tok_put(b, mark.p, mark.n);
        space++;
    }
    pass_stage(job, self, w.first);
}
