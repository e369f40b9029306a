/* Forms of what lies in memory: when they are kept, where their bytes count, what makes them go;
 * threads. */
#include "base/memory/forms.h"

#include <pthread.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "check.h"

#define KB   ((size_t)1 << 10)
#define ROOM (64 * KB) /* of the cache: half of it is the forms' */

static const char maker;

static mx_form_key key_of(int64_t which) {
    return (mx_form_key){.maker = &maker, .number = {which}};
}

/* One use of form `which`, which consists of that byte. Was it there? */
static bool use(mx_forms *of, int which, size_t bytes) {
    mx_form_key key = key_of(which);
    mx_form_use u;
    if (!CHECK(mx_form_open(&u, of, &key, bytes, true)))
        return false;
    char *data = u.data;
    if (!u.ready)
        memset(data, which, bytes);
    CHECK(data[0] == which && data[bytes - 1] == which);
    mx_form_close(&u, true);
    return u.ready;
}

static int uses_until_kept(mx_forms *of, int which, size_t bytes) {
    int n = 0;
    while (n < 20 && !use(of, which, bytes))
        n++;
    return n;
}

static size_t set_up(size_t room) {
    mx_mem_cache_clear();
    return mx_mem_set_cache_limit(room);
}

static void kept_at_the_third_use(void) {
    size_t former = set_up(ROOM), active = mx_mem_active();
    int64_t live = mx_alloc_live();
    mx_forms of = {NULL};
    CHECK_EQ_INT(uses_until_kept(&of, 1, 8 * KB), 3);
    CHECK_EQ_INT(uses_until_kept(&of, 2, 4 * KB), 3);
    CHECK(use(&of, 1, 8 * KB));
    CHECK_EQ_INT(mx_mem_active(), active);
    CHECK(mx_mem_cached() >= 12 * KB);
    mx_forms_drop(&of);
    CHECK(!use(&of, 1, 8 * KB));
    mx_forms_drop(&of);
    CHECK_EQ_INT(mx_alloc_live(), live);
    CHECK_EQ_INT(mx_mem_active(), active);
    mx_mem_set_cache_limit(former);
}

static void nothing_is_kept_of_other_memory(void) {
    size_t former = set_up(ROOM);
    mx_form_key key = key_of(1);
    mx_form_use u;
    for (int i = 0; i < 5; i++)
        CHECK(!use(NULL, 1, KB));
    CHECK(mx_form_open(&u, NULL, &key, KB, false));
    CHECK(!u.data && !u.ready);
    mx_form_close(&u, true);
    mx_mem_set_cache_limit(former);
}

/* What was not made is not kept; who does not need a block gets one only to be kept. */
static void only_what_was_made(void) {
    size_t former = set_up(ROOM);
    mx_forms of = {NULL};
    mx_form_key key = key_of(1);
    mx_form_use u;
    for (int i = 0; i < 4; i++) {
        CHECK(mx_form_open(&u, &of, &key, KB, false));
        CHECK_EQ_INT(u.data != NULL, i >= 2);
        CHECK(!u.ready);
        mx_form_close(&u, false);
    }
    mx_forms_drop(&of);
    mx_mem_set_cache_limit(former);
}

/* A memory that is read in ever new ways is not followed for ever. */
static void not_too_many(void) {
    size_t former = set_up(ROOM);
    int64_t live = mx_alloc_live();
    mx_forms of = {NULL};
    for (int i = 0; i < 100; i++)
        use(&of, i, 64);
    CHECK(mx_alloc_live() - live <= 16);
    CHECK_EQ_INT(uses_until_kept(&of, 99, 64), 20);
    mx_forms_drop(&of);
    mx_mem_set_cache_limit(former);
}

static void room(void) {
    size_t former = set_up(ROOM);
    mx_forms of = {NULL};
    CHECK_EQ_INT(uses_until_kept(&of, 1, 16 * KB), 3);
    CHECK_EQ_INT(uses_until_kept(&of, 2, 16 * KB), 3);
    CHECK_EQ_INT(uses_until_kept(&of, 3, 64), 20); // as long as the others are read
    CHECK(mx_mem_cached() <= ROOM);
    mx_forms_drop(&of);
    mx_mem_set_cache_limit(0);
    CHECK_EQ_INT(uses_until_kept(&of, 1, 64), 20);
    mx_forms_drop(&of);
    mx_mem_set_cache_limit(former);
}

/* One that nobody reads any more makes room. */
static void stale_ones_go(void) {
    size_t former = set_up(ROOM);
    mx_forms of = {NULL};
    uses_until_kept(&of, 1, 16 * KB);
    uses_until_kept(&of, 2, 16 * KB);
    for (int i = 0; i < 20; i++)
        CHECK(use(&of, 2, 16 * KB));
    CHECK_EQ_INT(uses_until_kept(&of, 3, 16 * KB), 3);
    CHECK(use(&of, 2, 16 * KB));
    CHECK(!use(&of, 1, 16 * KB));
    mx_forms_drop(&of);
    mx_mem_set_cache_limit(former);
}

/* What is read stays where it is until it has been read. */
static void shortage(void) {
    size_t former = set_up(ROOM);
    mx_forms of = {NULL};
    mx_form_key key = key_of(1);
    mx_form_use u;
    uses_until_kept(&of, 1, 16 * KB);
    uses_until_kept(&of, 2, 8 * KB);
    CHECK(mx_form_open(&u, &of, &key, 16 * KB, true) && u.ready);
    mx_mem_cache_clear();
    CHECK_EQ_INT(mx_mem_cached(), mx_block_size(16 * KB));
    CHECK(((char *)u.data)[16 * KB - 1] == 1);
    mx_form_close(&u, true);
    CHECK(use(&of, 1, 16 * KB));
    mx_mem_cache_clear();
    CHECK_EQ_INT(mx_mem_cached(), 0);
    CHECK_EQ_INT(uses_until_kept(&of, 1, 16 * KB), 3);
    CHECK_EQ_INT(uses_until_kept(&of, 2, 8 * KB), 3);
    mx_mem_set_cache_limit(ROOM / 4);
    CHECK(mx_mem_cached() <= ROOM / 4);
    mx_forms_drop(&of);
    mx_mem_set_cache_limit(former);
}

/* An allocation beyond the memory limit takes forms' room first. */
static void limits(void) {
    size_t former = set_up(ROOM), used = mx_mem_active(), limit = mx_mem_set_limit(used + ROOM);
    mx_forms of = {NULL};
    CHECK_EQ_INT(uses_until_kept(&of, 1, 16 * KB), 3);
    void *block = mx_block_alloc(60 * KB);
    CHECK(block);
    CHECK_EQ_INT(mx_mem_cached(), 0);
    CHECK(!use(&of, 1, 16 * KB));
    mx_block_free(block, 60 * KB);
    mx_forms_drop(&of);
    mx_mem_set_limit(limit);
    mx_mem_set_cache_limit(former);
}

/* Every allocation fails once. */
static void failing_allocations(void) {
    size_t former = set_up(ROOM);
    int64_t live = mx_alloc_live();
    size_t active = mx_mem_active();
    mx_form_key key = key_of(1);
    for (int n = 1; n <= 6; n++) {
        mx_forms of = {NULL};
        mx_form_use u;
        int failed = 0;
        mx_alloc_fail_at((uint64_t)n);
        for (int i = 0; i < 5; i++) {
            bool open = mx_form_open(&u, &of, &key, 8 * KB, true);
            failed += !open;
            CHECK_EQ_INT(mx_failed(), !open);
            mx_error_clear();
            if (open)
                mx_form_close(&u, true);
        }
        CHECK_EQ_INT(failed, n <= 4);
        mx_alloc_fail_at(0);
        mx_forms_drop(&of);
    }
    CHECK_EQ_INT(mx_alloc_live(), live);
    CHECK_EQ_INT(mx_mem_active(), active);
    mx_mem_set_cache_limit(former);
}

enum { THREADS = 6, FORMS = 3, ROUNDS = 2000 };

static mx_forms shared;

static void *read_all(void *wrong) {
    for (int i = 0; i < ROUNDS; i++) {
        int which = i % FORMS;
        mx_form_key key = key_of(which);
        mx_form_use u;
        if (!mx_form_open(&u, &shared, &key, 4 * KB, true))
            return NULL;
        unsigned char *data = u.data;
        if (!u.ready)
            memset(data, which, 4 * KB);
        for (size_t k = 0; k < 4 * KB; k += 64)
            *(int *)wrong += data[k] != which;
        mx_form_close(&u, true);
    }
    return NULL;
}

static void *clear_all(void *unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; i++)
        mx_mem_cache_clear();
    return NULL;
}

static void threads(void) {
    size_t former = set_up(ROOM), active = mx_mem_active();
    pthread_t reader[THREADS], cleaner;
    int wrong[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&reader[i], NULL, read_all, &wrong[i]));
    CHECK(!pthread_create(&cleaner, NULL, clear_all, NULL));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(reader[i], NULL);
        CHECK_EQ_INT(wrong[i], 0);
    }
    pthread_join(cleaner, NULL);
    mx_forms_drop(&shared);
    CHECK_EQ_INT(mx_mem_active(), active);
    mx_mem_set_cache_limit(former);
}

int main(void) {
    RUN(kept_at_the_third_use);
    RUN(nothing_is_kept_of_other_memory);
    RUN(only_what_was_made);
    RUN(not_too_many);
    RUN(room);
    RUN(stale_ones_go);
    RUN(shortage);
    RUN(limits);
    RUN(failing_allocations);
    RUN(threads);
    return check_done();
}
