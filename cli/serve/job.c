/* One call's answers. */
#include "serve/job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/messages.h"

static bool out_of_memory(srv_call *c) {
    return srv_fail(&c->fault, 500, "out of memory");
}

const char *srv_finish_text(const srv_choice *c) {
    if (c->finish == SRV_LENGTH)
        return "length";
    return json_array_size(c->calls) ? "tool_calls" : "stop";
}

/* --- life ------------------------------------------------------------------------------------- */

void srv_prompts_free(srv_prompt *prompts, size_t count) {
    for (size_t i = 0; prompts && i < count; i++) {
        free(prompts[i].text);
        free(prompts[i].tokens);
    }
    free(prompts);
}

static void free_choice(srv_choice *c) {
    cli_answer_free(c->answer);
    srv_text_free(&c->text);
    srv_text_free(&c->reasoning);
    srv_text_free(&c->raw);
    json_decref(c->calls);
    json_decref(c->logs);
}

static void count_tokens(srv_job *j) {
    j->call->prompt = j->prompt;
    j->call->cached = j->cached;
    j->call->generated = j->generated;
    j->call->first = j->first > 0 ? j->first - j->call->began : 0;
}

static void cancel_all(srv_job *j) {
    for (size_t i = 0; j->choices && i < j->choice_count; i++)
        if (j->choices[i].id && !j->choices[i].ended)
            srv_model_cancel(j->model, j->choices[i].id);
}

static void free_job(srv_job *j) {
    count_tokens(j);
    cancel_all(j);
    for (size_t i = 0; j->choices && i < j->choice_count; i++)
        free_choice(&j->choices[i]);
    free(j->choices);
    srv_prompts_free(j->prompts, j->prompt_count);
    if (j->model)
        srv_engine_give(j->call->server->engine, j->model, j->p.keep);
    srv_params_clear(&j->p);
    json_decref(j->done);
    srv_schemas_free(j->schemas);
    free(j->opening);
    free(j);
}

static void free_stream(srv_stream *s) {
    free_job((srv_job *)s);
}

/* --- what comes ------------------------------------------------------------------------------- */

static bool have_id(const json_t *calls, const char *id) {
    const json_t *call;
    size_t i;
    bool have = false;
    json_array_foreach(calls, i, call) {
        const char *other = json_string_value(json_object_get(call, "id"));
        have = have || (other && strcmp(other, id) == 0);
    }
    return have;
}

/* An id of the model's is one if no call of the conversation has it. */
static bool is_new_id(const srv_choice *c, const char *id) {
    const json_t *message;
    size_t i;
    bool have = !id || !*id || have_id(c->calls, id);
    json_array_foreach(c->job->p.messages, i, message) have =
        have || have_id(json_object_get(message, "tool_calls"), id);
    return !have;
}

static void make_call_id(const srv_job *j, char *out, size_t room) {
    size_t n = j->style ? cli_answer_ids(j->style) : 0;
    srv_make_id(out, n ? n + 1 : room, n ? "" : "call_");
}

static bool keep_call(srv_choice *c, const cli_piece *p) {
    char id[48];
    make_call_id(c->job, id, sizeof id);
    json_t *call = json_pack("{s:s, s:o, s:s}", "id", is_new_id(c, p->id) ? p->id : id, "name",
                             cli_json_said(p->name, strlen(p->name)), "arguments", p->text);
    return call && json_array_append_new(c->calls, call) == 0;
}

/* Is the face told what comes? */
static bool tells(const srv_job *j) {
    return j->out || j->face->keeps;
}

/* The sink of cli_answer, also of text that needs none. */
static bool take_piece(const cli_piece *p, void *data) {
    srv_choice *c = data;
    srv_job *j = c->job;
    if (j->p.one_call && json_array_size(c->calls))
        return true; // the answer has ended with its call
    c->thinks = p->kind == CLI_PIECE_REASONING;
    if (p->kind == CLI_PIECE_TEXT)
        srv_text_put(&c->text, p->text, p->n);
    else if (p->kind == CLI_PIECE_REASONING)
        srv_text_put(&c->reasoning, p->text, p->n);
    else if (!keep_call(c, p))
        return false;
    if (tells(j) && j->face->piece)
        j->face->piece(j, c, p);
    return !c->text.failed && !c->reasoning.failed && (!j->out || !j->out->failed);
}

static bool feed(srv_choice *c, const char *text, size_t n) {
    if (c->job->p.strict)
        srv_text_put(&c->raw, text, n);
    if (c->answer)
        return cli_answer_feed(c->answer, text, n);
    return n == 0 || take_piece(&(cli_piece){.kind = CLI_PIECE_TEXT, .text = text, .n = n}, c);
}

static bool end_choice(srv_job *j, srv_choice *c, const srv_event *e) {
    c->finish = e->finish;
    c->stop = e->stop;
    if (c->answer && !cli_answer_end(c->answer))
        return false;
    c->ended = true;
    j->open--;
    if (tells(j) && j->face->end_choice)
        j->face->end_choice(j, c);
    return true;
}

static void note_counts(srv_job *j, srv_choice *c, const srv_event *e) {
    if (!c->cached && e->cached && !c->turn) {
        c->cached = e->cached;
        j->cached += c->index % j->p.n == 0 ? e->cached : 0; // of each prompt once
    }
    // a stop text cuts off tokens that were made, and have no event
    int64_t more = j->p.most == 0 ? 0 : e->generated - c->counted;
    if (more <= 0)
        return;
    c->counted = e->generated;
    c->generated += more;
    j->generated += more;
    j->first = j->first > 0 ? j->first : cli_seconds();
}

/* A call has come, and no more are wanted. */
static bool has_enough(const srv_job *j, const srv_choice *c) {
    return j->p.one_call && json_array_size(c->calls) > 0 && !c->ended;
}

static bool hold_call(srv_job *j, srv_choice *c, size_t rest, const char *name, size_t name_num);

/* Has a call begun that is to be held to its schema? Then it is asked for anew, so. */
static bool look_for_call(srv_job *j, srv_choice *c) {
    size_t rest, n = 0;
    const char *name;
    return !j->p.strict || !cli_answer_begun(c->answer, &rest, &name, &n) ||
           hold_call(j, c, rest, name, n);
}

/* What is wrong with a structure names the field that asks for it. */
static bool name_structure(srv_job *j) {
    srv_fault *f = &j->call->fault;
    const char *field = j->p.structure_field ? j->p.structure_field : j->p.strict ? "tools" : NULL;
    if (f->code && strcmp(f->code, "invalid_structure") == 0 && field && !*f->field)
        snprintf(f->field, sizeof f->field, "%s", field);
    return false;
}

static bool fail_as(srv_job *j, const srv_event *e) {
    srv_fault *f = &j->call->fault;
    f->code = e->code;
    srv_fail(f, e->status ? e->status : 500, "%s", e->text);
    return name_structure(j);
}

static bool take_event(srv_job *j, const srv_event *e) {
    srv_choice *c = &j->choices[e->choice % SRV_MOST_CHOICES];
    srv_call *call = j->call;
    int turn = c->turn;
    if (c->ended || e->choice / SRV_MOST_CHOICES != turn)
        return true;
    if (j->p.most == 0 && e->kind == SRV_TOKEN)
        return true; // no token was wanted, the prompt's alone
    note_counts(j, c, e);
    if (e->kind == SRV_END && e->finish == SRV_FAILED)
        return fail_as(j, e);
    if (e->kind != SRV_END && j->face->token && j->p.log_probabilities >= 0)
        j->face->token(j, c, e);
    if (!feed(c, e->text, e->kind == SRV_PROMPT_TOKEN ? 0 : e->text_num))
        return out_of_memory(call);
    j->reasoning += e->kind == SRV_TOKEN && c->thinks;
    if (!look_for_call(j, c))
        return srv_fail(&call->fault, 500, "out of memory");
    if (c->turn != turn)
        return true; // another answer goes on from here
    if (has_enough(j, c)) {
        srv_model_cancel(j->model, c->id);
        return end_choice(j, c, &(srv_event){.kind = SRV_END, .finish = SRV_ENDED, .stop = -1}) ||
               out_of_memory(call);
    }
    return e->kind != SRV_END || end_choice(j, c, e) || out_of_memory(call);
}

/* Wait for an event. False: the fault says why it cannot go on. */
static bool step(srv_job *j) {
    srv_event *e;
    srv_call *c = j->call;
    switch (srv_queue_take(c->queue, &e)) {
    case SRV_STOP: return srv_fail_stopped(&c->fault);
    case SRV_LOST: return out_of_memory(c);
    default: break;
    }
    bool ok = take_event(j, e);
    srv_event_free(e);
    count_tokens(j);
    return ok;
}

static bool next(srv_stream *s, srv_text *out) {
    srv_job *j = (srv_job *)s;
    j->out = out;
    if (j->over)
        return false;
    if (!j->begun && j->face->begin)
        j->face->begin(j);
    j->begun = true;
    while (out->n == 0 && j->open && step(j)) {
    }
    if (j->call->fault.status && j->face->fail)
        j->face->fail(j, &j->call->fault);
    else if (!j->open && j->face->end)
        j->face->end(j);
    j->over = j->call->fault.status || !j->open;
    return !out->failed;
}

static bool answer_whole(srv_job *j) {
    srv_call *c = j->call;
    if (tells(j) && j->face->begin)
        j->face->begin(j);
    while (j->open && step(j)) {
    }
    bool ok = c->fault.status ? srv_answer_fault(c) : srv_answer_json(c, j->face->whole(j));
    free_job(j);
    return ok;
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool encode_prompts(srv_job *j) {
    srv_fault *f = &j->call->fault;
    for (size_t i = 0; i < j->prompt_count; i++) {
        srv_prompt *p = &j->prompts[i];
        if (!p->tokens)
            p->tokens = srv_model_encode(j->model, p->text, p->text_num, j->style != NULL,
                                         &p->token_num, f);
        p->special = p->tokens && !p->text && j->p.echo;
        if (p->special)
            p->text = srv_model_decode(j->model, p->tokens, p->token_num, &p->text_num, f);
        if (!p->tokens || (j->p.echo && !p->text))
            return false;
        if (p->token_num == 0)
            return srv_fail_field(f, "prompt", "it has no tokens");
        if (p->token_num >= (size_t)j->about->context) {
            f->code = "context_length_exceeded";
            return srv_fail_field(f, j->style ? "messages" : "prompt",
                                  "the prompt has %zu tokens, the model's context is %lld",
                                  p->token_num, (long long)j->about->context);
        }
        if (j->p.context && (int64_t)p->token_num >= j->p.context)
            return srv_fail_field(
                f, "options.num_ctx",
                "the prompt has %zu tokens, and %lld are to hold it and an answer", p->token_num,
                (long long)j->p.context);
        j->prompt += (int64_t)p->token_num;
    }
    return true;
}

/* The limit of tokens, of what was asked, the server's and what there is room for. */
static bool most_of(srv_job *j, int64_t *most) {
    int64_t asked = j->p.most_too >= 0 ? j->p.most_too : j->p.most, limit = j->call->server->o.most;
    if (limit && asked > limit)
        return srv_fail_field(&j->call->fault, "max_tokens",
                              "%lld tokens are too many: this server gives %lld at most",
                              (long long)asked, (long long)limit);
    *most = asked > 0 ? asked : asked == 0 ? 1 : limit;
    return true;
}

/* The beginning of the answer, as it was given; NULL: nobody has written one. */
static const json_t *begun(const srv_params *p) {
    size_t n = json_array_size(p->messages);
    return p->prefill ? json_object_get(json_array_get(p->messages, n - 1), "content") : NULL;
}

static bool make_answer(srv_job *j, srv_choice *c) {
    const srv_prompt *p = &j->prompts[c->prompt];
    bool free_form = j->p.structure == SRV_FREE || j->opening;
    const json_t *first = begun(&j->p);
    if (!j->style || !free_form) // what is held to a structure is shown whole
        return true;
    cli_answer_options o = {.style = j->style,
                            .tools = j->p.tools,
                            .halts = j->p.strict,
                            .reasoning = j->p.reasoning,
                            .sink = take_piece,
                            .data = c};
    if (!j->opening) {
        o.prompt = p->text;
        o.prompt_num = p->text_num - p->begun;
        o.begun = json_string_value(first);
        o.begun_num = json_string_length(first);
    }
    c->answer = cli_answer_new(&o);
    return c->answer && (!j->opening || cli_answer_feed(c->answer, j->opening, strlen(j->opening)));
}

/* How many tokens the answer may have yet, within the context that the request asks for;
   INT64_MAX: any number. */
static int64_t left_for(const srv_job *j, const srv_choice *c) {
    int64_t room = j->p.context - (int64_t)j->prompts[c->prompt].token_num,
            limit = j->most ? j->most : INT64_MAX;
    if (j->p.context && room < limit)
        limit = room > 1 ? room : 1;
    return limit == INT64_MAX ? limit : limit - c->generated;
}

static bool submit(srv_job *j, srv_choice *c, const srv_prompt *p, const srv_ask *like) {
    srv_ask own = *like, *ask = &own;
    int64_t left = left_for(j, c);
    ask->most = left == INT64_MAX ? 0 : left;
    ask->tokens = p->tokens;
    ask->token_num = p->token_num;
    ask->echo_special = p->special;
    ask->choice = c->index + c->turn * SRV_MOST_CHOICES;
    c->id = srv_model_submit(j->model, ask, &j->call->fault);
    return c->id != 0 || name_structure(j);
}

static bool make_choices(srv_job *j) {
    j->choice_count = j->prompt_count * (size_t)j->p.n;
    j->choices = calloc(j->choice_count, sizeof *j->choices);
    for (size_t i = 0; j->choices && i < j->choice_count; i++) {
        srv_choice *c = &j->choices[i];
        c->job = j;
        c->index = (int)i;
        c->prompt = (int)(i / (size_t)j->p.n);
        c->stop = -1;
        c->block_kind = -1;
        c->calls = json_array();
        c->logs = json_array();
        if (!c->calls || !c->logs || !make_answer(j, c))
            return false;
    }
    j->open = j->choice_count;
    return j->choices != NULL;
}

/* What the engine is asked, with the lists that it points to. */
typedef struct asking {
    srv_ask ask;
    const char *stops[SRV_MOST_STOPS];
    int *tokens;
    float *bias;
} asking;

static bool begin_asking(srv_job *j, asking *a) {
    srv_fault *f = &j->call->fault;
    *a = (asking){.ask = {.ignore_end = j->p.ignore_end,
                          .markers = j->style != NULL,
                          .log_probabilities = (int)j->p.log_probabilities,
                          .echo = j->p.echo && j->p.log_probabilities >= 0,
                          .structure = j->p.structure,
                          .structure_text = j->p.structure_text,
                          .schemas = j->schemas,
                          .to = j->call->queue}};
    a->ask.stop = a->stops;
    return most_of(j, &j->most) && srv_params_stops(&j->p, a->stops, &a->ask.stop_num, f) &&
           srv_params_sampling(&j->p, j->about->vocabulary, &a->ask.sampling, &a->tokens, &a->bias,
                               f);
}

static void end_asking(asking *a) {
    free(a->tokens);
    free(a->bias);
}

static bool submit_all(srv_job *j) {
    asking a;
    bool ok = begin_asking(j, &a);
    for (size_t i = 0; ok && i < j->choice_count; i++) {
        srv_choice *c = &j->choices[i];
        ok = submit(j, c, &j->prompts[c->prompt], &a.ask);
        a.ask.sampling.seed++; // each choice has its own
    }
    end_asking(&a);
    return ok;
}

/* --- calls that are held ---------------------------------------------------------------------- */

/* Tool i as a function {name, parameters} of which any object will do. */
static json_t *free_function(const srv_job *j, size_t i) {
    const json_t *f = json_object_get(json_array_get(j->p.tools, i), "function");
    return json_pack("{s:O, s:{s:s}}", "name", json_object_get(f, "name"), "parameters", "type",
                     "object");
}

/* The tools as functions {name, parameters}: of those that are not strict any object will do.
   name NULL: all, else that one. */
static json_t *held_functions(const srv_job *j, const char *name, size_t n) {
    json_t *list = json_array();
    const json_t *tool;
    size_t i;
    json_array_foreach(j->p.tools, i, tool) {
        const json_t *f = json_object_get(tool, "function");
        const char *found = json_string_value(json_object_get(f, "name"));
        if (name && (strlen(found) != n || strncmp(found, name, n) != 0))
            continue;
        bool held = json_object_get(f, "strict") && json_object_get(f, "parameters");
        if (json_array_append_new(list, held ? srv_tool_held(&j->p, i) : free_function(j, i)))
            return json_decref(list), NULL;
    }
    return list;
}

/* The schema of a call as text, for free; NULL: there is no such tool, or no memory. */
static char *held_schema(const srv_job *j, const char *name, size_t n) {
    json_t *functions = held_functions(j, name, n), *schema = NULL;
    char *opening = NULL, *text = NULL;
    if (json_array_size(functions) && cli_answer_force(j->style, functions, &opening, &schema))
        text = json_dumps(schema, JSON_COMPACT);
    json_decref(functions);
    json_decref(schema);
    free(opening);
    return text;
}

/* Before anything is answered: is there a way to hold calls, and can their schemas be kept? */
static bool check_held(srv_job *j, const char *name, size_t n) {
    srv_fault *f = &j->call->fault;
    char *schema = held_schema(j, name, n);
    srv_schema *schemas = srv_tool_schemas(&j->p, name, n);
    bool ok = (schema && schemas) || srv_fail(f, 500, "out of memory");
    ok = ok && srv_model_can_hold(j->model,
                                  &(srv_ask){.structure = SRV_SCHEMA,
                                             .structure_text = schema,
                                             .schemas = schemas,
                                             .to = j->call->queue},
                                  f);
    if (f->status == 400 && !*f->field)
        snprintf(f->field, sizeof f->field, "tools");
    srv_schemas_free(schemas);
    free(schema);
    return ok;
}

static bool check_all_held(srv_job *j) {
    const json_t *tool;
    size_t i;
    if (!j->p.strict)
        return true;
    if (!cli_answer_holds(j->style))
        return srv_fail_field(&j->call->fault, "tools",
                              "strict cannot be kept for a model of this kind (%s) unless "
                              "tool_choice names the function",
                              cli_answer_style_name(j->style));
    if (!cli_answer_names_before(j->style))
        return check_held(j, NULL, 0);
    json_array_foreach(j->p.tools, i, tool) {
        const char *name =
            json_string_value(json_object_get(json_object_get(tool, "function"), "name"));
        if (!check_held(j, name, strlen(name)))
            return false;
    }
    return true;
}

/* The prompt and the answer up to where the call begins, as a prompt. */
static bool prompt_of_call(srv_job *j, srv_choice *c, srv_prompt *p) {
    const srv_prompt *from = &j->prompts[c->prompt];
    srv_text text = {0};
    srv_text_put(&text, from->text, from->text_num);
    srv_text_put(&text, c->raw.data, c->raw.n);
    *p = (srv_prompt){.text = text.data, .text_num = text.n};
    if (!text.failed)
        p->tokens =
            srv_model_encode(j->model, p->text, p->text_num, true, &p->token_num, &j->call->fault);
    return p->tokens != NULL;
}

static bool submit_held(srv_job *j, srv_choice *c, char *schema) {
    srv_prompt p = {0};
    asking a;
    bool ok = begin_asking(j, &a) && prompt_of_call(j, c, &p);
    a.ask.structure = SRV_SCHEMA;
    a.ask.structure_text = schema;
    a.ask.stop_num = 0; // half a call is none
    a.ask.sampling.seed += (uint64_t)c->index;
    ok = ok && submit(j, c, &p, &a.ask);
    end_asking(&a);
    free(p.text);
    free(p.tokens);
    return ok;
}

/* A call has begun. The answer that was under way may say anything; what follows the marker is
   asked for again, held to the schema. The cache has what was computed until there. */
static bool hold_call(srv_job *j, srv_choice *c, size_t rest, const char *name, size_t n) {
    char *schema = left_for(j, c) > 0 ? held_schema(j, name, n) : NULL;
    if (!schema) // there is no such tool, or no token left: the call is as the model has it
        return cli_answer_feed(c->answer, c->raw.data + c->raw.n - rest, rest);
    srv_model_cancel(j->model, c->id);
    c->raw.n -= rest;
    c->turn++;
    c->counted = 0;
    bool ok = submit_held(j, c, schema);
    free(schema);
    return ok;
}

/* --- conversations ---------------------------------------------------------------------------- */

/* The text of the last message, where the answer goes on from it. */
static json_t *without_last(const srv_params *p, const json_t **text) {
    *text = begun(p);
    if (!p->prefill)
        return json_incref(p->messages);
    json_t *copy = json_copy(p->messages);
    if (copy)
        json_array_remove(copy, json_array_size(copy) - 1);
    return copy;
}

static bool append(srv_prompt *p, const char *text, size_t n) {
    char *whole = realloc(p->text, p->text_num + n + 1);
    if (!whole)
        return false;
    memcpy(whole + p->text_num, text, n);
    p->text = whole;
    p->text_num += n;
    whole[p->text_num] = 0;
    return true;
}

/* The answer begins with what somebody wrote. */
static bool go_on(srv_model *m, srv_prompt *p, const json_t *rest, srv_fault *f) {
    size_t n;
    char *text = srv_model_mark(m, json_string_value(rest), json_string_length(rest), &n, f);
    bool ok = text && (append(p, text, n) || srv_fail(f, 500, "out of memory"));
    p->begun = n;
    free(text);
    return ok;
}

bool srv_prompt_of_chat(srv_model *m, const srv_params *p, srv_prompt *out, srv_fault *f) {
    const json_t *rest;
    json_t *given = without_last(p, &rest);
    json_t *messages = given ? srv_messages_for(srv_model_about(m)->chat, given, p->tools) : NULL;
    *out = (srv_prompt){0};
    json_decref(given);
    if (!messages)
        return srv_fail(f, 500, "out of memory");
    out->text = srv_model_chat(m, messages, p->tools, p->variables, &out->text_num, f);
    json_decref(messages);
    if (!out->text)
        return false;
    return !json_is_string(rest) || go_on(m, out, rest, f);
}

/* The answer is held to a call: the prompt opens it. */
static bool force_call(srv_job *j, srv_prompt *p) {
    srv_fault *f = &j->call->fault;
    json_t *schema;
    j->schemas = srv_tool_schemas(&j->p, NULL, 0);
    if (!j->schemas)
        return out_of_memory(j->call);
    if (!cli_answer_force(j->style, j->p.forced, &j->opening, &schema))
        return srv_fail_field(f, "tool_choice",
                              "%s cannot be enforced for a model of this kind (%s)",
                              json_array_size(j->p.forced) > 1
                                  ? "that one of several tools is called (name it)"
                                  : "a call",
                              cli_answer_style_name(j->style));
    const char *rest = j->opening + cli_answer_opened(j->style, j->opening, p->text, p->text_num);
    bool ok = srv_params_schema(&j->p, schema, "tool_choice", f) &&
              (append(p, rest, strlen(rest)) || out_of_memory(j->call));
    json_decref(schema);
    return ok;
}

/* A template that does not name them would leave them out without a word. */
static bool tools_are_shown(srv_job *j) {
    return json_array_size(j->p.tools) == 0 || strstr(j->about->chat, "tools") ||
           srv_fail_field(&j->call->fault, "tools",
                          "the chat template of '%s' has no place for tools", j->about->id);
}

/* Likewise. */
static bool thinking_is_known(srv_job *j) {
    const char *field = j->p.think_field, *chat = j->about->chat;
    return !field || strstr(chat, "think") || strstr(chat, "reasoning_effort") ||
           srv_fail_field(&j->call->fault, field,
                          "the chat template of '%s' does not know of thinking", j->about->id);
}

static bool make_chat(srv_job *j) {
    if (!j->p.messages)
        return true;
    if (!j->about->chat)
        return srv_fail(&j->call->fault, 400, "the model '%s' has no chat template", j->about->id);
    if (!tools_are_shown(j) || !thinking_is_known(j))
        return false;
    j->style = cli_answer_style_of(j->about->chat);
    j->prompts = calloc(1, sizeof *j->prompts);
    j->prompt_count = j->prompts ? 1 : 0;
    if (!j->prompts)
        return out_of_memory(j->call);
    return srv_prompt_of_chat(j->model, &j->p, j->prompts, &j->call->fault) &&
           (!j->p.forced || force_call(j, j->prompts)) && check_all_held(j);
}

/* --- the whole -------------------------------------------------------------------------------- */

srv_model *srv_take_model(srv_call *c, const char *name, double *seconds) {
    double from = cli_seconds();
    int64_t i = srv_engine_find(c->server->engine, name);
    if (i < 0) {
        c->fault.code = "model_not_found";
        snprintf(c->fault.field, sizeof c->fault.field, "model");
        srv_fail(&c->fault, 404, "there is no model '%.200s' here", name);
        return NULL;
    }
    srv_model *m = srv_engine_take(c->server->engine, (size_t)i, &c->fault);
    *seconds = cli_seconds() - from;
    return m;
}

static bool has_stops(const srv_params *p) {
    return json_is_string(p->stop) || json_array_size(p->stop);
}

/* What a structure allows has its own end, before which a text may be cut off by a stop text; half
   a call is none. */
static bool ends_are_clear(srv_job *j) {
    srv_fault *f = &j->call->fault;
    if (j->p.ignore_end && (j->p.structure != SRV_FREE || j->p.forced))
        return srv_fail_field(f, "ignore_eos",
                              "an answer that is held to a structure ends where that does");
    return !j->p.forced || !has_stops(&j->p) ||
           srv_fail_field(f, "stop", "an answer that has to be a call ends where that does");
}

static bool prepare(srv_job *j) {
    srv_call *c = j->call;
    j->model = srv_take_model(c, j->p.model, &j->loaded);
    if (!j->model)
        return false;
    j->about = srv_model_about(j->model);
    if (j->about->encoder)
        return srv_fail_field(&c->fault, "model", "'%s' makes vectors of texts, no text",
                              j->about->id);
    return ends_are_clear(j) && make_chat(j) && encode_prompts(j) &&
           (make_choices(j) || out_of_memory(c)) && submit_all(j);
}

static bool answer_stream(srv_job *j) {
    srv_call *c = j->call;
    j->stream = (srv_stream){next, free_stream};
    c->stream = &j->stream;
    c->status = 200;
    c->type = j->face->type;
    return true;
}

bool srv_job_run(srv_call *c, const srv_face *face, srv_params *p, srv_prompt *prompts,
                 size_t count) {
    srv_job *j = calloc(1, sizeof *j);
    if (!j) {
        srv_prompts_free(prompts, count);
        srv_params_clear(p);
        return false;
    }
    j->call = c;
    j->face = face;
    j->p = *p;
    j->prompts = prompts;
    j->prompt_count = count;
    j->created = srv_now();
    srv_make_id(j->id, sizeof j->id, face->prefix);
    if (prepare(j))
        return j->p.stream ? answer_stream(j) : answer_whole(j);
    free_job(j);
    return srv_answer_fault(c);
}
