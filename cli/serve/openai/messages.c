/* Messages and tools of OpenAI's chat. */
#include <string.h>

#include "serve/messages.h"
#include "serve/openai/openai.h"

static const char no_images[] = "there are no eyes here, text alone";
static const char no_sound[] = "there are no ears here, text alone";

static const srv_field text_part[] = {
    {"type", SRV_TEXT, SRV_NOWHERE},
    {"text", SRV_TEXT, SRV_NOWHERE, .required = true, .zeros = true},
    {0}};
static const srv_part parts[] = {{"text", "text", NULL, text_part},
                                 {"image_url", NULL, no_images, NULL},
                                 {"input_audio", NULL, no_sound, NULL},
                                 {"file", NULL, "files are not read", NULL},
                                 {0}};

static const srv_field function_call[] = {
    {"name", SRV_TEXT, SRV_NOWHERE, .required = true, .count = 128},
    {"arguments", SRV_TEXT | SRV_OBJECT, SRV_NOWHERE, .required = true, .zeros = true},
    {0}};
static const srv_field call_fields[] = {
    {"id", SRV_TEXT, SRV_NOWHERE, .count = 256},
    {"index", SRV_INT, SRV_NOWHERE},
    {"type", SRV_TEXT, SRV_NOWHERE, .words = "function"},
    {"function", SRV_OBJECT, SRV_NOWHERE, .inner = function_call, .required = true},
    {0}};
static const srv_field message_fields[] = {
    {"role", SRV_TEXT, SRV_NOWHERE, .words = "system|developer|user|assistant|tool",
     .required = true},
    {"content", SRV_TEXT | SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT, .zeros = true},
    {"name", SRV_TEXT, SRV_NOWHERE, .count = 128},
    {"tool_calls", SRV_LIST, SRV_NOWHERE, .items = SRV_OBJECT, .inner = call_fields, .count = 512},
    {"tool_call_id", SRV_TEXT, SRV_NOWHERE, .count = 256},
    {"reasoning_content", SRV_TEXT, SRV_NOWHERE, .zeros = true},
    {"refusal", SRV_TEXT, SRV_NOWHERE},
    {"annotations", SRV_EMPTY, SRV_NOWHERE},
    {"audio", SRV_REFUSED, SRV_NOWHERE, .words = no_sound},
    {"function_call", SRV_REFUSED, SRV_NOWHERE, .words = "tool_calls is"},
    {0}};

static json_t *member(const json_t *object, const char *key) {
    json_t *v = json_object_get(object, key);
    return json_is_null(v) ? NULL : v;
}

static json_t *calls_of(const json_t *message, const char *place, srv_fault *f) {
    json_t *list = json_array(), *call;
    const json_t *given = member(message, "tool_calls");
    size_t i;
    char field[160];
    json_array_foreach((json_t *)given, i, call) {
        const json_t *function = json_object_get(call, "function");
        snprintf(field, sizeof field, "%s.tool_calls[%zu].function.arguments", place, i);
        json_t *made = srv_message_call(json_string_value(member(call, "id")),
                                        json_object_get(function, "name"),
                                        json_object_get(function, "arguments"), field, f);
        if (!made || json_array_append_new(list, made))
            return json_decref(list), NULL;
    }
    return list;
}

/* Members of messages that templates read under the same name. */
static bool keep_names(json_t *list, const json_t *message) {
    static const char *const keys[] = {"name", "tool_call_id"};
    json_t *last = json_array_get(list, json_array_size(list) - 1);
    for (size_t i = 0; i < 2; i++)
        if (member(message, keys[i]) && json_object_set(last, keys[i], member(message, keys[i])))
            return false;
    return true;
}

static bool add_message(json_t *list, const json_t *m, const char *place, srv_fault *f) {
    char field[160];
    snprintf(field, sizeof field, "%s.content", place);
    if (!srv_fields_read_at(message_fields, m, place, NULL, f))
        return false;
    const char *role = json_string_value(json_object_get(m, "role"));
    bool calls = json_array_size(member(m, "tool_calls")) > 0,
         assistant = strcmp(role, "assistant") == 0;
    if (!member(m, "content") && !(assistant && calls))
        return srv_fail_field(f, field, "it is missing");
    if (calls && !assistant)
        return srv_fail_field(f, place, "only the assistant calls tools");
    json_t *content = member(m, "content") ? srv_content_text(member(m, "content"), parts, field, f)
                                           : json_string("");
    json_t *made = content && calls ? calls_of(m, place, f) : NULL;
    if (!content || (calls && !made))
        return json_decref(content), false;
    role = strcmp(role, "developer") == 0 ? "system" : role;
    return srv_message_add(list, role, content, made, json_incref(member(m, "reasoning_content")),
                           f) &&
           (keep_names(list, m) || srv_fail(f, 500, "out of memory"));
}

bool srv_chat_messages(srv_params *p, const json_t *messages, srv_fault *f) {
    const json_t *m;
    size_t i;
    char place[32];
    if (json_array_size(messages) == 0)
        return srv_fail_field(f, "messages", "there are none");
    p->messages = json_array();
    json_array_foreach(messages, i, m) {
        snprintf(place, sizeof place, "messages[%zu]", i);
        if (!p->messages || !add_message(p->messages, m, place, f))
            return srv_fail(f, 500, "out of memory");
    }
    return true;
}

/* --- tools ------------------------------------------------------------------------------------ */

static const srv_field function_fields[] = {{"name", SRV_TEXT, SRV_NOWHERE, .required = true},
                                            {"description", SRV_TEXT, SRV_NOWHERE},
                                            {"parameters", SRV_OBJECT, SRV_NOWHERE},
                                            {"strict", SRV_BOOL, SRV_NOWHERE},
                                            {0}};
static const srv_field tool_fields[] = {
    {"type", SRV_TEXT, SRV_NOWHERE, .words = "function", .required = true},
    {"function", SRV_OBJECT, SRV_NOWHERE, .inner = function_fields, .required = true},
    {0}};
static const srv_field chosen_fields[] = {{"name", SRV_TEXT, SRV_NOWHERE, .required = true}, {0}};
static const srv_field choice_fields[] = {
    {"type", SRV_TEXT, SRV_NOWHERE, .words = "function", .required = true},
    {"function", SRV_OBJECT, SRV_NOWHERE, .inner = chosen_fields, .required = true},
    {0}};

bool srv_chat_tools(srv_params *p, const json_t *tools, const json_t *choice, srv_fault *f) {
    return srv_openai_tools(p, tools, tool_fields, choice, choice_fields, "function", f);
}
