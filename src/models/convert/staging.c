/* Folders that appear whole: see write.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "models/convert/write.h"

static const char op[] = "convert";

static bool fail_path(const char *what, const char *path) {
    char room[128];
    const char *why = mx_errno_text(errno, room, sizeof room);
    return mx_fail(MX_IO, "[%s] cannot %s '%s': %s", op, what, path, why);
}

bool mx_staging_open(mx_staging *s, const char *target) {
    mx_text t = {0};
    *s = (mx_staging){0};
    mx_text_put(&t, target, mx_path_length(target));
    s->target = mx_strdup(mx_text_view(&t));
    mx_text_add(&t, ".%ld.tmp", (long)getpid());
    s->path = mx_text_take(&t);
    if (!s->path || !s->target)
        return false;
    s->made = mkdir(s->path, 0777) == 0;
    return s->made || fail_path("make the folder", s->path);
}

/* An empty folder is replaced. What was interrupted does not appear. */
bool mx_staging_commit(mx_staging *s) {
    if (mx_failed())
        return false;
    int why = rename(s->path, s->target) ? errno : 0;
    if (why == ENOTEMPTY || why == EEXIST) // another was quicker
        return mx_fail(MX_INVALID, "[%s] '%s' exists: a folder is made anew, name another", op,
                       s->target);
    errno = why;
    if (why)
        return fail_path("replace", s->target);
    s->made = false;
    return true;
}

/* Plain files were made in it, and one folder. */
static void remove_files(const char *folder) {
    DIR *d = opendir(folder);
    struct dirent *e;
    if (d) {
        unlinkat(dirfd(d), "1_Pooling/config.json", 0);
        unlinkat(dirfd(d), "1_Pooling", AT_REMOVEDIR);
    }
    while (d && (e = readdir(d)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

void mx_staging_close(mx_staging *s) {
    if (s->made) {
        remove_files(s->path);
        rmdir(s->path);
    }
    mx_free(s->path);
    mx_free(s->target);
    *s = (mx_staging){0};
}
