#include "base/machine/cpuinfo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/machine/cgroup.h"
#include "base/machine/cpuinfo_arch.h"
#include "base/mem.h"
#include "base/system.h"

/* The first line of a small system file, without its newline; false where it cannot be read. */
static bool read_line(const char *path, char *line, size_t room) {
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool ok = fgets(line, (int)room, f) != NULL;
    fclose(f);
    if (ok)
        line[strcspn(line, "\n")] = 0;
    return ok;
}

/* ---- processors ---- */

static int processors(void) {
    int allowed = mx_processors_allowed(),
        quota = mx_cgroup_processors("/sys/fs/cgroup", "/proc/self/cgroup");
    return allowed < quota ? allowed : quota;
}

/* ---- memory ---- */

static size_t memory(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t bytes;
    if (pages <= 0 || page <= 0 || !mx_mul_size((size_t)pages, (size_t)page, &bytes))
        bytes = UINT32_MAX;
    size_t limit = mx_cgroup_memory("/sys/fs/cgroup", "/proc/self/cgroup");
    return limit < bytes ? limit : bytes;
}

/* ---- caches ---- */

#define CACHE_DIR "/sys/devices/system/cpu/cpu0/cache/index%d/%s"

static bool cache_field(int index, const char *field, char *line, size_t room) {
    char path[128];
    snprintf(path, sizeof path, CACHE_DIR, index, field);
    return read_line(path, line, room);
}

/* How many processors a list such as "0-3,8" names. */
static int list_length(const char *list) {
    int n = 0;
    while (*list) {
        char *end;
        long first = strtol(list, &end, 10), last = first;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        n += (int)(last - first) + 1;
        list = *end == ',' ? end + 1 : "";
    }
    return n > 0 ? n : 1;
}

/* "32K", "1024K", "16M" */
static size_t size_of_text(const char *text) {
    char *end;
    size_t n = strtoul(text, &end, 10);
    return *end == 'K' ? n << 10 : *end == 'M' ? n << 20 : n;
}

static void read_cache(mx_cpuinfo *c, int index) {
    char level[16], type[32], size[32], shared[256];
    if (!cache_field(index, "level", level, sizeof level) ||
        !cache_field(index, "type", type, sizeof type) ||
        !cache_field(index, "size", size, sizeof size) || !strcmp(type, "Instruction"))
        return;
    bool known = cache_field(index, "shared_cpu_list", shared, sizeof shared);
    size_t share = size_of_text(size) / (size_t)(known ? list_length(shared) : 1);
    size_t *to = level[0] == '1' ? &c->l1d : level[0] == '2' ? &c->l2 : &c->l3;
    if (share)
        *to = share;
}

static void read_caches(mx_cpuinfo *c) {
    c->l1d = (size_t)32 << 10;
    c->l2 = (size_t)512 << 10;
    c->l3 = (size_t)2 << 20;
    for (int i = 0; i < 6; i++)
        read_cache(c, i);
}

/* ---- all of it ---- */

static mx_cpuinfo info;

static void read_info(void) {
    snprintf(info.name, sizeof info.name, "unknown");
    read_caches(&info);
    info.processors = processors();
    info.memory = memory();
    mx_cpuinfo_arch(&info);
}

const mx_cpuinfo *mx_cpuinfo_get(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_info);
    return &info;
}
