/* Names, nodes and tokens, for the parser: see tree.h and parse.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/template/parse/parse.h"

/* --- names ------------------------------------------------------------------------------------ */

static uint64_t hash_name(const char *p, size_t n) { // FNV-1a: names are the author's
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static size_t slot_of(const mx_template *t, const char *p, size_t n) {
    size_t at = hash_name(p, n) & (t->slots - 1);
    for (; t->slot[at]; at = (at + 1) & (t->slots - 1)) {
        const char *word = t->word[t->slot[at] - 1];
        if (strlen(word) == n && !memcmp(word, p, n))
            break;
    }
    return at;
}

uint32_t tm_find_name(const mx_template *t, const char *p, size_t n) {
    uint32_t found = t->slots ? t->slot[slot_of(t, p, n)] : 0;
    return found ? found - 1 : TM_NO_ID;
}

static bool grow_slots(mx_template *t) {
    size_t slots = t->slots ? 2 * t->slots : 64;
    uint32_t *slot = mx_calloc(slots, sizeof *slot);
    if (!slot)
        return false;
    mx_free(t->slot);
    t->slot = slot;
    t->slots = slots;
    for (uint32_t i = 0; i < t->words; i++)
        t->slot[slot_of(t, t->word[i], strlen(t->word[i]))] = i + 1;
    return true;
}

uint32_t tm_add_name(mx_template *t, const char *p, size_t n) {
    uint32_t found = tm_find_name(t, p, n);
    if (found != TM_NO_ID)
        return found;
    char *word = tm_alloc(&t->heap, n + 1, 1);
    if (!word || !mx_grow(&t->word, &t->word_room, t->words + 1, sizeof *t->word) ||
        (2 * (t->words + 1) > t->slots && !grow_slots(t)))
        return t->heap.failed = true, TM_NO_ID;
    memcpy(word, p, n);
    word[n] = 0;
    t->word[t->words++] = word;
    t->slot[slot_of(t, word, n)] = (uint32_t)t->words;
    return (uint32_t)t->words - 1;
}

/* --- tokens ----------------------------------------------------------------------------------- */

void *tm_refuse(tm_parser *p, const char *format, ...) {
    char text[MX_ERROR_TEXT / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->t->heap.line = tm_now(p)->line;
    tm_fail(&p->t->heap, MX_FORMAT, "%s", text);
    return NULL;
}

bool tm_enter(tm_parser *p) {
    if (++p->nesting > TM_MOST_NESTING)
        tm_refuse(p, "more than %d tags or parentheses in each other", TM_MOST_NESTING);
    return p->nesting <= TM_MOST_NESTING;
}

static bool is(const tm_parser *p, tm_token_kind kind, const char *word) {
    const tm_token *k = tm_now(p);
    return k->kind == kind && k->n == strlen(word) && !memcmp(tm_text_of(p, k), word, k->n);
}

bool tm_is_sign(const tm_parser *p, const char *sign) {
    return is(p, TM_T_SIGN, sign);
}

bool tm_is_name(const tm_parser *p, const char *name) {
    return is(p, TM_T_NAME, name);
}

bool tm_skip_sign(tm_parser *p, const char *sign) {
    bool there = tm_is_sign(p, sign);
    p->at += there;
    return there;
}

bool tm_skip_name(tm_parser *p, const char *name) {
    bool there = tm_is_name(p, name);
    p->at += there;
    return there;
}

bool tm_want_sign(tm_parser *p, const char *sign) {
    const tm_token *k = tm_now(p);
    if (tm_skip_sign(p, sign))
        return true;
    if (k->kind == TM_T_CLOSE || k->kind == TM_T_UNTAG)
        return tm_refuse(p, "the tag ends where '%s' is expected", sign);
    return tm_refuse(p, "'%.*s' stands where '%s' is expected", k->n > 40 ? 40 : (int)k->n,
                     tm_text_of(p, k), sign);
}

/* --- nodes ------------------------------------------------------------------------------------ */

tm_node *tm_node_new(tm_parser *p, tm_op op) {
    tm_node *n = tm_alloc(&p->t->heap, 1, sizeof *n);
    if (n)
        *n = (tm_node){.op = (uint8_t)op, .depth = 1, .line = tm_now(p)->line};
    return n;
}

static void deepen(int *depth, const tm_node *part) {
    if (part && part->depth >= *depth)
        *depth = part->depth + 1;
}

bool tm_set_depth(tm_parser *p, tm_node *n) {
    int depth = 1;
    deepen(&depth, n->a);
    deepen(&depth, n->b);
    deepen(&depth, n->c);
    for (uint32_t i = 0; i < n->kids; i++)
        deepen(&depth, n->kid[i]);
    n->depth = (uint16_t)depth;
    return depth <= TM_MOST_DEPTH ||
           tm_refuse(p, "an expression or tags of more than %d levels", TM_MOST_DEPTH);
}

tm_node *tm_node_of(tm_parser *p, tm_op op, tm_node *a, tm_node *b) {
    tm_node *n = p->t->heap.failed ? NULL : tm_node_new(p, op);
    if (!n)
        return NULL;
    n->a = a;
    n->b = b;
    if (a)
        n->line = a->line;
    return tm_set_depth(p, n) ? n : NULL;
}

bool tm_nodes_add(tm_parser *p, tm_nodes *l, tm_node *n) {
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 4;
        tm_node **item = tm_alloc(&p->t->heap, room, sizeof(tm_node *));
        if (!item)
            return false;
        if (l->n)
            memcpy(item, l->item, l->n * sizeof(tm_node *));
        l->item = item;
        l->room = room;
    }
    l->item[l->n++] = n;
    return !p->t->heap.failed;
}

tm_node *tm_nodes_of(tm_parser *p, tm_node *n, const tm_nodes *l) {
    if (!n || p->t->heap.failed)
        return NULL;
    n->kid = l->item;
    n->kids = (uint32_t)l->n;
    return tm_set_depth(p, n) ? n : NULL;
}
