/* Files that are cut short while arrays lie in them (base/guard.h): an error of whoever evaluates,
 * and the process goes on. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/guard.h"
#include "io_files.h"
#include "mlx/c/mlx.h"

enum { N = 1 << 18 };

static mlx_stream cpu = {NULL};
static char path[600];

/* "first" and "second", a megabyte each, mapped; the file. */
static void open_two(mlx_array *first, mlx_array *second) {
    mlx_array a = mlx_array_new();
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    mlx_map_string_to_string none = mlx_map_string_to_string_new();
    snprintf(path, sizeof path, "%s", own_path("two.safetensors"));
    CHECK_OK(mlx_arange(&a, 0, N, 1, MLX_FLOAT32, cpu));
    mlx_map_string_to_array_insert(map, "first", a);
    mlx_map_string_to_array_insert(map, "second", a);
    CHECK_OK(mlx_save_safetensors(path, map, none));
    mlx_map_string_to_array_free(map);
    mlx_file f = mlx_file_new();
    size_t i;
    CHECK_OK(mlx_file_open(&f, path, true));
    CHECK_OK(mlx_file_find(&i, f, "first"));
    CHECK_OK(mlx_file_read(first, f, i, cpu));
    CHECK_OK(mlx_file_find(&i, f, "second"));
    CHECK_OK(mlx_file_read(second, f, i, cpu));
    CHECK_OK(mlx_array_eval(*first));
    CHECK_OK(mlx_array_eval(*second));
    mlx_file_free(f);
    mlx_map_string_to_string_free(none);
    mlx_array_free(a);
}

static float sum_of(mlx_array a) {
    mlx_array sum = mlx_array_new();
    float v = -1;
    CHECK_OK(mlx_sum(&sum, a, false, cpu));
    CHECK_OK(mlx_array_item_float32(&v, sum));
    mlx_array_free(sum);
    return v;
}

static void what_was_lost_is_an_error(void) {
    mlx_array first = mlx_array_new(), second = mlx_array_new(), y = mlx_array_new(),
              view = mlx_array_new(), one = mlx_array_new_float(1);
    open_two(&first, &second);
    float whole = sum_of(first);
    CHECK_EQ_INT(truncate(path, N * 5), 0); // all of the first, a quarter of the second
    CHECK_NEAR(sum_of(first), whole, 0);
    CHECK_OK(mlx_add(&y, second, one, cpu));
    CHECK_FAILS(mlx_array_eval(y), "two.safetensors' was cut short while it was mapped");
    CHECK_FAILS(mlx_array_eval(y), "was cut short");
    CHECK_FAILS(mlx_array_eval(second), "was cut short");
    CHECK_OK(mlx_slice(&view, second, (int[]){N - 4}, 1, (int[]){N}, 1, (int[]){1}, 1, cpu));
    CHECK_FAILS(mlx_array_eval(view), "was cut short");
    // nothing of this file is trusted any more; other arrays are as they were
    CHECK_FAILS(mlx_array_eval(first), "was cut short");
    CHECK_NEAR(sum_of(one), 1, 0);
    mlx_array_free(first), mlx_array_free(second), mlx_array_free(y), mlx_array_free(view);
    mlx_array_free(one);
}

static void a_new_file_is_whole(void) {
    for (int i = 0; i < 3; i++) {
        mlx_array first = mlx_array_new(), second = mlx_array_new();
        open_two(&first, &second);
        CHECK_NEAR(sum_of(first), sum_of(second), 0);
        if (i % 2)
            CHECK_EQ_INT(truncate(path, 1), 0);
        if (i % 2)
            CHECK_FAILS(mlx_array_eval(second), "was cut short");
        mlx_array_free(first), mlx_array_free(second);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Pages of files that this process has in memory. */
static long file_pages(void) {
    long size, resident, shared = -1;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld %ld", &size, &resident, &shared) != 3)
        shared = -1;
    if (f)
        fclose(f);
    return shared;
}

/* Beyond the limit on memory the pages of mapped files go, and come back as they were. */
static void cold_pages_go(void) {
    mlx_array first = mlx_array_new(), second = mlx_array_new(), y = mlx_array_new();
    mlx_array zero = mlx_array_new_float(0), one = mlx_array_new_float(1);
    size_t limit, unused;
    open_two(&first, &second);
    float sum = sum_of(first);
    long before = file_pages();
    CHECK_OK(mlx_set_memory_limit(&limit, 1));
    CHECK_OK(mlx_random_uniform(&y, zero, one, (int[]){N}, 1, MLX_FLOAT32, mlx_array_empty, cpu));
    CHECK_OK(mlx_array_eval(y));
    CHECK_OK(mlx_clear_cache());
    CHECK_OK(mlx_set_memory_limit(&unused, limit));
    mx_guard_cool(); // no second time at once
    long after = file_pages();
    CHECK_NEAR(sum_of(first), sum, 0);
    CHECK_NEAR(sum_of(second), sum, 0);
    if (before > 0 && after > before - N * 4 / 4096 / 2)
        SKIP("this file system keeps pages");
    mlx_array_free(first), mlx_array_free(second), mlx_array_free(y);
    mlx_array_free(zero), mlx_array_free(one);
}

/* A file that is larger than the limits takes nothing from anybody. */
static void a_large_file_takes_no_room(void) {
    mlx_array first = mlx_array_new(), second = mlx_array_new(), y = mlx_array_new();
    size_t soft, hard, unused, active = 0;
    open_two(&first, &second);
    CHECK_OK(mlx_get_active_memory(&active));
    CHECK(active > 2 * N * 4);
    CHECK_OK(mlx_set_memory_limit(&soft, N * 4));
    CHECK_OK(mlx_set_memory_hard_limit(&hard, N * 4));
    CHECK_OK(mlx_ones(&y, (int[]){N / 4}, 1, MLX_FLOAT32, cpu));
    CHECK_OK(mlx_add(&y, y, y, cpu));
    CHECK_OK(mlx_array_eval(y));
    CHECK_NEAR(sum_of(y), N / 2, 0);
    CHECK_OK(mlx_ones(&y, (int[]){2 * N}, 1, MLX_FLOAT32, cpu));
    CHECK_OK(mlx_add(&y, y, y, cpu));
    CHECK_FAILS(mlx_array_eval(y), "out of memory");
    CHECK_OK(mlx_set_memory_hard_limit(&unused, hard));
    CHECK_OK(mlx_set_memory_limit(&unused, soft));
    mlx_array_free(first), mlx_array_free(second), mlx_array_free(y);
}

/* --- signals that are not this library's, each in a process of its own
   --------------------------- */

static void touch_own_file(void) {
    int fd = open(own_path("own"), O_RDWR | O_CREAT, 0600);
    char *p = ftruncate(fd, 4096) ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED || ftruncate(fd, 0))
        _exit(3);
    _exit(*(volatile char *)p);
}

static void handler(int number) {
    (void)number;
    _exit(42);
}

static int child(bool own_handler) {
    pid_t pid = fork();
    if (pid == 0) {
        mlx_array first = mlx_array_new(), second = mlx_array_new();
        signal(SIGBUS, own_handler ? handler : SIG_DFL);
        open_two(&first, &second);
        touch_own_file();
    }
    int status = -1;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

static void other_signals_go_on(void) {
    int status = child(true);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
#ifndef __SANITIZE_ADDRESS__ // which has a handler of its own
    status = child(false);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
#endif
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(other_signals_go_on); // first: the handler is installed with the first mapped file
    RUN(what_was_lost_is_an_error);
    RUN(a_new_file_is_whole);
    RUN(cold_pages_go);
    RUN(a_large_file_takes_no_room);
    files_done();
    return check_done();
}
