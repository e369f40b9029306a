#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/file.h"
#include "base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"

struct mx_file {
    int fd; /* -1: let go */
    uint64_t size;
    struct stat opened; /* what it was then */
    char op[32];
    char path[];
};

static void *fail_errno(const char *op, const char *what, const char *path) {
    char reason[128];
    return mx_fail(MX_IO, "[%s] cannot %s '%s': %s", op, what, path,
                   mx_errno_text(errno, reason, sizeof reason));
}

static bool is_regular(const char *op, const char *path, const struct stat *s) {
    if (S_ISREG(s->st_mode))
        return true;
    mx_fail(MX_IO, "[%s] cannot open '%s': %s", op, path,
            S_ISDIR(s->st_mode) ? "it is a directory" : "it is not a regular file");
    return false;
}

/* Files of /proc are said to be empty, whatever is in them. */
static bool says_its_size(const char *op, const char *path, int fd, const struct stat *s) {
    char byte;
    if (s->st_size > 0 || pread(fd, &byte, 1, 0) <= 0)
        return true;
    return mx_fail(
        MX_IO,
        "[%s] cannot open '%s': the system says that it is empty, as of files of /proc, but it is "
        "not; copy "
        "it first",
        op, path);
}

static atomic_int open_files;

/* A descriptor of a regular file, or -1. */
static int open_regular(const char *op, const char *path, struct stat *s) {
    // a pipe that nobody writes to must not block the open
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        fail_errno(op, "open", path);
        return -1;
    }
    bool known = fstat(fd, s) == 0;
    if (!known)
        fail_errno(op, "open", path);
    if (known && is_regular(op, path, s) && says_its_size(op, path, fd, s))
        return fd;
    close(fd);
    return -1;
}

mx_file *mx_file_open(const char *op, const char *path) {
    struct stat s;
    int fd = open_regular(op, path, &s);
    if (fd < 0)
        return NULL;
    mx_file *f = mx_malloc(sizeof *f + strlen(path) + 1);
    if (!f) {
        close(fd);
        return NULL;
    }
    atomic_fetch_add(&open_files, 1);
    f->fd = fd;
    f->size = (uint64_t)s.st_size;
    f->opened = s;
    snprintf(f->op, sizeof f->op, "%s", op);
    strcpy(f->path, path);
    return f;
}

uint64_t mx_file_size(const mx_file *f) {
    return f->size;
}

const char *mx_file_path(const mx_file *f) {
    return f->path;
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* A descriptor of the file that was let go; -1 and an error. */
static int open_again(const mx_file *f) {
    struct stat s;
    int fd = open_regular(f->op, f->path, &s);
    if (fd < 0 || is_same_file(&s, &f->opened))
        return fd;
    close(fd);
    mx_fail(MX_IO, "[%s] cannot read '%s': it was replaced after it was opened", f->op, f->path);
    return -1;
}

int mx_file_duplicate(const mx_file *f) {
    if (f->fd < 0)
        return open_again(f);
    int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        fail_errno(f->op, "read", f->path);
    return fd;
}

bool mx_files_are_many(void) {
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most) || most.rlim_cur == RLIM_INFINITY)
        return false;
    return (rlim_t)atomic_load(&open_files) > most.rlim_cur / 4;
}

void mx_file_let_go(mx_file *f) {
    if (f->fd < 0)
        return;
    close(f->fd);
    f->fd = -1;
    atomic_fetch_sub(&open_files, 1);
}

void mx_file_close(mx_file *f) {
    if (!f)
        return;
    mx_file_let_go(f);
    mx_free(f);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Pieces go to threads of the pool, which record no errors. */
typedef struct reading {
    int fd;
    char *to;
    off_t at;
    atomic_int error; /* the first: errno, or CUT */
} reading;
enum { CUT = -1, GRAIN = 1 << 20 };

static void note(reading *r, int error) {
    int none = 0;
    atomic_compare_exchange_strong(&r->error, &none, error);
}

static void read_piece(void *ctx, int64_t begin, int64_t end) {
    reading *r = ctx;
    while (begin < end && !atomic_load_explicit(&r->error, memory_order_relaxed)) {
        ssize_t got = pread(r->fd, r->to + begin, (size_t)(end - begin), r->at + begin);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            note(r, got < 0 ? errno : CUT);
        begin += got > 0 ? got : 0;
    }
}

static bool fail_short(const mx_file *f, size_t n, uint64_t at) {
    mx_fail(MX_IO, "[%s] cannot read '%s': %zu bytes at offset %llu are past its end", f->op,
            f->path, n, (unsigned long long)at);
    return false;
}

static bool fail_changed(const mx_file *f, const char *how) {
    return mx_fail(
        MX_IO,
        "[%s] cannot read '%s': it was %s after it was opened; what comes from a file is to be "
        "evaluated before the file changes",
        f->op, f->path, how);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The time of writing can be set, that of the last change of any kind cannot. Where it moved and
   neither name, links, mode nor owner did, somebody wrote and put the former back. */
static bool was_put_back(const mx_file *f, const struct stat *now) {
    const struct stat *then = &f->opened;
    struct stat named;
    if (is_same_time(&now->st_ctim, &then->st_ctim) || now->st_nlink != then->st_nlink ||
        now->st_mode != then->st_mode || now->st_uid != then->st_uid || now->st_gid != then->st_gid)
        return false;
    return stat(f->path, &named) == 0 && is_same_file(&named, now);
}

/* What the file is now. One that was let go and has lost its name cannot be asked, nor changed by
   that name. */
static bool look(const mx_file *f, struct stat *now) {
    if (f->fd >= 0)
        return fstat(f->fd, now) == 0;
    if (stat(f->path, now) || !is_same_file(now, &f->opened))
        *now = f->opened;
    return true;
}

bool mx_file_check(const mx_file *f) {
    struct stat s;
    if (!look(f, &s))
        return fail_errno(f->op, "read", f->path);
    if ((uint64_t)s.st_size < f->size)
        return fail_changed(f, "cut short");
    if (is_same_time(&s.st_mtim, &f->opened.st_mtim) && !was_put_back(f, &s))
        return true;
    return fail_changed(f, "written to");
}

/* Files of the kernel have any size. */
static bool fail_size(const mx_file *f) {
    return mx_fail(
        MX_IO,
        "[%s] cannot read '%s': it has less than the %llu bytes that the system says, as files of "
        "/sys and "
        "/proc may; copy it first",
        f->op, f->path, (unsigned long long)f->size);
}

/* The check comes last: it holds for what was read. */
bool mx_file_read(const mx_file *f, void *to, size_t n, uint64_t at) {
    reading r = {.fd = f->fd, .to = to, .at = (off_t)at};
    if (at > f->size || n > f->size - at)
        return fail_short(f, n, at);
    if (f->fd < 0 && (r.fd = open_again(f)) < 0)
        return false;
    mx_parallel_for((int64_t)n, GRAIN, read_piece, &r);
    if (f->fd < 0)
        close(r.fd);
    int error = atomic_load(&r.error);
    if (error > 0) {
        errno = error;
        return fail_errno(f->op, "read", f->path);
    }
    return mx_file_check(f) && (!error || fail_size(f));
}

/* --- mapping ---------------------------------------------------------------------------------- */

bool mx_file_map(const mx_file *f, mx_mapped *out) {
    *out = (mx_mapped){.data = (const unsigned char *)"", .size = (size_t)f->size, .guard = -1};
    // a host that writes into an array it was lent (NumPy) gets pages of its own; the file stays as
    // it is
    int access = PROT_READ | PROT_WRITE, kind = MAP_PRIVATE | MAP_NORESERVE;
    void *p = f->size ? mmap(NULL, (size_t)f->size, access, kind, f->fd, 0) : NULL;
    if (p == MAP_FAILED)
        return fail_errno(f->op, "map", f->path);
    if (p) {
        out->data = p;
        out->guard = mx_guard_add(p, out->size, f->path);
    }
    mx_mem_count_mapped(out->size, true);
    return true;
}

void mx_file_unmap(mx_mapped *m) {
    if (m->size)
        munmap((void *)(uintptr_t)m->data, m->size);
    mx_guard_remove(m->guard);
    mx_mem_count_mapped(m->size, false);
    *m = (mx_mapped){0};
}
