/* POST /v1/chat/completions */
#include <stdlib.h>
#include <string.h>

#include "serve/messages.h"
#include "serve/openai/openai.h"

/* Members of the body that stand in no srv_params. */
typedef struct body {
    srv_params p; /* first: tables store into both */
    const json_t *messages, *tools, *choice, *format, *kwargs;
    const char *effort, *reasoning_format;
    bool parallel, log, go_on, opens;
    int64_t top;
} body;

#define AT(member) offsetof(body, member)

static const srv_field fields[] = {
    {"model", SRV_TEXT, TO(model), .count = 512},
    {"messages", SRV_LIST, AT(messages), .items = SRV_OBJECT, .count = 10000, .required = true},
    {"stream", SRV_BOOL, TO(stream)},
    {"stream_options", SRV_OBJECT, SRV_NOWHERE, .inner = srv_stream_fields},
    {"max_tokens", SRV_INT, TO(most), .least = 1, .most = 1 << 30},
    {"max_completion_tokens", SRV_INT, TO(most_too), .least = 1, .most = 1 << 30},
    {"n", SRV_INT, TO(n), .least = 1, .most = SRV_MOST_CHOICES},
    SRV_SAMPLING_FIELDS,
    SRV_MORE_SAMPLING_FIELDS,
    SRV_STRUCTURE_FIELDS,
    SRV_NOTE_FIELDS,
    {"logprobs", SRV_BOOL, AT(log)},
    {"top_logprobs", SRV_INT, AT(top), .least = 0, .most = SRV_MOST_TOP},
    {"response_format", SRV_OBJECT, AT(format)},
    {"tools", SRV_LIST, AT(tools), .items = SRV_OBJECT, .count = SRV_MOST_TOOLS},
    {"tool_choice", SRV_TEXT | SRV_OBJECT, AT(choice)},
    {"parallel_tool_calls", SRV_BOOL, AT(parallel)},
    {"reasoning_effort", SRV_TEXT, AT(effort), .words = "none|minimal|low|medium|high|xhigh"},
    {"reasoning_format", SRV_TEXT, AT(reasoning_format), .words = "auto|none|deepseek"},
    {"chat_template_kwargs", SRV_OBJECT, AT(kwargs)},
    {"continue_final_message", SRV_BOOL, AT(go_on)},
    {"add_generation_prompt", SRV_BOOL, AT(opens)},
    {"modalities", SRV_LIST, SRV_NOWHERE, .only = "[\"text\"]"},
    {"store", SRV_BOOL, SRV_NOWHERE, .only = "false"},
    {"service_tier", SRV_TEXT, SRV_NOWHERE, .words = "auto|default"},
    {"audio", SRV_REFUSED, SRV_NOWHERE, .words = "text alone is spoken here"},
    {"functions", SRV_REFUSED, SRV_NOWHERE, .words = "tools is"},
    {"function_call", SRV_REFUSED, SRV_NOWHERE, .words = "tool_choice is"},
    {"prediction", SRV_REFUSED, SRV_NOWHERE, .words = "answers are not predicted"},
    {"verbosity", SRV_REFUSED, SRV_NOWHERE, .words = "say it in a message"},
    {"web_search_options", SRV_REFUSED, SRV_NOWHERE, .words = "nothing is searched"},
    {0}};

/* --- streams ---------------------------------------------------------------------------------- */

static void chunk(srv_job *j, srv_choice *c, json_t *delta, const char *finish) {
    json_t *logs = NULL;
    if (json_array_size(c->logs)) {
        logs = json_pack("{s:O}", "content", c->logs);
        json_decref(c->logs);
        c->logs = json_array();
    }
    json_t *choice = json_pack("{s:i, s:o, s:o, s:o}", "index", c->index, "delta", delta,
                               "logprobs", logs ? logs : json_null(), "finish_reason",
                               finish ? json_string(finish) : json_null());
    json_t *doc =
        json_pack("{s:s, s:s, s:I, s:s, s:[o]}", "id", j->id, "object", "chat.completion.chunk",
                  "created", (json_int_t)j->created, "model", j->about->id, "choices", choice);
    if (doc && j->p.stream_usage)
        json_object_set_new(doc, "usage", json_null());
    srv_text_event(j->out, NULL, doc);
}

static void begin(srv_job *j) {
    for (size_t i = 0; i < j->choice_count; i++)
        chunk(j, &j->choices[i], json_pack("{s:s, s:s}", "role", "assistant", "content", ""), NULL);
}

static void piece(srv_job *j, srv_choice *c, const cli_piece *p) {
    const json_t *call = srv_last_call(c);
    if (p->kind == CLI_PIECE_TEXT)
        chunk(j, c, json_pack("{s:o}", "content", cli_json_said(p->text, p->n)), NULL);
    else if (p->kind == CLI_PIECE_REASONING)
        chunk(j, c, json_pack("{s:o}", "reasoning_content", cli_json_said(p->text, p->n)), NULL);
    else
        chunk(j, c,
              json_pack("{s:[{s:i, s:O, s:s, s:{s:O, s:O}}]}", "tool_calls", "index",
                        (int)json_array_size(c->calls) - 1, "id", json_object_get(call, "id"),
                        "type", "function", "function", "name", json_object_get(call, "name"),
                        "arguments", json_object_get(call, "arguments")),
              NULL);
}

static void end_choice(srv_job *j, srv_choice *c) {
    chunk(j, c, json_object(), srv_finish_text(c));
}

static void end(srv_job *j) {
    if (j->p.stream_usage)
        srv_text_event(j->out, NULL,
                       json_pack("{s:s, s:s, s:I, s:s, s:[], s:o}", "id", j->id, "object",
                                 "chat.completion.chunk", "created", (json_int_t)j->created,
                                 "model", j->about->id, "choices", "usage", srv_openai_usage(j)));
    srv_text_add(j->out, "data: [DONE]\n\n");
}

static void fail(srv_job *j, const srv_fault *f) {
    srv_text_event(j->out, NULL, srv_fault_json(j->call, f));
}

/* --- the whole -------------------------------------------------------------------------------- */

static json_t *calls_json(const json_t *calls) {
    json_t *list = json_array();
    const json_t *call;
    size_t i;
    json_array_foreach(calls, i, call)
        json_array_append_new(list, json_pack("{s:O, s:s, s:{s:O, s:O}}", "id",
                                              json_object_get(call, "id"), "type", "function",
                                              "function", "name", json_object_get(call, "name"),
                                              "arguments", json_object_get(call, "arguments")));
    return list;
}

static json_t *message(const srv_choice *c) {
    bool calls = json_array_size(c->calls) > 0;
    json_t *content = c->text.n || !calls ? cli_json_said(c->text.data, c->text.n) : json_null();
    json_t *m = json_pack("{s:s, s:o, s:n}", "role", "assistant", "content", content, "refusal");
    if (m && c->reasoning.n)
        json_object_set_new(m, "reasoning_content",
                            cli_json_said(c->reasoning.data, c->reasoning.n));
    if (m && calls)
        json_object_set_new(m, "tool_calls", calls_json(c->calls));
    return m;
}

static json_t *whole(srv_job *j) {
    json_t *choices = json_array();
    for (size_t i = 0; i < j->choice_count; i++) {
        srv_choice *c = &j->choices[i];
        json_t *logs = j->p.log_probabilities >= 0
                           ? json_pack("{s:O, s:n}", "content", c->logs, "refusal")
                           : json_null();
        json_array_append_new(choices, json_pack("{s:i, s:o, s:o, s:s}", "index", c->index,
                                                 "message", message(c), "logprobs", logs,
                                                 "finish_reason", srv_finish_text(c)));
    }
    return json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:n}", "id", j->id, "object",
                     "chat.completion", "created", (json_int_t)j->created, "model", j->about->id,
                     "choices", choices, "usage", srv_openai_usage(j), "system_fingerprint");
}

static const srv_face face = {.type = "text/event-stream",
                              .begin = begin,
                              .piece = piece,
                              .end_choice = end_choice,
                              .end = end,
                              .fail = fail,
                              .token = srv_openai_log,
                              .whole = whole,
                              .prefix = "chatcmpl-"};

/* --- the request ------------------------------------------------------------------------------ */

static bool read_log(body *b, srv_fault *f) {
    if (b->top >= 0 && !b->log)
        return srv_fail_field(f, "top_logprobs", "logprobs is to be true with it");
    b->p.log_probabilities = b->log ? (b->top > 0 ? b->top : 0) : -1;
    return true;
}

/* What the request itself says is not said to the template otherwise. */
static bool is_of_request(const char *name) {
    static const char *const names[] = {"messages", "tools", "add_generation_prompt",
                                        "continue_final_message"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool read_variables(body *b, srv_fault *f) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)b->kwargs, name, value) {
        if (is_of_request(name))
            return srv_fail_field(f, "chat_template_kwargs", "'%s' is a field of the request",
                                  name);
        if (!srv_variable(&b->p, name, json_incref(value), f))
            return false;
    }
    if (b->reasoning_format)
        b->p.reasoning = strcmp(b->reasoning_format, "none") != 0;
    return srv_effort(&b->p, b->effort, "reasoning_effort", f);
}

/* Either a new answer is opened or the last one goes on. */
static bool read_opening(srv_call *c, body *b) {
    bool given = json_is_boolean(json_object_get(c->json, "add_generation_prompt"));
    if (given && b->opens == b->go_on)
        return srv_fail_field(&c->fault, "add_generation_prompt",
                              b->opens ? "it is false with continue_final_message"
                                       : "without continue_final_message it is true: an answer is "
                                         "what is asked for");
    return !b->go_on || srv_go_on(&b->p, true, "continue_final_message", &c->fault);
}

static bool read(srv_call *c, body *b) {
    srv_fault *f = &c->fault;
    if (!srv_fields_read(fields, c->json, b, f))
        return false;
    if (b->p.most >= 0 && b->p.most_too >= 0)
        return srv_fail_field(f, "max_tokens", "there is max_completion_tokens as well");
    b->p.one_call = !b->parallel;
    return srv_params_stream(&b->p, c->json, f) && srv_params_together(c->json, "", false, f) &&
           read_log(b, f) && srv_params_structure(&b->p, c->json, f) &&
           srv_params_format(&b->p, b->format, "response_format", f) && read_variables(b, f) &&
           srv_chat_messages(&b->p, b->messages, f) && read_opening(c, b) &&
           srv_chat_tools(&b->p, b->tools, b->choice, f);
}

bool srv_openai_chat(srv_call *c) {
    body b = {.p = srv_params_default(), .parallel = true, .top = -1};
    if (read(c, &b))
        return srv_job_run(c, &face, &b.p, NULL, 0);
    srv_params_clear(&b.p);
    return srv_answer_fault(c);
}
