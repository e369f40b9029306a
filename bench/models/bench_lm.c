/* A language model's prompt and generation, tokens a second, and what of memory's speed that is.
 *
 *     bench_lm MODEL [-p prompt] [-n generated] [-b sequences] [-c bits of cache] [-d depth]
 *
 * MODEL is a file or folder. The prompt is one text of tokens drawn at random; generation goes on
 * from there greedily, each token in a pass of its own, `b` sequences side by side. "read" is what a
 * token reads of the weights. The best of some repetitions counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "graph/trace/scope.h"
#include "models/direct/direct.h"

enum {
    REPEATS = 5,
    CHUNK = 512,
    MOST_SEQUENCES = 64,
    PIECE = 1 << 16,
    BYTES = 256 << 20,
    LARGE_PAGE = 2 << 20
};

typedef struct bench {
    mx_decoder *d;
    mx_direct *m;
    mx_cache *c;
    int prompt, count, sequences, bits, depth;
    int *token;
    mx_sequence *sequence[MOST_SEQUENCES];
} bench;

/* BENCH_CPU=1: processor time of each thread, for a machine that does other things as well. */
static bool by_processor;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(by_processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    double ms = (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
    return by_processor ? ms / mx_pool_threads() : ms;
}

static void give_up(void) {
    fprintf(stderr, "bench_lm: %s\n", mx_error_message());
    exit(1);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_body(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        const uint64_t *p = (const uint64_t *)ctx + i * (PIECE / 8);
        uint64_t s[8] = {0};
        for (int k = 0; k < PIECE / 8; k += 8) {
            __builtin_prefetch(p + k + 512);
            for (int j = 0; j < 8; j++)
                s[j] += p[k + j];
        }
        uint64_t sum = s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
        __asm__ volatile("" : : "r"(sum)); // it is read for its own sake
    }
}

/* Bytes a millisecond. */
static double bandwidth(void) {
    char *p = aligned_alloc(LARGE_PAGE, BYTES);
    double best = 0;
    if (!p)
        exit(1);
    madvise(p, BYTES, MADV_HUGEPAGE); // as the weights' (base/memory/large.h)
    memset(p, 1, BYTES);
    for (int i = 0; i < REPEATS; i++) {
        double start = now_ms();
        mx_parallel_for(BYTES / PIECE, 4, read_body, p);
        double rate = BYTES / (now_ms() - start);
        best = rate > best ? rate : best;
    }
    free(p);
    return best;
}

/* --- passes ----------------------------------------------------------------------------------- */

static int best_of(const float *logits, int64_t n) {
    float most = logits[0];
    int best = 0;
    for (int64_t i = 1; i < n; i++)
        most = logits[i] > most ? logits[i] : most;
    while (logits[best] < most)
        best++;
    return best;
}

static mx_sequence *begin(bench *b) {
    mx_sequence *s = mx_sequence_begin(b->c, NULL, 0);
    if (!s)
        give_up();
    return s;
}

static void feed(bench *b, mx_sequence *s, int64_t n, const float **logits) {
    for (int64_t at = 0; at < n; at += CHUNK) {
        bool full;
        int64_t count = n - at < CHUNK ? n - at : CHUNK, last = count - 1;
        mx_span span = {0, count, mx_sequence_length(s), s};
        mx_pass pass = {.token = b->token + at,
                        .rows = count,
                        .span = &span,
                        .spans = 1,
                        .wanted = &last,
                        .wanted_rows = at + count == n};
        if (!mx_sequence_reserve(s, count, &full) || !mx_direct_pass(b->m, &pass, logits))
            give_up();
    }
}

static double time_prompt(bench *b) {
    const float *logits;
    mx_sequence *s = begin(b);
    double start = now_ms();
    feed(b, s, b->prompt, &logits);
    double ms = now_ms() - start;
    mx_sequence_end(s);
    return ms;
}

static void step(bench *b, mx_sequence **s, int *next) {
    mx_span span[MOST_SEQUENCES];
    const float *logits;
    bool full;
    for (int i = 0; i < b->sequences; i++) {
        if (!mx_sequence_reserve(s[i], 1, &full))
            give_up();
        span[i] = (mx_span){i, 1, mx_sequence_length(s[i]), s[i]};
    }
    mx_pass pass = {.token = next, .rows = b->sequences, .span = span, .spans = b->sequences};
    if (!mx_direct_pass(b->m, &pass, &logits))
        give_up();
    for (int i = 0; i < b->sequences; i++)
        next[i] = best_of(logits + i * b->d->vocabulary, b->d->vocabulary);
}

/* A sequence is as deep as wanted: by going back where it can. */
static void make_deep(bench *b, mx_sequence **s) {
    const float *logits;
    if (*s && mx_sequence_trim(*s, b->depth))
        return;
    mx_sequence_end(*s);
    *s = begin(b);
    if (b->depth)
        feed(b, *s, b->depth, &logits);
}

static double time_generation(bench *b) {
    int next[MOST_SEQUENCES];
    for (int i = 0; i < b->sequences; i++) {
        next[i] = 1 + i;
        make_deep(b, &b->sequence[i]);
    }
    double start = now_ms();
    for (int i = 0; i < b->count; i++)
        step(b, b->sequence, next);
    return now_ms() - start;
}

static double least(double (*time)(bench *), bench *b) {
    double best = 1e30;
    for (int i = 0; i < REPEATS; i++) {
        double ms = time(b);
        best = ms < best ? ms : best;
    }
    return best;
}

/* --- the table -------------------------------------------------------------------------------- */

static void run(bench *b) {
    double rate = bandwidth(), bytes = (double)b->d->bytes;
    printf("%s: %.1f MB, %d threads, %.1f GB/s\n", b->d->name, bytes * 1e-6, mx_pool_threads(),
           rate * 1e-6);
    if (b->prompt) {
        double ms = least(time_prompt, b);
        printf("prompt %d: %.1f tokens/s\n", b->prompt, b->prompt / ms * 1e3);
    }
    if (!b->count)
        return;
    double ms = least(time_generation, b) / b->count;
    printf(
        "generate %d x %d at %d: %.1f tokens/s, %.3f ms a step, read %.1f GB/s, %.0f%% of memory\n",
        b->count, b->sequences, b->depth, b->sequences / ms * 1e3, ms, bytes / ms * 1e-6,
        100 * bytes / ms / rate);
}

int main(int argc, char **argv) {
    bench b = {.prompt = 512, .count = 128, .sequences = 1, .bits = 32};
    struct {
        char flag;
        int *value;
    } options[] = {
        {'p', &b.prompt}, {'n', &b.count}, {'b', &b.sequences}, {'c', &b.bits}, {'d', &b.depth}};
    for (int i = 2; i + 1 < argc; i += 2)
        for (size_t o = 0; o < sizeof options / sizeof *options; o++)
            if (argv[i][0] == '-' && argv[i][1] == options[o].flag)
                *options[o].value = atoi(argv[i + 1]);
    if (argc < 2 || b.sequences < 1 || b.sequences > MOST_SEQUENCES)
        return 2;
    by_processor = getenv("BENCH_CPU") != NULL;
    mx_scope scope = mx_scope_open();
    b.d = mx_decoder_open(argv[1]);
    b.m = b.d ? mx_direct_new(b.d) : NULL;
    b.c = b.m ? mx_cache_new(b.d, b.bits, 0) : NULL;
    int most = b.prompt > b.depth ? b.prompt : b.depth;
    b.token = malloc((size_t)(most + 1) * sizeof *b.token);
    if (!b.c || !b.token)
        give_up();
    for (int i = 0; i < most; i++)
        b.token[i] = (int)((i * 7919 + 13) % b.d->vocabulary);
    run(&b);
    for (int i = 0; i < b.sequences; i++)
        mx_sequence_end(b.sequence[i]);
    mx_cache_free(b.c);
    mx_direct_free(b.m);
    mx_decoder_release(b.d);
    mx_scope_close(scope);
    free(b.token);
    return 0;
}
