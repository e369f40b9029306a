/* What is remembered of texts (src/models/direct/cache.h): pages shared, copied, kept, given back;
   fewer bits; going back, files. */
#include "check.h"
#include "models/direct/direct.h"
#include "models/direct/pages.h"
#include "models/tiny_models.h"

enum { LONG = 150 };

typedef struct model {
    mx_decoder *d;
    mx_direct *m;
    mx_cache *c;
    int64_t width;
    int token[2 * LONG];
    float *rows; /* what all of them give */
} model;

static bool feed_some(model *o, mx_sequence *s, const int *tokens, int64_t n, float *out) {
    bool full = false;
    const float *rows;
    mx_span span = {0, n, mx_sequence_length(s), s};
    mx_pass pass = {.token = tokens, .rows = n, .span = &span, .spans = 1};
    if (!mx_sequence_reserve(s, n, &full) || !mx_direct_pass(o->m, &pass, &rows))
        return false;
    if (out)
        memcpy(out, rows, (size_t)(n * o->width) * sizeof *out);
    return true;
}

/* The text up to position `to`. */
static bool feed_to(model *o, mx_sequence *s, int64_t to, float *out) {
    int64_t at = mx_sequence_length(s);
    return CHECK_MSG(feed_some(o, s, o->token + at, to - at, out), "%s", mx_error_message());
}

static bool open_model(model *o, const char *name, int bits, uint64_t most) {
    tiny_model t;
    *o = (model){.d = NULL};
    if (!tiny_open(&t, name))
        return false;
    tiny_close(&t);
    o->d = mx_decoder_open(t.path);
    o->m = o->d ? mx_direct_new(o->d) : NULL;
    o->c = o->m ? mx_cache_new(o->d, bits, most) : NULL;
    if (!CHECK_MSG(o->c, "%s", mx_error_message()))
        return false;
    o->width = o->d->head.out;
    for (int i = 0; i < 2 * LONG; i++)
        o->token[i] = (int)((unsigned)(i * i + 7 * i + 3) % (unsigned)o->d->embedding.out);
    o->rows = calloc((size_t)(LONG * o->width), sizeof *o->rows);
    return true;
}

static void close_model(model *o) {
    mx_cache_free(o->c);
    mx_direct_free(o->m);
    mx_decoder_release(o->d);
    free(o->rows);
    mx_error_clear();
}

static double distance(const float *a, const float *b, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

/* Do the rows from `from` on come out as they did? */
static void same_rows(const model *o, const float *rows, int64_t from, int64_t n,
                      const char *what) {
    CHECK_MSG(memcmp(o->rows + from * o->width, rows, (size_t)(n * o->width) * sizeof *rows) == 0,
              "%s: other bits, %.3g away", what,
              distance(o->rows + from * o->width, rows, n * o->width));
}

/* --- sharing ---------------------------------------------------------------------------------- */

static void beginnings(void) {
    model o;
    if (!open_model(&o, "llama.json", 32, 0))
        return;
    float *rows = calloc((size_t)(LONG * o.width), sizeof *rows);
    mx_sequence *a = mx_sequence_begin(o.c, o.token, LONG);
    CHECK_EQ_INT(mx_sequence_length(a), 0);
    feed_to(&o, a, LONG, o.rows);
    uint64_t bytes = mx_cache_bytes(o.c);
    // while the first goes on: whole pages, and the beginning of the last
    mx_sequence *b = mx_sequence_begin(o.c, o.token, LONG);
    CHECK_EQ_INT(mx_sequence_length(b), LONG - 1);
    CHECK_EQ_INT(mx_cache_bytes(o.c), bytes);
    feed_to(&o, b, LONG, rows);
    same_rows(&o, rows, LONG - 1, 1, "shared pages");
    CHECK(mx_cache_bytes(o.c) > bytes); // the last page was copied
    mx_sequence_end(a);
    mx_sequence_end(b);
    CHECK_EQ_INT(mx_cache_kept_bytes(o.c), mx_cache_bytes(o.c));
    // a text that differs in the second page
    o.token[100] ^= 1;
    mx_sequence *c = mx_sequence_begin(o.c, o.token, LONG);
    CHECK_EQ_INT(mx_sequence_length(c), 100);
    mx_sequence_end(c);
    o.token[0] ^= 1;
    c = mx_sequence_begin(o.c, o.token, LONG);
    CHECK_EQ_INT(mx_sequence_length(c), 0);
    mx_sequence_end(c);
    free(rows);
    close_model(&o);
}

static void forks(void) {
    model o;
    if (!open_model(&o, "gemma3.json", 32, 0))
        return;
    float *rows = calloc((size_t)(LONG * o.width), sizeof *rows);
    mx_sequence *a = mx_sequence_begin(o.c, NULL, 0);
    feed_to(&o, a, LONG, o.rows);
    mx_sequence_end(a);
    a = mx_sequence_begin(o.c, NULL, 0);
    feed_to(&o, a, 90, rows);
    mx_sequence *b = mx_sequence_fork(a);
    feed_some(&o, a, o.token + 3, 20, NULL); // another text
    feed_to(&o, b, LONG, rows);
    same_rows(&o, rows, 90, LONG - 90, "a fork");
    CHECK(mx_sequence_trim(a, 70));
    feed_to(&o, a, LONG, rows);
    same_rows(&o, rows, 70, LONG - 70, "a text that went back");
    CHECK(!mx_sequence_trim(a, LONG + 1) && mx_failed());
    mx_error_clear();
    mx_sequence_end(a);
    mx_sequence_end(b);
    free(rows);
    close_model(&o);
}

/* What went back and on otherwise is not found by what it was. */
static void changed_pages(void) {
    model o;
    if (!open_model(&o, "llama.json", 32, 0))
        return;
    mx_sequence *a = mx_sequence_begin(o.c, NULL, 0);
    feed_to(&o, a, LONG, o.rows);
    CHECK(mx_sequence_trim(a, 40));
    feed_some(&o, a, o.token + 77, 60, NULL);
    mx_sequence *b = mx_sequence_begin(o.c, o.token, LONG);
    CHECK(mx_sequence_length(b) <= 64);
    float *rows = calloc((size_t)(LONG * o.width), sizeof *rows);
    int64_t from = mx_sequence_length(b);
    feed_to(&o, b, LONG, rows);
    same_rows(&o, rows, from, LONG - from, "a beginning of changed pages");
    mx_sequence_end(a);
    mx_sequence_end(b);
    free(rows);
    close_model(&o);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void limits(void) {
    model o;
    bool full;
    if (!open_model(&o, "llama.json", 32, 0))
        return;
    mx_sequence *a = mx_sequence_begin(o.c, NULL, 0);
    CHECK(mx_sequence_reserve(a, 1, &full));
    uint64_t page = mx_cache_bytes(o.c);
    mx_sequence_end(a);
    CHECK_EQ_INT(mx_cache_bytes(o.c), 0); // nothing was written: nothing is kept
    mx_cache_free(o.c);
    o.c = mx_cache_new(o.d, 32, 3 * page + page / 2);
    a = mx_sequence_begin(o.c, NULL, 0);
    CHECK(!mx_sequence_reserve(a, 4 * MX_PAGE, &full) && full && !mx_failed());
    feed_to(&o, a, LONG, o.rows);
    mx_sequence *b = mx_sequence_begin(o.c, o.token + 1, 40);
    CHECK(!mx_sequence_reserve(b, 1, &full) && full && !mx_failed());
    mx_sequence_end(a);
    CHECK_EQ_INT(mx_cache_kept_bytes(o.c), 3 * page);
    // the deepest page of the older text goes first
    CHECK(feed_some(&o, b, o.token + 1, 40, NULL));
    CHECK_EQ_INT(mx_cache_kept_bytes(o.c), 2 * page);
    a = mx_sequence_begin(o.c, o.token, LONG);
    CHECK_EQ_INT(mx_sequence_length(a), 128);
    mx_sequence_end(a);
    mx_sequence_end(b);
    CHECK(!mx_cache_new(o.d, 5, 0) && mx_failed());
    mx_error_clear();
    close_model(&o);
}

/* An ended text lies in all the room there is: one that begins as it did writes over its end. */
static void no_room_for_a_copy(void) {
    model o, all;
    enum { AGAIN = 100, MORE = 120 };
    bool full;
    if (!open_model(&o, "llama.json", 32, 0) || !open_model(&all, "llama.json", 32, 0))
        return;
    mx_sequence *a = mx_sequence_begin(all.c, NULL, 0);
    feed_to(&all, a, 1, NULL);
    mx_cache_free(o.c);
    o.c = mx_cache_new(o.d, 32, 2 * mx_cache_bytes(all.c));
    mx_sequence_end(a);
    for (int i = AGAIN; i < MORE; i++)
        all.token[i] ^= 1;
    a = mx_sequence_begin(all.c, NULL, 0);
    feed_to(&all, a, MORE, all.rows);
    mx_sequence_end(a);
    a = mx_sequence_begin(o.c, o.token, MORE);
    feed_to(&o, a, MORE, o.rows);
    mx_sequence_end(a);
    memcpy(o.token, all.token, sizeof o.token);
    a = mx_sequence_begin(o.c, o.token, MORE);
    CHECK_EQ_INT(mx_sequence_length(a), AGAIN);
    mx_sequence *b = mx_sequence_fork(a); // who else reads the page keeps it
    CHECK(!mx_sequence_reserve(a, 1, &full) && full && !mx_failed());
    mx_sequence_end(b);
    feed_to(&o, a, MORE, o.rows + AGAIN * o.width);
    same_rows(&o, all.rows + AGAIN * o.width, AGAIN, MORE - AGAIN, "over the end");
    mx_sequence_end(a);
    a = mx_sequence_begin(o.c, o.token, MORE);
    CHECK_EQ_INT(mx_sequence_length(a), MORE - 1);
    mx_sequence_end(a);
    close_model(&o);
    close_model(&all);
}

/* The same text again and again, also by several at once, and with other endings: what is kept is
   one text, then no more than was said. */
static void repeats(void) {
    model o;
    if (!open_model(&o, "llama.json", 32, 0))
        return;
    uint64_t bytes[2] = {0};
    for (int n = 20; n <= LONG; n += LONG - 20) { // a part of a page; pages and a part
        for (int i = 0; i < 20; i++) {
            mx_sequence *a = mx_sequence_begin(o.c, i % 3 ? o.token : NULL, n);
            mx_sequence *b = mx_sequence_begin(o.c, i % 5 ? o.token : NULL, n);
            CHECK(i < 5 || i % 3 == 0 || mx_sequence_length(a) == n - 1);
            if (mx_sequence_length(b) < n - 1)
                feed_to(&o, b, n - 1, NULL);
            feed_to(&o, a, n, NULL);
            mx_sequence_end(i & 1 ? a : b);
            mx_sequence_end(i & 1 ? b : a);
            CHECK_EQ_INT(mx_cache_kept_bytes(o.c), mx_cache_bytes(o.c));
            if (!bytes[n == LONG])
                bytes[n == LONG] = mx_cache_bytes(o.c);
            CHECK_EQ_INT(mx_cache_bytes(o.c), bytes[n == LONG]);
        }
    }
    CHECK_EQ_INT(bytes[1], 3 * bytes[0]);
    for (int i = 0; i < 40; i++) { // one prompt, other answers
        mx_sequence *a = mx_sequence_begin(o.c, o.token, 31);
        CHECK_EQ_INT(mx_sequence_length(a), 30);
        o.token[31] = i;
        feed_to(&o, a, 33, o.rows);
        mx_sequence_end(a);
        CHECK(mx_cache_bytes(o.c) <= bytes[1] + MX_ALIKE * bytes[0]);
    }
    mx_cache_keep(o.c, 4 * MX_PAGE);
    for (int i = 0; i < 20; i++) { // other endings
        mx_sequence *a = mx_sequence_begin(o.c, o.token, 30);
        o.token[29] ^= 1 + i % 7;
        feed_to(&o, a, 30 + i, o.rows);
        mx_sequence_end(a);
        CHECK(mx_cache_bytes(o.c) <= 4 * bytes[0]);
    }
    close_model(&o);
}

/* --- recurrences ------------------------------------------------------------------------------ */

static void states(const char *name) {
    model o;
    if (!open_model(&o, name, 32, 0))
        return;
    float *rows = calloc((size_t)(LONG * o.width), sizeof *rows);
    mx_sequence *a = mx_sequence_begin(o.c, NULL, 0);
    feed_to(&o, a, 40, o.rows);
    CHECK(mx_sequence_mark(a));
    CHECK(feed_to(&o, a, LONG, o.rows + 40 * o.width));
    CHECK(!mx_sequence_trim(a, 60) && !mx_failed());
    CHECK(mx_sequence_trim(a, 40));
    mx_sequence *b = mx_sequence_fork(a);
    feed_to(&o, a, LONG, rows);
    same_rows(&o, rows, 40, LONG - 40, name);
    feed_to(&o, b, LONG, rows);
    same_rows(&o, rows, 40, LONG - 40, name);
    CHECK(mx_sequence_trim(b, 0));
    feed_to(&o, b, LONG, rows);
    same_rows(&o, rows, 0, LONG, name);
    mx_sequence_end(a);
    mx_sequence_end(b);
    CHECK_EQ_INT(mx_cache_bytes(o.c), mx_cache_kept_bytes(o.c));
    free(rows);
    close_model(&o);
}

static void recurrences(void) {
    states("mamba2.json");
    states("qwen3_next.json");
    states("lfm2.json");
}

/* --- fewer bits ------------------------------------------------------------------------------- */

/* y = x m by the kernels that m is for. */
static void multiply(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t rows,
                     const mx_k_cell_codes *codes) {
    ptrdiff_t row = mx_k_cell_row(m->k);
    if (m->bits >= 16) {
        mx_kernels_get()->attention->decode->sums(y, ldy, m, x, m->k, rows);
    } else if (!m->turned) {
        codes->values(y, ldy, m, x, m->k, rows);
    } else {
        char *rounded = malloc((size_t)(rows * row));
        for (ptrdiff_t r = 0; r < rows; r++)
            codes->round(rounded + r * row, x + r * m->k, m->k);
        codes->keys(y, ldy, m, rounded, row, rows);
        free(rounded);
    }
}

/* Numbers of a part come back, and products with them are those with what comes back. */
static void one_part(int bits, bool turned, const mx_k_cell_codes *codes) {
    enum { WIDTH = 96, N = 50, ROWS = 7 };
    mx_part p = mx_part_of(bits, WIDTH, turned);
    char *part = calloc(1, p.bytes + 64);
    float x[WIDTH], back[N][WIDTH], q[ROWS * 64 * 2];
    double step = bits == 32 ? 0 : bits == 16 ? 0x1p-10 : bits == 8 ? 0.01 : 0.15;
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < WIDTH; k++)
            x[k] = (float)sin(i * 1.7 + k * (k % 3 + 0.3));
        mx_part_put(&p, part, i, x);
        mx_part_get(&p, part, i, back[i]);
        CHECK_MSG(distance(x, back[i], WIDTH) <= step, "%d bits: %g away", bits,
                  distance(x, back[i], WIDTH));
    }
    int depth = turned ? WIDTH : N, columns = turned ? N : WIDTH;
    for (int i = 0; i < ROWS * depth; i++)
        q[i] = (float)cos(i * 0.7);
    mx_k_cells m = mx_part_cells(&p, part, N, WIDTH);
    static float all[ROWS * 2 * MX_PAGE];
    multiply(all, 2 * MX_PAGE, &m, q, ROWS, codes);
    static float alone[2 * MX_PAGE];
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < depth; k++)
                sum += (double)q[r * depth + k] * (double)(turned ? back[j][k] : back[k][j]);
            CHECK_NEAR(all[r * 2 * MX_PAGE + j], sum, bits < 16 ? 1e-3 : 1e-4);
        }
    for (int r = 0; r < ROWS; r++) {
        multiply(alone, 2 * MX_PAGE, &m, q + r * depth, 1, codes);
        CHECK(memcmp(alone, all + r * 2 * MX_PAGE, (size_t)columns * sizeof *alone) == 0);
    }
    // positions that count for nothing change no bit
    float longer[MX_PAGE] = {0};
    mx_k_cells more = mx_part_cells(&p, part, MX_PAGE, WIDTH);
    memcpy(longer, q, N * sizeof *q);
    multiply(alone, 2 * MX_PAGE, &more, turned ? q : longer, 1, codes);
    CHECK(memcmp(alone, all, (size_t)columns * sizeof *alone) == 0);
    q[0] = NAN;
    multiply(alone, 2 * MX_PAGE, &m, q, 1, codes);
    CHECK(isnan(alone[0]) && isnan(alone[columns - 1]));
    free(part);
}

static void parts(void) {
    int sets;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    const char *chosen = mx_kernels_get()->name;
    for (int s = 0; s < sets; s++) {
        mx_kernels_choose(set[s]->name);
        for (int bits = 4; bits <= 32; bits *= 2) {
            const mx_k_cell_codes *plain = set[s]->attention->decode->plain;
            one_part(bits, true, plain);
            one_part(bits, false, plain);
            one_part(bits, true, mx_cell_codes());
            one_part(bits, false, mx_cell_codes());
        }
    }
    mx_kernels_choose(chosen);
}

static void half_cache(void) {
    model o;
    if (!open_model(&o, "gemma3.json", 32, 0))
        return;
    float *rows = calloc((size_t)(LONG * o.width), sizeof *rows);
    mx_sequence *a = mx_sequence_begin(o.c, NULL, 0);
    feed_to(&o, a, LONG, o.rows);
    mx_sequence_end(a);
    mx_cache *c = mx_cache_new(o.d, 16, 0);
    a = mx_sequence_begin(c, NULL, 0);
    feed_to(&o, a, LONG, rows);
    double d = distance(o.rows, rows, LONG * o.width);
    CHECK_MSG(d > 0 && d < 0.1, "float16: %g away", d);
    mx_sequence_end(a);
    mx_cache_free(c);
    CHECK(!mx_cache_new(o.d, 8, 0) && mx_failed()); // heads of 8 features
    free(rows);
    close_model(&o);
}

/* --- files ------------------------------------------------------------------------------------ */

static void refuses_file(model *o, const char *path, const unsigned char *bytes, size_t n,
                         const char *what) {
    FILE *f = fopen(path, "wb");
    fwrite(bytes, 1, n, f);
    fclose(f);
    mx_sequence *s = mx_sequence_load(o->c, path);
    CHECK_MSG(!s && mx_failed(), "%s was read", what);
    mx_sequence_end(s);
    mx_error_clear();
}

/* Every header that is another, and a file that is cut or longer. */
static void broken_files(model *o, const char *path) {
    static unsigned char bytes[4 << 20];
    char other[600];
    FILE *f = fopen(path, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    snprintf(other, sizeof other, "%s.broken", path);
    for (size_t i = 0; i < 128; i++) {
        bytes[i] ^= 0x40;
        refuses_file(o, other, bytes, n, "a header that was changed");
        bytes[i] ^= 0x40;
    }
    refuses_file(o, other, bytes, n - 1, "a short file");
    refuses_file(o, other, bytes, n + 1, "a long file");
    refuses_file(o, other, bytes, 20, "a file without a header");
    refuses_file(o, other, bytes, 0, "an empty file");
    for (size_t i = 128; i < n; i += i < 512 ? 1 : 997) {
        bytes[i] ^= 0x80;
        refuses_file(o, other, bytes, n, "tokens or pages that were changed");
        bytes[i] ^= 0x80;
    }
    CHECK(!mx_sequence_load(o->c, "/nowhere/text") && mx_failed());
    mx_error_clear();
}

static void saved(const char *name, int bits) {
    model o;
    char path[512];
    if (!open_model(&o, name, bits, 0))
        return;
    snprintf(path, sizeof path, "%s", own_path("text.cache"));
    float *rows = calloc((size_t)(LONG * o.width), sizeof *rows);
    mx_sequence *a = mx_sequence_begin(o.c, NULL, 0);
    feed_to(&o, a, 100, o.rows);
    CHECK_MSG(mx_sequence_save(a, path), "%s", mx_error_message());
    feed_to(&o, a, LONG, o.rows + 100 * o.width);
    mx_sequence_end(a);
    mx_cache *c = mx_cache_new(o.d, bits, 0);
    mx_sequence *b = mx_sequence_load(c, path);
    if (CHECK_MSG(b, "%s", mx_error_message())) {
        CHECK_EQ_INT(mx_sequence_length(b), 100);
        feed_to(&o, b, LONG, rows);
        same_rows(&o, rows, 100, LONG - 100, "a text from a file");
        CHECK(mx_sequence_begins(b, o.token, LONG) && !mx_sequence_begins(b, o.token, LONG - 1));
    }
    mx_sequence_end(b);
    mx_cache_free(c);
    c = mx_cache_new(o.d, bits == 16 ? 32 : 16, 0);
    CHECK(!mx_sequence_load(c, path) && mx_failed());
    mx_error_clear();
    mx_cache_free(c);
    if (bits == 32)
        broken_files(&o, path);
    free(rows);
    close_model(&o);
}

static void files(void) {
    saved("llama.json", 32);
    saved("llama.json", 16);
    saved("qwen3_next.json", 32);
}

static void another_model(void) {
    model o, p;
    char path[512];
    if (!open_model(&o, "llama.json", 32, 0))
        return;
    snprintf(path, sizeof path, "%s", own_path("text.cache"));
    mx_sequence *a = mx_sequence_begin(o.c, NULL, 0);
    feed_to(&o, a, 10, NULL);
    CHECK(mx_sequence_save(a, path));
    if (open_model(&p, "mistral.json", 32, 0)) {
        CHECK(!mx_sequence_load(p.c, path) && mx_failed());
        mx_error_clear();
        close_model(&p);
    }
    mx_sequence_end(a);
    close_model(&o);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Every allocation of a text's life fails once: an error, and the text is as it was. */
static bool a_life(model *o) {
    mx_direct *m = mx_direct_new(o->d);
    mx_cache *c = mx_cache_new(o->d, 32, 0);
    mx_sequence *s = c ? mx_sequence_begin(c, o->token, 70) : NULL;
    mx_direct *former = o->m;
    o->m = m;
    bool ok = m && s && feed_some(o, s, o->token, 70, NULL);
    mx_sequence *f = ok ? mx_sequence_fork(s) : NULL;
    if (m && s && !f)
        CHECK(mx_sequence_length(s) == 70 || mx_sequence_length(s) == 0);
    ok = ok && f && feed_some(o, f, o->token, 70, NULL) && mx_sequence_mark(f) &&
         mx_sequence_save(f, own_path("life.cache"));
    mx_sequence *g = ok ? mx_sequence_load(c, own_path("life.cache")) : NULL;
    ok = ok && g && mx_sequence_length(g) == 140;
    mx_sequence_end(g);
    mx_sequence_end(f);
    mx_sequence_end(s);
    mx_cache_free(c);
    mx_direct_free(m);
    o->m = former;
    return ok;
}

static void failing(void) {
    model o;
    if (!open_model(&o, "llama.json", 32, 0))
        return;
    int64_t live = mx_alloc_live();
    bool ok = false;
    int n = 1;
    for (; !ok && n < 400; n++) {
        mx_alloc_fail_at((uint64_t)n);
        ok = a_life(&o);
        mx_alloc_fail_at(0);
        if (!ok)
            CHECK(mx_failed());
        mx_error_clear();
    }
    CHECK(ok && n > 10);
    CHECK_EQ_INT(mx_alloc_live(), live);
    close_model(&o);
}

int main(void) {
    mx_scope scope = mx_scope_open();
    RUN(beginnings);
    RUN(forks);
    RUN(changed_pages);
    RUN(limits);
    RUN(no_room_for_a_copy);
    RUN(repeats);
    RUN(recurrences);
    RUN(parts);
    RUN(half_cache);
    RUN(files);
    RUN(another_model);
    RUN(failing);
    mx_scope_close(scope);
    files_done();
    return check_done();
}
