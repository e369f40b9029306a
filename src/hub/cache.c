/* The folders of the cache. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "hub/hub.h"

enum { MOST_NAME = 96 };

/* --- names ---------------------------------------------------------------------------------- */

static bool is_word(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return false;
    // "." and ".." are folders; "--" is what stands for the slash
    return n > 0 && n <= MOST_NAME && *text != '.' && *text != '-' && !memmem(text, n, "..", 2) &&
           !memmem(text, n, "--", 2);
}

bool mx_hub_check_model(const char *model) {
    const char *slash = model ? strchr(model, '/') : NULL;
    size_t first = slash ? (size_t)(slash - model) : model ? strlen(model) : 0;
    if (model && is_word(model, first) && (!slash || is_word(slash + 1, strlen(slash + 1))))
        return true;
    return mx_fail(MX_INVALID, "[hub] '%.200s' is no name of a model: org/model",
                   model ? model : "");
}

bool mx_hub_is_hex(const char *text, size_t least, size_t most) {
    size_t n = text ? strlen(text) : 0;
    for (size_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
            return false;
    return n >= least && n <= most;
}

/* --- paths ---------------------------------------------------------------------------------- */

char *mx_hub_path(const mx_hub_settings *s, const char *model, const char *format, ...) {
    char rest[8192];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(rest, sizeof rest, format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof rest)
        return mx_fail(MX_INVALID, "[hub] a path of '%.200s' is too long", model);
    mx_text t = {0};
    mx_text_add(&t, "%s/models--", s->cache);
    for (const char *c = model; *c; c++)
        mx_text_str(&t, *c == '/' ? "--" : (char[]){*c, 0});
    mx_text_str(&t, rest);
    return mx_text_take(&t);
}

static bool is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* A revision is part of a path: refs/pr/1 is one, ../.. is none. */
static bool check_revision(const char *revision) {
    size_t n = strlen(revision);
    bool fine = n && n < 200 && *revision != '/' && revision[n - 1] != '/';
    for (size_t i = 0; fine && i < n; i++)
        fine = isalnum((unsigned char)revision[i]) || strchr("._-/", revision[i]);
    if (fine && !strstr(revision, "..") && !strstr(revision, "//") && *revision != '.')
        return true;
    return mx_fail(MX_INVALID, "[hub] '%.200s' is no name of a revision", revision);
}

/* What refs/<revision> says, into commit; false: nothing. */
static bool read_ref(char commit[MX_HUB_HEX], const mx_hub_settings *s, const char *model,
                     const char *revision) {
    char *path = mx_hub_path(s, model, "/refs/%s", revision);
    FILE *f = path ? fopen(path, "re") : NULL;
    size_t n = f ? fread(commit, 1, MX_HUB_HEX - 1, f) : 0;
    if (f)
        fclose(f);
    mx_free(path);
    commit[n] = 0;
    commit[strcspn(commit, "\r\n")] = 0;
    return mx_hub_is_hex(commit, 7, MX_HUB_HEX - 1);
}

char *mx_hub_snapshot(const mx_hub_settings *s, const char *model, const char *revision) {
    char commit[MX_HUB_HEX];
    revision = revision ? revision : "main";
    if (!mx_hub_check_model(model) || !check_revision(revision))
        return NULL;
    bool known = read_ref(commit, s, model, revision);
    char *path = mx_hub_path(s, model, "/snapshots/%s", known ? commit : revision);
    if (path && is_folder(path))
        return path;
    mx_free(path);
    return NULL;
}

/* --- making --------------------------------------------------------------------------------- */

bool mx_hub_make_folders(const char *path) {
    return mx_make_folders("hub", path);
}

/* "../../blobs/<id>", with one step more for each folder of the name. */
static char *target_of(const char *name, const char *id) {
    mx_text t = {0};
    mx_text_str(&t, "../../");
    for (; *name; name++)
        if (*name == '/')
            mx_text_str(&t, "../");
    mx_text_add(&t, "blobs/%s", id);
    return mx_text_take(&t);
}

bool mx_hub_link(const char *path, const char *name, const char *id) {
    char *target = target_of(name, id), room[128];
    mx_text t = {0};
    mx_text_add(&t, "%s.%ld.tmp", path, (long)getpid());
    char *fresh = mx_text_take(&t);
    bool ok = target && fresh && mx_hub_make_folders(path);
    if (ok)
        unlink(fresh);
    ok = ok && ((symlink(target, fresh) == 0 && rename(fresh, path) == 0) ||
                mx_fail(MX_IO, "[hub] cannot make the link '%.400s': %s", path,
                        mx_errno_text(errno, room, sizeof room)));
    mx_free(target);
    mx_free(fresh);
    return ok;
}
