#include "base/map.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/system.h"
#include "base/vec.h"

/* ---- hash: eight bytes at a time, folded by a 128-bit product with a secret ---- */

static uint64_t secret[2];

static void make_secret(void) {
    mx_secret(secret, sizeof secret);
    secret[0] |= 1;
    secret[1] |= 1;
}

static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const char *key) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_secret);
    size_t n = strlen(key);
    uint64_t h = secret[0] ^ n, word;
    for (; n >= 8; n -= 8, key += 8) {
        memcpy(&word, key, 8);
        h = fold(h ^ word, 0x9e3779b97f4a7c15u ^ secret[1]);
    }
    word = 0;
    memcpy(&word, key, n);
    return fold(h ^ word, 0xd6e8feb86659fd93u ^ secret[1]);
}

/* ---- slots ---- */

static bool matches(const mx_map_entry *e, uint64_t hash, const char *key) {
    return e->hash == hash && !strcmp(e->key, key);
}

/* The slot that holds key, or the free one where it belongs. The map has slots. */
static uint32_t *find_slot(const mx_map *m, uint64_t hash, const char *key) {
    size_t mask = m->slots - 1, i = hash & mask;
    while (m->slot[i] && !matches(&m->entry[m->slot[i] - 1], hash, key))
        i = (i + 1) & mask;
    return &m->slot[i];
}

static mx_map_entry *find(const mx_map *m, const char *key) {
    uint32_t at = m->slots ? *find_slot(m, hash_of(key), key) : 0;
    return at ? &m->entry[at - 1] : NULL;
}

static void fill_slots(mx_map *m) {
    memset(m->slot, 0, m->slots * sizeof *m->slot);
    for (size_t e = 0; e < m->count; e++)
        *find_slot(m, m->entry[e].hash, m->entry[e].key) = (uint32_t)e + 1;
}

/* Room for one more entry, with the slots at most half full. */
static bool make_room(mx_map *m) {
    if (m->count >= UINT32_MAX / 4)
        return mx_fail_nomem("map", SIZE_MAX);
    if (!mx_grow(&m->entry, &m->room, m->count + 1, sizeof *m->entry))
        return false;
    if (2 * (m->count + 1) <= m->slots)
        return true;
    size_t slots = m->slots ? 2 * m->slots : 16;
    uint32_t *slot = mx_realloc_array(m->slot, slots, sizeof *slot);
    if (!slot)
        return false;
    m->slot = slot;
    m->slots = slots;
    fill_slots(m);
    return true;
}

/* ---- the map ---- */

void *mx_map_get(const mx_map *m, const char *key) {
    mx_map_entry *e = find(m, key);
    return e ? e->value : NULL;
}

bool mx_map_has(const mx_map *m, const char *key) {
    return find(m, key) != NULL;
}

static bool add_entry(mx_map *m, const char *key, void *value) {
    char *copy = make_room(m) ? mx_strdup(key) : NULL;
    if (!copy)
        return false;
    uint64_t hash = hash_of(key);
    *find_slot(m, hash, key) = (uint32_t)m->count + 1;
    m->entry[m->count++] = (mx_map_entry){copy, value, hash};
    return true;
}

bool mx_map_set(mx_map *m, const char *key, void *value, void **former) {
    mx_map_entry *e = find(m, key);
    if (former)
        *former = e ? e->value : NULL;
    if (!e)
        return add_entry(m, key, value);
    e->value = value;
    return true;
}

void *mx_map_remove(mx_map *m, const char *key) {
    mx_map_entry *e = find(m, key);
    if (!e)
        return NULL;
    void *value = e->value;
    mx_free(e->key);
    m->count--;
    memmove(e, e + 1, (size_t)(m->entry + m->count - e) * sizeof *e);
    fill_slots(m);
    return value;
}

void mx_map_free(mx_map *m, void (*free_value)(void *)) {
    for (size_t i = 0; i < m->count; i++) {
        mx_free(m->entry[i].key);
        if (free_value)
            free_value(m->entry[i].value);
    }
    mx_free(m->entry);
    mx_free(m->slot);
    *m = (mx_map){0};
}
