/* POST /v1/responses: the answer, whole and as events. An answer is a list of items: reasoning, a
 * message, calls. j->done has those that have ended. */
#include <string.h>

#include "serve/openai/openai.h"
#include "serve/openai/responses.h"

enum { NO_BLOCK = -1, TEXT_BLOCK = CLI_PIECE_TEXT, REASONING_BLOCK = CLI_PIECE_REASONING };

/* --- items ------------------------------------------------------------------------------------ */

/* logs: of an output_text, taken over; NULL of another. */
static json_t *text_part(const char *text, size_t n, json_t *logs) {
    json_t *part = json_pack("{s:s, s:o}", "type", logs ? "output_text" : "reasoning_text", "text",
                             cli_json_said(text, n));
    if (logs && (!part || json_object_update_new(part, json_pack("{s:[], s:o}", "annotations",
                                                                 "logprobs", logs))))
        return json_decref(part), NULL;
    return part;
}

static json_t *message_item(const char *id, const char *status, json_t *content) {
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "type", "message", "id", id, "status", status,
                     "role", "assistant", "content", content);
}

static json_t *reasoning_item(const char *id, json_t *content) {
    return json_pack("{s:s, s:s, s:[], s:o}", "type", "reasoning", "id", id, "summary", "content",
                     content);
}

static json_t *call_item(const char *id, const char *status, const json_t *call,
                         const json_t *arguments) {
    return json_pack("{s:s, s:s, s:s, s:O, s:O, s:O}", "type", "function_call", "id", id, "status",
                     status, "call_id", json_object_get(call, "id"), "name",
                     json_object_get(call, "name"), "arguments", arguments);
}

/* --- the document ----------------------------------------------------------------------------- */

static json_t *given(const srv_job *j, const char *key, json_t *otherwise) {
    json_t *value = json_object_get(j->call->json, key);
    if (!value || json_is_null(value))
        return otherwise;
    json_decref(otherwise);
    return json_incref(value);
}

static json_t *usage(const srv_job *j) {
    return json_pack("{s:I, s:{s:I}, s:I, s:{s:I}, s:I}", "input_tokens", (json_int_t)j->prompt,
                     "input_tokens_details", "cached_tokens", (json_int_t)j->cached,
                     "output_tokens", (json_int_t)j->generated, "output_tokens_details",
                     "reasoning_tokens", (json_int_t)j->reasoning, "total_tokens",
                     (json_int_t)(j->prompt + j->generated));
}

static bool copy_options(const srv_job *j, json_t *doc) {
    static const char *const nulls[] = {"instructions", "max_output_tokens", "reasoning", "user"};
    bool ok = true;
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        ok &= json_object_set_new(doc, nulls[i], given(j, nulls[i], json_null())) == 0;
    ok &= json_object_set_new(doc, "tools", given(j, "tools", json_array())) == 0;
    ok &= json_object_set_new(doc, "top_logprobs", given(j, "top_logprobs", json_integer(0))) == 0;
    ok &= json_object_set_new(doc, "metadata", given(j, "metadata", json_object())) == 0;
    ok &=
        json_object_set_new(doc, "tool_choice", given(j, "tool_choice", json_string("auto"))) == 0;
    ok &= json_object_set_new(doc, "text",
                              given(j, "text", json_pack("{s:{s:s}}", "format", "type", "text"))) ==
          0;
    return ok;
}

static json_t *document(srv_job *j, const char *status) {
    bool over = strcmp(status, "in_progress") != 0, cut = strcmp(status, "incomplete") == 0;
    json_t *doc = json_pack(
        "{s:s, s:s, s:I, s:s, s:b, s:n, s:o, s:s, s:O, s:b, s:n, s:b, s:f, s:f, s:s, s:o}", "id",
        j->id, "object", "response", "created_at", (json_int_t)j->created, "status", status,
        "background", 0, "error", "incomplete_details",
        cut ? json_pack("{s:s}", "reason", "max_output_tokens") : json_null(), "model",
        j->about->id, "output", j->done, "parallel_tool_calls", !j->p.one_call,
        "previous_response_id", "store", 0, "temperature", j->p.temperature, "top_p", j->p.top_p,
        "truncation", "disabled", "usage", over ? usage(j) : json_null());
    return doc && copy_options(j, doc) ? doc : NULL;
}

static const char *status_of(const srv_job *j) {
    return j->choices[0].finish == SRV_LENGTH ? "incomplete" : "completed";
}

/* --- events ----------------------------------------------------------------------------------- */

/* An event of these members, which are taken over. */
static void send(srv_job *j, const char *type, json_t *members) {
    if (!j->out) {
        json_decref(members);
        return;
    }
    json_t *doc =
        json_pack("{s:s, s:I}", "type", type, "sequence_number", (json_int_t)j->sequence++);
    if (doc && members)
        json_object_update(doc, members);
    json_decref(members);
    srv_text_event(j->out, type, members ? doc : NULL);
}

static json_t *place(const srv_choice *c) {
    return json_pack("{s:s, s:i, s:i}", "item_id", c->block_id, "output_index", c->block,
                     "content_index", 0);
}

static json_t *with(json_t *object, const char *key, json_t *value) {
    if (!object || json_object_set_new(object, key, value))
        return NULL;
    return object;
}

static void begin(srv_job *j) {
    j->done = json_array();
    if (!j->out)
        return;
    send(j, "response.created", json_pack("{s:o}", "response", document(j, "in_progress")));
    send(j, "response.in_progress", json_pack("{s:o}", "response", document(j, "in_progress")));
}

static void send_item(srv_job *j, srv_choice *c, const char *type, json_t *item) {
    send(j, type, json_pack("{s:i, s:o}", "output_index", c->block, "item", item));
}

static bool is_text(const srv_choice *c) {
    return c->block_kind == TEXT_BLOCK;
}

static json_t *item_of(const srv_choice *c, const char *status, json_t *content) {
    return is_text(c) ? message_item(c->block_id, status, content)
                      : reasoning_item(c->block_id, content);
}

/* Those of a part: its first `n`, from the one at `from`. */
static json_t *logs_of(const srv_choice *c, size_t from, size_t n) {
    if (!is_text(c))
        return NULL;
    json_t *list = json_array();
    for (size_t i = from; i < n; i++)
        json_array_append(list, json_array_get(c->logs, i));
    return list;
}

static void drop_logs(srv_choice *c, size_t n) {
    if (n >= json_array_size(c->logs))
        json_array_clear(c->logs);
    else
        while (n-- > 0)
            json_array_remove(c->logs, 0);
    c->block_logs = 0;
}

/* Tokens before the last n bytes were markers, or white space before them. */
static void drop_markers(srv_choice *c, size_t n) {
    size_t bytes = 0, i = json_array_size(c->logs);
    while (i > 0 && bytes < n)
        bytes += json_array_size(json_object_get(json_array_get(c->logs, --i), "bytes"));
    drop_logs(c, i);
}

static void open_block(srv_job *j, srv_choice *c, cli_piece_kind kind, size_t n) {
    srv_part_open(c, kind, n);
    srv_make_id(c->block_id, sizeof c->block_id, is_text(c) ? "msg_" : "rs_");
    send_item(j, c, "response.output_item.added", item_of(c, "in_progress", json_array()));
    send(j, "response.content_part.added",
         with(place(c), "part", text_part("", 0, logs_of(c, 0, 0))));
}

/* The last part of an answer that was cut is not complete. */
static void close_block(srv_job *j, srv_choice *c, const char *status) {
    if (c->block_kind == NO_BLOCK)
        return;
    size_t n;
    const char *text = srv_part_text(c, &n);
    send(j, is_text(c) ? "response.output_text.done" : "response.reasoning_text.done",
         with(is_text(c) ? with(place(c), "logprobs", logs_of(c, 0, c->block_logs)) : place(c),
              "text", cli_json_said(text, n)));
    json_t *part = text_part(text, n, logs_of(c, 0, c->block_logs));
    send(j, "response.content_part.done", with(place(c), "part", json_incref(part)));
    json_t *item = item_of(c, status, json_pack("[o]", part));
    send_item(j, c, "response.output_item.done", json_incref(item));
    srv_part_keep(j, item);
    drop_logs(c, c->block_logs);
    c->block_kind = NO_BLOCK;
}

static void send_call(srv_job *j, srv_choice *c) {
    const json_t *call = srv_last_call(c), *arguments = json_object_get(call, "arguments");
    json_t *nothing = json_string("");
    c->block = (int)json_array_size(j->done);
    srv_make_id(c->block_id, sizeof c->block_id, "fc_");
    send_item(j, c, "response.output_item.added",
              call_item(c->block_id, "in_progress", call, nothing));
    json_decref(nothing);
    send(j, "response.function_call_arguments.delta",
         json_pack("{s:s, s:i, s:O}", "item_id", c->block_id, "output_index", c->block, "delta",
                   arguments));
    send(j, "response.function_call_arguments.done",
         json_pack("{s:s, s:i, s:O, s:O}", "item_id", c->block_id, "output_index", c->block,
                   "arguments", arguments, "name", json_object_get(call, "name")));
    json_t *item = call_item(c->block_id, "completed", call, arguments);
    send_item(j, c, "response.output_item.done", json_incref(item));
    srv_part_keep(j, item);
}

/* Log probabilities go with the text that comes of them; those of what is no text go. */
static void say(srv_job *j, srv_choice *c, const cli_piece *p) {
    size_t said = c->block_logs;
    json_t *delta = with(place(c), "delta", cli_json_said(p->text, p->n));
    c->block_logs = json_array_size(c->logs);
    if (is_text(c))
        delta = with(delta, "logprobs", logs_of(c, said, c->block_logs));
    else
        drop_logs(c, c->block_logs);
    send(j, is_text(c) ? "response.output_text.delta" : "response.reasoning_text.delta", delta);
}

static void piece(srv_job *j, srv_choice *c, const cli_piece *p) {
    if (c->block_kind != (int)p->kind)
        close_block(j, c, "completed");
    if (p->kind == CLI_PIECE_CALL) {
        drop_logs(c, json_array_size(c->logs));
        send_call(j, c);
        return;
    }
    if (c->block_kind == NO_BLOCK) {
        drop_markers(c, p->n - p->older);
        open_block(j, c, p->kind, p->n);
    }
    say(j, c, p);
}

/* An answer without text and calls has a text that is empty, unless its thoughts were cut. */
static void end_choice(srv_job *j, srv_choice *c) {
    close_block(j, c, status_of(j));
    bool cut = c->reasoning.n && strcmp(status_of(j), "completed") != 0;
    if (cut || c->text.n || json_array_size(c->calls))
        return;
    open_block(j, c, CLI_PIECE_TEXT, 0);
    close_block(j, c, status_of(j));
}

static void end(srv_job *j) {
    char type[40];
    snprintf(type, sizeof type, "response.%s", status_of(j));
    send(j, type, json_pack("{s:o}", "response", document(j, status_of(j))));
}

static void fail(srv_job *j, const srv_fault *f) {
    json_t *doc = j->done ? document(j, "failed") : NULL;
    const char *code = f->status == 400 ? "invalid_prompt" : "server_error"; // as the API has it
    if (doc)
        json_object_set_new(
            doc, "error", json_pack("{s:s, s:o}", "code", code, "message", cli_json_text(f->text)));
    send(j, "response.failed", json_pack("{s:o}", "response", doc));
}

/* --- the whole -------------------------------------------------------------------------------- */

static json_t *whole(srv_job *j) {
    return document(j, status_of(j));
}

const srv_face srv_responses_face = {.type = "text/event-stream",
                                     .begin = begin,
                                     .piece = piece,
                                     .end_choice = end_choice,
                                     .end = end,
                                     .fail = fail,
                                     .token = srv_openai_log,
                                     .whole = whole,
                                     .keeps = true,
                                     .prefix = "resp_"};
