/* Small things that all parts of a tokenizer need: see parts.h. */
#include "models/tokenizer/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"

void tok_ids_put(tok_ids *ids, int32_t id) {
    if (ids->n < ids->room || mx_grow(&ids->p, &ids->room, ids->n + 1, sizeof *ids->p))
        ids->p[ids->n++] = id;
}

tok_text tok_list_at(const tok_list *l, size_t i) {
    size_t from = i ? l->end[i - 1] : 0;
    return (tok_text){l->text.p ? l->text.p + from : "", l->end[i] - from};
}

void tok_list_end(tok_list *l) {
    if (mx_grow(&l->end, &l->room, l->n + 1, sizeof *l->end))
        l->end[l->n++] = l->text.n;
}

bool tok_copy(tok_text *to, const char *p, size_t n) {
    char *copy = mx_malloc(n + 1);
    *to = (tok_text){copy, copy ? n : 0};
    if (!copy)
        return false;
    memcpy(copy, n ? p : "", n);
    copy[n] = 0;
    return true;
}

int tok_byte_of_char(uint32_t c) {
    unsigned char b = (unsigned char)(c < 256        ? c
                                      : c < 256 + 33 ? c - 256
                                      : c < 323      ? c - 162
                                                     : 173);
    return c <= 323 && tok_char_of_byte(b) == c ? b : -1;
}

bool tok_fail(const mx_tokenizer *t, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return mx_fail(MX_FORMAT, "[tokenizer] '%s': %s", t->name, text);
}

void tok_put_span(tok_job *job, tok_word w, size_t from, size_t to) {
    if (mx_grow(&job->span, &job->span_room, job->out.n + 1, sizeof *job->span) && job->out.n)
        job->span[job->out.n - 1] = (mx_token_span){w.span[from].from, w.span[to - 1].to};
}

void tok_run_model(tok_job *job, const tok_split *self, tok_word w) {
    (void)self;
    job->t->model.run(job, &job->t->model, w);
}
