/* Messages and tools of Anthropic's interface. */
#include <string.h>

#include "serve/anthropic/anthropic.h"
#include "serve/messages.h"

/* A hint where the prompt may be cached: it is, wherever prompts begin alike. */
static const srv_field cache_fields[] = {{"type", SRV_TEXT, SRV_NOWHERE, .words = "ephemeral"},
                                         {"ttl", SRV_TEXT, SRV_NOWHERE, .words = "5m|1h"},
                                         {0}};
#define CACHE {"cache_control", SRV_OBJECT, SRV_NOWHERE, .inner = cache_fields}
#define TYPE  {"type", SRV_TEXT, SRV_NOWHERE, .required = true}

static const srv_field text_fields[] = {
    TYPE,
    CACHE,
    {"text", SRV_TEXT, SRV_NOWHERE, .required = true, .zeros = true},
    {"citations", SRV_EMPTY, SRV_NOWHERE},
    {0}};
static const srv_field thinking_fields[] = {
    TYPE,
    {"thinking", SRV_TEXT, SRV_NOWHERE, .required = true, .zeros = true},
    {"signature", SRV_TEXT, SRV_NOWHERE},
    {0}};
static const srv_field use_fields[] = {
    TYPE,
    CACHE,
    {"id", SRV_TEXT, SRV_NOWHERE, .required = true, .count = 256},
    {"name", SRV_TEXT, SRV_NOWHERE, .required = true, .count = 128},
    {"input", SRV_OBJECT, SRV_NOWHERE, .required = true},
    {0}};
static const srv_field result_fields[] = {
    TYPE,
    CACHE,
    {"tool_use_id", SRV_TEXT, SRV_NOWHERE, .required = true, .count = 256},
    {"content", SRV_TEXT | SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT, .zeros = true},
    {"is_error", SRV_BOOL, SRV_NOWHERE},
    {0}};
static const srv_field message_fields[] = {
    {"role", SRV_TEXT, SRV_NOWHERE, .words = "user|assistant", .required = true},
    {"content", SRV_TEXT | SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT, .zeros = true,
     .required = true},
    {0}};

static const char no_images[] = "there are no eyes here, text alone";
static const srv_part text_parts[] = {{"text", "text", NULL, text_fields},
                                      {"image", NULL, no_images, NULL},
                                      {"document", NULL, "files are not read", NULL},
                                      {0}};

/* A message, as its blocks are read. */
typedef struct reading {
    json_t *list;
    srv_text text, reasoning;
    json_t *calls;
    srv_fault *f;
    char place[96];
} reading;

static bool no_memory(reading *r) {
    return srv_fail(r->f, 500, "out of memory");
}

static bool add_text(reading *r, const json_t *block) {
    const json_t *text = json_object_get(block, "text");
    srv_text_put(&r->text, json_string_value(text), json_string_length(text));
    return true;
}

static bool add_thinking(reading *r, const json_t *block) {
    const json_t *text = json_object_get(block, "thinking");
    srv_text_put(&r->reasoning, json_string_value(text), json_string_length(text));
    return true;
}

static bool add_use(reading *r, const json_t *block) {
    json_t *call = srv_message_call(json_string_value(json_object_get(block, "id")),
                                    json_object_get(block, "name"), json_object_get(block, "input"),
                                    r->place, r->f);
    if (!r->calls)
        r->calls = json_array();
    return call && json_array_append_new(r->calls, call) == 0;
}

/* A result is a message of its own. */
static bool add_result(reading *r, const json_t *block) {
    const json_t *content = json_object_get(block, "content");
    json_t *text = content && !json_is_null(content)
                       ? srv_content_text(content, text_parts, r->place, r->f)
                       : json_string("");
    if (!text || !srv_message_add(r->list, "tool", text, NULL, NULL, r->f))
        return false;
    json_t *last = json_array_get(r->list, json_array_size(r->list) - 1);
    if (json_is_true(json_object_get(block, "is_error")) &&
        json_object_set_new(last, "is_error", json_true()))
        return false;
    return json_object_set(last, "tool_call_id", json_object_get(block, "tool_use_id")) == 0;
}

static const struct {
    const char *type, *role; /* role NULL: either */
    const srv_field *fields;
    bool (*add)(reading *r, const json_t *block);
} blocks[] = {{"text", NULL, text_fields, add_text},
              {"thinking", "assistant", thinking_fields, add_thinking},
              {"tool_use", "assistant", use_fields, add_use},
              {"tool_result", "user", result_fields, add_result}};

static bool add_block(reading *r, const char *role, const json_t *block) {
    const char *type = json_string_value(json_object_get(block, "type"));
    for (size_t i = 0; type && i < sizeof blocks / sizeof *blocks; i++) {
        if (strcmp(blocks[i].type, type) != 0)
            continue;
        if (blocks[i].role && strcmp(blocks[i].role, role) != 0)
            return srv_fail_field(r->f, r->place, "the %s has no '%s'", role, type);
        return srv_fields_read_at(blocks[i].fields, block, r->place, NULL, r->f) &&
               (blocks[i].add(r, block) || no_memory(r));
    }
    return srv_fail_field(r->f, r->place, "blocks of type '%.40s' are not supported",
                          type ? type : "");
}

static json_t *taken(const srv_text *t) {
    return t->n ? json_stringn(t->data, t->n) : NULL;
}

/* What a message has beside results. */
static bool add_rest(reading *r, const char *role, bool results) {
    bool anything = r->text.n || r->calls || r->reasoning.n;
    if (r->text.failed || r->reasoning.failed)
        return no_memory(r);
    if (!anything && results)
        return true;
    json_t *calls = r->calls;
    r->calls = NULL;
    return srv_message_add(r->list, role, taken(&r->text), calls, taken(&r->reasoning), r->f);
}

static bool add_blocks(reading *r, const char *role, const json_t *content, size_t index) {
    size_t before = json_array_size(r->list), i;
    const json_t *block;
    bool ok = true;
    json_array_foreach(content, i, block) {
        snprintf(r->place, sizeof r->place, "messages[%zu].content[%zu]", index, i);
        ok = ok && add_block(r, role, block);
    }
    ok = ok && add_rest(r, role, json_array_size(r->list) > before);
    srv_text_free(&r->text);
    srv_text_free(&r->reasoning);
    json_decref(r->calls);
    r->calls = NULL;
    return ok;
}

static bool add_message(reading *r, const json_t *m, size_t i) {
    snprintf(r->place, sizeof r->place, "messages[%zu]", i);
    if (!srv_fields_read_at(message_fields, m, r->place, NULL, r->f))
        return false;
    const char *role = json_string_value(json_object_get(m, "role"));
    json_t *content = json_object_get(m, "content");
    if (json_is_string(content))
        return srv_message_add(r->list, role, json_incref(content), NULL, NULL, r->f);
    return add_blocks(r, role, content, i);
}

bool srv_anthropic_conversation(srv_params *p, const json_t *system, const json_t *messages,
                                srv_fault *f) {
    reading r = {.list = p->messages = json_array(), .f = f};
    const json_t *m;
    size_t i;
    if (!r.list)
        return no_memory(&r);
    if (json_array_size(messages) == 0)
        return srv_fail_field(f, "messages", "there are none");
    if (system) {
        json_t *text = srv_content_text(system, text_parts, "system", f);
        if (!text || !srv_message_add(r.list, "system", text, NULL, NULL, f))
            return false;
    }
    json_array_foreach(messages, i, m) if (!add_message(&r, m, i)) return false;
    return true;
}

/* --- tools ------------------------------------------------------------------------------------ */

static const srv_field tool_fields[] = {{"type", SRV_TEXT, SRV_NOWHERE, .words = "custom"},
                                        {"name", SRV_TEXT, SRV_NOWHERE, .required = true},
                                        {"description", SRV_TEXT, SRV_NOWHERE},
                                        {"input_schema", SRV_OBJECT, SRV_NOWHERE, .required = true},
                                        {"strict", SRV_BOOL, SRV_NOWHERE},
                                        CACHE,
                                        {0}};

typedef struct choosing {
    const char *type, *name;
    bool one;
} choosing;
static const srv_field choice_fields[] = {
    {"type", SRV_TEXT, offsetof(choosing, type), .words = "auto|any|tool|none", .required = true},
    {"name", SRV_TEXT, offsetof(choosing, name)},
    {"disable_parallel_tool_use", SRV_BOOL, offsetof(choosing, one)},
    {0}};

static srv_choose how_of(const char *type) {
    static const char *const words[] = {"auto", "any", "none", "tool"};
    int i = 0;
    while (type && strcmp(words[i], type) != 0)
        i++;
    return (srv_choose)i;
}

bool srv_anthropic_tools(srv_params *p, const json_t *tools, const json_t *choice, srv_fault *f) {
    choosing c = {0};
    const json_t *tool;
    size_t i;
    char place[48];
    bool ok = !choice || srv_fields_read_at(choice_fields, choice, "tool_choice", &c, f);
    json_t *list = json_array();
    if (ok && how_of(c.type) == SRV_MUST_THIS && !c.name)
        ok = srv_fail_field(f, "tool_choice.name", "it is missing");
    json_array_foreach(tools, i, tool) {
        snprintf(place, sizeof place, "tools[%zu]", i);
        ok = ok && srv_fields_read_at(tool_fields, tool, place, NULL, f);
        json_t *made = ok ? srv_tool(tool, "input_schema", place, f) : NULL;
        ok = ok && made && json_array_append_new(list, made) == 0;
    }
    p->one_call = c.one;
    p->parameters_at = "input_schema";
    if (ok)
        return srv_tools_choose(p, list, how_of(c.type), c.name, "tool_choice", f);
    json_decref(list);
    return srv_fail(f, 500, "out of memory");
}
