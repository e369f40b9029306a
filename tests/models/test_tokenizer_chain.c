/* Words of BPE without a queue of merges (src/models/tokenizer/model/chain.c): lists of merges in
   any order, and much text of a published vocabulary, say what merging says. */
#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "data_path.h"
#include "merge_tables.h"

static void chains(void) {
    int made = 0, longer = 0;
    for (int seed = 0; seed < 600; seed++) {
        table b = make_table(seed);
        int letters = 1 + (b.pieces > 1 && !b.piece[1][1]) + (b.pieces > 2 && b.piece[2][0] == 'c');
        mx_tokenizer *t = tokenizer_of(&b);
        tok_chain *c = t ? tok_chain_new(t) : NULL;
        if (!CHECK_MSG(t && c, "table %d: %s", seed, mx_error_message()))
            break;
        for (int i = 0; i < 60; i++) {
            char word[64];
            size_t n = 1 + (size_t)any(&b, 60), counts[2];
            mx_token_span *span[2];
            for (size_t k = 0; k < n; k++)
                word[k] = (char)('a' + any(&b, letters));
            int32_t *ids[2];
            for (int k = 0; k < 2; k++) { // spans: nothing comes from the cache of words
                t->model.chain = k ? c : NULL;
                ids[k] = mx_tokenizer_encode(t, word, n, NULL, 0, (mx_encode){.spans = &span[k]},
                                             &counts[k], NULL);
            }
            bool same = counts[0] == counts[1] &&
                        !memcmp(ids[0], ids[1], counts[0] * sizeof **ids) &&
                        !memcmp(span[0], span[1], counts[0] * sizeof **span);
            CHECK_MSG(same, "table %d: %.*s", seed, (int)n, word);
            made += counts[0] > 1;
            longer += counts[0] < n;
            for (int k = 0; k < 2; k++)
                mx_free(ids[k]), mx_free(span[k]);
        }
        mx_tokenizer_release(t); // and the chain
    }
    CHECK(made > 10000 && longer > 10000);
}

static char *some_text(size_t *n) {
    const char *path = data_path("text/wikitext2_test.txt");
    FILE *f = path ? fopen(path, "rb") : NULL;
    char *text = f ? calloc(1, 1 << 20) : NULL;
    *n = text ? fread(text, 1, (1 << 20) - 1, f) : 0;
    if (f)
        fclose(f);
    return text;
}

/* A tokenizer that has merged much says the same as one that has not. */
static void much_text(void) {
    const char *file = data_path("ggml_vocab/ggml-vocab-gpt-2.gguf");
    char path[1024];
    if (!file) {
        SKIP("no ggml_vocab: set MLX_TEST_DATA");
        return;
    }
    snprintf(path, sizeof path, "%s", file); // another look-up overwrites it
    size_t n = 0;
    char *text = some_text(&n);
    mx_tokenizer *t = mx_tokenizer_open(path);
    tok_chain *c = t ? tok_chain_new(t) : NULL;
    CHECK_MSG(c, "%s: %s", path, mx_error_message());
    for (size_t at = 0; c && at + 4000 < n; at += 40000) {
        size_t counts[2];
        mx_token_span *span[2];
        int32_t *ids[2];
        for (int k = 0; k < 2; k++) {
            t->model.chain = k ? c : NULL;
            ids[k] = mx_tokenizer_encode(t, text + at, 4000, NULL, 0,
                                         (mx_encode){.spans = &span[k]}, &counts[k], NULL);
        }
        CHECK_MSG(counts[0] == counts[1] && !memcmp(ids[0], ids[1], counts[0] * sizeof **ids),
                  "%s at byte %zu", path, at);
        for (int k = 0; k < 2; k++)
            mx_free(ids[k]), mx_free(span[k]);
    }
    mx_tokenizer_release(t);
    free(text);
}

int main(void) {
    RUN(chains);
    RUN(much_text);
    return check_done();
}
