#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/status.h"

struct mx_file {
    int fd;
    uint64_t size;
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

/* A descriptor of a regular file and its size, or -1. */
static int open_regular(const char *op, const char *path, uint64_t *size) {
    // a pipe that nobody writes to must not block the open
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        fail_errno(op, "open", path);
        return -1;
    }
    struct stat s;
    bool known = fstat(fd, &s) == 0;
    if (!known)
        fail_errno(op, "open", path);
    if (!known || !is_regular(op, path, &s)) {
        close(fd);
        return -1;
    }
    *size = (uint64_t)s.st_size;
    return fd;
}

bool mx_file_map(const char *op, const char *path, mx_mapped *out) {
    uint64_t size = 0;
    int fd = open_regular(op, path, &size);
    if (fd < 0)
        return false;
    *out = (mx_mapped){(const unsigned char *)"", (size_t)size};
    // a host that writes into an array it was lent (NumPy) gets pages of its own; the file stays as it is
    int access = PROT_READ | PROT_WRITE, kind = MAP_PRIVATE | MAP_NORESERVE;
    void *p = size ? mmap(NULL, (size_t)size, access, kind, fd, 0) : NULL;
    if (p == MAP_FAILED)
        fail_errno(op, "map", path);
    else if (p)
        out->data = p;
    close(fd);
    return p != MAP_FAILED;
}

void mx_file_unmap(mx_mapped *m) {
    if (m->size)
        munmap((void *)(uintptr_t)m->data, m->size);
    *m = (mx_mapped){0};
}

mx_file *mx_file_open(const char *op, const char *path) {
    uint64_t size = 0;
    int fd = open_regular(op, path, &size);
    if (fd < 0)
        return NULL;
    mx_file *f = mx_malloc(sizeof *f + strlen(path) + 1);
    if (!f) {
        close(fd);
        return NULL;
    }
    f->fd = fd;
    f->size = size;
    snprintf(f->op, sizeof f->op, "%s", op);
    strcpy(f->path, path);
    return f;
}

uint64_t mx_file_size(const mx_file *f) {
    return f->size;
}

static bool fail_short(const mx_file *f, size_t n, uint64_t at) {
    mx_fail(MX_IO, "[%s] cannot read '%s': %zu bytes at offset %llu are past its end", f->op,
            f->path, n, (unsigned long long)at);
    return false;
}

bool mx_file_read(const mx_file *f, void *to, size_t n, uint64_t at) {
    if (at > INT64_MAX || n > INT64_MAX - at)
        return fail_short(f, n, at);
    for (char *p = to; n > 0;) {
        ssize_t got = pread(f->fd, p, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(f->op, "read", f->path);
        if (got == 0)
            return fail_short(f, n, at);
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return true;
}

void mx_file_close(mx_file *f) {
    if (!f)
        return;
    close(f->fd);
    mx_free(f);
}
