/* Rows of several sequences that go through a model at once. */
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/generate/work.h"

void gen_pass_clear(gen_pass *p) {
    p->rows = p->spans = p->wanted_rows = 0;
}

void gen_pass_free(gen_pass *p) {
    mx_free(p->token);
    mx_free(p->span);
    mx_free(p->wanted);
    mx_free(p->hidden);
    *p = (gen_pass){0};
}

static bool put_rows(gen_pass *p, const int *token, size_t n, size_t wanted) {
    if (!mx_grow(&p->token, &p->row_room, p->rows + n, sizeof *p->token) ||
        !mx_grow(&p->wanted, &p->wanted_room, p->wanted_rows + wanted, sizeof *p->wanted))
        return false;
    memcpy(p->token + p->rows, token, n * sizeof *token);
    p->rows += n;
    for (size_t i = wanted; i > 0; i--)
        p->wanted[p->wanted_rows++] = (int64_t)(p->rows - i);
    return true;
}

bool gen_pass_add(gen_pass *p, mx_sequence *s, const int *token, size_t n, size_t wanted) {
    int64_t first = (int64_t)p->rows;
    if (!mx_grow(&p->span, &p->span_room, p->spans + 1, sizeof *p->span) ||
        !put_rows(p, token, n, wanted))
        return false;
    p->span[p->spans++] = (mx_span){first, (int64_t)n, mx_sequence_length(s), s};
    return true;
}

bool gen_pass_append(gen_pass *p, const int *token, size_t n) {
    if (!put_rows(p, token, n, n))
        return false;
    p->span[p->spans - 1].count += (int64_t)n;
    return true;
}

bool gen_pass_join(gen_pass *p, size_t nothing, const float *rows, size_t n) {
    size_t first = (p->rows - nothing - n) * p->width, all;
    if (!mx_mul_size(p->rows, p->width, &all) ||
        !mx_grow(&p->hidden, &p->hidden_room, all, sizeof *p->hidden))
        return false;
    memset(p->hidden + first, 0, nothing * p->width * sizeof *p->hidden);
    if (n)
        memcpy(p->hidden + first + nothing * p->width, rows, n * p->width * sizeof *p->hidden);
    return true;
}

bool gen_pass_run(gen_pass *p, mx_direct *m, const float **logits) {
    mx_pass pass = {.token = p->token,
                    .rows = (int64_t)p->rows,
                    .span = p->span,
                    .spans = (int64_t)p->spans,
                    .wanted = p->wanted,
                    .wanted_rows = (int64_t)p->wanted_rows,
                    .hidden = p->hidden,
                    .keeps = p->keeps};
    int64_t none = 0;
    pass.wanted = p->wanted ? p->wanted : &none; // NULL asks for all rows
    return mx_direct_pass(m, &pass, logits);
}
