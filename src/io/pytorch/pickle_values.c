/* The values of a pickle, in one pool: see pickle.h. */
#include <string.h>

#include "base/mem.h"
#include "io/pytorch/pickle.h"

enum { CHUNK = 1 << 16 };

typedef struct pk_chunk {
    struct pk_chunk *next;
    size_t used, room;
    _Alignas(16) char bytes[];
} pk_chunk;

void *pk_fail(const pk_machine *m, const char *what, const char *name) {
    return mx_source_fail(m->s, m->at, "%s%s%.160s%s", what, name ? " '" : "", name ? name : "",
                          name ? "'" : "");
}

static bool add_chunk(pk_machine *m, size_t bytes) {
    size_t room = bytes > CHUNK ? bytes : CHUNK;
    if (room > PK_MOST_POOL - m->pool)
        return pk_fail(m, "the pickle makes too many values", NULL);
    pk_chunk *c = mx_calloc(1, sizeof *c + room);
    if (!c)
        return false;
    c->room = room;
    c->next = m->chunk;
    m->chunk = c;
    m->pool += room;
    return true;
}

void *pk_alloc(pk_machine *m, size_t bytes) {
    bytes = (bytes + 15) / 16 * 16;
    if ((!m->chunk || bytes > m->chunk->room - m->chunk->used) && !add_chunk(m, bytes))
        return NULL;
    void *p = m->chunk->bytes + m->chunk->used;
    m->chunk->used += bytes;
    return p;
}

void pk_free(pk_machine *m) {
    for (pk_chunk *c = m->chunk, *next; c; c = next) {
        next = c->next;
        mx_free(c);
    }
    mx_free(m->stack);
    mx_free(m->memo);
    mx_map_free(&m->storages, NULL);
    *m = (pk_machine){0};
}

pk_value *pk_new(pk_machine *m, pk_kind kind) {
    pk_value *v = pk_alloc(m, sizeof *v);
    if (v)
        v->kind = kind;
    return v;
}

bool pk_append(pk_machine *m, pk_value *list, pk_value *item) {
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 4;
        pk_value **items = pk_alloc(m, room * sizeof *items);
        if (!items)
            return false;
        if (list->count)
            memcpy(items, list->as.item, list->count * sizeof *items);
        list->as.item = items;
        list->room = room;
    }
    list->as.item[list->count++] = item;
    return true;
}
