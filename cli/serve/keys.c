/* API keys. All bytes of rows of one length are compared, with every key: the time says nothing of
 * them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/serve.h"

enum { MOST_KEYS = 10000, MOST_KEY = 511 };

typedef struct row {
    unsigned char bytes[MOST_KEY + 1]; /* zeros behind */
} row;

struct srv_keys {
    size_t n;
    row rows[];
};

/* False: it is too long to be one. */
static bool make_row(row *r, const char *key) {
    size_t n = strnlen(key, MOST_KEY + 1);
    memset(r, 0, sizeof *r);
    memcpy(r->bytes, key, n > MOST_KEY ? 0 : n);
    return n <= MOST_KEY;
}

static bool add(srv_keys **k, const char *key, srv_fault *f) {
    size_t n = (*k)->n;
    if (!*key)
        return srv_fail(f, 400, "an API key is empty");
    if (n == MOST_KEYS)
        return srv_fail(f, 400, "there are more than %d API keys", MOST_KEYS);
    srv_keys *more = realloc(*k, sizeof *more + (n + 1) * sizeof *more->rows);
    if (!more)
        return srv_fail(f, 500, "out of memory");
    *k = more;
    if (!make_row(&more->rows[n], key))
        return srv_fail(f, 400, "an API key has more than %d bytes", MOST_KEY);
    more->n++;
    return true;
}

/* One a line; spaces around and empty lines do not count. */
static bool add_file(srv_keys **k, const char *path, srv_fault *f) {
    char line[MOST_KEY + 2];
    FILE *file = fopen(path, "r");
    bool ok = file != NULL;
    if (!file)
        return srv_fail(f, 400, "'%s' cannot be opened: %s", path, strerror(errno));
    while (ok && fgets(line, sizeof line, file)) {
        char *key = line + strspn(line, " \t\r\n");
        size_t n = strcspn(key, " \t\r\n");
        if (!strchr(line, '\n') && !feof(file))
            ok = srv_fail(f, 400, "'%s' has a line of more than %d bytes", path, MOST_KEY);
        key[n] = 0;
        ok = ok && (n == 0 || add(k, key, f));
    }
    if (ok && ferror(file))
        ok = srv_fail(f, 400, "'%s' cannot be read: %s", path, strerror(errno));
    fclose(file);
    return ok;
}

srv_keys *srv_keys_new(const char *const *keys, size_t n, const char *file, srv_fault *f) {
    srv_keys *k = calloc(1, sizeof *k);
    bool ok = k || srv_fail(f, 500, "out of memory");
    for (size_t i = 0; ok && i < n; i++)
        ok = add(&k, keys[i], f);
    if (ok && file)
        ok = add_file(&k, file, f);
    if (ok && file && k->n == 0)
        ok = srv_fail(f, 400, "'%s' has no key", file);
    if (ok)
        return k;
    free(k);
    return NULL;
}

void srv_keys_free(srv_keys *k) {
    free(k);
}

size_t srv_keys_count(const srv_keys *k) {
    return k ? k->n : 0;
}

bool srv_keys_has(const srv_keys *k, const char *key) {
    row given;
    unsigned found = 0;
    bool fits = make_row(&given, key);
    for (size_t i = 0; i < k->n; i++) {
        unsigned differs = 0;
        for (size_t b = 0; b < sizeof given.bytes; b++)
            differs |= (unsigned)(given.bytes[b] ^ k->rows[i].bytes[b]);
        found |= differs == 0;
    }
    return found & fits;
}
