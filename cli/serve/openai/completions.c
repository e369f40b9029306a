/* POST /v1/completions */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/openai/openai.h"

typedef struct body {
    srv_params p; /* first: tables store into both */
    const json_t *prompt, *format;
    int64_t best_of;
} body;

#define AT(member) offsetof(body, member)

static const srv_field fields[] = {
    {"model", SRV_TEXT, TO(model), .count = 512},
    {"prompt", SRV_TEXT | SRV_LIST, AT(prompt), .items = SRV_TEXT | SRV_INT | SRV_LIST,
     .zeros = true, .required = true},
    {"stream", SRV_BOOL, TO(stream)},
    {"stream_options", SRV_OBJECT, SRV_NOWHERE, .inner = srv_stream_fields},
    {"max_tokens", SRV_INT, TO(most), .least = 0, .most = 1 << 30},
    {"n", SRV_INT, TO(n), .least = 1, .most = SRV_MOST_CHOICES},
    {"best_of", SRV_INT, AT(best_of), .least = 1, .most = SRV_MOST_CHOICES},
    {"echo", SRV_BOOL, TO(echo)},
    {"logprobs", SRV_INT, TO(log_probabilities), .least = 0, .most = SRV_MOST_TOP},
    {"response_format", SRV_OBJECT, AT(format)},
    SRV_SAMPLING_FIELDS,
    SRV_MORE_SAMPLING_FIELDS,
    SRV_STRUCTURE_FIELDS,
    SRV_NOTE_FIELDS,
    {"suffix", SRV_REFUSED, SRV_NOWHERE, .words = "nothing is filled in before a text"},
    {0}};

/* --- log probabilities ------------------------------------------------------------------------ */

static size_t characters(const char *text, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (text[i] & 0xc0) != 0x80;
    return count;
}

/* In one list here, made into the API's four when it is shown: {token, logprob, top, offset}. A
   token that goes on with a character stands where that does: texts come in whole ones. */
static void log_token(srv_job *j, srv_choice *c, const srv_event *e) {
    json_t *top = isnan(e->log_p) ? json_null() : json_object(); // nothing is before the first
    for (int i = 0; i < e->top_num && i < j->p.log_probabilities; i++) {
        json_t *text = srv_openai_token(j, e->top_tokens[i]);
        if (text)
            json_object_set_new(top, json_string_value(text), srv_openai_log_p(e->top_log_p[i]));
        json_decref(text);
    }
    json_t *row =
        json_pack("{s:o, s:o, s:o, s:I}", "token", srv_openai_token(j, e->token), "logprob",
                  srv_openai_log_p(e->log_p), "top", top, "offset", (json_int_t)c->offset);
    c->offset += characters(e->text, e->text_num);
    if (!row || json_array_append_new(c->logs, row))
        srv_fail(&j->call->fault, 500, "out of memory");
}

static json_t *column(const json_t *rows, const char *key) {
    json_t *list = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) json_array_append(list, json_object_get(row, key));
    return list;
}

static json_t *logs_of(srv_job *j, srv_choice *c) {
    if (j->p.log_probabilities < 0)
        return json_null();
    json_t *logs = json_pack("{s:o, s:o, s:o, s:o}", "tokens", column(c->logs, "token"),
                             "token_logprobs", column(c->logs, "logprob"), "top_logprobs",
                             column(c->logs, "top"), "text_offset", column(c->logs, "offset"));
    json_decref(c->logs);
    c->logs = json_array();
    return logs;
}

/* --- streams ---------------------------------------------------------------------------------- */

static json_t *choice_json(srv_job *j, srv_choice *c, const char *text, size_t n,
                           const char *finish) {
    return json_pack("{s:i, s:o, s:o, s:o}", "index", c->index, "text", cli_json_said(text, n),
                     "logprobs", logs_of(j, c), "finish_reason",
                     finish ? json_string(finish) : json_null());
}

static json_t *document(srv_job *j, json_t *choices) {
    return json_pack("{s:s, s:s, s:I, s:s, s:o}", "id", j->id, "object", "text_completion",
                     "created", (json_int_t)j->created, "model", j->about->id, "choices", choices);
}

static void chunk(srv_job *j, srv_choice *c, const char *text, size_t n, const char *finish) {
    json_t *doc = document(j, json_pack("[o]", choice_json(j, c, text, n, finish)));
    if (doc && j->p.stream_usage)
        json_object_set_new(doc, "usage", json_null());
    srv_text_event(j->out, NULL, doc);
}

static void begin(srv_job *j) {
    for (size_t i = 0; j->p.echo && i < j->choice_count; i++) {
        const srv_prompt *p = &j->prompts[j->choices[i].prompt];
        chunk(j, &j->choices[i], p->text, p->text_num, NULL);
    }
}

static void piece(srv_job *j, srv_choice *c, const cli_piece *p) {
    chunk(j, c, p->text, p->n, NULL);
}

static void end_choice(srv_job *j, srv_choice *c) {
    chunk(j, c, "", 0, srv_finish_text(c));
}

static void end(srv_job *j) {
    if (j->p.stream_usage) {
        json_t *doc = document(j, json_array());
        json_object_set_new(doc, "usage", srv_openai_usage(j));
        srv_text_event(j->out, NULL, doc);
    }
    srv_text_add(j->out, "data: [DONE]\n\n");
}

static void fail(srv_job *j, const srv_fault *f) {
    srv_text_event(j->out, NULL, srv_fault_json(j->call, f));
}

static json_t *whole(srv_job *j) {
    json_t *choices = json_array();
    for (size_t i = 0; i < j->choice_count; i++) {
        srv_choice *c = &j->choices[i];
        const srv_prompt *p = &j->prompts[c->prompt];
        srv_text text = {0};
        if (j->p.echo)
            srv_text_put(&text, p->text, p->text_num);
        srv_text_put(&text, c->text.data, c->text.n);
        json_array_append_new(
            choices, text.failed ? NULL : choice_json(j, c, text.data, text.n, srv_finish_text(c)));
        srv_text_free(&text);
    }
    json_t *doc = document(j, choices);
    if (doc)
        json_object_set_new(doc, "usage", srv_openai_usage(j));
    return doc;
}

static const srv_face face = {.type = "text/event-stream",
                              .begin = begin,
                              .piece = piece,
                              .end_choice = end_choice,
                              .end = end,
                              .fail = fail,
                              .token = log_token,
                              .whole = whole,
                              .prefix = "cmpl-"};

/* --- prompts ---------------------------------------------------------------------------------- */

static bool text_prompt(srv_prompt *p, const json_t *text, srv_fault *f) {
    p->text_num = json_string_length(text);
    p->text = malloc(p->text_num + 1);
    if (!p->text)
        return srv_fail(f, 500, "out of memory");
    memcpy(p->text, json_string_value(text), p->text_num + 1);
    return true;
}

static bool token_prompt(srv_prompt *p, const json_t *list, srv_fault *f) {
    size_t n = json_array_size(list);
    p->tokens = malloc((n + 1) * sizeof *p->tokens);
    if (!p->tokens)
        return srv_fail(f, 500, "out of memory");
    for (size_t i = 0; i < n; i++) {
        json_int_t id = json_integer_value(json_array_get(list, i));
        if (!json_is_integer(json_array_get(list, i)) || id < 0 || id > INT32_MAX)
            return srv_fail_field(f, "prompt", "a list of tokens has integers from 0 on alone");
        p->tokens[p->token_num++] = (int)id;
    }
    return true;
}

/* A text, texts, tokens, or lists of tokens. */
static bool read_prompts(const json_t *given, srv_prompt **prompts, size_t *count, srv_fault *f) {
    bool one = json_is_string(given) || json_is_integer(json_array_get(given, 0));
    size_t n = one ? 1 : json_array_size(given);
    if (n == 0 || n > SRV_MOST_CHOICES)
        return srv_fail_field(f, "prompt", "there are 1 to %d prompts", SRV_MOST_CHOICES);
    *prompts = calloc(n + 1, sizeof **prompts); // one behind: for what fails half way
    if (!*prompts)
        return srv_fail(f, 500, "out of memory");
    for (*count = 0; *count < n; (*count)++) {
        const json_t *item = one ? given : json_array_get(given, *count);
        srv_prompt *p = &(*prompts)[*count];
        if (json_is_integer(item) ||
            !(json_is_string(item) ? text_prompt(p, item, f) : token_prompt(p, item, f)))
            return srv_fail_field(f, "prompt", "its items are of several types");
    }
    return true;
}

static bool read(srv_call *c, body *b, srv_prompt **prompts, size_t *count) {
    srv_fault *f = &c->fault;
    if (!srv_fields_read(fields, c->json, b, f))
        return false;
    if (b->best_of >= 0 && b->best_of != b->p.n)
        return srv_fail_field(f, "best_of", "all that is made is given: it is to be n");
    if (b->p.most == 0 && !b->p.echo)
        return srv_fail_field(f, "max_tokens", "nothing would be made: it is at least 1");
    return srv_params_stream(&b->p, c->json, f) && srv_params_together(c->json, "", false, f) &&
           srv_params_structure(&b->p, c->json, f) &&
           srv_params_format(&b->p, b->format, "response_format", f) &&
           read_prompts(b->prompt, prompts, count, f) &&
           (*count * (size_t)b->p.n <= SRV_MOST_CHOICES ||
            srv_fail_field(f, "n", "more than %d answers are too many", SRV_MOST_CHOICES));
}

bool srv_openai_completions(srv_call *c) {
    body b = {.p = srv_params_default(), .best_of = -1};
    srv_prompt *prompts = NULL;
    size_t count = 0;
    b.p.most = 16; // as the API has it
    if (read(c, &b, &prompts, &count))
        return srv_job_run(c, &face, &b.p, prompts, count);
    srv_prompts_free(prompts, count + 1);
    srv_params_clear(&b.p);
    return srv_answer_fault(c);
}
