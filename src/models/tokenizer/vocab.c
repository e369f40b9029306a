/* Pieces: see vocab.h. */
#include "models/tokenizer/vocab.h"

#include "base/mem.h"
#include "base/status.h"
#include "base/system.h"
#include "base/vec.h"

/* --- hashing: products of 64 bits folded, as wyhash does -------------------------------------- */

static inline uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t tok_hash(uint64_t seed, const char *p, size_t n) {
    uint64_t h = seed ^ n * 0x9E3779B97F4A7C15U;
    for (; n > 8; p += 8, n -= 8)
        h = fold(h ^ tok_bits(p, 8), 0xD6E8FEB86659FD93U);
    return fold(h ^ tok_bits(p, n), 0xA0761D6478BD642FU);
}

uint64_t tok_seed(void) {
    static _Thread_local uint64_t seed;
    if (!seed)
        mx_secret(&seed, sizeof seed);
    return seed |= 1;
}

/* --- by text ---------------------------------------------------------------------------------- */

static bool has_text(const tok_vocab *v, const tok_piece *x, const char *p, size_t n) {
    return x->n == n && tok_is_same(v->text.p + x->at, p, n);
}

/* The slot of a text, or the free one where it would be. */
static tok_slot *slot_of(const tok_vocab *v, uint32_t hash, const char *p, size_t n) {
    size_t i = hash & (v->slots - 1);
    for (; v->slot[i].next; i = (i + 1) & (v->slots - 1))
        if (v->slot[i].hash == hash && has_text(v, &v->piece[v->slot[i].next - 1], p, n))
            break;
    return &v->slot[i];
}

static bool rehash(tok_vocab *v) {
    size_t slots = v->slots ? 2 * v->slots : 1024;
    tok_slot *slot = mx_calloc(slots, sizeof *slot), *former = v->slot;
    if (!slot)
        return false;
    for (size_t k = 0; k < v->slots; k++) {
        size_t i = former[k].hash & (slots - 1);
        while (former[k].next && slot[i].next)
            i = (i + 1) & (slots - 1);
        if (former[k].next)
            slot[i] = former[k];
    }
    mx_free(former);
    v->slot = slot;
    v->slots = slots;
    return true;
}

int32_t tok_vocab_find(const tok_vocab *v, const char *p, size_t n) {
    if (n > v->longest || !v->slots)
        return -1;
    return (int32_t)slot_of(v, (uint32_t)tok_hash(v->seed, p, n), p, n)->next - 1;
}

/* --- by number -------------------------------------------------------------------------------- */

static bool reach(tok_vocab *v, size_t id) {
    if (!v->seed)
        v->seed = tok_seed();
    if (!mx_grow(&v->piece, &v->room, id + 1, sizeof *v->piece))
        return false;
    for (; v->count <= id; v->count++)
        v->piece[v->count] = (tok_piece){.at = TOK_NO_PIECE};
    return true;
}

static bool is_addable(const tok_vocab *v, int64_t id, tok_text t) {
    if (id < 0 || id >= TOK_MOST_PIECES)
        return mx_fail(MX_FORMAT, "[tokenizer] '%s': the id %lld: ids are 0 to %d", v->name,
                       (long long)id, TOK_MOST_PIECES - 1);
    if (t.n > TOK_MOST_PIECE || v->text.n > UINT32_MAX / 2)
        return mx_fail(MX_FORMAT, "[tokenizer] '%s': the piece of the id %lld is too long", v->name,
                       (long long)id);
    if ((size_t)id < v->count && v->piece[id].at != TOK_NO_PIECE)
        return mx_fail(MX_FORMAT, "[tokenizer] '%s': the id %lld stands twice", v->name,
                       (long long)id);
    return true;
}

bool tok_vocab_add(tok_vocab *v, int64_t id, tok_text t, double score, tok_type type) {
    if (!is_addable(v, id, t) || !reach(v, (size_t)id) || (2 * v->used >= v->slots && !rehash(v)) ||
        !tok_room(&v->text, t.n + 1))
        return false;
    uint32_t hash = (uint32_t)tok_hash(v->seed, t.p, t.n);
    v->piece[id] = (tok_piece){score, (uint32_t)v->text.n, (uint16_t)t.n, (uint8_t)type};
    tok_slot *slot = slot_of(v, hash, t.p, t.n);
    v->used += !slot->next;
    if (!slot->next)
        *slot = (tok_slot){hash, (uint32_t)id + 1};
    tok_put(&v->text, t.p, t.n);
    v->longest = t.n > v->longest ? t.n : v->longest;
    return true;
}

tok_text tok_vocab_piece(const tok_vocab *v, int64_t id) {
    if (id < 0 || (size_t)id >= v->count || v->piece[id].at == TOK_NO_PIECE)
        return (tok_text){NULL, 0};
    return (tok_text){v->text.p + v->piece[id].at, v->piece[id].n};
}

void tok_vocab_free(tok_vocab *v) {
    tok_free(&v->text);
    mx_free(v->piece);
    mx_free(v->slot);
}
