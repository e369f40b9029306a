/* POST /v1/messages: the answer, whole and as events. It is a list of blocks: thinking, text, tool
 * uses, as the model wrote them. j->done has those that have ended. */
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

/* The open block; told: with what it has said. */
static json_t *block_of(const srv_choice *c, bool told) {
    size_t said;
    const json_t *call = srv_last_call(c);
    if (c->block_kind == CLI_PIECE_CALL)
        return use(call, told ? input_of(call) : json_object());
    const char *from = srv_part_text(c, &said);
    json_t *text = cli_json_said(from, told ? said : 0);
    return c->block_kind == CLI_PIECE_REASONING
               ? thinking(text)
               : json_pack("{s:s, s:o}", "type", "text", "text", text);
}

/* --- events ----------------------------------------------------------------------------------- */

/* Members, taken over, of an event. */
static void send(srv_job *j, const char *type, json_t *members) {
    if (!j->out) {
        json_decref(members);
        return;
    }
    json_t *doc = json_pack("{s:s}", "type", type);
    if (doc && members)
        json_object_update(doc, members);
    json_decref(members);
    srv_text_event(j->out, type, members ? doc : NULL);
}

static void begin(srv_job *j) {
    j->done = json_array();
    send(j, "message_start", json_pack("{s:o}", "message", document(j, json_array())));
}

static void start_block(srv_job *j, srv_choice *c, const cli_piece *p) {
    srv_part_open(c, p->kind, p->n);
    send(j, "content_block_start",
         json_pack("{s:i, s:o}", "index", c->block, "content_block", block_of(c, false)));
}

static void stop_block(srv_job *j, srv_choice *c) {
    if (c->block_kind == NO_BLOCK)
        return;
    send(j, "content_block_stop", json_pack("{s:i}", "index", c->block));
    srv_part_keep(j, block_of(c, true));
    c->block_kind = NO_BLOCK;
}

static void say(srv_job *j, srv_choice *c, const cli_piece *p) {
    static const char *const types[] = {"text_delta", "thinking_delta", "input_json_delta"};
    static const char *const keys[] = {"text", "thinking", "partial_json"};
    send(j, "content_block_delta",
         json_pack("{s:i, s:{s:s, s:o}}", "index", c->block, "delta", "type", types[p->kind],
                   keys[p->kind], cli_json_said(p->text, p->n)));
}

static void piece(srv_job *j, srv_choice *c, const cli_piece *p) {
    if (c->block_kind != (int)p->kind)
        stop_block(j, c);
    if (c->block_kind == NO_BLOCK)
        start_block(j, c, p);
    say(j, c, p);
    if (p->kind == CLI_PIECE_CALL)
        stop_block(j, c);
}

static void end_choice(srv_job *j, srv_choice *c) {
    stop_block(j, c);
    send(j, "message_delta",
         json_pack("{s:{s:s, s:o}, s:o}", "delta", "stop_reason", reason(c), "stop_sequence",
                   stop_text(j, c), "usage", usage(j)));
}

static void end(srv_job *j) {
    send(j, "message_stop", json_object());
}

static void fail(srv_job *j, const srv_fault *f) {
    srv_text_event(j->out, "error", srv_fault_json(j->call, f));
}

/* --- the whole -------------------------------------------------------------------------------- */

static json_t *whole(srv_job *j) {
    const srv_choice *c = &j->choices[0];
    json_t *doc = document(j, json_incref(j->done));
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
                                     .keeps = true,
                                     .prefix = "msg_"};
