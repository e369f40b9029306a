/* What all files that read schemas use: errors, lists, and the rules that lists become. */
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/structure/schema/schema_parts.h"

/* --- errors ---------------------------------------------------------------------------------- */

void sg_at(sg_reader *r, json_t *schema, const char *key) {
    r->here = schema;
    r->key = key;
}

static void *wrong(sg_reader *r, mx_status status, const char *format, va_list args) {
    char text[400];
    vsnprintf(text, sizeof text, format, args);
    sg_fail(r->b, status, "%s", text);
    return NULL;
}

void *sg_schema_wrong(sg_reader *r, const char *format, ...) {
    va_list args;
    va_start(args, format);
    wrong(r, MX_INVALID, format, args);
    va_end(args);
    return NULL;
}

void *sg_schema_refuse(sg_reader *r, const char *format, ...) {
    va_list args;
    va_start(args, format);
    wrong(r, MX_UNSUPPORTED, format, args);
    va_end(args);
    return NULL;
}

/* --- lists ----------------------------------------------------------------------------------- */

bool sg_items_add(sg_reader *r, sg_items *all, sg_item x) {
    if (!r->b->failed && !mx_grow(&all->item, &all->room, all->count + 1, sizeof *all->item))
        r->b->failed = true;
    if (r->b->failed)
        return false;
    all->item[all->count++] = x;
    return true;
}

void sg_items_free(sg_items *all) {
    mx_free(all->item);
    *all = (sg_items){0};
}

static bool demands_nothing(json_t *schema) {
    return json_is_true(schema) || (json_is_object(schema) && !json_object_size(schema));
}

/* Only what demands something, once. False: nothing can match, or an error. */
static bool without_trifles(sg_reader *r, const sg_items *all, sg_items *out) {
    for (size_t i = 0; i < all->count; i++) {
        sg_item x = all->item[i];
        bool there = demands_nothing(x.schema);
        for (size_t k = 0; k < out->count && !there; k++)
            there = out->item[k].schema == x.schema && out->item[k].chosen == x.chosen;
        if (json_is_false(x.schema))
            return false;
        if (!there && !sg_items_add(r, out, x))
            return false;
    }
    return true;
}

static char *key_of(const sg_reader *r, const sg_items *all) {
    mx_text t = {0};
    mx_text_str(&t, r->checks ? "c" : "r");
    for (size_t i = 0; i < all->count; i++)
        mx_text_add(&t, "%c%p", all->item[i].chosen ? '-' : '+', (void *)all->item[i].schema);
    return mx_text_take(&t);
}

/* A rule for the list, which is taken over. */
static uint32_t enqueue(sg_reader *r, sg_items *all, const char *key) {
    uint32_t rule = sg_rule_new(r->b, "value", 5);
    void *number = (void *)(uintptr_t)(rule + 1u);
    if (r->b->failed || !mx_grow(&r->wait, &r->wait_room, r->waits + 1, sizeof *r->wait) ||
        !mx_map_set(&r->rules, key, number, NULL)) {
        r->b->failed = true;
        return UINT32_MAX;
    }
    r->wait[r->waits++] = (sg_wait){*all, rule, r->checks};
    *all = (sg_items){0};
    return rule;
}

uint32_t sg_want_rule(sg_reader *r, const sg_items *all) {
    sg_items own = {0};
    uint32_t rule = UINT32_MAX;
    char *key = NULL;
    if (!without_trifles(r, all, &own) || !(key = key_of(r, &own))) {
        r->b->failed |= mx_failed();
    } else {
        uintptr_t number = (uintptr_t)mx_map_get(&r->rules, key);
        rule = number ? (uint32_t)number - 1 : enqueue(r, &own, key);
    }
    mx_free(key);
    sg_items_free(&own);
    return rule;
}

sg_expr sg_want(sg_reader *r, const sg_items *all) {
    bool any = true;
    for (size_t i = 0; i < all->count; i++)
        any &= demands_nothing(all->item[i].schema);
    if (any)
        return sg_common(r, SG_C_VALUE);
    uint32_t rule = sg_want_rule(r, all);
    return rule == UINT32_MAX ? SG_NONE : sg_ref(r->b, rule);
}
