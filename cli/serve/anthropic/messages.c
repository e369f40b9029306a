/* POST /v1/messages and /v1/messages/count_tokens: the requests. */
#include <stdlib.h>
#include <string.h>

#include "serve/anthropic/anthropic.h"
#include "serve/messages.h"

typedef struct body {
    srv_params p; /* first: tables store into both */
    const json_t *system, *messages, *tools, *choice;
    const char *thinking;
    int64_t budget; /* 0: none */
} body;

#define AT(member) offsetof(body, member)

static const srv_field thinking_fields[] = {
    {"type", SRV_TEXT, AT(thinking), .words = "enabled|disabled|adaptive", .required = true},
    {"budget_tokens", SRV_INT, AT(budget), .least = 1, .most = 1 << 30},
    {0}};
static const srv_field metadata_fields[] = {{"user_id", SRV_TEXT, SRV_NOWHERE, .count = 512}, {0}};

#define COMMON                                                                            \
    {"model", SRV_TEXT, TO(model), .count = 512, .required = true}, {"messages",          \
                                                                     SRV_LIST,            \
                                                                     AT(messages),        \
                                                                     .items = SRV_OBJECT, \
                                                                     .count = 10000,      \
                                                                     .required = true},   \
        {"system", SRV_TEXT | SRV_LIST, AT(system), .items = SRV_OBJECT, .zeros = true},  \
        {"tools", SRV_LIST, AT(tools), .items = SRV_OBJECT, .count = SRV_MOST_TOOLS},     \
        {"tool_choice", SRV_OBJECT, AT(choice)}, {                                        \
        "thinking", SRV_OBJECT, SRV_NOWHERE, .inner = thinking_fields                     \
    }

static const srv_field fields[] = {
    COMMON,
    {"max_tokens", SRV_INT, TO(most), .least = 1, .most = 1 << 30, .required = true},
    {"stop_sequences", SRV_LIST, TO(stop), .items = SRV_TEXT, .count = SRV_MOST_STOPS},
    {"stream", SRV_BOOL, TO(stream)},
    {"temperature", SRV_REAL, TO(temperature), .least = 0, .most = 1},
    {"top_k", SRV_INT, TO(top_k), .least = 0, .most = 1 << 30},
    {"top_p", SRV_REAL, TO(top_p), .least = 0, .most = 1},
    {"metadata", SRV_OBJECT, SRV_NOWHERE, .inner = metadata_fields},
    {"service_tier", SRV_TEXT, SRV_NOWHERE, .words = "auto|standard_only"},
    {"container", SRV_REFUSED, SRV_NOWHERE, .words = "no code is run"},
    {"mcp_servers", SRV_REFUSED, SRV_NOWHERE, .words = "tools are the caller's"},
    {0}};
static const srv_field count_fields[] = {COMMON, {0}};

/* All of an answer has a limit, its thoughts have none of their own: a budget is kept where it is
   no smaller. */
static bool check_budget(const body *b, srv_fault *f) {
    static const char field[] = "thinking.budget_tokens";
    if (b->budget && strcmp(b->thinking, "enabled") != 0)
        return srv_fail_field(f, field, "a budget is for thinking that is enabled");
    return !b->budget || b->p.most <= b->budget ||
           srv_fail_field(f, field,
                          "only all of an answer has a limit: a budget cannot be smaller than "
                          "max_tokens, or use \"type\": \"adaptive\" without one");
}

static bool read(srv_call *c, const srv_field *table, body *b) {
    srv_fault *f = &c->fault;
    if (!srv_fields_read(table, c->json, b, f) || !check_budget(b, f))
        return false;
    if (b->thinking && !srv_think(&b->p, strcmp(b->thinking, "disabled") != 0, NULL, "thinking", f))
        return false;
    if (b->thinking && strcmp(b->thinking, "adaptive") == 0)
        b->p.think_field = NULL; // as the model likes
    return srv_anthropic_conversation(&b->p, b->system, b->messages, f) &&
           srv_go_on(&b->p, false, "messages", f) &&
           srv_anthropic_tools(&b->p, b->tools, b->choice, f);
}

bool srv_anthropic_messages(srv_call *c) {
    body b = {.p = srv_params_default()};
    if (read(c, fields, &b))
        return srv_job_run(c, &srv_anthropic_face, &b.p, NULL, 0);
    srv_params_clear(&b.p);
    return srv_answer_fault(c);
}

static bool count(srv_call *c, srv_model *m, const srv_params *p, size_t *n) {
    srv_prompt prompt;
    int *tokens = srv_prompt_of_chat(m, p, &prompt, &c->fault)
                      ? srv_model_encode(m, prompt.text, prompt.text_num, true, n, &c->fault)
                      : NULL;
    free(prompt.text);
    free(tokens);
    return tokens != NULL;
}

bool srv_anthropic_count(srv_call *c) {
    body b = {.p = srv_params_default()};
    double seconds;
    size_t n = 0;
    srv_model *m = read(c, count_fields, &b) ? srv_take_model(c, b.p.model, &seconds) : NULL;
    if (m && !srv_model_about(m)->chat)
        srv_fail_field(&c->fault, "model", "it has no chat template");
    bool ok = m && !c->fault.status && count(c, m, &b.p, &n);
    if (m)
        srv_engine_give(c->server->engine, m, -1);
    srv_params_clear(&b.p);
    return ok ? srv_answer_json(c, json_pack("{s:I}", "input_tokens", (json_int_t)n))
              : srv_answer_fault(c);
}
