/* POST /v1/responses: the request. */
#include <string.h>

#include "serve/messages.h"
#include "serve/openai/openai.h"
#include "serve/openai/responses.h"

typedef struct body {
    srv_params p; /* first: tables store into both */
    const char *instructions, *effort;
    const json_t *input, *tools, *choice, *format, *include;
    bool parallel;
    int64_t top;
} body;

#define AT(member) offsetof(body, member)

static const srv_field reasoning_fields[] = {
    {"effort", SRV_TEXT, AT(effort), .words = "none|minimal|low|medium|high|xhigh"},
    {"summary", SRV_TEXT, SRV_NOWHERE, .words = "auto"},
    {0}};
static const srv_field text_fields[] = {
    {"format", SRV_OBJECT, AT(format)},
    {"verbosity", SRV_REFUSED, SRV_NOWHERE, .words = "say it in a message"},
    {0}};
static const char no_memory_of_it[] = "nothing is stored here";

static const srv_field fields[] = {
    {"model", SRV_TEXT, TO(model), .count = 512},
    {"input", SRV_TEXT | SRV_LIST, AT(input), .items = SRV_OBJECT, .zeros = true, .required = true},
    {"instructions", SRV_TEXT, AT(instructions)},
    {"stream", SRV_BOOL, TO(stream)},
    {"stream_options", SRV_OBJECT, SRV_NOWHERE, .inner = srv_stream_fields},
    {"max_output_tokens", SRV_INT, TO(most), .least = 1, .most = 1 << 30},
    {"text", SRV_OBJECT, SRV_NOWHERE, .inner = text_fields},
    {"tools", SRV_LIST, AT(tools), .items = SRV_OBJECT, .count = 512},
    {"tool_choice", SRV_TEXT | SRV_OBJECT, AT(choice)},
    {"parallel_tool_calls", SRV_BOOL, AT(parallel)},
    {"reasoning", SRV_OBJECT, SRV_NOWHERE, .inner = reasoning_fields},
    {"temperature", SRV_REAL, TO(temperature), .least = 0, .most = 2},
    {"top_p", SRV_REAL, TO(top_p), .least = 0, .most = 1},
    SRV_MORE_SAMPLING_FIELDS,
    SRV_NOTE_FIELDS,
    {"store", SRV_BOOL, SRV_NOWHERE, .only = "false"},
    {"background", SRV_BOOL, SRV_NOWHERE, .only = "false"},
    {"truncation", SRV_TEXT, SRV_NOWHERE, .only = "\"disabled\""},
    {"service_tier", SRV_TEXT, SRV_NOWHERE, .words = "auto|default"},
    {"include", SRV_LIST, AT(include), .items = SRV_TEXT, .count = 16},
    {"top_logprobs", SRV_INT, AT(top), .least = 0, .most = SRV_MOST_TOP},
    {"previous_response_id", SRV_REFUSED, SRV_NOWHERE, .words = no_memory_of_it},
    {"conversation", SRV_REFUSED, SRV_NOWHERE, .words = no_memory_of_it},
    {"prompt", SRV_REFUSED, SRV_NOWHERE, .words = no_memory_of_it},
    {"max_tool_calls", SRV_REFUSED, SRV_NOWHERE, .words = "tools are the caller's"},
    {0}};

/* Of what may be included there are log probabilities. */
static bool read_include(body *b, srv_fault *f) {
    const json_t *item;
    size_t i;
    json_array_foreach(b->include, i, item) {
        if (strcmp(json_string_value(item), "message.output_text.logprobs") != 0)
            return srv_fail_field(f, "include", "'%.60s' cannot be included",
                                  json_string_value(item));
        b->p.log_probabilities = b->top;
    }
    return b->top == 0 || b->p.log_probabilities >= 0 ||
           srv_fail_field(f, "top_logprobs",
                          "include is to have message.output_text.logprobs with it");
}

static bool read(srv_call *c, body *b) {
    srv_fault *f = &c->fault;
    if (!srv_fields_read(fields, c->json, b, f))
        return false;
    b->p.one_call = !b->parallel;
    return srv_params_stream(&b->p, c->json, f) && srv_params_together(c->json, "", false, f) &&
           read_include(b, f) && srv_params_format(&b->p, b->format, "text.format", f) &&
           srv_effort(&b->p, b->effort, "reasoning.effort", f) &&
           srv_responses_messages(&b->p, b->instructions, b->input, f) &&
           srv_responses_tools(&b->p, b->tools, b->choice, f);
}

bool srv_openai_responses(srv_call *c) {
    body b = {.p = srv_params_default(), .parallel = true};
    if (read(c, &b))
        return srv_job_run(c, &srv_responses_face, &b.p, NULL, 0);
    srv_params_clear(&b.p);
    return srv_answer_fault(c);
}
