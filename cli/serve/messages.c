/* Conversations in the shape of chat templates. */
#include "serve/messages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory(srv_fault *f) {
    return srv_fail(f, 500, "out of memory");
}

/* A member that is taken over; one that is not there (NULL) is left out. */
static bool set(json_t *object, const char *key, json_t *value) {
    return !value || json_object_set_new(object, key, value) == 0;
}

bool srv_message_add(json_t *list, const char *role, json_t *content, json_t *calls,
                     json_t *reasoning, srv_fault *f) {
    json_t *m = json_pack("{s:s}", "role", role);
    bool ok = m != NULL;
    ok &= set(m, "content", content ? content : json_string(""));
    ok &= set(m, "tool_calls", calls);
    ok &= set(m, "reasoning_content", reasoning);
    ok = ok && json_array_append(list, m) == 0;
    json_decref(m);
    return ok || no_memory(f);
}

/* Arguments, an object or the text of one. NULL: the fault says why, of that field. */
static json_t *read_arguments(const json_t *given, const char *field, srv_fault *f) {
    srv_fault other = {0};
    const char *text = json_string_value(given);
    json_t *object = text && !*text && json_string_length(given) == 0 ? json_object()
                     : text ? srv_json_read(text, json_string_length(given), JSON_ALLOW_NUL,
                                            "the arguments are", &other)
                            : json_incref((json_t *)(uintptr_t)given);
    if (json_is_object(object))
        return object;
    json_decref(object);
    if (*other.field)
        srv_fail_field(f, field, "'%s' of the arguments: %s", other.field, other.text);
    else
        srv_fail_field(f, field, "%s",
                       other.status ? other.text : "the arguments are no JSON object");
    return NULL;
}

json_t *srv_message_call(const char *id, const json_t *name, const json_t *arguments,
                         const char *field, srv_fault *f) {
    json_t *object = read_arguments(arguments, field, f);
    if (!object)
        return NULL;
    json_t *call = json_pack("{s:s, s:s, s:{s:O, s:o}}", "id", id ? id : "", "type", "function",
                             "function", "name", name, "arguments", object);
    if (!call)
        no_memory(f);
    return call;
}

/* As OpenAI and Anthropic have them: letters, digits, _ and -, up to 128. */
static bool is_name(const json_t *name) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    const char *text = json_string_value(name);
    return text && *text && strlen(text) <= 128 && strspn(text, letters) == strlen(text);
}

/* A member under another name, if it has the type. */
static bool keep(json_t *to, const char *key, const json_t *from, const char *name,
                 json_type type) {
    json_t *v = json_object_get(from, name);
    return !v || json_typeof(v) != type || json_object_set(to, key, v) == 0;
}

json_t *srv_tool(const json_t *object, const char *parameters, const char *field, srv_fault *f) {
    const json_t *name = json_object_get(object, "name");
    if (!is_name(name)) {
        srv_fail_field(f, field, "a tool's name has 1 to 128 letters, digits, _, - and .");
        return NULL;
    }
    if (!srv_allows_object(json_object_get(object, parameters))) {
        srv_fail_field(f, field, "its %s allow no object, which arguments are", parameters);
        return NULL;
    }
    json_t *function = json_pack("{s:O}", "name", name);
    bool ok = function && keep(function, "description", object, "description", JSON_STRING) &&
              keep(function, "parameters", object, parameters, JSON_OBJECT) &&
              keep(function, "strict", object, "strict", JSON_TRUE);
    json_t *tool = ok ? json_pack("{s:s, s:O}", "type", "function", "function", function) : NULL;
    json_decref(function);
    if (!tool)
        no_memory(f);
    return tool;
}

/* --- contents --------------------------------------------------------------------------------- */

static const srv_part *find_part(const srv_part *parts, const char *type) {
    for (; parts->type; parts++)
        if (type && strcmp(parts->type, type) == 0)
            return parts;
    return NULL;
}

static bool add_part(const json_t *part, const srv_part *parts, const char *place, srv_text *out,
                     srv_fault *f) {
    const char *type = json_string_value(json_object_get(part, "type"));
    const srv_part *row = find_part(parts, type);
    if (!json_is_object(part) || !type)
        return srv_fail_field(f, place, "a part is an object with a type");
    if (!row)
        return srv_fail_field(f, place, "parts of type '%.40s' are not supported", type);
    if (row->refusal)
        return srv_fail_field(f, place, "it is not supported: %s", row->refusal);
    if (!srv_fields_read_at(row->fields, part, place, NULL, f))
        return false;
    const json_t *text = row->key ? json_object_get(part, row->key) : NULL;
    if (text)
        srv_text_put(out, json_string_value(text), json_string_length(text));
    return true;
}

json_t *srv_content_text(const json_t *content, const srv_part *parts, const char *field,
                         srv_fault *f) {
    srv_text text = {0};
    const json_t *part;
    size_t i;
    bool ok = true;
    char place[160];
    if (json_is_string(content))
        return json_incref((json_t *)content);
    json_array_foreach(content, i, part) {
        snprintf(place, sizeof place, "%s[%zu]", field, i);
        ok = ok && add_part(part, parts, place, &text, f);
    }
    json_t *whole = ok && !text.failed ? json_stringn(text.data ? text.data : "", text.n) : NULL;
    srv_text_free(&text);
    if (ok && !whole)
        no_memory(f);
    return whole;
}

/* --- tools ------------------------------------------------------------------------------------ */

static const json_t *function_of(const json_t *tool) {
    return json_object_get(tool, "function");
}

/* The functions that may be forced: all, or the one of that name. */
static json_t *functions_of(const srv_params *p, const char *name) {
    json_t *list = json_array();
    const json_t *tool;
    size_t i;
    json_array_foreach(p->tools, i, tool) {
        const char *found = json_string_value(json_object_get(function_of(tool), "name"));
        if (!name || strcmp(found, name) == 0)
            if (json_array_append_new(list, srv_tool_held(p, i)))
                return json_decref(list), NULL;
    }
    return list;
}

static bool some_strict(const json_t *tools) {
    const json_t *tool;
    size_t i;
    json_array_foreach(tools, i,
                       tool) if (json_object_get(function_of(tool), "strict")) return true;
    return false;
}

/* A name that two tools have; NULL. */
static const char *doubled(const json_t *tools) {
    const json_t *tool;
    const char *twice = NULL;
    json_t *seen = json_object();
    size_t i;
    json_array_foreach(tools, i, tool) {
        const char *name = json_string_value(json_object_get(function_of(tool), "name"));
        twice = !twice && name && json_object_get(seen, name) ? name : twice;
        if (name)
            json_object_set_new(seen, name, json_true());
    }
    json_decref(seen);
    return twice;
}

bool srv_tools_choose(srv_params *p, json_t *tools, srv_choose how, const char *name,
                      const char *field, srv_fault *f) {
    bool none = json_array_size(tools) == 0;
    const char *twice = doubled(tools);
    if (twice) {
        srv_fail_field(f, "tools", "two of them have the name '%.100s'", twice);
        json_decref(tools);
        return false;
    }
    if (none || how == SRV_MUST_NOT) {
        json_decref(tools);
        return !none || how == SRV_MAY || how == SRV_MUST_NOT ||
               srv_fail_field(f, field, "there are no tools");
    }
    p->tools = tools;
    p->strict = how == SRV_MAY && some_strict(tools);
    if (how == SRV_MAY)
        return p->structure == SRV_FREE ||
               srv_fail_field(f, p->structure_field,
                              "an answer that may call tools cannot be held to it");
    p->forced = functions_of(p, how == SRV_MUST_THIS ? name : NULL);
    if (!p->forced)
        return no_memory(f);
    p->one_call = true;
    return json_array_size(p->forced) > 0 ||
           srv_fail_field(f, field, "there is no tool '%.100s'", name ? name : "");
}

/* The last message, if the assistant says it. */
static const json_t *last_answer(const srv_params *p) {
    size_t n = json_array_size(p->messages);
    const json_t *last = json_array_get(p->messages, n ? n - 1 : 0);
    const char *role = json_string_value(json_object_get(last, "role"));
    return role && strcmp(role, "assistant") == 0 ? last : NULL;
}

bool srv_go_on(srv_params *p, bool must, const char *field, srv_fault *f) {
    const json_t *last = last_answer(p);
    if (!last)
        return !must || srv_fail_field(f, field,
                                       "the last message is not the assistant's: there is no "
                                       "answer that could go on");
    if (json_object_get(last, "tool_calls"))
        return srv_fail_field(f, field, "the last message calls tools: their results come next");
    if (json_object_get(last, "reasoning_content"))
        return srv_fail_field(f, field, "an answer goes on behind text, not behind reasoning");
    p->prefill = true;
    return true;
}

bool srv_variable(srv_params *p, const char *name, json_t *value, srv_fault *f) {
    if (!p->variables)
        p->variables = json_object();
    return (value && p->variables && json_object_set_new(p->variables, name, value) == 0) ||
           no_memory(f);
}

bool srv_think(srv_params *p, bool thinks, const char *effort, const char *field, srv_fault *f) {
    p->think_field = thinks ? field : NULL;
    return (!effort || srv_variable(p, "reasoning_effort", json_string(effort), f)) &&
           srv_variable(p, "enable_thinking", json_boolean(thinks), f);
}

bool srv_effort(srv_params *p, const char *effort, const char *field, srv_fault *f) {
    return !effort || srv_think(p, strcmp(effort, "none") != 0, effort, field, f);
}

/* --- tools in a message ----------------------------------------------------------------------- */

/* [{name, description, parameters}, ...] */
static json_t *functions_text(const json_t *tools) {
    json_t *list = json_array();
    const json_t *tool;
    size_t i;
    json_array_foreach(tools, i, tool) json_array_append(list, json_object_get(tool, "function"));
    char *text = json_dumps(list, 0);
    json_t *made = text ? json_string(text) : NULL;
    free(text);
    json_decref(list);
    return made;
}

/* The first message is the system's, a copy. False: no memory. */
static bool begin_with_system(json_t *messages) {
    const json_t *first = json_array_get(messages, 0);
    const char *role = json_string_value(json_object_get(first, "role"));
    if (role && strcmp(role, "system") == 0)
        return json_array_set_new(messages, 0, json_copy((json_t *)(uintptr_t)first)) == 0;
    return json_array_insert_new(messages, 0,
                                 json_pack("{s:s, s:s}", "role", "system", "content", "")) == 0;
}

json_t *srv_messages_for(const char *chat, json_t *messages, const json_t *tools) {
    static const char place[] = "message['tools']", elsewhere[] = "if tools";
    if (!json_array_size(tools) || !chat || !strstr(chat, place) || strstr(chat, elsewhere))
        return json_incref(messages);
    json_t *copy = json_copy(messages);
    if (copy && begin_with_system(copy) &&
        json_object_set_new(json_array_get(copy, 0), "tools", functions_text(tools)) == 0)
        return copy;
    json_decref(copy);
    return NULL;
}
