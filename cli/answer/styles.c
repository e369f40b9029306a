/* The styles in which published chat templates mark calls of tools and reasoning. */
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"

#define THINK                                        \
    {"<think>", IN_TEXT, IN_REASONING}, {            \
        "</think>", IN_REASONING | IN_BEGIN, IN_TEXT \
    }

static const answer_marker plain_markers[] = {THINK, {0}};

static const answer_marker hermes_markers[] = {
    THINK, {"<tool_call>", IN_TEXT | IN_CALL, IN_CALL}, {"</tool_call>", IN_CALL, IN_TEXT}, {0}};

static const answer_marker coder_markers[] = {THINK,
                                              {"<tool_call>", IN_TEXT, IN_CALL},
                                              {"<function=", IN_TEXT, IN_CALL},
                                              {"</function>", IN_CALL, IN_TEXT},
                                              {"</tool_call>", IN_CALL | IN_BEHIND, IN_TEXT},
                                              {0}};

static const answer_marker glm4_markers[] = {
    THINK, {"<|observation|>", IN_TEXT | IN_CALL, IN_TEXT}, {0}};

static const answer_marker recipient_markers[] = {{">>>", IN_TEXT | IN_CALL, IN_LINE}, {0}};

static const answer_marker llama_markers[] = {THINK,
                                              {"<|python_tag|>", IN_TEXT | IN_CALL, IN_CALL},
                                              {"<|eom_id|>", IN_TEXT | IN_CALL, IN_TEXT},
                                              {0}};

static const answer_marker mistral_markers[] = {{"[THINK]", IN_TEXT, IN_REASONING},
                                                {"[/THINK]", IN_REASONING, IN_TEXT},
                                                {"[TOOL_CALLS]", IN_TEXT | IN_CALL, IN_CALL},
                                                {0}};

static const answer_marker deepseek_markers[] = {
    THINK,
    {"<｜tool▁calls▁begin｜>", IN_TEXT, IN_LIST},
    {"<｜tool▁call▁begin｜>", IN_TEXT | IN_LIST | IN_CALL, IN_CALL},
    {"<｜tool▁call▁end｜>", IN_CALL, IN_LIST},
    {"<｜tool▁calls▁end｜>", IN_LIST | IN_CALL, IN_TEXT},
    {0}};

enum { IN_MESSAGE = IN_TEXT | IN_REASONING | IN_CALL | IN_HEAD };
static const answer_marker harmony_markers[] = {{"<|start|>assistant", IN_MESSAGE, IN_HEAD},
                                                {"<|start|>", IN_MESSAGE, IN_HEAD},
                                                {"<|channel|>", IN_MESSAGE, IN_HEAD},
                                                {"<|message|>", IN_HEAD, BY_HEAD},
                                                {"<|end|>", IN_MESSAGE, IN_TEXT},
                                                {"<|call|>", IN_MESSAGE, IN_TEXT},
                                                {"<|return|>", IN_MESSAGE, IN_TEXT},
                                                {0}};

static const answer_marker command_markers[] = {
    {"<|START_THINKING|>", IN_TEXT, IN_REASONING},
    {"<|END_THINKING|>", IN_REASONING, IN_TEXT},
    {"<|START_ACTION|>", IN_TEXT | IN_REASONING | IN_CALL, IN_CALL},
    {"<|END_ACTION|>", IN_CALL, IN_TEXT},
    {"<|START_RESPONSE|>", IN_TEXT | IN_REASONING, IN_TEXT},
    {"<|END_RESPONSE|>", IN_TEXT, IN_TEXT},
    {0}};

static const answer_marker action_markers[] = {{"Action: ```json", IN_TEXT, IN_CALL},
                                               {"Action:```json", IN_TEXT, IN_CALL},
                                               {"Action:\n```json", IN_TEXT, IN_CALL},
                                               {"```", IN_CALL, IN_TEXT},
                                               {0}};

static const answer_marker granite_markers[] = {THINK,
                                                {"<|tool_call|>", IN_TEXT | IN_CALL, IN_CALL},
                                                {"<|/tool_call|>", IN_CALL, IN_TEXT},
                                                {"</|tool_call|>", IN_CALL, IN_TEXT},
                                                {0}};

/* The tokens of the model, and what published templates tell it to write. */
static const answer_marker phi4_markers[] = {THINK,
                                             {"<|tool_call|>", IN_TEXT | IN_CALL, IN_CALL},
                                             {"<|/tool_call|>", IN_CALL, IN_TEXT},
                                             {"</|tool_call|>", IN_CALL, IN_TEXT},
                                             {"functools", IN_BEGIN | IN_BEHIND, IN_CALL},
                                             {0}};

static const answer_marker lfm2_markers[] = {THINK,
                                             {"<|tool_call_start|>", IN_TEXT | IN_CALL, IN_CALL},
                                             {"<|tool_call_end|>", IN_CALL, IN_TEXT},
                                             {0}};

static const answer_marker functionary_markers[] = {
    THINK, {"<function=", IN_TEXT | IN_CALL, IN_CALL}, {"</function>", IN_CALL, IN_TEXT}, {0}};

/* The first whose words a template has; the last has none. */
static const cli_answer_style styles[] = {
    {.name = "gpt-oss",
     .tells = {"<|channel|>"},
     .markers = harmony_markers,
     .read = cli_answer_read_headed,
     .always = true,
     .opening = "<|channel|>commentary to=functions.%s <|constrain|>json<|message|>"},
    {.name = "deepseek",
     .tells = {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"},
     .markers = deepseek_markers,
     .read = cli_answer_read_named,
     .opening = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>%s<｜tool▁sep｜>"},
    {.name = "command-r",
     .tells = {"<|START_ACTION|>", "<|START_THINKING|>"},
     .markers = command_markers,
     .always = true,
     .read = cli_answer_read_json,
     .opening = "<|START_ACTION|>",
     .key = "tool_name",
     .arguments = "parameters",
     .listed = true},
    {.name = "mistral",
     .tells = {"[TOOL_CALLS]", "[THINK]"},
     .markers = mistral_markers,
     .read = cli_answer_read_named,
     .ids = 9,
     .opening = "[TOOL_CALLS]",
     .key = "name",
     .arguments = "arguments",
     .listed = true},
    {.name = "functionary-v3.2",
     .tells = {">>>all"},
     .markers = recipient_markers,
     .read = cli_answer_read_headed,
     .always = true,
     .whole = true,
     .says = "all",
     .opening = ">>>%s\n"},
    {.name = "qwen3-coder",
     .tells = {"<parameter="},
     .markers = coder_markers,
     .read = cli_answer_read_parameters,
     .whole = true,
     .opening = "<tool_call>\n",
     .key = "name",
     .arguments = "arguments"},
    {.name = "glm-4.5",
     .tells = {"<arg_key>"},
     .markers = hermes_markers,
     .read = cli_answer_read_pairs,
     .inside = cli_answer_inside_pair,
     .opening = "<tool_call>\n",
     .key = "name",
     .arguments = "arguments"},
    {.name = "hermes",
     .tells = {"<tool_call>"},
     .markers = hermes_markers,
     .read = cli_answer_read_json,
     .opening = "<tool_call>\n",
     .key = "name",
     .arguments = "arguments"},
    {.name = "command-r-action",
     .tells = {"Action: ```json", "Write 'Action:'"},
     .markers = action_markers,
     .read = cli_answer_read_json,
     .opening = "Action: ```json\n",
     .key = "tool_name",
     .arguments = "parameters",
     .listed = true},
    {.name = "lfm2",
     .tells = {"<|tool_call_start|>", "<|tool_list_start|>"},
     .markers = lfm2_markers,
     .read = cli_answer_read_python,
     .inside = cli_answer_inside_python,
     .opening = "<|tool_call_start|>",
     .key = "name",
     .arguments = "arguments",
     .listed = true},
    {.name = "granite",
     .tells = {"<|tool_call|>", "<|start_of_role|>"},
     .markers = granite_markers,
     .read = cli_answer_read_json,
     .opening = "<|tool_call|>",
     .key = "name",
     .arguments = "arguments",
     .listed = true},
    {.name = "phi-4",
     .tells = {"<|/tool|>", "functools"},
     .markers = phi4_markers,
     .read = cli_answer_read_json,
     .opening = "<|tool_call|>",
     .key = "name",
     .arguments = "arguments",
     .listed = true},
    {.name = "llama3",
     .tells = {"<|python_tag|>", "\"parameters\":"},
     .markers = llama_markers,
     .read = cli_answer_read_json,
     .bare = true,
     .opening = "",
     .key = "name",
     .arguments = "parameters"},
    {.name = "functionary",
     .tells = {"<function="},
     .markers = functionary_markers,
     .read = cli_answer_read_named,
     .opening = "<function=%s>"},
    {.name = "glm-4",
     .tells = {"<|observation|>"},
     .markers = glm4_markers,
     .read = cli_answer_read_headed,
     .begins = IN_LINE,
     .opening = "%s\n"},
    {.name = "none", .markers = plain_markers},
};

enum { STYLES = sizeof styles / sizeof *styles };

const cli_answer_style *cli_answer_style_of(const char *source) {
    for (size_t i = 0; source && i < STYLES; i++)
        for (size_t k = 0; k < 3 && styles[i].tells[k]; k++)
            if (strstr(source, styles[i].tells[k]))
                return &styles[i];
    return &styles[STYLES - 1];
}

const char *cli_answer_style_name(const cli_answer_style *style) {
    return style->name;
}

size_t cli_answer_ids(const cli_answer_style *style) {
    return style->ids;
}

bool cli_answer_names_before(const cli_answer_style *style) {
    return style->read == cli_answer_read_headed;
}

bool cli_answer_holds(const cli_answer_style *style) {
    return style->key || cli_answer_names_before(style);
}

/* --- forced calls ----------------------------------------------------------------------------- */

/* The schema of a tool's arguments; what takes none has an object without members. */
static json_t *parameters_of(const json_t *tool) {
    json_t *given = json_object_get(tool, "parameters");
    return json_is_object(given)
               ? json_incref(given)
               : json_pack("{s:s, s:b}", "type", "object", "additionalProperties", 0);
}

static json_t *call_schema(const cli_answer_style *style, const json_t *tool) {
    return json_pack("{s:s, s:{s:{s:O}, s:o}, s:[s,s], s:b}", "type", "object", "properties",
                     style->key, "const", json_object_get(tool, "name"), style->arguments,
                     parameters_of(tool), "required", style->key, style->arguments,
                     "additionalProperties", 0);
}

static json_t *any_of(const cli_answer_style *style, const json_t *tools) {
    if (json_array_size(tools) == 1)
        return call_schema(style, json_array_get(tools, 0));
    json_t *all = json_array(), *tool;
    size_t i;
    json_array_foreach(tools, i, tool) if (
        json_array_append_new(all, call_schema(style, tool))) return json_decref(all),
        NULL;
    return json_pack("{s:o}", "anyOf", all);
}

/* The opening with the name of the one tool, if it has a place for it. */
static char *opening_for(const cli_answer_style *style, const json_t *tools) {
    const char *name = json_string_value(json_object_get(json_array_get(tools, 0), "name"));
    const char *at = strstr(style->opening, "%s");
    if (!at)
        return strdup(style->opening);
    size_t before = (size_t)(at - style->opening);
    char *text = malloc(strlen(style->opening) + strlen(name) + 1);
    if (text) {
        memcpy(text, style->opening, before);
        strcpy(text + before, name);
        strcat(text, at + 2);
    }
    return text;
}

/* One tool for a style with its name before the call, which is none that says something else. */
static bool is_nameable(const cli_answer_style *style, const json_t *tools) {
    const char *name = json_string_value(json_object_get(json_array_get(tools, 0), "name"));
    return json_array_size(tools) == 1 && !(style->says && strcmp(style->says, name) == 0);
}

bool cli_answer_force(const cli_answer_style *style, const json_t *tools, char **opening,
                      json_t **schema) {
    *opening = NULL;
    *schema = NULL;
    if (!style->opening || (!style->key && !is_nameable(style, tools)))
        return false;
    *opening = opening_for(style, tools);
    json_t *one = style->key ? any_of(style, tools) : parameters_of(json_array_get(tools, 0));
    *schema = one && style->listed ? json_pack("{s:s, s:o, s:i, s:i}", "type", "array", "items",
                                               one, "minItems", 1, "maxItems", 1)
                                   : one;
    if (*opening && *schema)
        return true;
    free(*opening);
    json_decref(*schema);
    *opening = NULL;
    *schema = NULL;
    return false;
}

size_t cli_answer_opened(const cli_answer_style *style, const char *opening, const char *prompt,
                         size_t n) {
    for (const answer_marker *m = style->markers; m->text; m++) {
        size_t length = strlen(m->text);
        if (n >= length && strncmp(opening, m->text, length) == 0 &&
            memcmp(prompt + n - length, m->text, length) == 0)
            return length;
    }
    return 0;
}
