/* Logits of tiny models of every family, computed as arrays, beside those of transformers:
 *
 *     test_families [word of the fixtures' names]
 */
#include "graph/eval/eval.h"
#include "tiny_models.h"

enum { MOST = 100 };
static const char *word;

/* Everything in one span. */
static mx_array *whole(const mx_decoder *d, const tiny_model *t) {
    mx_span span = {0, t->count, 0, NULL};
    mx_pass pass = {.token = t->tokens, .rows = t->count, .span = &span, .spans = 1};
    return mx_decoder_graph(d, &pass);
}

/* The same text twice and its beginning, and only the ends wanted. */
static mx_array *several(const mx_decoder *d, const tiny_model *t) {
    int tokens[192], n = t->count, half = n / 2;
    mx_span span[] = {{0, n, 0, NULL}, {n, n, 0, NULL}, {2 * n, half, 0, NULL}};
    int64_t wanted[] = {2 * n + half - 1, 2 * n - 1};
    memcpy(tokens, t->tokens, sizeof *tokens * (size_t)n);
    memcpy(tokens + n, t->tokens, sizeof *tokens * (size_t)n);
    memcpy(tokens + 2 * n, t->tokens, sizeof *tokens * (size_t)half);
    mx_pass pass = {.token = tokens,
                    .rows = 2 * n + half,
                    .span = span,
                    .spans = 3,
                    .wanted = wanted,
                    .wanted_rows = 2};
    return mx_decoder_graph(d, &pass);
}

static const float *computed(mx_array *a) {
    a = mx_contiguous(a, false);
    return a && mx_eval1(a) ? (const float *)(const void *)a->data : NULL;
}

static void check_whole(const mx_decoder *d, const tiny_model *t, const char *name) {
    const float *rows = computed(whole(d, t));
    if (!CHECK_MSG(rows, "%s: %s", name, mx_error_message()))
        return;
    double far = tiny_distance(t, rows, 0, t->count);
    CHECK_MSG(far < 1e-4, "%s: %.3g away", name, far);
    if (word)
        printf("%s: %.3g\n", name, far);
}

/* Not where rotations depend on a text's length. */
static void check_several(const mx_decoder *d, const tiny_model *t, const char *name) {
    if (d->encoder || d->layer[0].attention.rope.far)
        return;
    const float *rows = computed(several(d, t));
    if (!CHECK_MSG(rows, "%s: %s", name, mx_error_message()))
        return;
    double a = tiny_distance(t, rows, t->count / 2 - 1, 1);
    double b = tiny_distance(t, rows + t->width, t->count - 1, 1);
    CHECK_MSG(a < 1e-4 && b < 1e-4, "%s: %.3g and %.3g away", name, a, b);
}

static void one(const char *name) {
    tiny_model t;
    mx_scope scope = mx_scope_open();
    mx_decoder *d = tiny_open(&t, name) ? mx_decoder_open(t.path) : NULL;
    if (CHECK_MSG(d, "%s: %s", name, mx_error_message())) {
        check_whole(d, &t, name);
        check_several(d, &t, name);
    }
    mx_decoder_release(d);
    mx_scope_close(scope);
    tiny_close(&t);
    mx_error_clear();
}

static void families(void) {
    static char names[MOST][64];
    int n = tiny_names(names, MOST, word);
    CHECK(n > 0);
    for (int i = 0; i < n; i++)
        one(names[i]);
}

int main(int argc, char **argv) {
    word = argc > 1 ? argv[1] : NULL;
    RUN(families);
    files_done();
    return check_done();
}
