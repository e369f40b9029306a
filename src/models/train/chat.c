/* Conversations as tokens: see chat.h. */
#include "models/train/chat.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"

/* What a template is given, for free. */
static char *variables(json_t *messages, const json_t *tools, bool opens) {
    json_t *all = json_pack("{s:O, s:b}", "messages", messages, "add_generation_prompt", opens);
    if (all && tools)
        json_object_set(all, "tools", (json_t *)(uintptr_t)tools);
    char *text = all ? json_dumps(all, JSON_ENSURE_ASCII) : NULL;
    json_decref(all);
    return text ? text : mx_fail_nomem("train", 0);
}

static int32_t *encode(const mx_template *t, mx_tokenizer *tokenizer, json_t *messages,
                       const json_t *tools, bool opens, size_t *n) {
    size_t size;
    char *json = variables(messages, tools, opens);
    char *text = json ? mx_template_render(t, json, strlen(json), NULL, &size) : NULL;
    int32_t *id = text ? mx_tokenizer_encode(tokenizer, text, size, NULL, 0,
                                             (mx_encode){.bare = true}, n, NULL)
                       : NULL;
    mx_free(text);
    free(json);
    return id;
}

static bool answers(const json_t *messages) {
    const json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    const char *role = json_string_value(json_object_get(last, "role"));
    return role && strcmp(role, "assistant") == 0;
}

/* How many of the first tokens are those without the last message. */
static bool find_prompt(const mx_template *t, mx_tokenizer *tokenizer, const json_t *messages,
                        const json_t *tools, mx_chat_tokens *out) {
    json_t *before = json_copy((json_t *)(uintptr_t)messages);
    size_t n = 0, size = json_array_size(before);
    if (!before || json_array_remove(before, size - 1))
        return mx_fail_nomem("train", 0);
    int32_t *id = size > 1 ? encode(t, tokenizer, before, tools, answers(messages), &n) : NULL;
    json_decref(before);
    while (id && out->prompt < n && out->prompt < out->count &&
           id[out->prompt] == out->id[out->prompt])
        out->prompt++;
    mx_free(id);
    return !mx_failed();
}

bool mx_chat_encode(const mx_template *t, mx_tokenizer *tokenizer, const json_t *messages,
                    const json_t *tools, mx_chat_tokens *out) {
    *out = (mx_chat_tokens){0};
    out->id = encode(t, tokenizer, (json_t *)(uintptr_t)messages, tools, false, &out->count);
    if (out->id && find_prompt(t, tokenizer, messages, tools, out))
        return true;
    mx_free(out->id);
    *out = (mx_chat_tokens){0};
    return false;
}
