/* Mapped files move to large pages, and nobody who reads them meanwhile sees a difference. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory/large.h"
#include "check.h"

enum { WORDS = 5 * (1 << 18) + 12345, PIECE = 3 << 20 }; // of 8 bytes: more than ten megabytes

static mx_mapped m;
static atomic_bool over;
static atomic_int wrong;

static uint64_t word_of(uint64_t i) {
    return (i + 1) * 0x9e3779b97f4a7c15u;
}

static bool write_words(const char *path) {
    mx_writer *w = mx_writer_open("save", path);
    bool ok = w;
    for (uint64_t i = 0; ok && i < WORDS; i++) {
        uint64_t word = word_of(i);
        ok = mx_writer_put(w, &word, sizeof word);
    }
    return ok && mx_writer_commit(w);
}

static bool is_right(void) {
    const uint64_t *word = (const void *)m.data;
    for (uint64_t i = 0; i < WORDS; i++)
        if (word[i] != word_of(i))
            return false;
    return true;
}

static void *read_on(void *ctx) {
    while (!atomic_load(&over))
        if (!is_right())
            atomic_fetch_add(&wrong, 1);
    return ctx;
}

static void moves_while_others_read(void) {
    pthread_t reader;
    CHECK(pthread_create(&reader, NULL, read_on, NULL) == 0);
    size_t at = 0;
    for (int pieces = 0; at < m.size && pieces < 100; pieces++) {
        size_t before = at;
        mx_large_copy(m.data, m.size, &at, PIECE);
        CHECK(at > before && at <= m.size);
    }
    CHECK_EQ_INT(at, m.size);
    atomic_store(&over, true);
    pthread_join(reader, NULL);
    CHECK_EQ_INT(atomic_load(&wrong), 0);
    CHECK(is_right());
    mx_large_copy(m.data, m.size, &at, PIECE); // nothing is left to do
    CHECK_EQ_INT(at, m.size);
}

static void less_than_a_page(void) {
    size_t at = 0;
    mx_large_copy(m.data, 5000, &at, PIECE);
    CHECK_EQ_INT(at, 5000);
    CHECK(is_right());
}

static void asks_whether(void) {
    CHECK(!mx_large_allowed(SIZE_MAX / 8));
    setenv("MLX_LARGE_PAGES", "0", 1);
    CHECK(!mx_large_allowed(1));
    unsetenv("MLX_LARGE_PAGES");
}

/* Memory of any size and place keeps what is in it. */
static void memory_asks(void) {
    mx_large_ask(NULL, (size_t)8 << 20);
    for (size_t n = 100; n < (size_t)12 << 20; n = 7 * n + 1) {
        char *p = calloc(n, 1);
        mx_large_ask(p, n);
        CHECK(p && p[0] == 0 && p[n / 2] == 0 && p[n - 1] == 0);
        memset(p, 1, n);
        mx_large_ask(p, n);
        CHECK(p[0] == 1 && p[n / 2] == 1 && p[n - 1] == 1);
        free(p);
    }
}

int main(void) {
    char path[] = "/tmp/mlx-large-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write_words(path));
    mx_file *f = mx_file_open("load", path);
    if (CHECK(f && mx_file_map(f, &m))) {
        RUN(less_than_a_page);
        RUN(moves_while_others_read);
        RUN(asks_whether);
        RUN(memory_asks);
        mx_file_unmap(&m);
    }
    mx_file_close(f);
    close(fd);
    unlink(path);
    return check_done();
}
