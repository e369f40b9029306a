/* Folders of files, and what killed writers have left there: see file.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"

static const char *digits_before(const char *name, const char *end) {
    while (end > name && end[-1] >= '0' && end[-1] <= '9')
        end--;
    return end;
}

/* The process that has begun "target.<pid>-<n>.tmp"; 0: the name is another. */
static long owner_of(const char *name) {
    size_t n = strlen(name);
    const char *end = n > 4 ? name + n - 4 : name;
    if (strcmp(end, ".tmp") != 0)
        return 0;
    const char *number = digits_before(name, end);
    if (number == end || number == name || number[-1] != '-')
        return 0;
    const char *pid = digits_before(name, number - 1);
    bool whole = pid < number - 1 && pid > name + 1 && pid[-1] == '.';
    return whole ? strtol(pid, NULL, 10) : 0;
}

static bool is_gone(long pid) {
    return pid > 0 && (pid_t)pid == pid && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

void mx_writer_tidy(const char *folder) {
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (is_gone(owner_of(e->d_name)))
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

bool mx_make_folders(const char *op, const char *path) {
    char *copy = mx_strdup(path), room[128];
    bool ok = copy;
    for (char *c = copy && *copy ? copy + 1 : NULL; ok && c && (c = strchr(c, '/')); c++) {
        *c = 0;
        ok = mkdir(copy, 0777) == 0 || errno == EEXIST ||
             mx_fail(MX_IO, "[%s] cannot make the folder '%.400s': %s", op, copy,
                     mx_errno_text(errno, room, sizeof room));
        *c = '/';
    }
    mx_free(copy);
    return ok;
}
