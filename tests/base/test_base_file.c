/* Files: mapping, reading, and writing that is complete or leaves the old file alone. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory/cache.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "own_folder.h"

static char dir[128], path[192], link_path[192];

static bool write_text(const char *to, const char *text) {
    mx_writer *w = mx_writer_open("save", to);
    return w && mx_writer_put(w, text, strlen(text)) && mx_writer_commit(w);
}

static bool holds(const char *file, const char *text) {
    mx_mapped m = {0};
    mx_file *f = mx_file_open("load", file);
    if (!f || !mx_file_map(f, &m))
        return false;
    bool same = m.size == strlen(text) && memcmp(m.data, text, m.size) == 0;
    mx_file_close(f);
    mx_file_unmap(&m);
    return same;
}

static int files_in_dir(void) {
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void test_write_then_map(void) {
    CHECK(write_text(path, "hello"));
    CHECK(holds(path, "hello"));
    CHECK(write_text(path, ""));
    CHECK(holds(path, ""));
    CHECK(write_text(path, "again"));
    CHECK(holds(path, "again"));
    CHECK_EQ_INT(files_in_dir(), 1);
}

static void test_many_pieces(void) {
    size_t n = 1500000;
    unsigned char *bytes = malloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(i * 7 + (i >> 9));
    mx_writer *w = mx_writer_open("save", path);
    bool ok = w;
    for (size_t at = 0, k = 1; ok && at < n; at += k, k = k * 3 % 700001) {
        size_t piece = k < n - at ? k : n - at;
        ok = mx_writer_put(w, bytes + at, piece);
    }
    CHECK_EQ_INT(mx_writer_count(w), n);
    CHECK(ok && mx_writer_commit(w));
    mx_mapped m = {0};
    mx_file *f = mx_file_open("load", path);
    size_t active = mx_mem_active();
    CHECK(mx_file_map(f, &m) && m.size == n && !memcmp(m.data, bytes, n));
    CHECK_EQ_INT(mx_mem_active(), active + n);
    mx_file_unmap(&m);
    CHECK_EQ_INT(mx_mem_active(), active);
    unsigned char part[1000], *all = malloc(n);
    CHECK(mx_file_read(f, all, n, 0) && !memcmp(all, bytes, n)); // by several threads
    free(all);
    CHECK_EQ_INT(mx_file_size(f), n);
    CHECK(mx_file_read(f, part, 1000, 123456) && !memcmp(part, bytes + 123456, 1000));
    CHECK(!mx_file_read(f, part, 1000, n - 999));
    CHECK_HAS(mx_error_message(), "past its end");
    mx_error_clear();
    CHECK(!mx_file_read(f, part, 1000, UINT64_MAX));
    mx_error_clear();
    mx_file_close(f);
    free(bytes);
}

/* What happens to a file after it was opened. */
static void test_changes(void) {
    char text[6] = "", other[256];
    snprintf(other, sizeof other, "%s.other", path);
    CHECK(write_text(path, "hello"));
    mx_file *f = mx_file_open("load", path);
    CHECK(write_text(path, "other")); // another file of that name
    CHECK(mx_file_read(f, text, 5, 0) && !strcmp(text, "hello"));
    CHECK(!rename(path, other) && !unlink(other));
    CHECK(mx_file_read(f, text, 5, 0) && !strcmp(text, "hello"));
    mx_file_close(f);
    CHECK(write_text(path, "hello"));
    f = mx_file_open("load", path);
    struct timespec times[2] = {{1, 0}, {1, 0}};
    CHECK(!utimensat(AT_FDCWD, path, times, 0));
    CHECK(!mx_file_read(f, text, 5, 0) && mx_error_status() == MX_IO);
    CHECK_HAS(mx_error_message(), "it was written to after it was opened");
    mx_error_clear();
    CHECK(!truncate(path, 3));
    CHECK(!mx_file_read(f, text, 5, 0));
    CHECK_HAS(mx_error_message(), "it was cut short after it was opened");
    mx_error_clear();
    CHECK(!mx_file_check(f));
    mx_error_clear();
    mx_file_close(f);
}

static void test_going_back(void) {
    mx_writer *w = mx_writer_open("save", path);
    CHECK(mx_writer_put(w, "abcdef", 6) && mx_writer_seek(w, 1) && mx_writer_put(w, "XY", 2));
    CHECK_EQ_INT(mx_writer_at(w), 3);
    CHECK_EQ_INT(mx_writer_count(w), 6);
    CHECK(mx_writer_seek(w, 6) && mx_writer_put(w, "g", 1) && mx_writer_commit(w));
    CHECK(holds(path, "aXYdefg"));
}

static void test_refusals(void) {
    CHECK(!mx_file_open("load", "/nonexistent/x"));
    CHECK_STR(mx_error_message(), "[load] cannot open '/nonexistent/x': No such file or directory");
    CHECK_EQ_INT(mx_error_status(), MX_IO);
    mx_error_clear();
    CHECK(!mx_file_open("load", dir));
    CHECK_HAS(mx_error_message(), "it is a directory");
    mx_error_clear();
    CHECK(!mx_file_open("load", "/dev/null"));
    CHECK_HAS(mx_error_message(), "not a regular file");
    mx_error_clear();
    CHECK(!mx_writer_open("save", "/nonexistent/x"));
    CHECK_HAS(mx_error_message(), "[save] cannot create '/nonexistent/x'");
    mx_error_clear();
    CHECK(!mx_writer_open("save", dir));
    mx_error_clear();
}

static void test_full_device(void) {
    mx_writer *w = mx_writer_open("save", "/dev/full");
    if (!w) {
        mx_error_clear();
        SKIP("no /dev/full");
        return;
    }
    mx_writer_put(w, "abc", 3);
    CHECK(!mx_writer_commit(w));
    CHECK_STR(mx_error_message(), "[save] cannot write '/dev/full': No space left on device");
    mx_error_clear();
}

/* A file size limit stands in for a full disk. */
static void test_old_file_survives(void) {
    CHECK(write_text(path, "precious"));
    struct rlimit former, small = {.rlim_cur = 4096};
    getrlimit(RLIMIT_FSIZE, &former);
    small.rlim_max = former.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    mx_writer *w = mx_writer_open("save", path);
    static const char block[300000];
    bool wrote = mx_writer_put(w, block, sizeof block);
    bool more = mx_writer_put(w, block, 10);
    bool committed = mx_writer_commit(w);
    setrlimit(RLIMIT_FSIZE, &former);
    CHECK(!wrote && !more && !committed);
    CHECK_HAS(mx_error_message(), "[save] cannot write '");
    mx_error_clear();
    CHECK(holds(path, "precious"));
    CHECK_EQ_INT(files_in_dir(), 1);
}

static void test_abandon(void) {
    mx_writer *w = mx_writer_open("save", path);
    CHECK(mx_writer_put(w, "x", 1));
    CHECK_EQ_INT(files_in_dir(), 2);
    mx_writer_abandon(w);
    mx_writer_abandon(NULL);
    CHECK_EQ_INT(files_in_dir(), 1);
    CHECK(holds(path, "precious"));
}

static int asked, stops_at;

static int stops(void *unused) {
    (void)unused;
    return ++asked == stops_at;
}

/* Wherever it is stopped: before each piece, and before the file would have its name. */
static void test_host_that_stops(void) {
    static const char block[300000];
    bool done = false;
    for (stops_at = 1; !done && stops_at < 20; stops_at++) {
        asked = 0;
        mx_interrupt_set_check_within(stops, NULL);
        mx_writer *w = mx_writer_open("save", path);
        mx_writer_heed(w);
        for (int i = 0; i < 3; i++)
            mx_writer_put(w, block, sizeof block);
        done = mx_writer_put(w, "the end", 7);
        done = mx_writer_commit(w) && done;
        mx_interrupt_set_check_within(NULL, NULL);
        CHECK(done || (mx_error_status() == MX_INTERRUPTED && holds(path, "precious")));
        CHECK_EQ_INT(files_in_dir(), 1);
        mx_error_clear();
    }
    CHECK(done && stops_at == 7); // three blocks, the end, the name; then it is not stopped
    CHECK(write_text(path, "precious"));
}

static void test_mode_and_link_stay(void) {
    CHECK(chmod(path, 0640) == 0 && symlink(path, link_path) == 0);
    CHECK(write_text(link_path, "through the link"));
    struct stat s;
    CHECK(lstat(link_path, &s) == 0 && S_ISLNK(s.st_mode));
    CHECK(stat(path, &s) == 0 && (s.st_mode & 0777) == 0640);
    CHECK(holds(path, "through the link"));
    unlink(link_path);
}

static void test_without_memory(void) {
    int64_t live = mx_alloc_live();
    bool done = false;
    for (uint64_t n = 1; !done && n < 20; n++) {
        mx_alloc_fail_at(n);
        done = write_text(path, "memory");
        mx_alloc_fail_at(0);
        CHECK(done || mx_error_status() == MX_NOMEM);
        mx_error_clear();
    }
    CHECK(done && holds(path, "memory"));
    CHECK_EQ_INT(files_in_dir(), 1);
    CHECK_EQ_INT(mx_alloc_live(), live);
}

int main(void) {
    own_folder(dir, sizeof dir, "mlxtest");
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(link_path, sizeof link_path, "%s/link", dir);
    RUN(test_write_then_map);
    RUN(test_many_pieces);
    RUN(test_changes);
    RUN(test_going_back);
    RUN(test_refusals);
    RUN(test_full_device);
    RUN(test_old_file_survives);
    RUN(test_abandon);
    RUN(test_host_that_stops);
    RUN(test_mode_and_link_stay);
    RUN(test_without_memory);
    unlink(path);
    rmdir(dir);
    return check_done();
}
