/* POST /v1/messages: the answer, whole and as events. It is a list of blocks: thinking, text, tool
 * uses. */
#include <string.h>

#include "serve/anthropic/anthropic.h"

enum { NO_BLOCK = -1 };

static json_t *usage(const srv_job *j) {
    return json_pack("{s:I, s:I, s:i, s:I}", "input_tokens", (json_int_t)(j->prompt - j->cached),
                     "cache_read_input_tokens", (json_int_t)j->cached,
                     "cache_creation_input_tokens", 0, "output_tokens", (json_int_t)j->generated);
}

static const char *reason(const srv_choice *c) {
    if (c->finish == SRV_LENGTH)
        return "max_tokens";
    if (json_array_size(c->calls))
        return "tool_use";
    return c->finish == SRV_STOPPED ? "stop_sequence" : "end_turn";
}

static json_t *stop_text(const srv_job *j, const srv_choice *c) {
    return c->finish == SRV_STOPPED && c->stop >= 0
               ? json_incref(json_array_get(j->p.stop, (size_t)c->stop))
               : json_null();
}

static json_t *document(srv_job *j, json_t *content) {
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:n, s:n, s:o}", "id", j->id, "type", "message",
                     "role", "assistant", "model", j->about->id, "content", content, "stop_reason",
                     "stop_sequence", "usage", usage(j));
}

static json_t *thinking(json_t *text) {
    return json_pack("{s:s, s:o, s:s}", "type", "thinking", "thinking", text, "signature", "");
}

static json_t *use(const json_t *call, json_t *input) {
    return json_pack("{s:s, s:O, s:O, s:o}", "type", "tool_use", "id", json_object_get(call, "id"),
                     "name", json_object_get(call, "name"), "input", input);
}

static json_t *input_of(const json_t *call) {
    return srv_json_written(json_string_value(json_object_get(call, "arguments")));
}

/* --- streams ---------------------------------------------------------------------------------- */

static void begin(srv_job *j) {
    srv_text_event(j->out, "message_start",
                   json_pack("{s:s, s:o}", "type", "message_start", "message",
                             document(j, json_array())));
}

static void start_block(srv_job *j, srv_choice *c, int kind, json_t *block) {
    c->block_kind = kind;
    srv_text_event(j->out, "content_block_start",
                   json_pack("{s:s, s:i, s:o}", "type", "content_block_start", "index", c->block,
                             "content_block", block));
}

static void stop_block(srv_job *j, srv_choice *c) {
    if (c->block_kind == NO_BLOCK)
        return;
    srv_text_event(j->out, "content_block_stop",
                   json_pack("{s:s, s:i}", "type", "content_block_stop", "index", c->block++));
    c->block_kind = NO_BLOCK;
}

static json_t *empty_block(const srv_choice *c, cli_piece_kind kind) {
    size_t n = json_array_size(c->calls);
    if (kind == CLI_PIECE_TEXT)
        return json_pack("{s:s, s:s}", "type", "text", "text", "");
    return kind == CLI_PIECE_REASONING ? thinking(json_string(""))
                                       : use(json_array_get(c->calls, n - 1), json_object());
}

static void piece(srv_job *j, srv_choice *c, const cli_piece *p) {
    static const char *const types[] = {"text_delta", "thinking_delta", "input_json_delta"};
    static const char *const keys[] = {"text", "thinking", "partial_json"};
    if (c->block_kind != (int)p->kind || p->kind == CLI_PIECE_CALL)
        stop_block(j, c);
    if (c->block_kind == NO_BLOCK)
        start_block(j, c, p->kind, empty_block(c, p->kind));
    json_t *delta = json_pack("{s:s, s:o}", "type", types[p->kind], keys[p->kind],
                              cli_json_said(p->text, p->n));
    srv_text_event(j->out, "content_block_delta",
                   json_pack("{s:s, s:i, s:o}", "type", "content_block_delta", "index", c->block,
                             "delta", delta));
    if (p->kind == CLI_PIECE_CALL)
        stop_block(j, c);
}

static void end_choice(srv_job *j, srv_choice *c) {
    stop_block(j, c);
    srv_text_event(j->out, "message_delta",
                   json_pack("{s:s, s:{s:s, s:o}, s:o}", "type", "message_delta", "delta",
                             "stop_reason", reason(c), "stop_sequence", stop_text(j, c), "usage",
                             usage(j)));
}

static void end(srv_job *j) {
    srv_text_event(j->out, "message_stop", json_pack("{s:s}", "type", "message_stop"));
}

static void fail(srv_job *j, const srv_fault *f) {
    srv_text_event(j->out, "error", srv_fault_json(j->call, f));
}

/* --- the whole -------------------------------------------------------------------------------- */

static json_t *whole(srv_job *j) {
    const srv_choice *c = &j->choices[0];
    json_t *content = json_array();
    const json_t *call;
    size_t i;
    if (c->reasoning.n)
        json_array_append_new(content, thinking(cli_json_said(c->reasoning.data, c->reasoning.n)));
    if (c->text.n)
        json_array_append_new(content, json_pack("{s:s, s:o}", "type", "text", "text",
                                                 cli_json_said(c->text.data, c->text.n)));
    json_array_foreach(c->calls, i, call) json_array_append_new(content, use(call, input_of(call)));
    json_t *doc = document(j, content);
    if (!doc || json_object_set_new(doc, "stop_reason", json_string(reason(c))) ||
        json_object_set_new(doc, "stop_sequence", stop_text(j, c)))
        return NULL;
    return doc;
}

const srv_face srv_anthropic_face = {.type = "text/event-stream",
                                     .begin = begin,
                                     .piece = piece,
                                     .end_choice = end_choice,
                                     .end = end,
                                     .fail = fail,
                                     .whole = whole,
                                     .prefix = "msg_"};
