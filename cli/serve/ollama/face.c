/* POST /api/chat, /api/generate: answers, a document a line. */
#include <string.h>
#include <time.h>

#include "serve/ollama/ollama.h"

void srv_ollama_time(char *out, int64_t seconds, long nanoseconds) {
    time_t t = (time_t)seconds;
    struct tm parts;
    char day[32] = "1970-01-01T00:00:00";
    if (gmtime_r(&t, &parts))
        strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, 64, "%s.%09ldZ", day, nanoseconds);
}

static json_t *document_of(const srv_about *about, bool done) {
    struct timespec now;
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    srv_ollama_time(text, (int64_t)now.tv_sec, now.tv_nsec);
    return json_pack("{s:s, s:s, s:b}", "model", about->id, "created_at", text, "done", done);
}

static json_t *document(srv_job *j, bool done) {
    return document_of(j->about, done);
}

json_int_t srv_ollama_nanoseconds(double seconds) {
    return (json_int_t)(seconds > 0 ? seconds * 1e9 : 0);
}

/* What the answer says, under the interface's names. */
static void say_to(json_t *doc, bool chat, json_t *text, json_t *thinking, json_t *calls) {
    json_t *to = chat ? json_pack("{s:s}", "role", "assistant") : doc;
    json_object_set_new(to, chat ? "content" : "response", text);
    if (thinking)
        json_object_set_new(to, "thinking", thinking);
    if (calls)
        json_object_set_new(to, "tool_calls", calls);
    if (chat)
        json_object_set_new(doc, "message", to);
}

static void say(srv_job *j, json_t *doc, json_t *text, json_t *thinking, json_t *calls) {
    say_to(doc, j->face == &srv_ollama_chat_face, text, thinking, calls);
}

json_t *srv_ollama_empty(const srv_about *about, bool chat, const char *reason) {
    json_t *doc = document_of(about, true);
    say_to(doc, chat, json_string(""), NULL, NULL);
    json_object_set_new(doc, "done_reason", json_string(reason));
    return doc;
}

static json_t *call_json(const json_t *call) {
    const char *arguments = json_string_value(json_object_get(call, "arguments"));
    return json_pack("{s:{s:O, s:o}}", "function", "name", json_object_get(call, "name"),
                     "arguments", srv_json_written(arguments));
}

/* How it ended, and what it took. */
static void add_end(srv_job *j, json_t *doc) {
    double now = cli_seconds(), first = j->first > 0 ? j->first : now;
    double prompt = first - j->call->began - j->loaded;
    json_t *counts =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "done_reason",
                  j->choices[0].finish == SRV_LENGTH ? "length" : "stop", "total_duration",
                  srv_ollama_nanoseconds(now - j->call->began), "load_duration",
                  srv_ollama_nanoseconds(j->loaded), "prompt_eval_count", (json_int_t)j->prompt,
                  "prompt_eval_duration", srv_ollama_nanoseconds(prompt), "eval_count",
                  (json_int_t)j->generated, "eval_duration", srv_ollama_nanoseconds(now - first));
    json_object_update(doc, counts);
    json_decref(counts);
}

static void line(srv_job *j, json_t *doc) {
    srv_text_json(j->out, doc);
    srv_text_add(j->out, "\n");
}

static void piece(srv_job *j, srv_choice *c, const cli_piece *p) {
    json_t *doc = document(j, false);
    if (p->kind == CLI_PIECE_TEXT)
        say(j, doc, cli_json_said(p->text, p->n), NULL, NULL);
    else if (p->kind == CLI_PIECE_REASONING)
        say(j, doc, json_string(""), cli_json_said(p->text, p->n), NULL);
    else
        say(j, doc, json_string(""), NULL, json_pack("[o]", call_json(srv_last_call(c))));
    line(j, doc);
}

static void end(srv_job *j) {
    json_t *doc = document(j, true);
    say(j, doc, json_string(""), NULL, NULL);
    add_end(j, doc);
    line(j, doc);
}

static void fail(srv_job *j, const srv_fault *f) {
    line(j, srv_fault_json(j->call, f));
}

static json_t *whole(srv_job *j) {
    const srv_choice *c = &j->choices[0];
    json_t *doc = document(j, true), *calls = json_array_size(c->calls) ? json_array() : NULL;
    const json_t *call;
    size_t i;
    json_array_foreach(c->calls, i, call) json_array_append_new(calls, call_json(call));
    say(j, doc, cli_json_said(c->text.data, c->text.n),
        c->reasoning.n ? cli_json_said(c->reasoning.data, c->reasoning.n) : NULL, calls);
    add_end(j, doc);
    return doc;
}

#define FACE                         \
    {.type = "application/x-ndjson", \
     .piece = piece,                 \
     .end = end,                     \
     .fail = fail,                   \
     .whole = whole,                 \
     .prefix = "ollama-"}
const srv_face srv_ollama_chat_face = FACE;
const srv_face srv_ollama_generate_face = FACE;
