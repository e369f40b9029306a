#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"

enum { MOST_NAME = 250 };

static bool fail_errno(const char *op, const char *what, const char *name) {
    char reason[128];
    return mx_fail(MX_IO, "[%s] cannot %s the shared memory '%s': %s", op, what, name,
                   mx_errno_text(errno, reason, sizeof reason));
}

static bool is_name(const char *op, const char *name) {
    size_t n = strlen(name);
    return (n > 1 && n <= MOST_NAME + 1 && *name == '/' && !strchr(name + 1, '/')) ||
           mx_fail(MX_INVALID,
                   "[%s] '%.100s' is no name of shared memory: a slash and 1 to %d other bytes", op,
                   name, MOST_NAME);
}

/* pwrite tells of memory that has run out; touching a mapping would end the process. */
static bool write_at(int fd, const char *p, size_t n, off_t at) {
    while (n > 0) {
        ssize_t done = pwrite(fd, p, n < (size_t)1 << 30 ? n : (size_t)1 << 30, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

bool mx_shared_remove(const char *op, const char *name) {
    return is_name(op, name) &&
           (shm_unlink(name) == 0 || errno == ENOENT || fail_errno(op, "remove", name));
}

bool mx_shared_create(const char *op, const char *name, const void *head, size_t head_bytes,
                      const void *bytes, size_t n) {
    if (!mx_shared_remove(op, name))
        return false;
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return fail_errno(op, "create", name);
    bool ok = ftruncate(fd, (off_t)(head_bytes + n)) == 0 &&
              write_at(fd, bytes, n, (off_t)head_bytes) && write_at(fd, head, head_bytes, 0);
    if (!ok) {
        fail_errno(op, "write", name);
        shm_unlink(name);
    }
    close(fd);
    return ok;
}

bool mx_shared_map(const char *op, const char *name, mx_mapped *out) {
    struct stat s;
    int fd = is_name(op, name) ? shm_open(name, O_RDONLY, 0) : -1;
    if (fd < 0)
        return mx_failed() ? false : fail_errno(op, "open", name);
    *out = (mx_mapped){(const unsigned char *)"", 0, true, -1, 0};
    bool ok = fstat(fd, &s) == 0;
    void *p = ok && s.st_size > 0 ? mmap(NULL, (size_t)s.st_size, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_NORESERVE, fd, 0)
                                  : NULL;
    ok = ok && p != MAP_FAILED;
    if (!ok)
        fail_errno(op, "map", name);
    if (ok && p)
        *out = (mx_mapped){p, (size_t)s.st_size, true, -1, 0};
    if (ok)
        mx_mem_count_mapped(out->size, true);
    close(fd);
    return ok;
}
