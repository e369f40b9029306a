/* A LLaMA in C: writes what follows a text, and learns from one by LoRA.
 *
 *     llama model.gguf "Once upon a time" [tokens]
 *     llama lora model.gguf text.txt [steps] [folder]     writes adapters as mlx_lm has them
 *     llama model.bin tokenizer.bin [tokens]              llama2.c's files
 *
 * The likeliest token is taken each time. The text goes to stdout, the speed to stderr. The parts:
 * llama/model.h the network, llama/gguf.h and llama/bin.h files, llama/lora.h what is learned.
 */
#include <time.h>

#include "command.h"
#include "llama/bin.h"
#include "llama/gguf.h"
#include "llama/lora.h"

static double seconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int most_likely(mlx_array x) {
    mlx_array best = mlx_array_new();
    uint32_t token = 0;
    need(mlx_argmax(&best, x, false, on));
    need(mlx_array_item_uint32(&token, best));
    mlx_array_free(best);
    return (int)token;
}

/* x (1,L,D) -> its last position (1,1,D) */
static mlx_array last_of(mlx_array x) {
    int n = mlx_array_dim(x, 1), start[3] = {0, n - 1, 0}, stop[3] = {1, n, mlx_array_dim(x, 2)},
        one[3] = {1, 1, 1};
    EXPR(mlx_slice(&r, x, start, 3, stop, 3, one, 3, on));
}

/* The token that follows n more at `position`. */
static int following(model *m, const int *ids, int n, int position) {
    size_t step = step_begin();
    int next = most_likely(logits(m, last_of(body(m, tokens_array(ids, n), position, true))));
    step_end(step);
    return next;
}

/* Tell whoever wanted more tokens why there are none. */
static void say_if_full(const model *m, bool full) {
    if (full)
        fprintf(stderr, "\nthe model's context of %d tokens is full", m->c.length);
}

/* --- llama2.c's files ------------------------------------------------------------------------- */

static void run_bin(model *m, const char *path, const char *tokenizer, int most) {
    load_bin(m, path);
    char **piece = load_pieces(tokenizer, m->c.vocab);
    int token = BOS, position = 0;
    double start = seconds();
    bool ended = false;
    for (; !ended && position < most && position < m->c.length; position += !ended) {
        int next = following(m, &token, 1, position);
        ended = next == BOS;
        if (!ended)
            print_piece(piece[next], token);
        fflush(stdout);
        token = next;
    }
    say_if_full(m, !ended && position < most);
    fprintf(stderr, "\n%.0f tokens/s\n", position / (seconds() - start));
    for (int i = 0; i < m->c.vocab; i++)
        free(piece[i]);
    free(piece);
}

/* --- GGUF ------------------------------------------------------------------------------------- */

/* The tokens of a text. */
static mlx_tokens encoded(mlx_tokenizer t, const char *text, const int **ids, size_t *n) {
    mlx_tokens tokens = mlx_tokens_new();
    need(mlx_tokenizer_encode(&tokens, t, text, strlen(text), 0) ||
         mlx_tokens_data(ids, n, tokens));
    return tokens;
}

static void show(mlx_token_stream s, int token) {
    const char *text;
    size_t n;
    need(token < 0 ? mlx_token_stream_end(&text, &n, s)
                   : mlx_token_stream_put(&text, &n, s, token));
    fwrite(text, 1, n, stdout);
    fflush(stdout);
}

static void check_prompt(size_t n, int most) {
    if (!n)
        die("it has no tokens", "the prompt");
    if (n > (size_t)most) {
        fprintf(stderr, "the prompt: it has %zu tokens, the model's context %d\n", n, most);
        exit(1);
    }
}

static void write_text(model *m, mlx_tokenizer t, const char *prompt, int most) {
    const int *ids;
    size_t n;
    int end = -1, count = 0;
    mlx_tokens tokens = encoded(t, prompt, &ids, &n);
    mlx_token_stream stream = mlx_token_stream_new();
    need(mlx_tokenizer_role(&end, t, MLX_TOKEN_EOS) || mlx_token_stream_open(&stream, t, false));
    check_prompt(n, m->c.length);
    if (*prompt)
        need(mlx_token_stream_follow(stream));
    int position = (int)n, next = following(m, ids, position, 0);
    double start = seconds();
    while (next != end && count < most && position < m->c.length) {
        show(stream, next);
        count++;
        next = following(m, &next, 1, position++);
    }
    show(stream, -1);
    say_if_full(m, next != end && count < most);
    fprintf(stderr, "\n%.1f tokens/s\n", count / (seconds() - start));
    mlx_token_stream_free(stream);
    mlx_tokens_free(tokens);
}

static char *read_text(const char *path) {
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long n = -1;
    if (f && !fseek(f, 0, SEEK_END) && (n = ftell(f)) > 0 && n < 1L << 30 &&
        (text = calloc((size_t)n + 1, 1)))
        rewind(f);
    if (!text || fread(text, 1, (size_t)n, f) != (size_t)n)
        die("cannot be read, or has nothing in it", path);
    fclose(f);
    return text;
}

static void run_lora(model *m, mlx_tokenizer t, const char *path, int steps, const char *folder) {
    static adapters all;
    const int *ids;
    size_t n;
    char *text = read_text(path);
    mlx_tokens tokens = encoded(t, text, &ids, &n);
    if (n < WINDOW + 1 || n > 1 << 30)
        die("a text of 65 tokens or more is needed", path);
    adapt(&all, m, 8);
    int seen = (int)(n - 1) / WINDOW, count = seen < 4 ? seen : 4;
    float before = mean_loss(m, ids, count);
    learn(&all, ids, (int)n, steps, 1e-3f);
    save_adapters(&all, folder);
    printf("loss: %.3f before, %.3f after; adapters in %s\n", (double)before,
           (double)mean_loss(m, ids, count), folder);
    free_adapters(&all);
    mlx_tokens_free(tokens);
    free(text);
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), k = strlen(end);
    return n >= k && strcmp(text + n - k, end) == 0;
}

static void check_vocabulary(const model *m, mlx_tokenizer t, const char *path) {
    size_t size;
    need(mlx_tokenizer_size(&size, t));
    if (size != (size_t)m->c.vocab) {
        fprintf(stderr, "%s: its tokenizer has %zu tokens, its embedding %d\n", path, size,
                m->c.vocab);
        exit(1);
    }
}

static void run(model *m, int argc, char **argv) {
    bool lora = strcmp(argv[1], "lora") == 0;
    const char *path = argv[1 + lora], *what = argv[2 + lora];
    int most = argc > 3 + lora ? count_of(lora ? "steps" : "tokens", argv[3 + lora])
               : lora          ? 50
                               : 200;
    if (ends_with(path, ".bin") && !lora) {
        run_bin(m, path, what, most);
        return;
    }
    mlx_tokenizer t = mlx_tokenizer_new();
    load_gguf(m, path);
    need(mlx_tokenizer_open(&t, path));
    check_vocabulary(m, t, path);
    if (lora)
        run_lora(m, t, what, most, argc > 5 ? argv[5] : "adapters");
    else
        write_text(m, t, what, most);
    mlx_tokenizer_free(t);
}

static const char usage[] = "usage: llama model.gguf prompt [tokens]\n"
                            "       llama lora model.gguf text.txt [steps] [folder]\n"
                            "       llama model.bin tokenizer.bin [tokens]\n";

int main(int argc, char **argv) {
    static model m;
    bool lora = argc > 1 && strcmp(argv[1], "lora") == 0;
    begin_command(argc, argv, usage, lora ? 3 : 2, lora ? 5 : 3);
    on = mlx_default_cpu_stream_new();
    mlx_random_seed(1);
    run(&m, argc, argv);
    free_model(&m);
    free(step_arrays);
    mlx_stream_free(on);
    return printed();
}
