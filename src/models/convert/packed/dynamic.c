/* Modules of gptq that are packed otherwise than all, as GPTQModel's README says it:
 *
 *     "dynamic": {"-:.*visual.*": {},                                    left as they are
 *                 "+:.*\\.down_proj.*": {"bits": 8, "group_size": 32},   these say so of themselves
 *                 ".*q_proj.*": {"sym": false}}                          the same as with "+:"
 *
 * The first pattern that fits the beginning of a module's name counts. Patterns are Python's.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/convert/packed/dynamic.h"

enum { MOST_STEPS = 1000 * 1000, MOST_PATTERN = 4096, MOST_PATTERNS = 1000 };

static const char op[] = "convert";

typedef struct pattern {
    const char *text; /* of config.json */
    json_t *says;     /* the same */
    pcre2_code *code;
} pattern;

struct mx_packed_dynamic {
    size_t count;
    pcre2_match_context *limits;
    pcre2_match_data *found;
    pattern all[];
};

static bool refuse(const mx_model *m, const char *text, const char *why) {
    return mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s/config.json': quantization_config.dynamic: '%.80s': %s", op, m->folder,
                   text, why);
}

/* --- what a pattern says ---------------------------------------------------------------------- */

static bool is_group(const json_t *v) {
    json_int_t n = json_integer_value(v);
    return json_is_integer(v) && (n == -1 || (n > 0 && n <= INT32_MAX));
}

static bool is_width(const json_t *v) {
    json_int_t n = json_integer_value(v);
    return json_is_integer(v) && (n == 2 || n == 3 || n == 4 || n == 8);
}

/* Only of how codes were found. */
static bool is_of_packing(const char *key) {
    return mx_name_is_of(key, "damp_percent|damp_auto_increment|static_groups|true_sequential|mse|"
                              "act_group_aware");
}

static bool check_key(const mx_model *m, const char *text, const char *key, const json_t *v) {
    char why[120];
    bool flag = mx_name_is_of(key, "sym|desc_act");
    if (flag ? json_is_boolean(v)
             : (strcmp(key, "bits") == 0 && is_width(v)) ||
                   (strcmp(key, "group_size") == 0 && is_group(v)) || is_of_packing(key) ||
                   json_equal(mx_packed_option(m, NULL, key), v))
        return true;
    snprintf(why, sizeof why, "what it says of '%.40s' is not understood", key);
    return refuse(m, text, why);
}

static bool leaves(const pattern *p) {
    return strncmp(p->text, "-:", 2) == 0;
}

static bool check_says(const mx_model *m, const pattern *p) {
    const char *key;
    json_t *v;
    if (!json_is_object(p->says))
        return refuse(m, p->text, "an object was expected");
    json_object_foreach(leaves(p) ? NULL : p->says, key,
                        v) if (!check_key(m, p->text, key, v)) return false;
    return true;
}

/* --- patterns --------------------------------------------------------------------------------- */

static bool compile(const mx_model *m, pattern *p) {
    int code;
    PCRE2_SIZE at;
    unsigned char why[160];
    bool marked = leaves(p) || strncmp(p->text, "+:", 2) == 0;
    const char *text = p->text + (marked ? 2 : 0);
    if (strlen(text) > MOST_PATTERN)
        return refuse(m, p->text, "it is too long");
    p->code = pcre2_compile((PCRE2_SPTR)text, strlen(text),
                            PCRE2_UTF | PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (p->code)
        return true;
    pcre2_get_error_message(code, why, sizeof why);
    return refuse(m, p->text, (char *)why);
}

static bool add_all(const mx_model *m, json_t *rules, mx_packed_dynamic *d) {
    const char *text;
    json_t *says;
    json_object_foreach(rules, text, says) {
        pattern *p = &d->all[d->count++];
        *p = (pattern){text, says, NULL};
        if (!check_says(m, p) || !compile(m, p))
            return false;
    }
    return true;
}

static bool set_limits(mx_packed_dynamic *d) {
    d->limits = pcre2_match_context_create(NULL);
    d->found = pcre2_match_data_create(1, NULL);
    if (!d->limits || !d->found)
        return mx_fail_nomem(op, 128);
    pcre2_set_match_limit(d->limits, MOST_STEPS);
    return true;
}

bool mx_packed_dynamic_of(const mx_model *m, mx_packed_dynamic **out) {
    bool gptq = m->method && strcmp(m->method, "gptq") == 0;
    json_t *rules = gptq ? mx_packed_option(m, NULL, "dynamic") : NULL;
    size_t n = json_object_size(rules);
    *out = NULL;
    if (!rules)
        return true;
    if (!json_is_object(rules) || n > MOST_PATTERNS)
        return mx_packed_refuse(m, "dynamic", "an object of patterns was expected");
    mx_packed_dynamic *d = *out = mx_calloc(1, sizeof *d + n * sizeof *d->all);
    return d && set_limits(d) && add_all(m, rules, d);
}

void mx_packed_dynamic_free(mx_packed_dynamic *d) {
    for (size_t i = 0; d && i < d->count; i++)
        pcre2_code_free(d->all[i].code);
    if (d) {
        pcre2_match_data_free(d->found);
        pcre2_match_context_free(d->limits);
    }
    mx_free(d);
}

/* --- modules ---------------------------------------------------------------------------------- */

/* The first that fits; NULL: none, or with an error. */
static const pattern *find(const mx_model *m, const mx_packed_dynamic *d, const char *name,
                           size_t n) {
    for (size_t i = 0; i < d->count; i++) {
        int r = pcre2_match(d->all[i].code, (PCRE2_SPTR)name, n, 0, 0, d->found, d->limits);
        if (r >= 0)
            return &d->all[i];
        if (r != PCRE2_ERROR_NOMATCH) {
            refuse(m, d->all[i].text, "the pattern takes too long for a module's name");
            return NULL;
        }
    }
    return NULL;
}

bool mx_packed_dynamic_set(const mx_model *m, const mx_packed_dynamic *d, mx_model_tensor *t) {
    const char *dot = strrchr(t->name, '.');
    size_t n = dot ? (size_t)(dot - t->name) : strlen(t->name);
    const pattern *p = d ? find(m, d, t->name, n) : NULL;
    if (!p)
        return !mx_failed();
    if (leaves(p))
        return mx_packed_fail(m, t, "'%.80s' of quantization_config.dynamic leaves it as it is",
                              p->text);
    t->own = p->says;
    return true;
}
