/* POST /api/chat, /api/generate: the requests (https://github.com/ollama/ollama/blob/main/docs/
 * api.md). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/messages.h"
#include "serve/ollama/ollama.h"

typedef struct body {
    srv_params p; /* first: tables store into both */
    const json_t *messages, *tools, *options, *keep, *format, *think;
    const char *prompt, *system;
    bool raw;
    int64_t context, most;
} body;

#define AT(member) offsetof(body, member)

static const srv_field option_fields[] = {
    {"num_predict", SRV_INT, AT(most), .least = -2, .most = 1 << 30},
    {"num_ctx", SRV_INT, AT(context), .least = 1, .most = 1 << 30},
    SRV_SAMPLING_FIELDS,
    SRV_MORE_SAMPLING_FIELDS,
    {0}};

static const char no_images[] = "there are no eyes here, text alone";

#define COMMON                                                        \
    {"model", SRV_TEXT, TO(model), .count = 512, .required = true},   \
        {"stream", SRV_BOOL, TO(stream)},                             \
        {"options", SRV_OBJECT, SRV_NOWHERE, .inner = option_fields}, \
        {"format", SRV_TEXT | SRV_OBJECT, AT(format)},                \
        {"keep_alive", SRV_TEXT | SRV_REAL, AT(keep)}, {              \
        "think", SRV_BOOL | SRV_TEXT, AT(think)                       \
    }

static const srv_field chat_fields[] = {
    COMMON,
    {"messages", SRV_LIST, AT(messages), .items = SRV_OBJECT, .count = 10000},
    {"tools", SRV_LIST, AT(tools), .items = SRV_OBJECT, .count = SRV_MOST_TOOLS},
    {0}};
static const srv_field generate_fields[] = {
    COMMON,
    {"prompt", SRV_TEXT, AT(prompt)},
    {"system", SRV_TEXT, AT(system)},
    {"raw", SRV_BOOL, AT(raw)},
    {"suffix", SRV_REFUSED, SRV_NOWHERE, .words = "nothing is filled in before a text"},
    {"template", SRV_REFUSED, SRV_NOWHERE, .words = "the model's own is used"},
    {"context", SRV_REFUSED, SRV_NOWHERE, .words = "/api/chat takes what was said before"},
    {"images", SRV_REFUSED, SRV_NOWHERE, .words = no_images},
    {0}};

static const srv_field function_fields[] = {
    {"name", SRV_TEXT, SRV_NOWHERE, .required = true, .count = 128},
    {"arguments", SRV_OBJECT, SRV_NOWHERE, .required = true},
    {"index", SRV_INT, SRV_NOWHERE},
    {0}};
static const srv_field call_fields[] = {
    {"id", SRV_TEXT, SRV_NOWHERE, .count = 256},
    {"type", SRV_TEXT, SRV_NOWHERE, .words = "function"},
    {"function", SRV_OBJECT, SRV_NOWHERE, .inner = function_fields, .required = true},
    {0}};
static const srv_field message_fields[] = {
    {"role", SRV_TEXT, SRV_NOWHERE, .words = "system|user|assistant|tool", .required = true},
    {"content", SRV_TEXT, SRV_NOWHERE, .zeros = true},
    {"thinking", SRV_TEXT, SRV_NOWHERE, .zeros = true},
    {"tool_calls", SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT, .inner = call_fields, .count = 512},
    {"tool_name", SRV_TEXT, SRV_NOWHERE, .count = 128},
    {"tool_call_id", SRV_TEXT, SRV_NOWHERE, .count = 256},
    {"images", SRV_REFUSED, SRV_NOWHERE, .words = no_images},
    {0}};

/* --- messages --------------------------------------------------------------------------------- */

static json_t *calls_of(const json_t *message, const char *place, srv_fault *f) {
    const json_t *given = json_object_get(message, "tool_calls"), *call;
    json_t *list = json_array();
    size_t i;
    json_array_foreach(given, i, call) {
        const json_t *function = json_object_get(call, "function");
        json_t *made = srv_message_call(json_string_value(json_object_get(call, "id")),
                                        json_object_get(function, "name"),
                                        json_object_get(function, "arguments"), place, f);
        if (!made || json_array_append_new(list, made))
            return json_decref(list), NULL;
    }
    return list;
}

static json_t *text_member(const json_t *m, const char *key) {
    json_t *v = json_object_get(m, key);
    return json_is_string(v) ? json_incref(v) : NULL;
}

static bool add_message(json_t *list, const json_t *m, const char *place, srv_fault *f) {
    if (!srv_fields_read_at(message_fields, m, place, NULL, f))
        return false;
    bool calls = json_array_size(json_object_get(m, "tool_calls")) > 0;
    json_t *made = calls ? calls_of(m, place, f) : NULL;
    if ((calls && !made) ||
        !srv_message_add(list, json_string_value(json_object_get(m, "role")),
                         text_member(m, "content"), made, text_member(m, "thinking"), f))
        return false;
    json_t *last = json_array_get(list, json_array_size(list) - 1);
    json_t *name = text_member(m, "tool_name"), *id = text_member(m, "tool_call_id");
    return (!name || json_object_set_new(last, "name", name) == 0) &&
           (!id || json_object_set_new(last, "tool_call_id", id) == 0);
}

static bool read_messages(srv_params *p, const json_t *messages, srv_fault *f) {
    const json_t *m;
    size_t i;
    char place[32];
    p->messages = json_array();
    json_array_foreach(messages, i, m) {
        snprintf(place, sizeof place, "messages[%zu]", i);
        if (!add_message(p->messages, m, place, f))
            return srv_fail(f, 500, "out of memory");
    }
    return true;
}

/* --- options ---------------------------------------------------------------------------------- */

bool srv_ollama_seconds(const json_t *value, double *seconds, srv_fault *f) {
    const char *at = json_string_value(value);
    double sum = 0;
    char *end;
    *seconds = json_number_value(value);
    while (at && *at) {
        double x = strtod(at, &end);
        size_t unit = strspn(end, "hms");
        double scale = strncmp(end, "ms", 2) == 0 ? 1e-3
                       : *end == 'h'              ? 3600
                       : *end == 'm'              ? 60
                                                  : 1;
        if (end == at || !isfinite(x) || unit > 2 || (!unit && *end))
            return srv_fail_field(f, "keep_alive", "it is no time, as '5m' or 300");
        sum += x * scale;
        at = end + unit;
    }
    if (json_is_string(value))
        *seconds = sum;
    *seconds = *seconds < 0 || *seconds > 1e9 ? 1e9 : *seconds;
    return true;
}

static bool read_format(srv_params *p, const json_t *format, srv_fault *f) {
    if (!format || (json_is_string(format) && !*json_string_value(format)))
        return true;
    if (json_is_object(format))
        return srv_params_schema(p, format, "format", f);
    return strcmp(json_string_value(format), "json") == 0
               ? srv_params_hold(p, SRV_JSON, NULL, "format", f)
               : srv_fail_field(f, "format", "it is \"json\" or a schema");
}

static bool read_think(srv_params *p, const json_t *think, srv_fault *f) {
    return !think || srv_think(p, !json_is_false(think), json_string_value(think), "think", f);
}

/* -1 and -2: as many as there is room for. */
static bool read_most(body *b, srv_fault *f) {
    b->p.most = b->most > 0 ? b->most : -1;
    b->p.context = b->context;
    return b->most != 0 || srv_fail_field(f, "options.num_predict", "nothing would be made");
}

static bool read_common(srv_call *c, const srv_field *table, body *b) {
    srv_fault *f = &c->fault;
    return srv_fields_read(table, c->json, b, f) &&
           srv_params_together(json_object_get(c->json, "options"), "options.", true, f) &&
           (!b->keep || srv_ollama_seconds(b->keep, &b->p.keep, f)) &&
           read_format(&b->p, b->format, f) && read_think(&b->p, b->think, f) && read_most(b, f);
}

/* What the caller counts on is there, or it is an error. */
static bool check_context(srv_call *c, const body *b) {
    double seconds;
    srv_model *m = b->context ? srv_take_model(c, b->p.model, &seconds) : NULL;
    if (!b->context)
        return true;
    if (m && b->context > srv_model_about(m)->context)
        srv_fail_field(&c->fault, "options.num_ctx", "the model's context is %lld",
                       (long long)srv_model_about(m)->context);
    if (m)
        srv_engine_give(c->server->engine, m, -1);
    return !c->fault.status;
}

static body body_default(void) {
    body b = {.p = srv_params_default(), .most = -1};
    b.p.stream = true; // as these interfaces have it
    b.p.temperature = 0.8;
    b.p.top_k = 40;
    b.p.top_p = 0.9;
    b.p.repetition_penalty = 1.1;
    b.p.penalty_last = 64;
    return b;
}

/* Who asks nothing wants the model loaded, or, with a keep_alive of 0, gone. */
static bool only_load(srv_call *c, body *b, bool chat) {
    double seconds;
    srv_model *m = srv_take_model(c, b->p.model, &seconds);
    json_t *doc =
        m ? srv_ollama_empty(srv_model_about(m), chat, b->p.keep == 0 ? "unload" : "load") : NULL;
    if (m)
        srv_engine_give(c->server->engine, m, b->p.keep);
    srv_params_clear(&b->p);
    return doc ? srv_answer_json(c, doc) : srv_answer_fault(c);
}

bool srv_ollama_chat(srv_call *c) {
    body b = body_default();
    bool ok = read_common(c, chat_fields, &b) && check_context(c, &b);
    if (ok && json_array_size(b.messages) == 0)
        return only_load(c, &b, true);
    if (ok && read_messages(&b.p, b.messages, &c->fault) &&
        srv_chat_tools(&b.p, b.tools, NULL, &c->fault))
        return srv_job_run(c, &srv_ollama_chat_face, &b.p, NULL, 0);
    srv_params_clear(&b.p);
    return srv_answer_fault(c);
}

/* --- generate --------------------------------------------------------------------------------- */

/* A prompt is a message of the user's, unless it is raw. */
static bool read_prompt(srv_call *c, body *b, srv_prompt **prompt) {
    srv_fault *f = &c->fault;
    const char *text = b->prompt;
    if (b->raw) {
        *prompt = calloc(1, sizeof **prompt);
        if (*prompt)
            (*prompt)->text = strdup(text);
        if (!*prompt || !(*prompt)->text)
            return srv_fail(f, 500, "out of memory");
        (*prompt)->text_num = strlen(text);
        return !b->system || srv_fail_field(f, "system", "a raw prompt has all of it");
    }
    b->p.messages = json_array();
    return (!b->system ||
            srv_message_add(b->p.messages, "system", json_string(b->system), NULL, NULL, f)) &&
           srv_message_add(b->p.messages, "user", json_string(text), NULL, NULL, f);
}

bool srv_ollama_generate(srv_call *c) {
    body b = body_default();
    srv_prompt *prompt = NULL;
    bool ok = read_common(c, generate_fields, &b) && check_context(c, &b);
    if (ok && !(b.prompt && *b.prompt))
        return only_load(c, &b, false);
    if (ok && read_prompt(c, &b, &prompt))
        return srv_job_run(c, &srv_ollama_generate_face, &b.p, prompt, prompt ? 1 : 0);
    srv_prompts_free(prompt, 1);
    srv_params_clear(&b.p);
    return srv_answer_fault(c);
}
