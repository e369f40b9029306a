/* Errors, small allocations, the block cache: limits, counters, reuse, injected failures;
 * dtypes. */
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory/cache.h"
#include "base/machine/cgroup.h"
#include "base/machine/cpuinfo.h"
#include "base/dtype.h"
#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "own_folder.h"

#define MB ((size_t)1 << 20)

static void test_first_error_sticks(void) {
    CHECK(!mx_failed());
    CHECK_STR(mx_error_message(), "");
    CHECK(mx_fail(MX_RANGE, "[take] index %d", 7) == NULL);
    mx_fail(MX_IO, "[load] later");
    CHECK_EQ_INT(mx_error_status(), MX_RANGE);
    CHECK_STR(mx_error_message(), "[take] index 7");
    mx_error_clear();
    CHECK(!mx_failed());
    mx_fail_nomem("add", 12);
    CHECK_STR(mx_error_message(), "[add] out of memory: 12 bytes");
    mx_error_clear();
}

static void test_allocations_are_counted_and_checked(void) {
    int64_t before = mx_alloc_live();
    char *a = mx_malloc(0), *b = mx_calloc(3, 5), *c = mx_strdup("abc");
    CHECK(a && b && c);
    CHECK_EQ_INT(mx_alloc_live() - before, 3);
    for (int i = 0; i < 15; i++)
        CHECK_EQ_INT(b[i], 0);
    CHECK_STR(c, "abc");
    c = mx_realloc_array(c, 100, 2);
    CHECK_STR(c, "abc");
    CHECK(!mx_realloc_array(c, SIZE_MAX / 2, 3));
    CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
    mx_error_clear();
    CHECK(!mx_calloc(SIZE_MAX / 4, 5));
    mx_error_clear();
    mx_free(a), mx_free(b), mx_free(c), mx_free(NULL);
    CHECK_EQ_INT(mx_alloc_live(), before);
}

static void test_nth_allocation_fails_once(void) {
    mx_alloc_fail_at(2);
    void *a = mx_malloc(8), *b = mx_malloc(8), *c = mx_malloc(8);
    CHECK(a && !b && c);
    CHECK_EQ_INT(mx_alloc_count(), 3);
    CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
    mx_error_clear();
    mx_free(a), mx_free(c);
    mx_alloc_fail_at(1);
    CHECK(!mx_block_alloc(100));
    CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
    mx_error_clear();
    mx_alloc_fail_at(0);
}

static void test_block_sizes(void) {
    bool ok = true;
    for (size_t n = 0; n < 300000; n += n < 5000 ? 1 : 37) {
        size_t size = mx_block_size(n);
        ok = ok && size >= n && size % 64 == 0 && size <= n + n / 8 + 64 &&
             mx_block_size(size) == size;
    }
    CHECK(ok);
    CHECK_EQ_INT(mx_block_size(16 * MB), 16 * MB);
    CHECK_EQ_INT(mx_block_size(16 * MB + 1), 18 * MB);
}

static void test_blocks_are_aligned_and_have_slack(void) {
    static const size_t sizes[] = {0, 1, 64, 65, 4096, 100000, MB - 1, MB, 3 * MB, 5 * MB + 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = mx_block_size(sizes[i]);
        unsigned char *p = mx_block_alloc(sizes[i]);
        if (!CHECK(p != NULL))
            return;
        CHECK_EQ_INT((uintptr_t)p % 64, 0);
        memset(p, 1, sizes[i]);
        volatile unsigned char sum = 0;
        for (size_t k = 0; k < 64; k++)
            sum = (unsigned char)(sum + p[size + k]); // readable
        mx_block_free(p, sizes[i]);
    }
}

static void test_counters_and_reuse(void) {
    size_t former = mx_mem_set_cache_limit(64 * MB);
    mx_mem_cache_clear();
    size_t active = mx_mem_active();
    CHECK_EQ_INT(mx_mem_cached(), 0);
    mx_mem_peak_reset();
    void *a = mx_block_alloc(2 * MB), *b = mx_block_alloc(1000);
    CHECK_EQ_INT(mx_mem_active() - active, 2 * MB + mx_block_size(1000));
    mx_block_free(a, 2 * MB);
    CHECK_EQ_INT(mx_mem_cached(), 2 * MB);
    CHECK_EQ_INT(mx_mem_peak() - active, 2 * MB + mx_block_size(1000));
    void *again = mx_block_alloc(2 * MB);
    CHECK(again == a);
    CHECK_EQ_INT(mx_mem_cached(), 0);
    mx_block_free(again, 2 * MB);
    mx_block_free(b, 1000);
    CHECK_EQ_INT(mx_mem_active(), active);
    mx_mem_cache_clear();
    CHECK_EQ_INT(mx_mem_cached(), 0);
    mx_mem_set_cache_limit(former);
}

static void test_cache_limit_evicts_the_oldest(void) {
    size_t former = mx_mem_set_cache_limit(8 * MB);
    mx_mem_cache_clear();
    void *a = mx_block_alloc(4 * MB), *b = mx_block_alloc(3 * MB), *c = mx_block_alloc(5 * MB);
    mx_block_free(a, 4 * MB);
    mx_block_free(b, 3 * MB);
    CHECK_EQ_INT(mx_mem_cached(), 7 * MB);
    mx_block_free(c, 5 * MB); // the 4 MB have to go
    CHECK_EQ_INT(mx_mem_cached(), 8 * MB);
    void *big = mx_block_alloc(16 * MB);
    mx_block_free(big, 16 * MB); // never fits: given back
    CHECK(mx_mem_cached() <= 8 * MB);
    CHECK_EQ_INT(mx_mem_set_cache_limit(0), 8 * MB);
    CHECK_EQ_INT(mx_mem_cached(), 0);
    mx_mem_set_cache_limit(former);
}

/* A guideline: above it the cache gives way and allocation goes on. */
static void test_memory_limit(void) {
    CHECK(mx_mem_limit() < mx_cpuinfo_get()->memory);
    size_t former_cache = mx_mem_set_cache_limit(64 * MB);
    mx_mem_cache_clear();
    void *a = mx_block_alloc(6 * MB);
    mx_block_free(a, 6 * MB);
    bool keeps = mx_mem_cached() > 0; // not where every block comes from the system
    size_t former = mx_mem_set_limit(mx_mem_active() + 8 * MB);
    CHECK_EQ_INT(mx_mem_cached(), keeps ? 6 * MB : 0);
    a = mx_block_alloc(7 * MB);
    CHECK(a && mx_mem_cached() == 0);
    void *b = mx_block_alloc(4 * MB);
    CHECK(b != NULL);
    mx_block_free(b, 4 * MB);
    CHECK(mx_mem_cached() <= MB); // no more than the limit leaves room for
    mx_block_free(a, 7 * MB);
    CHECK_EQ_INT(mx_mem_set_limit(0), mx_mem_active() + 8 * MB);
    CHECK_EQ_INT(mx_mem_cached(), 0);
    a = mx_block_alloc(MB);
    CHECK(a != NULL);
    mx_block_free(a, MB);
    CHECK_EQ_INT(mx_mem_cached(), 0);
    mx_mem_set_limit(former);
    mx_mem_set_cache_limit(former_cache);
}

/* --- control groups: a tree of files that says what the kernel's would ------------------------ */

static char groups[128];

static const char *in_groups(const char *name) {
    static char path[4][192];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof *path, "%s/%s", groups, name);
    return p;
}

static void say(const char *name, const char *text) {
    FILE *f = fopen(in_groups(name), "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f)
        fclose(f);
}

static void test_cgroups(void) {
    static const char *const folders[] = {"v2",        "v2/a",        "v2/a/b", "v1",
                                          "v1/memory", "v1/memory/c", "v1/cpu"};
    own_folder(groups, sizeof groups, "mlx_groups");
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        CHECK_EQ_INT(mkdir(in_groups(folders[i]), 0700), 0);
    say("self2", "0::/a/b\n");
    CHECK(mx_cgroup_memory(in_groups("v2"), in_groups("self2")) == SIZE_MAX);
    CHECK_EQ_INT(mx_cgroup_processors(in_groups("v2"), in_groups("self2")), INT_MAX);
    say("v2/a/b/memory.max", "max\n");
    say("v2/a/memory.max", "5000000\n"); // holds for those below
    say("v2/memory.max", "7000000\n");
    CHECK_EQ_INT(mx_cgroup_memory(in_groups("v2"), in_groups("self2")), 5000000);
    say("v2/a/b/memory.max", "3000000\n");
    say("v2/a/cpu.max", "150000 100000\n");
    CHECK_EQ_INT(mx_cgroup_memory(in_groups("v2"), in_groups("self2")), 3000000);
    CHECK_EQ_INT(mx_cgroup_processors(in_groups("v2"), in_groups("self2")), 2);
    say("elsewhere", "0::/name/of/the/host\n"); // in a container: the mount's own files count
    CHECK_EQ_INT(mx_cgroup_memory(in_groups("v2"), in_groups("elsewhere")), 7000000);
    CHECK_EQ_INT(mx_cgroup_memory(in_groups("v2"), in_groups("nothing")), 7000000);
    say("self1", "9:name=systemd:/\n4:memory:/c\n3:cpu,cpuacct:/\n0::/\n");
    say("v1/memory/memory.limit_in_bytes", "9223372036854771712\n");
    say("v1/memory/c/memory.limit_in_bytes", "4000000\n");
    say("v1/cpu/cpu.cfs_quota_us", "-1\n");
    say("v1/cpu/cpu.cfs_period_us", "100000\n");
    CHECK_EQ_INT(mx_cgroup_memory(in_groups("v1"), in_groups("self1")), 4000000);
    CHECK_EQ_INT(mx_cgroup_processors(in_groups("v1"), in_groups("self1")), INT_MAX);
    say("v1/cpu/cpu.cfs_quota_us", "300000\n");
    CHECK_EQ_INT(mx_cgroup_processors(in_groups("v1"), in_groups("self1")), 3);
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", groups);
    CHECK_EQ_INT(system(command), 0);
}

static void test_hard_limit(void) {
    size_t former_cache = mx_mem_set_cache_limit(64 * MB);
    size_t former = mx_mem_set_hard_limit(mx_mem_active() + 8 * MB);
    mx_mem_cache_clear();
    void *a = mx_block_alloc(6 * MB);
    CHECK(a != NULL);
    CHECK(!mx_block_alloc(4 * MB));
    CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
    CHECK_HAS(mx_error_message(), "the limit is");
    mx_error_clear();
    mx_block_free(a, 6 * MB);
    void *b = mx_block_alloc(7 * MB); // only after the cached 6 MB are given back
    CHECK(b != NULL);
    CHECK_EQ_INT(mx_mem_cached(), 0);
    mx_block_free(b, 7 * MB);
    mx_mem_set_hard_limit(former);
    mx_mem_set_cache_limit(former_cache);
    CHECK(!mx_block_alloc(SIZE_MAX));
    CHECK(!mx_block_alloc((size_t)1 << 51));
    mx_error_clear();
}

static void *churn(void *arg) {
    unsigned seed = (unsigned)(uintptr_t)arg;
    bool ok = true;
    for (int i = 0; i < 3000; i++) {
        size_t n = (seed = seed * 1103515245u + 12345u) % 70000 + 1;
        unsigned char *p = mx_block_alloc(n);
        if (!p)
            return NULL;
        p[0] = p[n - 1] = (unsigned char)i;
        ok = ok && p[0] == (unsigned char)i;
        mx_block_free(p, n);
    }
    return ok ? arg : NULL;
}

static void test_threads(void) {
    size_t active = mx_mem_active();
    pthread_t t[4];
    for (uintptr_t i = 0; i < 4; i++)
        CHECK(pthread_create(&t[i], NULL, churn, (void *)(i + 1)) == 0);
    for (uintptr_t i = 0; i < 4; i++) {
        void *result;
        pthread_join(t[i], &result);
        CHECK(result == (void *)(i + 1));
    }
    CHECK_EQ_INT(mx_mem_active(), active);
}

/* The upper triangle of MLX's promotion table, a row per first dtype in the order of MX_DTYPES:
   b bool, 1 2 4 8 unsigned, i j k l signed, h float16, f float32, d float64, t bfloat16, c
   complex64. */
/* Small blocks and large ones come and go: what is in use and its peak are as a plain count has
   them, wherever blocks lie meanwhile. */
static void test_counters_are_exact(void) {
    enum { HELD = 60, STEPS = 4000 };
    void *held[HELD] = {0};
    size_t bytes[HELD] = {0}, base = mx_mem_active(), use = base, peak = 0;
    uint32_t state = (uint32_t)check_seed(5);
    mx_mem_peak_reset();
    for (int i = 0; i < STEPS; i++) {
        state = state * 1664525u + 1013904223u;
        int k = (int)(state >> 8) % HELD;
        if (held[k]) {
            mx_block_free(held[k], bytes[k]);
            use -= mx_block_size(bytes[k]);
            held[k] = NULL;
        } else {
            bytes[k] = state >> 16 & 7 ? 1 + (state >> 20) % 4000 : 100000;
            CHECK((held[k] = mx_block_alloc(bytes[k])) != NULL);
            use += mx_block_size(bytes[k]);
            peak = use > peak ? use : peak;
        }
        if (i % 41 == 0)
            CHECK_EQ_INT(mx_mem_active(), use);
        if (i % 97 == 0)
            CHECK_EQ_INT(mx_mem_peak(), peak);
        if (i % 501 == 0) {
            mx_mem_cache_clear();
            CHECK_EQ_INT(mx_mem_cached(), 0);
        }
        if (i % 701 == 0) {
            mx_mem_peak_reset();
            CHECK_EQ_INT(mx_mem_peak(), peak = 0);
        }
    }
    for (int k = 0; k < HELD; k++)
        mx_block_free(held[k], bytes[k]);
    CHECK_EQ_INT(mx_mem_active(), base);
}

/* What a thread leaves on its tray is the cache's afterwards. */
static void *leave_blocks(void *unused) {
    void *p[20];
    for (int i = 0; i < 20; i++)
        p[i] = mx_block_alloc(1000);
    for (int i = 0; i < 20; i++)
        mx_block_free(p[i], 1000);
    return unused;
}

static void test_thread_that_ends(void) {
    pthread_t t;
    mx_mem_cache_clear();
    size_t base = mx_mem_active();
    CHECK(pthread_create(&t, NULL, leave_blocks, NULL) == 0);
    pthread_join(t, NULL);
    CHECK_EQ_INT(mx_mem_active(), base);
    CHECK(mx_mem_cached() == 20 * mx_block_size(1000) || mx_mem_cached() == 0); /* sanitizers */
    mx_mem_cache_clear();
    CHECK_EQ_INT(mx_mem_cached(), 0);
}

static void test_promotion(void) {
    static const char code[] = "b1248ijklhfdtc";
    static const char *const rows[] = {"b1248ijklhfdtc",
                                       "1248jjklhfdtc",
                                       "248kkklhfdtc",
                                       "48llllhfdtc",
                                       "8ffffhfdtc",
                                       "ijklhfdtc",
                                       "jklhfdtc",
                                       "klhfdtc",
                                       "lhfdtc",
                                       "hfdfc",
                                       "fdfc",
                                       "ddc",
                                       "tc",
                                       "c"};
    for (int a = 0; a < MX_DTYPE_COUNT; a++)
        for (int b = a; b < MX_DTYPE_COUNT; b++) {
            mx_dtype want = (mx_dtype)(strchr(code, rows[a][b - a]) - code);
            CHECK_EQ_INT(mx_dtype_promote((mx_dtype)a, (mx_dtype)b), want);
            CHECK_EQ_INT(mx_dtype_promote((mx_dtype)b, (mx_dtype)a), want);
        }
}

static void test_dtype_facts(void) {
    CHECK_EQ_INT(mx_dtype_size(MX_COMPLEX64), 8);
    CHECK_EQ_INT(mx_dtype_size(MX_BFLOAT16), 2);
    CHECK_STR(mx_dtype_name(MX_BOOL), "bool");
    CHECK_STR(mx_dtype_name((mx_dtype)99), "invalid");
    CHECK_EQ_INT(mx_dtype_compute(MX_FLOAT16), MX_FLOAT32);
    CHECK_EQ_INT(mx_dtype_to_inexact(MX_UINT8), MX_FLOAT32);
    CHECK_EQ_INT(mx_dtype_to_inexact(MX_FLOAT64), MX_FLOAT64);
    CHECK(mx_dtype_is_integer(MX_INT8) && !mx_dtype_is_integer(MX_BOOL));
    CHECK(mx_dtype_is_inexact(MX_COMPLEX64) && !mx_dtype_is_float(MX_COMPLEX64));
}

static void test_cpuinfo(void) {
    const mx_cpuinfo *c = mx_cpuinfo_get();
    CHECK(c->processors >= 1);
    CHECK(c->memory >= 64 * MB);
    CHECK(c->l1d >= 4096 && c->l2 >= c->l1d);
    CHECK(!c->avx512 || c->avx2);
}

int main(void) {
    RUN(test_first_error_sticks);
    RUN(test_allocations_are_counted_and_checked);
    RUN(test_nth_allocation_fails_once);
    RUN(test_block_sizes);
    RUN(test_blocks_are_aligned_and_have_slack);
    RUN(test_counters_and_reuse);
    RUN(test_cache_limit_evicts_the_oldest);
    RUN(test_hard_limit);
    RUN(test_memory_limit);
    RUN(test_cgroups);
    RUN(test_threads);
    RUN(test_counters_are_exact);
    RUN(test_thread_that_ends);
    RUN(test_promotion);
    RUN(test_dtype_facts);
    RUN(test_cpuinfo);
    return check_done();
}
