/* No text takes steps of more than its length: those of words of BPE
   (src/models/tokenizer/model/chain.c) are counted, of a word and of one eight times as long. */
#include <stddef.h>
static size_t steps;
#define TOK_COUNT() ((void)steps++)
#include "models/tokenizer/model/chain.c"

#include "merge_tables.h"

enum { SHORT = 2000, LONG = 8 * SHORT, KINDS = 6 };

/* Runs, turns, halves and random letters; the last begins like a long piece again and again. */
static void write_word(table *b, int kind, int letters, char *word, size_t n) {
    int period = 1 + any(b, 7);
    const char *longest = b->piece[0];
    for (int i = 0; i < b->pieces; i++)
        longest = strlen(b->piece[i]) > strlen(longest) ? b->piece[i] : longest;
    for (size_t i = 0; i < n; i++)
        word[i] = kind == 0                          ? 'a'
                  : kind == 1                        ? (char)('a' + (int)i % period % letters)
                  : kind == 2                        ? (char)('a' + (2 * i > n) % letters)
                  : kind == 3                        ? (char)('a' + any(b, letters))
                  : kind == 4 && i >= (size_t)period ? word[i - (size_t)period]
                  : kind == 4                        ? (char)('a' + any(b, letters))
                                                     : longest[i % (strlen(longest) * 2 / 3 + 1)];
}

/* Of a whole word of a kind with n letters, the same for the same n: the first letters of a longer
   one may be of another kind. */
static size_t steps_of(const table *of, const tok_chain *c, mx_tokenizer *t, int kind, size_t n) {
    static char word[LONG];
    table same = *of, *b = &same;
    int letters = 1 + (b->pieces > 1 && !b->piece[1][1]) + (b->pieces > 2 && b->piece[2][0] == 'c');
    tok_job *job = tok_job_take(t);
    write_word(b, kind, letters, word, n);
    steps = 0;
    CHECK(job && tok_chain_run(job, &t->model, c, (tok_word){word, n, true, NULL}));
    tok_job_give(t, job);
    return steps;
}

static void words(void) {
    for (int seed = 0; seed < 200; seed++) {
        table b = make_table(seed);
        mx_tokenizer *t = tokenizer_of(&b);
        tok_chain *c = t ? tok_chain_new(t) : NULL;
        for (int kind = 0; CHECK(c) && kind < KINDS; kind++) {
            size_t few = steps_of(&b, c, t, kind, SHORT), many = steps_of(&b, c, t, kind, LONG);
            CHECK_MSG(few >= SHORT / 12 && many <= 12 * few + 1000, "table %d, kind %d: %zu, %zu",
                      seed, kind, few, many);
        }
        tok_chain_free(c);
        mx_tokenizer_release(t);
    }
}

int main(void) {
    RUN(words);
    return check_done();
}
