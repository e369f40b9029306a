/* The writer of file.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/system.h"

#define BUFFER_BYTES ((size_t)256 << 10)
/* Bytes that are asked of the system at once: between them the host may stop. */
#define PIECE_BYTES  ((size_t)64 << 20)
#define NAME_TRIES   1000

struct mx_writer {
    int fd;
    bool failed;
    bool keeps;         /* the target is not replaced */
    bool heeds;         /* a host that wants to stop ends it */
    bool in_place;      /* somebody may have read what was written */
    uint64_t at, count; /* where the next byte goes; the end so far */
    size_t held;        /* bytes in the buffer */
    char *target;       /* links resolved */
    char *temp;         /* NULL when written in place */
    char *buffer;
    char op[32];
};

static bool fail_write(mx_writer *w, const char *what) {
    char reason[128];
    const char *why = mx_errno_text(errno, reason, sizeof reason);
    w->failed = true;
    mx_fail(MX_IO, "[%s] cannot %s '%s': %s", w->op, what, w->target, why);
    return false;
}

/* ---- opening ---- */

/* Bytes of the target's name that fit before an ending of so many. */
static int length_before(const char *target, size_t ending) {
    const char *slash = strrchr(target, '/');
    size_t folder = slash ? (size_t)(slash + 1 - target) : 0, n = strlen(target) - folder;
    return (int)(folder + (n + ending > NAME_MAX ? NAME_MAX - ending : n));
}

/* A new file beside the target, with the mode of the file it will replace. */
static bool open_temp(mx_writer *w, mode_t mode, bool replaces) {
    static atomic_uint number;
    size_t room = strlen(w->target) + 48;
    if (!(w->temp = mx_malloc(room)))
        return false;
    for (int i = 0; i < NAME_TRIES && w->fd < 0; i++) {
        char ending[48];
        int n = snprintf(ending, sizeof ending, ".%ld-%u.tmp", (long)getpid(),
                         atomic_fetch_add(&number, 1));
        snprintf(w->temp, room, "%.*s%s", length_before(w->target, (size_t)n), w->target, ending);
        w->fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd < 0 && errno != EEXIST)
            break;
    }
    if (w->fd < 0) {
        fail_write(w, "create");
        mx_free(w->temp); // not ours to remove
        w->temp = NULL;
        return false;
    }
    if (replaces)
        fchmod(w->fd, mode & 07777); // some file systems have no modes
    return true;
}

static bool open_in_place(mx_writer *w) {
    do
        w->fd = open(w->target, O_WRONLY | O_CLOEXEC);
    while (w->fd < 0 && errno == EINTR && !mx_interrupted_within());
    return w->fd >= 0 || fail_write(w, "open");
}

/* A pipe waits here for its reader, by asking again: an open that waits and is interrupted by a
   signal has been a writer meanwhile, and a reader that came just then would read the end of it. */
static bool open_pipe(mx_writer *w) {
    const struct timespec pause = {0, 5000000};
    int flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK;
    while ((w->fd = open(w->target, flags)) < 0 && (errno == ENXIO || errno == EINTR)) {
        if (mx_interrupted_within())
            return fail_write(w, "open");
        nanosleep(&pause, NULL);
    }
    return (w->fd >= 0 && fcntl(w->fd, F_SETFL, O_WRONLY) == 0) || fail_write(w, "open");
}

static bool open_target(mx_writer *w) {
    struct stat s;
    bool exists = stat(w->target, &s) == 0;
    if (!exists)
        return open_temp(w, 0, false);
    if (!S_ISREG(s.st_mode)) {
        w->in_place = S_ISFIFO(s.st_mode) ? open_pipe(w) : open_in_place(w);
        mx_interrupt_commit(w->in_place);
        return w->in_place;
    }
    if (access(w->target, W_OK))
        return fail_write(w, "write");
    return open_temp(w, s.st_mode, true);
}

/* The file that path names, links followed; the path itself where there is none yet. */
static char *resolve(const char *path) {
    char *real = realpath(path, NULL);
    char *copy = mx_strdup(real ? real : path);
    free(real);
    return copy;
}

mx_writer *mx_writer_open(const char *op, const char *path) {
    mx_writer *w = mx_calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->fd = -1;
    snprintf(w->op, sizeof w->op, "%s", op);
    w->target = resolve(path);
    w->buffer = w->target ? mx_malloc(BUFFER_BYTES) : NULL;
    if (w->buffer && open_target(w))
        return w;
    mx_writer_abandon(w);
    return NULL;
}

/* ---- writing ---- */

/* Did a signal that ends a write mean to stop it? */
static bool stopped(const mx_writer *w) {
    return w->in_place && mx_interrupted_within();
}

/* Is the host to have the old file? Nobody has seen the new one yet. */
static bool ended(mx_writer *w) {
    if (!w->heeds || !w->temp || !mx_interrupted_within())
        return false;
    w->failed = true;
    return true;
}

static bool write_all(mx_writer *w, const char *p, size_t n) {
    while (n > 0) {
        size_t some = n < PIECE_BYTES ? n : PIECE_BYTES;
        if (ended(w))
            return false;
        ssize_t done = write(w->fd, p, some);
        if (done < 0 && errno == EINTR && !stopped(w))
            continue;
        // a signal may have come after some bytes
        if (done > 0 && (size_t)done < some && stopped(w))
            done = -1;
        if (done == 0) // a device that takes nothing and says nothing
            errno = EIO;
        if (done <= 0)
            return fail_write(w, "write");
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static bool flush(mx_writer *w) {
    size_t n = w->held;
    w->held = 0;
    return write_all(w, w->buffer, n);
}

bool mx_writer_put(mx_writer *w, const void *bytes, size_t n) {
    if (w->failed)
        return false;
    w->at += n;
    w->count = w->at > w->count ? w->at : w->count;
    if (n >= BUFFER_BYTES)
        return flush(w) && write_all(w, bytes, n);
    if (w->held + n > BUFFER_BYTES && !flush(w))
        return false;
    if (n)
        memcpy(w->buffer + w->held, bytes, n);
    w->held += n;
    return true;
}

/* ---- from a file ---- */

/* Where the system cannot copy between these two files, their bytes are read. */
static bool cannot_copy(int code) {
    return code == EXDEV || code == EINVAL || code == ENOSYS || code == EOPNOTSUPP ||
           code == EBADF || code == EPERM;
}

/* How many bytes were copied; 0 where the system cannot, -1 with an error. */
static int64_t copy_some(mx_writer *w, int from, uint64_t at, uint64_t n) {
    off_t in = (off_t)at;
    ssize_t done;
    do
        done = copy_file_range(from, &in, w->fd, NULL, n < PIECE_BYTES ? n : PIECE_BYTES, 0);
    while (done < 0 && errno == EINTR);
    if (done >= 0 || cannot_copy(errno))
        return done < 0 ? 0 : done;
    fail_write(w, "write");
    return -1;
}

static bool copy_by_reading(mx_writer *w, const mx_file *from, uint64_t at, uint64_t n) {
    char *room = mx_malloc(BUFFER_BYTES);
    bool ok = room != NULL;
    while (ok && n) {
        size_t some = n < BUFFER_BYTES ? (size_t)n : BUFFER_BYTES;
        ok = mx_file_read(from, room, some, at) && write_all(w, room, some);
        at += some;
        n -= some;
    }
    mx_free(room);
    return ok;
}

static bool copy_all(mx_writer *w, const mx_file *from, int fd, uint64_t at, uint64_t n) {
    while (n) {
        if (w->temp && mx_interrupted_within())
            return false;
        int64_t done = copy_some(w, fd, at, n);
        if (done < 0)
            return false;
        if (done == 0) // or the end of a file that was cut short, which reading says
            return copy_by_reading(w, from, at, n);
        at += (uint64_t)done;
        n -= (uint64_t)done;
    }
    return mx_file_check(from);
}

bool mx_writer_put_file(mx_writer *w, const mx_file *from, uint64_t at, uint64_t n) {
    if (w->failed || !flush(w))
        return false;
    int fd = mx_file_duplicate(from);
    bool ok = fd >= 0 && copy_all(w, from, fd, at, n);
    if (fd >= 0)
        close(fd);
    w->failed = w->failed || !ok;
    w->at += n;
    w->count = w->at > w->count ? w->at : w->count;
    return ok;
}

uint64_t mx_writer_count(const mx_writer *w) {
    return w->count;
}

uint64_t mx_writer_at(const mx_writer *w) {
    return w->at;
}

bool mx_writer_seek(mx_writer *w, uint64_t at) {
    if (w->failed || !flush(w))
        return false;
    if (at > w->count || lseek(w->fd, (off_t)at, SEEK_SET) < 0)
        return fail_write(w, "seek in");
    w->at = at;
    return true;
}

bool mx_writer_room(const mx_writer *w, uint64_t bytes) {
    struct statvfs disk;
    if (!w->temp || fstatvfs(w->fd, &disk))
        return true;
    uint64_t has = (uint64_t)disk.f_bavail * disk.f_frsize;
    return has >= bytes || mx_fail(MX_IO, "[%s] '%s' needs %.1f MB, and its disk has %.1f MB left",
                                   w->op, w->target, (double)bytes / 1e6, (double)has / 1e6);
}

bool mx_writer_extend(mx_writer *w, uint64_t size) {
    if (w->failed || !flush(w))
        return false;
    if (size < w->count || ftruncate(w->fd, (off_t)size))
        return fail_write(w, "extend");
    w->count = size;
    return true;
}

/* ---- the end ---- */

void mx_writer_keep(mx_writer *w) {
    w->keeps = true;
}

void mx_writer_heed(mx_writer *w) {
    w->heeds = true;
}

/* Some file systems and all devices have nothing to sync. */
static bool sync_file(mx_writer *w) {
    if (!w->temp || fsync(w->fd) == 0 || errno == EINVAL || errno == ENOTSUP)
        return true;
    return fail_write(w, "write");
}

static bool close_file(mx_writer *w) {
    int fd = w->fd;
    w->fd = -1;
    return close(fd) == 0 || errno == EINTR || fail_write(w, "write");
}

/* So that the new name survives a power failure; where it cannot be done the file is still
   whole. */
static void sync_directory(mx_writer *w) {
    char *slash = strrchr(w->target, '/');
    if (slash)
        slash[slash == w->target] = 0;
    int fd = open(slash ? w->target : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* Where the file system has no rename that replaces nothing, a second name does. */
static bool move_beside(const char *from, const char *to) {
    if (mx_rename_new(from, to) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    return link(from, to) == 0 && unlink(from) == 0;
}

static bool move_over(mx_writer *w) {
    if (!w->temp)
        return true;
    if (w->keeps ? !move_beside(w->temp, w->target) : rename(w->temp, w->target) != 0)
        return fail_write(w, w->keeps ? "create" : "replace");
    mx_free(w->temp);
    w->temp = NULL;
    sync_directory(w);
    return true;
}

bool mx_writer_commit(mx_writer *w) {
    bool ok = !w->failed && flush(w) && sync_file(w) && close_file(w) && !ended(w) && move_over(w);
    mx_writer_abandon(w);
    return ok;
}

/* A call that is interrupted is made again, and this one may not be. */
static void end_in_place(mx_writer *w) {
    mx_interrupt_commit(-1);
    if (mx_error_status() != MX_INTERRUPTED)
        return;
    mx_error_clear();
    errno = EINTR;
    fail_write(w, "write");
}

void mx_writer_abandon(mx_writer *w) {
    if (!w)
        return;
    if (w->in_place)
        end_in_place(w);
    if (w->fd >= 0)
        close(w->fd);
    if (w->temp)
        unlink(w->temp);
    mx_free(w->temp);
    mx_free(w->target);
    mx_free(w->buffer);
    mx_free(w);
}
