/* What /v1/responses is given: items of input, tools. */
#include <string.h>

#include "serve/messages.h"
#include "serve/openai/openai.h"
#include "serve/openai/responses.h"

static const srv_field text_part[] = {
    {"type", SRV_TEXT, SRV_NOWHERE},
    {"text", SRV_TEXT, SRV_NOWHERE, .required = true, .zeros = true},
    {"annotations", SRV_EMPTY, SRV_NOWHERE},
    {"logprobs", SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT},
    {0}};
static const srv_part parts[] = {{"input_text", "text", NULL, text_part},
                                 {"output_text", "text", NULL, text_part},
                                 {"text", "text", NULL, text_part},
                                 {"reasoning_text", "text", NULL, text_part},
                                 {"summary_text", "text", NULL, text_part},
                                 {"input_image", NULL, "there are no eyes here, text alone", NULL},
                                 {"input_audio", NULL, "there are no ears here, text alone", NULL},
                                 {"input_file", NULL, "files are not read", NULL},
                                 {0}};

#define ITEM_FIELDS                                                               \
    {"type", SRV_TEXT, SRV_NOWHERE}, {"id", SRV_TEXT, SRV_NOWHERE, .count = 256}, \
        {"status", SRV_TEXT, SRV_NOWHERE, .words = "in_progress|completed|incomplete"}

static const srv_field message_item[] = {
    ITEM_FIELDS,
    {"role", SRV_TEXT, SRV_NOWHERE, .words = "system|developer|user|assistant", .required = true},
    {"content", SRV_TEXT | SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT, .zeros = true,
     .required = true},
    {0}};
static const srv_field call_item[] = {
    ITEM_FIELDS,
    {"call_id", SRV_TEXT, SRV_NOWHERE, .count = 256, .required = true},
    {"name", SRV_TEXT, SRV_NOWHERE, .count = 128, .required = true},
    {"arguments", SRV_TEXT, SRV_NOWHERE, .zeros = true, .required = true},
    {0}};
static const srv_field output_item[] = {
    ITEM_FIELDS,
    {"call_id", SRV_TEXT, SRV_NOWHERE, .count = 256, .required = true},
    {"output", SRV_TEXT | SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT, .zeros = true,
     .required = true},
    {0}};
static const srv_field reasoning_item[] = {
    ITEM_FIELDS,
    {"summary", SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT},
    {"content", SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT},
    {"encrypted_content", SRV_REFUSED, SRV_NOWHERE, .words = "nothing is encrypted"},
    {0}};

/* A list that is filled item by item. */
typedef struct reading {
    json_t *list;
    json_t *reasoning; /* of the assistant's next message */
    srv_fault *f;
    char place[48], field[96];
} reading;

static bool add_message(reading *r, const json_t *item) {
    const char *role = json_string_value(json_object_get(item, "role"));
    json_t *text = srv_content_text(json_object_get(item, "content"), parts, r->field, r->f);
    json_t *reasoning = NULL;
    if (!text)
        return false;
    if (strcmp(role, "assistant") == 0) {
        reasoning = r->reasoning;
        r->reasoning = NULL;
    }
    role = strcmp(role, "developer") == 0 ? "system" : role;
    return srv_message_add(r->list, role, text, NULL, reasoning, r->f);
}

/* The assistant's message that calls belong to: the last, or a new one. */
static json_t *caller(reading *r) {
    json_t *last = json_array_get(r->list, json_array_size(r->list) - 1);
    const char *role = json_string_value(json_object_get(last, "role"));
    if (!role || strcmp(role, "assistant") != 0) {
        json_t *reasoning = r->reasoning;
        r->reasoning = NULL;
        if (!srv_message_add(r->list, "assistant", NULL, NULL, reasoning, r->f))
            return NULL;
        last = json_array_get(r->list, json_array_size(r->list) - 1);
    }
    if (!json_object_get(last, "tool_calls"))
        json_object_set_new(last, "tool_calls", json_array());
    return json_object_get(last, "tool_calls");
}

static bool add_call(reading *r, const json_t *item) {
    snprintf(r->field, sizeof r->field, "%s.arguments", r->place);
    json_t *calls = caller(r);
    json_t *call = calls ? srv_message_call(json_string_value(json_object_get(item, "call_id")),
                                            json_object_get(item, "name"),
                                            json_object_get(item, "arguments"), r->field, r->f)
                         : NULL;
    return call && json_array_append_new(calls, call) == 0;
}

static bool add_output(reading *r, const json_t *item) {
    snprintf(r->field, sizeof r->field, "%s.output", r->place);
    json_t *text = srv_content_text(json_object_get(item, "output"), parts, r->field, r->f);
    if (!text || !srv_message_add(r->list, "tool", text, NULL, NULL, r->f))
        return false;
    json_t *last = json_array_get(r->list, json_array_size(r->list) - 1);
    return json_object_set(last, "tool_call_id", json_object_get(item, "call_id")) == 0;
}

static bool add_reasoning(reading *r, const json_t *item) {
    const json_t *content = json_object_get(item, "content");
    if (!content || json_is_null(content))
        content = json_object_get(item, "summary");
    json_decref(r->reasoning);
    r->reasoning = content ? srv_content_text(content, parts, r->field, r->f) : json_string("");
    return r->reasoning != NULL;
}

static const struct {
    const char *type;
    const srv_field *fields;
    bool (*add)(reading *r, const json_t *item);
} kinds[] = {{"message", message_item, add_message},
             {"function_call", call_item, add_call},
             {"function_call_output", output_item, add_output},
             {"reasoning", reasoning_item, add_reasoning}};

static bool add_item(reading *r, const json_t *item) {
    const char *type = json_string_value(json_object_get(item, "type"));
    type = type ? type : "message";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].type, type) == 0)
            return srv_fields_read_at(kinds[i].fields, item, r->place, NULL, r->f) &&
                   (kinds[i].add(r, item) || srv_fail(r->f, 500, "out of memory"));
    return srv_fail_field(r->f, r->place, "items of type '%.40s' are not supported", type);
}

bool srv_responses_messages(srv_params *p, const char *instructions, const json_t *input,
                            srv_fault *f) {
    reading r = {.list = p->messages = json_array(), .f = f};
    const json_t *item;
    size_t i;
    bool ok = true;
    if (!r.list || (instructions &&
                    !srv_message_add(r.list, "system", json_string(instructions), NULL, NULL, f)))
        return srv_fail(f, 500, "out of memory");
    if (json_is_string(input))
        return srv_message_add(r.list, "user", json_incref((json_t *)input), NULL, NULL, f);
    json_array_foreach(input, i, item) {
        snprintf(r.place, sizeof r.place, "input[%zu]", i);
        snprintf(r.field, sizeof r.field, "%s.content", r.place);
        ok = ok && add_item(&r, item);
    }
    json_decref(r.reasoning);
    return ok && (json_array_size(input) || srv_fail_field(f, "input", "there is nothing in it"));
}

/* --- tools ------------------------------------------------------------------------------------ */

static const srv_field tool_fields[] = {
    {"type", SRV_TEXT, SRV_NOWHERE, .words = "function", .required = true},
    {"name", SRV_TEXT, SRV_NOWHERE, .required = true},
    {"description", SRV_TEXT, SRV_NOWHERE},
    {"parameters", SRV_OBJECT, SRV_NOWHERE},
    {"strict", SRV_BOOL, SRV_NOWHERE},
    {0}};
static const srv_field choice_fields[] = {
    {"type", SRV_TEXT, SRV_NOWHERE, .words = "function", .required = true},
    {"name", SRV_TEXT, SRV_NOWHERE, .required = true},
    {0}};

bool srv_responses_tools(srv_params *p, const json_t *tools, const json_t *choice, srv_fault *f) {
    return srv_openai_tools(p, tools, tool_fields, choice, choice_fields, NULL, f);
}
