/* See expr.h. */
#include "models/structure/automaton/expr.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "base/vec.h"

enum { ASKED_STEPS = 1 << 16 };

sg_expr sg_fail(sg_builder *b, mx_status status, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mx_fail(status, "[structure] %s: %s", b->place ? b->place(b->context) : b->where, text);
    b->failed = true;
    return SG_NONE;
}

static _Atomic(uint64_t) most_steps = SG_MOST_STEPS;

uint64_t sg_limit_steps(uint64_t steps) {
    return atomic_exchange(&most_steps, steps ? steps : SG_MOST_STEPS);
}

static bool ask(sg_builder *b) {
    b->failed = b->failed || mx_interrupted_within();
    return b->failed;
}

/* A call between two questions may take many steps, as the automaton's states are large. */
static void ask_by_steps(sg_builder *b) {
    if (*b->steps < b->asks_after)
        return;
    b->asks_after = *b->steps + ASKED_STEPS;
    ask(b);
}

bool sg_affords(sg_builder *b) {
    uint64_t most = atomic_load_explicit(&most_steps, memory_order_relaxed);
    ask_by_steps(b);
    if (*b->steps > most && !b->failed)
        sg_fail(b, MX_RANGE, "its automaton takes more than %llu steps to make",
                (unsigned long long)most);
    return !b->failed;
}

bool sg_spend(sg_builder *b, uint64_t steps) {
    *b->steps += steps;
    return sg_affords(b);
}

bool sg_stopped(sg_builder *b) {
    return b->failed || (++b->asked % 1024 == 0 && ask(b));
}

static sg_expr too_large(sg_builder *b) {
    return sg_fail(b, MX_RANGE, "it has more than %d parts", SG_MOST_NODES);
}

/* The node with its parts' depth. SG_NONE and an error: there is no room. */
static sg_expr add(sg_builder *b, sg_node n, const sg_expr *part, size_t parts) {
    if (b->failed)
        return SG_NONE;
    for (size_t i = 0; i < parts; i++)
        if (b->node[part[i]].depth >= n.depth)
            n.depth = (uint16_t)(b->node[part[i]].depth + 1);
    if (n.depth > SG_MOST_DEPTH)
        return sg_fail(b, MX_RANGE, "it is nested more than %d deep", SG_MOST_DEPTH);
    if (b->nodes >= SG_MOST_NODES || b->kids + parts > SG_MOST_NODES)
        return too_large(b);
    if (!mx_grow(&b->node, &b->node_room, b->nodes + 1, sizeof *b->node) ||
        !mx_grow(&b->kid, &b->kid_room, b->kids + parts, sizeof *b->kid)) {
        b->failed = true;
        return SG_NONE;
    }
    if (parts) {
        n.first = (uint32_t)b->kids;
        n.count = (uint32_t)parts;
        memcpy(b->kid + b->kids, part, parts * sizeof *part);
        b->kids += parts;
    }
    b->node[b->nodes] = n;
    return (sg_expr)b->nodes++;
}

bool sg_begin(sg_builder *b, const char *where, const sg_builder *whole) {
    *b = (sg_builder){.where = where};
    b->steps = whole ? whole->steps : &b->own_steps;
    add(b, (sg_node){.kind = SG_IS_NONE}, NULL, 0);
    add(b, (sg_node){.kind = SG_IS_EMPTY}, NULL, 0);
    return !b->failed;
}

void sg_end(sg_builder *b) {
    for (size_t i = 0; i < b->rules; i++)
        mx_free(b->rule[i].name);
    for (size_t i = 0; i < b->dfas; i++)
        sg_dfa_free(b->dfa[i]);
    mx_free(b->dfa);
    mx_free(b->node);
    mx_free(b->kid);
    mx_free(b->text);
    mx_free(b->rule);
    *b = (sg_builder){0};
}

sg_expr sg_range(sg_builder *b, unsigned first, unsigned last) {
    sg_node n = {.kind = SG_IS_RANGE, .first = first, .count = last};
    return add(b, n, NULL, 0);
}

sg_expr sg_text(sg_builder *b, const char *text, size_t n) {
    if (!n || b->failed)
        return b->failed ? SG_NONE : SG_EMPTY;
    if (b->bytes + n > 4 * (size_t)SG_MOST_TEXT)
        return too_large(b);
    if (!mx_grow(&b->text, &b->text_room, b->bytes + n, 1)) {
        b->failed = true;
        return SG_NONE;
    }
    memcpy(b->text + b->bytes, text, n);
    sg_node x = {.kind = SG_IS_TEXT, .first = (uint32_t)b->bytes, .count = (uint32_t)n};
    b->bytes += n;
    return add(b, x, NULL, 0);
}

sg_expr sg_word(sg_builder *b, const char *text) {
    return sg_text(b, text, strlen(text));
}

static sg_expr several(sg_builder *b, sg_kind kind, const sg_expr *part, size_t n) {
    return n == 1 ? part[0] : add(b, (sg_node){.kind = (uint8_t)kind}, part, n);
}

sg_expr sg_cat(sg_builder *b, const sg_expr *part, size_t n) {
    return n ? several(b, SG_IS_CAT, part, n) : SG_EMPTY;
}

sg_expr sg_alt(sg_builder *b, const sg_expr *part, size_t n) {
    return n ? several(b, SG_IS_ALT, part, n) : SG_NONE;
}

sg_expr sg_repeat(sg_builder *b, sg_expr x, uint32_t least, uint32_t most) {
    if (least > SG_MOST_REPEAT || (most != SG_UNBOUNDED && most > SG_MOST_REPEAT))
        return sg_fail(b, MX_RANGE, "something is repeated more than %d times", SG_MOST_REPEAT);
    if (most == 0)
        return SG_EMPTY;
    sg_node n = {.kind = SG_IS_REPEAT, .least = least, .most = most};
    return least == 1 && most == 1 ? x : add(b, n, &x, 1);
}

sg_expr sg_optional(sg_builder *b, sg_expr x) {
    return sg_repeat(b, x, 0, 1);
}

sg_expr sg_chain(sg_builder *b, const sg_expr *part, size_t n, uint32_t least) {
    return n ? add(b, (sg_node){.kind = SG_IS_CHAIN, .least = least}, part, n) : SG_EMPTY;
}

/* The flags are kept as parts, too: SG_EMPTY where one may be left out. */
sg_expr sg_list(sg_builder *b, sg_expr separator, const sg_expr *part, const bool *optional,
                size_t n) {
    sg_parts all = {0};
    sg_parts_add(b, &all, separator);
    for (size_t i = 0; i < n; i++) {
        sg_parts_add(b, &all, part[i]);
        sg_parts_add(b, &all, optional[i] ? SG_EMPTY : SG_NONE);
    }
    sg_expr x = b->failed ? SG_NONE
                : n       ? add(b, (sg_node){.kind = SG_IS_LIST}, all.item, all.count)
                          : SG_EMPTY;
    sg_parts_free(&all);
    return x;
}

sg_expr sg_ref(sg_builder *b, uint32_t rule) {
    return b->failed ? SG_NONE : add(b, (sg_node){.kind = SG_IS_REF, .first = rule}, NULL, 0);
}

sg_expr sg_automaton(sg_builder *b, sg_dfa *d) {
    if (!b->failed && (!d || !mx_grow(&b->dfa, &b->dfa_room, b->dfas + 1, sizeof *b->dfa)))
        b->failed = true;
    if (b->failed || !d->states) {
        sg_dfa_free(d);
        return SG_NONE;
    }
    b->dfa[b->dfas] = d;
    return add(b, (sg_node){.kind = SG_IS_DFA, .first = (uint32_t)b->dfas++}, NULL, 0);
}

/* --- rules ----------------------------------------------------------------------------------- */

uint32_t sg_rule_new(sg_builder *b, const char *name, size_t n) {
    if (b->rules >= SG_MOST_RULES)
        sg_fail(b, MX_RANGE, "it has more than %d rules", SG_MOST_RULES);
    if (b->failed || !mx_grow(&b->rule, &b->rule_room, b->rules + 1, sizeof *b->rule)) {
        b->failed = true;
        return UINT32_MAX;
    }
    char *copy = mx_malloc(n + 1);
    if (!copy) {
        b->failed = true;
        return UINT32_MAX;
    }
    memcpy(copy, name, n);
    copy[n] = 0;
    b->rule[b->rules] = (sg_rule){.name = copy};
    return (uint32_t)b->rules++;
}

void sg_rule_set(sg_builder *b, uint32_t rule, sg_expr x) {
    if (b->failed)
        return;
    b->rule[rule].expr = x;
    b->rule[rule].defined = true;
}

/* --- lists ----------------------------------------------------------------------------------- */

bool sg_parts_add(sg_builder *b, sg_parts *p, sg_expr x) {
    if (!b->failed && !mx_grow(&p->item, &p->room, p->count + 1, sizeof *p->item))
        b->failed = true;
    if (b->failed)
        return false;
    p->item[p->count++] = x;
    return true;
}

sg_expr sg_parts_cat(sg_builder *b, sg_parts *p) {
    sg_expr x = b->failed ? SG_NONE : sg_cat(b, p->item, p->count);
    sg_parts_free(p);
    return x;
}

sg_expr sg_parts_alt(sg_builder *b, sg_parts *p) {
    sg_expr x = b->failed ? SG_NONE : sg_alt(b, p->item, p->count);
    sg_parts_free(p);
    return x;
}

void sg_parts_free(sg_parts *p) {
    mx_free(p->item);
    *p = (sg_parts){0};
}

bool sg_take(const char **at, const char *end, const char *word) {
    size_t n = strlen(word);
    bool found = (size_t)(end - *at) >= n && !memcmp(*at, word, n);
    *at += found ? n : 0;
    return found;
}
