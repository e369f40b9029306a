/* See schema.h: the queue of lists. */
#include "models/structure/schema/schema.h"

#include <string.h>

#include "base/mem.h"
#include "models/json.h"
#include "models/structure/automaton/nfa.h"
#include "models/structure/schema/schema_parts.h"

/* --- all of it -------------------------------------------------------------------------------- */

static bool are_apart(sg_reader *r) {
    sg_facts f = {0};
    bool ok = !r->b->failed && (!r->aparts || sg_facts_find(&f, r->b));
    for (size_t i = 0; ok && i < r->aparts; i++) {
        sg_apart a = r->apart[i];
        if (!f.rule[a.rule].matches)
            continue;
        sg_at(r, a.schema, "oneOf");
        ok = sg_schema_refuse(r,
                              "alternatives %zu and %zu may hold at once, and which of them does "
                              "cannot be enforced; anyOf allows both",
                              a.i, a.k);
    }
    sg_facts_free(&f);
    return ok;
}

static uint32_t read_all(sg_reader *r) {
    sg_items all = {0};
    sg_items_add(r, &all, (sg_item){r->root, false});
    uint32_t root = sg_rule_new(r->b, "root", 4);
    sg_rule_set(r->b, root, sg_want(r, &all));
    sg_items_free(&all);
    for (size_t i = 0; i < r->waits && !sg_stopped(r->b); i++) {
        sg_wait w = r->wait[i];
        r->checks = w.checks;
        sg_rule_set(r->b, w.rule, sg_meet(r, &w.all, sg_leaf));
    }
    sg_at(r, r->root, NULL);
    return are_apart(r) ? root : UINT32_MAX;
}

static void reader_free(sg_reader *r) {
    for (size_t i = 0; i < r->waits; i++)
        sg_items_free(&r->wait[i].all);
    mx_map_free(&r->rules, NULL);
    mx_map_free(&r->homes, NULL);
    mx_free(r->wait);
    mx_free(r->apart);
    mx_text_free(&r->place);
    r->b->place = NULL;
    json_decref(r->root);
}

static bool is_word(const char *text, size_t n, const char *word) {
    for (; n && strchr(" \t\r\n", text[n - 1]) && text[n - 1]; n--)
        ;
    for (; n && strchr(" \t\r\n", *text) && *text; n--)
        text++;
    return n == strlen(word) && !memcmp(text, word, n);
}

static json_t *parse(sg_builder *b, const char *text, size_t n) {
    if (n > SG_MOST_TEXT)
        return sg_fail(b, MX_RANGE, "it has more than 4 MiB"), NULL;
    if (is_word(text, n, "true") || is_word(text, n, "false"))
        return is_word(text, n, "true") ? json_true() : json_false();
    json_t *root = mx_json_parse_zeros("structure", "schema", text, n);
    b->failed |= !root;
    return root;
}

uint32_t sg_schema(sg_builder *b, const char *text, size_t n, int flags) {
    sg_reader r = {.b = b, .flags = flags, .root = parse(b, text, n)};
    if (b->failed)
        return UINT32_MAX;
    b->place = sg_place;
    b->context = &r;
    sg_at(&r, r.root, NULL);
    uint32_t root = read_all(&r);
    b->failed |= root == UINT32_MAX;
    reader_free(&r);
    return root;
}

uint32_t sg_any_json(sg_builder *b, bool object, int flags) {
    sg_reader r = {.b = b, .flags = flags};
    uint32_t root = sg_rule_new(b, "root", 4);
    sg_rule_set(b, root, sg_common(&r, object ? SG_C_OBJECT : SG_C_VALUE));
    return b->failed ? UINT32_MAX : root;
}
