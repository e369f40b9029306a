/* Reading texts to learn from: see data.h. */
#include "models/train/data.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "models/chat.h"
#include "models/family.h"
#include "models/json.h"

static const char op[] = "train";

typedef enum kind { NONE, TEXT, COMPLETION, CHAT } kind;

typedef struct reader {
    mx_examples *out;
    const mx_data_spec *spec;
    const char *path;
    size_t line;       /* from 1 */
    kind kind;         /* of the first line */
    int32_t end;       /* the token that ends a text; -1: none */
    mx_template *chat; /* NULL: not asked for, or the model has none */
    bool chat_asked;
} reader;

void mx_examples_free(mx_examples *e) {
    mx_free(e->token);
    mx_free(e->item);
    *e = (mx_examples){0};
}

char *mx_data_file(const char *folder, const char *name) {
    struct stat s;
    char *path = mx_text_path(folder, name);
    if (path && stat(path, &s) == 0)
        return path;
    mx_free(path);
    return NULL;
}

static bool fail(const reader *r, const char *what) {
    return mx_fail(MX_FORMAT, "[%s] '%s' line %zu: %s", op, r->path, r->line, what);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static bool check_token(const reader *r, int32_t token) {
    return (token >= 0 && token < r->spec->vocabulary) ||
           mx_fail(
               MX_RANGE,
               "[%s] '%s' line %zu: token %d, and the model has %lld: it is another's tokenizer",
               op, r->path, r->line, token, (long long)r->spec->vocabulary);
}

static bool add_token(reader *r, int32_t token) {
    mx_examples *e = r->out;
    if (!check_token(r, token) ||
        !mx_grow(&e->token, &e->token_room, e->tokens + 1, sizeof *e->token))
        return false;
    e->token[e->tokens++] = token;
    return true;
}

static bool add_text(reader *r, const json_t *text, bool bare) {
    size_t n;
    int32_t *ids =
        mx_tokenizer_encode(r->spec->tokenizer, json_string_value(text), json_string_length(text),
                            NULL, 0, (mx_encode){.bare = bare}, &n, NULL);
    bool ok = ids;
    for (size_t i = 0; ok && i < n; i++)
        ok = add_token(r, ids[i]);
    mx_free(ids);
    return ok;
}

/* The end of a text that began at token `first`. */
static bool add_end(reader *r, size_t first) {
    const mx_examples *e = r->out;
    bool ended = e->tokens > first && e->token[e->tokens - 1] == r->end;
    return r->end < 0 || ended || add_token(r, r->end);
}

/* --- examples -------------------------------------------------------------------------------- */

static void count_in(mx_examples *e, uint64_t x) {
    e->print = (e->print ^ x) * 0x100000001B3u;
}

/* What stands from token `first` on. */
static bool add_example(reader *r, size_t first, size_t prompt) {
    mx_examples *e = r->out;
    size_t n = e->tokens - first, most = (size_t)r->spec->most, least = prompt > 1 ? prompt : 1;
    if (n > most) {
        n = most;
        e->cut++;
    }
    e->tokens = first + n;
    if (n <= least) {
        e->tokens = first;
        e->dropped++;
        return true;
    }
    if (!mx_grow(&e->item, &e->room, e->count + 1, sizeof *e->item))
        return false;
    e->item[e->count++] = (mx_example){(int64_t)first, (int64_t)n, (int64_t)prompt};
    for (size_t i = first; i < e->tokens; i++)
        count_in(e, (uint64_t)e->token[i]);
    count_in(e, (uint64_t)n << 32 | prompt);
    return true;
}

/* --- kinds of lines -------------------------------------------------------------------------- */

static bool has(const json_t *line, const char *key) {
    const json_t *x = json_object_get(line, key);
    return x && !json_is_null(x);
}

static bool text_line(reader *r, const json_t *line) {
    size_t first = r->out->tokens;
    const json_t *text = json_object_get(line, "text");
    if (!json_is_string(text))
        return fail(r, "\"text\" is no text");
    return add_text(r, text, false) && add_end(r, first) && add_example(r, first, 0);
}

/* That there is no template is no error here; that one is not understood is. */
static bool find_chat(reader *r) {
    if (r->chat_asked)
        return true;
    r->chat_asked = true;
    r->chat = mx_template_open(r->spec->model, NULL);
    if (!r->chat && mx_error_status() == MX_INVALID)
        mx_error_clear();
    return !mx_failed();
}

/* The error of a template says of which line it is. */
static bool fail_template(const reader *r) {
    char why[512];
    mx_status status = mx_error_status();
    if (status == MX_NOMEM || status == MX_INTERRUPTED)
        return false;
    snprintf(why, sizeof why, "%s", mx_error_message());
    mx_error_clear();
    return mx_fail(status, "[%s] '%s' line %zu: %s", op, r->path, r->line, why);
}

/* What a template is given, with marks; for json_decref. */
static json_t *variables_of(const reader *r, json_t *messages, json_t *tools) {
    json_t *all = json_pack("{s:O, s:b}", "messages", messages, "add_generation_prompt", false);
    if (!all || (tools && json_object_set(all, "tools", tools)))
        mx_fail_nomem(op, 0);
    else if (mx_chat_guard(r->spec->tokenizer, all))
        return all;
    json_decref(all);
    return NULL;
}

/* Not more than once of the same messages, into which marks are put. */
static bool conversation(reader *r, json_t *messages, json_t *tools) {
    mx_chat_tokens chat = {0};
    size_t first = r->out->tokens;
    json_t *all = variables_of(r, messages, tools);
    bool ok = all && mx_chat_tokens_make(&chat, r->chat, r->spec->tokenizer, all, true);
    json_decref(all);
    if (!ok)
        return fail_template(r);
    for (size_t i = 0; ok && i < chat.count; i++)
        ok = add_token(r, chat.id[i]);
    size_t prompt = chat.answers ? chat.answer[0].first : chat.count;
    mx_chat_tokens_free(&chat);
    return ok && add_example(r, first, r->spec->mask_prompt ? prompt : 0);
}

static bool chat_line(reader *r, const json_t *line) {
    json_t *messages = json_object_get(line, "messages");
    json_t *tools = has(line, "tools") ? json_object_get(line, "tools") : NULL;
    const json_t *m;
    size_t i;
    if (tools && !json_is_array(tools))
        return fail(r, "\"tools\" is no list");
    if (!json_array_size(messages))
        return fail(r, "\"messages\" is no list of messages");
    json_array_foreach(messages, i, m) {
        if (!json_is_object(m) || !json_is_string(json_object_get(m, "role")))
            return fail(r, "a message is no object with a role");
    }
    const char *last =
        json_string_value(json_object_get(json_array_get(messages, json_array_size(messages) - 1),
                                          "role"));
    if (r->spec->mask_prompt && mx_name_is_of(last, "system|developer|user|tool"))
        return fail(r, "the last message is no answer, and mask_prompt learns nothing else");
    if (!find_chat(r))
        return false;
    if (!r->chat)
        return fail(r, "the model has no chat template for messages");
    return conversation(r, messages, tools);
}

static bool answered(reader *r, json_t *prompt, json_t *completion) {
    json_t *messages = json_pack("[{s:s, s:O}, {s:s, s:O}]", "role", "user", "content", prompt,
                                 "role", "assistant", "content", completion);
    bool ok = messages ? conversation(r, messages, NULL) : mx_fail_nomem(op, 0) != NULL;
    json_decref(messages);
    return ok;
}

static bool completion_line(reader *r, const json_t *line) {
    json_t *prompt = json_object_get(line, "prompt"),
           *completion = json_object_get(line, "completion");
    size_t first = r->out->tokens;
    if (!json_is_string(prompt) || !json_is_string(completion))
        return fail(r, "\"prompt\" and \"completion\" are no texts");
    if (!find_chat(r))
        return false;
    if (r->chat)
        return answered(r, prompt, completion);
    if (!add_text(r, prompt, false))
        return false;
    size_t behind = r->out->tokens - first;
    return add_text(r, completion, true) && add_end(r, first) &&
           add_example(r, first, r->spec->mask_prompt ? behind : 0);
}

/* How many of the kinds a line is, and the last of these. */
static int kinds_of(const json_t *line, kind *k) {
    bool is[] = {[TEXT] = has(line, "text"),
                 [COMPLETION] = has(line, "prompt") && has(line, "completion"),
                 [CHAT] = has(line, "messages")};
    int n = 0;
    *k = NONE;
    for (kind i = TEXT; i <= CHAT; i++) {
        n += is[i];
        *k = is[i] ? i : *k;
    }
    return n;
}

static bool check_kind(reader *r, const json_t *line, kind *out) {
    int n = kinds_of(line, out);
    kind k = *out;
    if (n > 1)
        return fail(r, "it is of two kinds: of \"text\", \"prompt\" with \"completion\", and "
                       "\"messages\" a line has one");
    if (k == NONE)
        return fail(r, "it has no \"text\", no \"prompt\" and \"completion\", and no \"messages\"");
    if (r->kind && r->kind != k)
        return fail(r, "it is of another kind than the first line");
    if (k == TEXT && r->spec->mask_prompt)
        return fail(r, "a \"text\" has no prompt that could be masked");
    r->kind = k;
    return true;
}

static bool take(reader *r, const json_t *line) {
    if (!json_is_object(line))
        return fail(r, "it is no object");
    kind k;
    if (!check_kind(r, line, &k))
        return false;
    return r->kind == TEXT   ? text_line(r, line)
           : r->kind == CHAT ? chat_line(r, line)
                             : completion_line(r, line);
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool take_line(reader *r, const char *text, size_t n) {
    mx_text name = {0};
    while (n && strchr(" \t\r", text[n - 1]))
        n--;
    if (!n)
        return true;
    mx_text_add(&name, "%s, line %zu", r->path, r->line);
    json_t *line = mx_json_parse_zeros(op, mx_text_view(&name), text, n);
    bool ok = line && take(r, line);
    json_decref(line);
    mx_text_free(&name);
    return ok;
}

static bool take_lines(reader *r, const char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end ? (size_t)(end - text) - at : size - at;
        r->line++;
        if ((r->line % 64 == 0 && mx_interrupted()) || !take_line(r, text + at, n))
            return false;
        at += n + 1;
    }
    return true;
}

static bool take_file(reader *r) {
    mx_file *f = mx_file_open(op, r->path);
    mx_mapped m = {0};
    bool ok = f && mx_file_map(f, &m);
    ok = ok && take_lines(r, (const char *)m.data, m.size);
    if (m.data)
        mx_file_unmap(&m);
    mx_file_close(f);
    return ok;
}

static bool fail_empty(const mx_examples *e, const char *path, const mx_data_spec *spec) {
    if (!e->cut)
        return mx_fail(MX_FORMAT, "[%s] '%s' has nothing to learn from", op, path);
    return mx_fail(MX_FORMAT,
                   "[%s] '%s' has nothing to learn from: what there is in %zu of %zu examples is "
                   "behind max_seq_length, %lld tokens",
                   op, path, e->cut, e->dropped, (long long)spec->most);
}

bool mx_examples_read(mx_examples *e, const char *path, const mx_data_spec *spec) {
    reader r = {.out = e, .spec = spec, .path = path};
    *e = (mx_examples){.print = 0xCBF29CE484222325u};
    r.end = mx_tokenizer_role(spec->tokenizer, MX_TOKEN_EOS);
    bool ok = take_file(&r);
    mx_template_release(r.chat);
    if (ok && (e->count || fail_empty(e, path, spec)))
        return true;
    mx_examples_free(e);
    return false;
}
