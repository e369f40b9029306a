/* See zip_list.h. */
#include "io/numpy/zip_list.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"

enum {
    END = 22,
    LOCATOR = 20,
    END64 = 56,
    ENTRY = 46,
    LOCAL = 30,
    MOST_COMMENT = 65535,
    MOST_MEMBERS = 1000000,
    MOST_DIRECTORY = 256 << 20
};

typedef const unsigned char *bytes;

static bool is(bytes p, int a, int b) {
    return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

bool mx_zip_looks(mx_source *s) {
    return s->size >= END && mx_source_get(s, 0, 4, "the file") &&
           (is(s->data, 3, 4) || is(s->data, 5, 6));
}

/* --- the end ---------------------------------------------------------------------------- */

typedef struct place { /* of the directory */
    uint64_t at, size, count;
    uint64_t end; /* where the end's records begin */
} place;

/* The end of an archive is found from the end of the file: the last signature whose comment fills
   the rest. */
static int64_t find_end(bytes tail, size_t n) {
    for (int64_t i = (int64_t)n - END; i >= 0; i--)
        if (is(tail + i, 5, 6) && mx_le16(tail + i + 20) == n - END - (size_t)i)
            return i;
    return -1;
}

static bool read_end64(const mx_source *s, uint64_t at, place *p) {
    unsigned char end[END64];
    if (at > p->end || p->end - at < END64 ||
        !mx_source_copy((mx_source *)s, end, (size_t)at, END64) || !is(end, 6, 6))
        return mx_source_fail(s, (size_t)at,
                              "the end of the zip archive's directory is not where it should be");
    *p = (place){mx_le64(end + 48), mx_le64(end + 40), mx_le64(end + 32), at};
    return true;
}

static bool read_ends(const mx_source *s, bytes tail, size_t n, place *p) {
    int64_t i = find_end(tail, n);
    if (i < 0)
        return mx_source_fail(s, s->size,
                              "it is not a zip archive: its end is missing. Is it cut short?");
    bytes e = tail + i;
    *p = (place){mx_le32(e + 16), mx_le32(e + 12), mx_le16(e + 10), s->size - n + (size_t)i};
    bool large = p->at == UINT32_MAX || p->size == UINT32_MAX || p->count == UINT16_MAX;
    if (!large || i < LOCATOR || !is(e - LOCATOR, 6, 7))
        return true;
    return read_end64(s, mx_le64(e - LOCATOR + 8), p);
}

static bool find_directory(const mx_source *s, place *p) {
    size_t n = s->size < END + LOCATOR + MOST_COMMENT ? s->size : END + LOCATOR + MOST_COMMENT;
    unsigned char *tail = mx_malloc(n + 1);
    bool ok =
        tail && mx_source_copy((mx_source *)s, tail, s->size - n, n) && read_ends(s, tail, n, p);
    mx_free(tail);
    if (!ok)
        return false;
    if (p->at > p->end || p->size > p->end - p->at)
        return mx_source_fail(s, (size_t)p->end,
                              "the directory of the zip archive lies outside of the file");
    if (p->size > MOST_DIRECTORY || p->count > MOST_MEMBERS || p->count > p->size / ENTRY)
        return mx_source_fail(s, (size_t)p->end,
                              "the directory of the zip archive has %llu members in %llu bytes",
                              (unsigned long long)p->count, (unsigned long long)p->size);
    return true;
}

/* --- members ------------------------------------------------------------------------------ */

/* Numbers of 64 bits stand in extra field 1, those that do not fit in their own place, in this
   order. */
static bool wide(bytes extra, size_t n, mx_zip_member *m) {
    uint64_t *v[3] = {&m->size, &m->packed, &m->local};
    for (size_t i = 0; i + 4 <= n;) {
        size_t length = mx_le16(extra + i + 2), at = i + 4;
        if (length > n - at)
            return false;
        size_t end = at + length;
        for (int k = 0; k < 3 && mx_le16(extra + i) == 1; k++)
            if (*v[k] == UINT32_MAX) {
                if (end - at < 8)
                    return false;
                *v[k] = mx_le64(extra + at);
                at += 8;
            }
        i = end;
    }
    return true;
}

/* One entry; *used of n bytes. Its name goes to *name, which moves on. */
static bool read_entry(bytes e, size_t n, size_t *used, mx_zip_member *m, char **name) {
    if (n < ENTRY || !is(e, 1, 2))
        return false;
    size_t length = mx_le16(e + 28), extra = mx_le16(e + 30), comment = mx_le16(e + 32);
    *used = ENTRY + length + extra + comment;
    if (*used > n || memchr(e + ENTRY, 0, length))
        return false;
    *m = (mx_zip_member){*name,           mx_le16(e + 10), e[8] & 1,
                         mx_le32(e + 20), mx_le32(e + 24), mx_le32(e + 42)};
    memcpy(*name, e + ENTRY, length);
    (*name)[length] = 0;
    *name += length + 1;
    return wide(e + ENTRY + length, extra, m);
}

static bool read_entries(const mx_source *s, bytes directory, const place *p, mx_zip_list *z) {
    char *name = z->names;
    size_t at = 0, used = 0;
    for (; z->count < p->count; z->count++, at += used)
        if (!read_entry(directory + at, (size_t)p->size - at, &used, &z->member[z->count], &name))
            return mx_source_fail(s, (size_t)p->at + at,
                                  "an entry of the zip archive's directory cannot be read");
    return true;
}

bool mx_zip_open(const mx_source *s, mx_zip_list *z) {
    place p = {0};
    *z = (mx_zip_list){0};
    if (s->size < END)
        return mx_source_fail(s, s->size, "it is not a zip archive");
    if (!find_directory(s, &p))
        return false;
    unsigned char *directory = mx_malloc((size_t)p.size + 1);
    z->end = p.at;
    z->member = directory ? mx_calloc((size_t)p.count + 1, sizeof *z->member) : NULL;
    // an entry is longer than its name and a 0
    z->names = z->member ? mx_malloc((size_t)p.size + 1) : NULL;
    bool ok = z->names && mx_source_copy((mx_source *)s, directory, (size_t)p.at, (size_t)p.size) &&
              read_entries(s, directory, &p, z);
    mx_free(directory);
    return ok;
}

void mx_zip_close(mx_zip_list *z) {
    mx_free(z->member);
    mx_free(z->names);
    *z = (mx_zip_list){0};
}

const mx_zip_member *mx_zip_find(const mx_zip_list *z, const char *name) {
    for (size_t i = 0; i < z->count; i++)
        if (strcmp(z->member[i].name, name) == 0)
            return &z->member[i];
    return NULL;
}

bool mx_zip_place(const mx_source *s, const mx_zip_list *z, const mx_zip_member *m, uint64_t *at) {
    unsigned char h[LOCAL];
    if (m->local > z->end || z->end - m->local < LOCAL ||
        !mx_source_copy((mx_source *)s, h, (size_t)m->local, LOCAL) || !is(h, 3, 4))
        return mx_source_fail(s, (size_t)m->local,
                              "the member '%.100s' is not where the zip archive's directory has it",
                              m->name);
    if (m->encrypted)
        return mx_source_fail(s, (size_t)m->local, "the member '%.100s' is encrypted", m->name);
    *at = m->local + LOCAL + mx_le16(h + 26) + mx_le16(h + 28);
    if (*at <= z->end && m->packed <= z->end - *at && (m->method || m->packed == m->size))
        return true;
    return mx_source_fail(s, (size_t)m->local,
                          "the member '%.100s' has %llu bytes, more than there are", m->name,
                          (unsigned long long)m->packed);
}
