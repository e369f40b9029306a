/* What was computed of a text, kept in files. */
#include "io_files.h"
#include "lm_run.h"

static mlx_lm lm;
#define TEXT \
    "Once upon a time there was a little girl. She liked to play with her red ball in the park"

static mlx_lm_request text_of(const char *text, int most) {
    return (mlx_lm_request){.text = text, .text_num = strlen(text), .most = most};
}

static answer once(mlx_lm_request r, const mlx_lm_batch_options *o) {
    static answer a;
    mlx_lm_batch b = mlx_lm_batch_new();
    CHECK(mlx_lm_batch_open(&b, lm, o) == 0 && ask(b, r, &a) && run_all(b));
    mlx_lm_batch_free(b);
    return a;
}

static int tokens_of(const char *text, int *to) {
    mlx_tokenizer k = mlx_tokenizer_new();
    mlx_tokens t = mlx_tokens_new();
    const int *ids;
    size_t n = 0;
    CHECK(mlx_lm_tokenizer(&k, lm) == 0 && mlx_tokenizer_encode(&t, k, text, strlen(text), 0) == 0);
    CHECK(mlx_tokens_data(&ids, &n, t) == 0);
    memcpy(to, ids, n * sizeof *ids);
    mlx_tokens_free(t);
    mlx_tokenizer_free(k);
    return (int)n;
}

/* What a process has read is found by the next, in a file. */
static void saved_caches(void) {
    static const int bits[] = {32, 16, 8};
    const char *path = own_path("text.kv");
    for (size_t i = 0; i < 2; i++) { // stories has heads of 8: no groups of 32
        mlx_lm_batch_options o = {.kv_bits = bits[i]};
        mlx_lm_request r = text_of(TEXT, 20);
        answer a = once(r, &o);
        r.save_cache = path;
        answer b = once(r, &o);
        CHECK(same_answer(&a, &b) && b.last.cached == 0);
        r.save_cache = NULL;
        r.load_cache = path;
        b = once(r, &o);
        CHECK(same_answer(&a, &b) && b.last.cached == b.last.prompt - 1);
        r.echo = true; // needs the prompt computed
        b = once(r, &o);
        CHECK(!strcmp(a.text, b.text) && b.last.cached == 0);
        r = text_of("She was sad", 10);
        a = once(r, &o);
        r.load_cache = path;
        b = once(r, &o);
        CHECK(same_answer(&a, &b) && b.last.cached < 2); // the text's beginning at most
    }
    // answers go on, too, with guesses
    mlx_lm_request r = text_of(TEXT, 40);
    answer all = once(r, NULL);
    r.most = 20;
    r.save_cache = path;
    once(r, &(mlx_lm_batch_options){.lookup = 8});
    int text[512], n = tokens_of(TEXT, text);
    memcpy(text + n, all.token, 20 * sizeof *text);
    answer b = once((mlx_lm_request){.tokens = text,
                                     .token_num = (size_t)n + 20,
                                     .most = 20,
                                     .load_cache = path},
                    NULL);
    CHECK(b.last.cached == n + 19 && !memcmp(b.token, all.token + 20, 20 * sizeof *text));
}

/* The last event of a request says what is wrong with a file. */
static void fails_with(mlx_lm_request r, const mlx_lm_batch_options *o, const char *what) {
    answer a = once(r, o);
    CHECK_EQ_INT(a.last.finish, MLX_LM_FAILED);
    CHECK_HAS(a.text, what);
}

static void bad_caches(void) {
    const char *path = own_path("text.kv"), *other = own_path("other.kv");
    mlx_lm_request r = text_of(TEXT, 3);
    r.save_cache = "/nowhere/text.kv";
    fails_with(r, NULL, "/nowhere/text.kv");
    r.save_cache = path;
    once(r, NULL);
    r.save_cache = NULL;
    r.load_cache = "/nowhere/text.kv";
    fails_with(r, NULL, "/nowhere/text.kv");
    r.load_cache = path;
    fails_with(r, &(mlx_lm_batch_options){.kv_bits = 32}, "other bits");
    r.load_cache = other;
    FILE *f = fopen(path, "rb");
    static char bytes[1 << 22];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    static const struct {
        size_t at, cut;
        const char *what;
    } bad[] = {{0, 0, "holds no text"},
               {8, 0, "another version"},
               {16, 0, "a header that was changed"},
               {400, 0, "its sum is another"},
               {SIZE_MAX, 1, "shorter or longer"},
               {SIZE_MAX, 100, "shorter or longer"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f = fopen(other, "wb");
        if (bad[i].at < n)
            bytes[bad[i].at] ^= 1;
        fwrite(bytes, 1, n - bad[i].cut, f);
        if (bad[i].at < n)
            bytes[bad[i].at] ^= 1;
        fclose(f);
        fails_with(r, NULL, bad[i].what);
    }
    remove(path);
    remove(other);
}

static void keep_silent(const char *message, void *data) {
    (void)message, (void)data;
}

int main(void) {
    mlx_set_error_handler(keep_silent, NULL, NULL);
    if (!stories()) {
        SKIP("no stories260K in the data");
        return check_done();
    }
    lm = mlx_lm_new();
    CHECK(mlx_lm_open(&lm, stories(), NULL) == 0);
    RUN(saved_caches);
    RUN(bad_caches);
    mlx_lm_free(lm);
    files_done();
    return check_done();
}
