/* Tools that a request offers, and which of them it wants called. */
#include <string.h>

#include "serve/messages.h"
#include "serve/openai/openai.h"

static const json_t *inner(const json_t *object, const char *key) {
    return key ? json_object_get(object, key) : object;
}

static bool choice_of(const json_t *choice, const srv_field *fields, const char *key,
                      srv_choose *how, const char **name, srv_fault *f) {
    static const char *const words[] = {
        [SRV_MAY] = "auto", [SRV_MUST] = "required", [SRV_MUST_NOT] = "none"};
    const char *word = json_string_value(choice);
    *how = SRV_MAY;
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
        if (words[i] && strcmp(words[i], word) == 0) {
            *how = (srv_choose)i;
            return true;
        }
    if (word)
        return srv_fail_field(f, "tool_choice", "'%.40s' is none of auto|none|required", word);
    if (choice && !srv_fields_read_at(fields, choice, "tool_choice", NULL, f))
        return false;
    *how = choice ? SRV_MUST_THIS : SRV_MAY;
    *name = json_string_value(json_object_get(inner(choice, key), "name"));
    return true;
}

bool srv_openai_tools(srv_params *p, const json_t *tools, const srv_field *tool_fields,
                      const json_t *choice, const srv_field *choice_fields, const char *key,
                      srv_fault *f) {
    srv_choose how;
    const char *name = NULL;
    const json_t *tool;
    size_t i;
    char place[48];
    json_t *list = json_array();
    bool ok = choice_of(choice, choice_fields, key, &how, &name, f);
    json_array_foreach(tools, i, tool) {
        snprintf(place, sizeof place, "tools[%zu]", i);
        ok = ok && srv_fields_read_at(tool_fields, tool, place, NULL, f);
        json_t *made = ok ? srv_tool(inner(tool, key), "parameters", place, f) : NULL;
        ok = ok && made && json_array_append_new(list, made) == 0;
    }
    p->parameters_at = key ? "function.parameters" : "parameters";
    if (ok)
        return srv_tools_choose(p, list, how, name, "tool_choice", f);
    json_decref(list);
    return srv_fail(f, 500, "out of memory");
}
