#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/machine/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PATH = 1024, LINE = 1200 };

/* The first line of a file in a group; false where there is none. */
static bool read_file(const char *group, const char *name, char *line, int room) {
    char path[PATH + 64];
    snprintf(path, sizeof path, "%s/%s", group, name);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool ok = fgets(line, room, f) != NULL;
    fclose(f);
    return ok;
}

/* --- what one group says: SIZE_MAX where it says nothing -------------------------------------- */

static size_t memory_of(const char *group) {
    char line[64];
    unsigned long long limit;
    bool said = read_file(group, "memory.max", line, sizeof line) ||
                read_file(group, "memory.limit_in_bytes", line, sizeof line);
    return said && sscanf(line, "%llu", &limit) == 1 && limit > 0 && limit < SIZE_MAX
               ? (size_t)limit
               : SIZE_MAX;
}

/* v2: "150000 100000" allows 1.5 processors; "max 100000" sets no limit. v1: two files, -1 sets no
   limit. */
static size_t processors_of(const char *group) {
    char line[64], second[64];
    long long quota = -1, period = 0;
    if (read_file(group, "cpu.max", line, sizeof line)) {
        if (sscanf(line, "%lld %lld", &quota, &period) != 2)
            return SIZE_MAX;
    } else if (!read_file(group, "cpu.cfs_quota_us", line, sizeof line) ||
               !read_file(group, "cpu.cfs_period_us", second, sizeof second) ||
               sscanf(line, "%lld", &quota) != 1 || sscanf(second, "%lld", &period) != 1) {
        return SIZE_MAX;
    }
    return quota > 0 && period > 0 ? (size_t)((quota - 1) / period + 1) : SIZE_MAX;
}

/* --- the groups of a process ------------------------------------------------------------------ */

typedef size_t limit_of(const char *group);

/* The least limit of the group at root/path and of those above it, root included. */
static size_t least_above(const char *root, const char *path, limit_of *ask) {
    char group[PATH];
    size_t floor = strlen(root), least = SIZE_MAX;
    if ((size_t)snprintf(group, sizeof group, "%s%s", root, path) >= sizeof group)
        group[floor] = 0;
    for (;;) {
        size_t limit = ask(group);
        least = limit < least ? limit : least;
        char *slash = strrchr(group, '/');
        if (strlen(group) <= floor || !slash || (size_t)(slash - group) < floor)
            return least;
        *slash = 0;
    }
}

/* Is `word` one of a list with commas? */
static bool names(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == 0))
            return true;
    return false;
}

/* A line of `self` is "4:memory:/path" (v1, a mount of its own for each list of controllers) or
   "0::/path" (v2). */
static size_t limit_by_line(const char *mount, char *line, const char *controller, limit_of *ask) {
    char root[PATH], *list = strchr(line, ':'), *path = list ? strchr(++list, ':') : NULL;
    if (!path)
        return SIZE_MAX;
    *path++ = 0;
    path[strcspn(path, "\n")] = 0;
    if (*list && !names(list, controller))
        return SIZE_MAX;
    snprintf(root, sizeof root, "%s%s%s", mount, *list ? "/" : "", *list ? controller : "");
    return least_above(root, path, ask);
}

static size_t least_limit(const char *mount, const char *self, const char *controller,
                          limit_of *ask) {
    char line[LINE];
    size_t least = ask(mount);
    FILE *f = fopen(self, "re");
    while (f && fgets(line, sizeof line, f)) {
        size_t limit = limit_by_line(mount, line, controller, ask);
        least = limit < least ? limit : least;
    }
    if (f)
        fclose(f);
    return least;
}

size_t mx_cgroup_memory(const char *mount, const char *self) {
    return least_limit(mount, self, "memory", memory_of);
}

int mx_cgroup_processors(const char *mount, const char *self) {
    size_t n = least_limit(mount, self, "cpu", processors_of);
    return n < INT_MAX ? (int)n : INT_MAX;
}
