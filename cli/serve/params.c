/* From fields to samplers, stop texts and structures. */
#include "serve/params.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

const srv_field srv_stream_fields[] = {
    {"include_usage", SRV_BOOL, TO(stream_usage)},
    {"include_obfuscation", SRV_BOOL, SRV_NOWHERE, .only = "false"},
    {0}};

srv_params srv_params_default(void) {
    return (srv_params){.most = -1,
                        .most_too = -1,
                        .n = 1,
                        .seed = SRV_UNSET,
                        .temperature = 1,
                        .top_p = 1,
                        .typical_p = 1,
                        .repetition_penalty = 1,
                        .xtc_threshold = 0.1,
                        .dry_base = 1.75,
                        .dry_allowed = 2,
                        .penalty_last = -1,
                        .dry_last = -1,
                        .mirostat_tau = 5,
                        .mirostat_eta = 0.1,
                        .log_probabilities = -1,
                        .reasoning = true,
                        .keep = -1};
}

void srv_params_clear(srv_params *p) {
    json_decref(p->messages);
    json_decref(p->tools);
    json_decref(p->variables);
    json_decref(p->forced);
    free(p->structure_own);
    p->messages = p->tools = p->variables = p->forced = NULL;
    p->structure_own = NULL;
}

bool srv_params_stream(const srv_params *p, const json_t *body, srv_fault *f) {
    const json_t *given = json_object_get(body, "stream_options");
    return p->stream || !given || json_is_null(given) ||
           srv_fail_field(f, "stream_options", "stream is to be true with it");
}

/* --- options of options ----------------------------------------------------------------------- */

static bool is_given(const json_t *options, const char *name) {
    const json_t *v = json_object_get(options, name);
    return v && !json_is_null(v);
}

static bool some_given(const json_t *options, const char *const *names) {
    for (; *names; names++)
        if (is_given(options, *names))
            return true;
    return false;
}

/* Of each option those of which it needs one: the first is what is said. */
static const struct needs {
    const char *name, *needs[5];
} needs[] = {
    {"xtc_threshold", {"xtc_probability"}},
    {"dry_base", {"dry_multiplier"}},
    {"dry_allowed_length", {"dry_multiplier"}},
    {"dry_penalty_last_n", {"dry_multiplier"}},
    {"mirostat_tau", {"mirostat"}},
    {"mirostat_eta", {"mirostat"}},
    {"repeat_last_n",
     {"repetition_penalty", "repeat_penalty", "presence_penalty", "frequency_penalty"}},
};

/* The field's whole name. */
static const char *in_place(char field[160], const char *place, const char *name) {
    snprintf(field, 160, "%s%s", place, name);
    return field;
}

bool srv_params_together(const json_t *given, const char *place, bool penalized, srv_fault *f) {
    const json_t *threshold = json_object_get(given, "xtc_threshold");
    char field[160];
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        const struct needs *n = &needs[i];
        bool usual = penalized && strcmp(n->name, "repeat_last_n") == 0;
        if (!usual && is_given(given, n->name) && !some_given(given, n->needs))
            return srv_fail_field(f, in_place(field, place, n->name), "it does nothing without %s",
                                  n->needs[0]);
    }
    if (json_is_number(threshold) && json_number_value(threshold) == 0)
        return srv_fail_field(f, in_place(field, place, "xtc_threshold"), "it is above 0");
    return !is_given(given, "repetition_penalty") || !is_given(given, "repeat_penalty") ||
           srv_fail_field(f, in_place(field, place, "repeat_penalty"),
                          "there is repetition_penalty as well");
}

/* --- structures ------------------------------------------------------------------------------- */

bool srv_params_hold(srv_params *p, srv_structure kind, const char *text, const char *field,
                     srv_fault *f) {
    if (p->structure != SRV_FREE)
        return srv_fail_field(f, field, "there is '%s' as well: one of them is enough",
                              p->structure_field);
    p->structure = kind;
    p->structure_field = field;
    if (!text)
        return true;
    p->structure_text = p->structure_own = strdup(text);
    return p->structure_own || srv_fail(f, 500, "out of memory");
}

static bool hold_json(srv_params *p, srv_structure kind, const json_t *value, const char *field,
                      srv_fault *f) {
    if (json_is_string(value))
        return srv_params_hold(p, kind, json_string_value(value), field, f);
    char *text = json_dumps(value, JSON_COMPACT);
    bool ok = text ? srv_params_hold(p, kind, text, field, f) : srv_fail(f, 500, "out of memory");
    free(text);
    return ok;
}

bool srv_params_schema(srv_params *p, const json_t *schema, const char *field, srv_fault *f) {
    return hold_json(p, SRV_SCHEMA, schema, field, f);
}

bool srv_params_structure(srv_params *p, const json_t *body, srv_fault *f) {
    static const struct {
        const char *field;
        srv_structure kind;
    } rows[] = {{"grammar", SRV_GRAMMAR},     {"guided_grammar", SRV_GRAMMAR},
                {"regex", SRV_REGEX},         {"guided_regex", SRV_REGEX},
                {"json_schema", SRV_SCHEMA},  {"guided_json", SRV_SCHEMA},
                {"guided_choice", SRV_CHOICE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const json_t *v = json_object_get(body, rows[i].field);
        if (v && !json_is_null(v) && !hold_json(p, rows[i].kind, v, rows[i].field, f))
            return false;
    }
    return true;
}

static const srv_field schema_fields[] = {
    {"name", SRV_TEXT, SRV_NOWHERE, .count = 64, .required = true},
    {"description", SRV_TEXT, SRV_NOWHERE},
    {"schema", SRV_OBJECT, SRV_NOWHERE, .required = true},
    {"strict", SRV_BOOL, SRV_NOWHERE}, // it is held to either way
    {0}};
#define TYPE_FIELD \
    {"type", SRV_TEXT, SRV_NOWHERE, .words = "text|json_object|json_schema", .required = true}
static const srv_field format_fields[] = {
    TYPE_FIELD, {"json_schema", SRV_OBJECT, SRV_NOWHERE, .inner = schema_fields}, {0}};
static const srv_field flat_fields[] = {TYPE_FIELD,
                                        {"name", SRV_TEXT, SRV_NOWHERE, .count = 64},
                                        {"description", SRV_TEXT, SRV_NOWHERE},
                                        {"schema", SRV_OBJECT, SRV_NOWHERE},
                                        {"strict", SRV_BOOL, SRV_NOWHERE},
                                        {0}};

bool srv_params_format(srv_params *p, const json_t *format, const char *field, srv_fault *f) {
    bool flat = strcmp(field, "response_format") != 0;
    if (!format)
        return true;
    if (!srv_fields_read_at(flat ? flat_fields : format_fields, format, field, NULL, f))
        return false;
    const char *type = json_string_value(json_object_get(format, "type"));
    if (strcmp(type, "text") == 0)
        return true;
    if (strcmp(type, "json_object") == 0)
        return srv_params_hold(p, SRV_JSON, NULL, field, f);
    const json_t *at = flat ? format : json_object_get(format, "json_schema");
    const json_t *schema = json_object_get(at, "schema");
    return schema ? srv_params_schema(p, schema, field, f)
                  : srv_fail_field(f, field, "its schema is missing");
}

/* --- sampling --------------------------------------------------------------------------------- */

static bool token_of(const char *text, int64_t vocabulary, int *token) {
    char *end;
    errno = 0;
    long id = strtol(text, &end, 10);
    *token = (int)id;
    bool one_way = *text >= '0' && *text <= '9' && (*text != '0' || !text[1]); // "7", not "007"
    return !errno && one_way && !*end && id >= 0 && id < vocabulary;
}

static bool read_bias(const json_t *bias, int64_t vocabulary, int *tokens, float *values,
                      srv_fault *f) {
    const char *key;
    json_t *value;
    size_t i = 0;
    json_object_foreach((json_t *)bias, key, value) {
        double x = json_number_value(value);
        if (!token_of(key, vocabulary, &tokens[i]))
            return srv_fail_field(f, "logit_bias", "'%.40s' is no token of this model", key);
        if (!json_is_number(value) || !(x >= -100 && x <= 100))
            return srv_fail_field(f, "logit_bias", "the bias of %.40s is not between -100 and 100",
                                  key);
        values[i++] = x == -100 ? -INFINITY : (float)x;
    }
    return true;
}

static uint64_t seed_of(const srv_params *p) {
    uint64_t seed = (uint64_t)p->seed;
    if (p->seed == SRV_UNSET && getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)(size_t)&seed; // never so for so few bytes
    return seed;
}

/* A step whose number changes nothing is left out: that is a zero. */
static double unless(double value, double neutral) {
    return value == neutral ? 0 : value;
}

static mlx_sampler_options options_of(const srv_params *p) {
    bool first = p->top_p == 0; // no mass but the likeliest token's
    double looks = p->penalty_last != 0, dry = p->dry_last != 0 ? p->dry_multiplier : 0;
    return (mlx_sampler_options){.seed = seed_of(p),
                                 .temperature = p->temperature,
                                 .top_k = first          ? 1
                                          : p->top_k > 0 ? (int)p->top_k
                                                         : 0,
                                 .top_p = unless(p->top_p, 1),
                                 .min_p = p->min_p,
                                 .typical_p = p->typical_p == 0 ? 1e-300 : unless(p->typical_p, 1),
                                 .xtc_probability = p->xtc_probability,
                                 .xtc_threshold = p->xtc_probability > 0 ? p->xtc_threshold : 0,
                                 .repetition_penalty = looks * unless(p->repetition_penalty, 1),
                                 .presence_penalty = looks * p->presence_penalty,
                                 .frequency_penalty = looks * p->frequency_penalty,
                                 .penalty_last = p->penalty_last > 0 ? (int)p->penalty_last : 0,
                                 .dry_multiplier = dry,
                                 .dry_base = dry > 0 ? p->dry_base : 0,
                                 .dry_allowed = dry > 0 ? (int)p->dry_allowed : 0,
                                 .dry_last = p->dry_last > 0 ? (int)p->dry_last : 0,
                                 .mirostat_tau = p->mirostat ? p->mirostat_tau : 0,
                                 .mirostat_eta = p->mirostat ? p->mirostat_eta : 0};
}

bool srv_params_sampling(const srv_params *p, int64_t vocabulary, mlx_sampler_options *o,
                         int **tokens, float **bias, srv_fault *f) {
    size_t n = json_object_size(p->bias);
    *o = options_of(p);
    *tokens = NULL;
    *bias = NULL;
    if (p->mirostat == 1)
        return srv_fail_field(f, "mirostat", "only its second version is there: 2");
    if (n == 0)
        return true;
    *tokens = malloc(n * sizeof **tokens);
    *bias = malloc(n * sizeof **bias);
    if (!*tokens || !*bias)
        return srv_fail(f, 500, "out of memory");
    o->bias_tokens = *tokens;
    o->bias = *bias;
    o->bias_count = n;
    return read_bias(p->bias, vocabulary, *tokens, *bias, f);
}

bool srv_params_stops(const srv_params *p, const char **stops, size_t *n, srv_fault *f) {
    size_t count = json_is_string(p->stop) ? 1 : json_array_size(p->stop);
    *n = 0;
    if (count > SRV_MOST_STOPS)
        return srv_fail_field(f, "stop", "%zu texts are too many: %d is the limit", count,
                              SRV_MOST_STOPS);
    for (size_t i = 0; i < count; i++) {
        const json_t *text = json_is_string(p->stop) ? p->stop : json_array_get(p->stop, i);
        if (json_string_length(text) == 0 || json_string_length(text) > 4096)
            return srv_fail_field(f, "stop", "a text has 1 to 4096 bytes");
        stops[(*n)++] = json_string_value(text);
    }
    return true;
}
