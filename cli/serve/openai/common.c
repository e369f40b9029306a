/* What endpoints of OpenAI's interface have in common. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/openai/openai.h"

json_t *srv_openai_usage(const srv_job *j) {
    return json_pack("{s:I, s:I, s:I, s:{s:I}, s:{s:I}}", "prompt_tokens", (json_int_t)j->prompt,
                     "completion_tokens", (json_int_t)j->generated, "total_tokens",
                     (json_int_t)(j->prompt + j->generated), "prompt_tokens_details",
                     "cached_tokens", (json_int_t)j->cached, "completion_tokens_details",
                     "reasoning_tokens", (json_int_t)j->reasoning);
}

json_t *srv_openai_log_p(double log_p) {
    return isnan(log_p) ? json_null() : json_real(log_p > -9999 ? log_p : -9999);
}

json_t *srv_openai_token(srv_job *j, int token) {
    size_t n;
    char *bytes = srv_model_token(j->model, token, &n);
    json_t *text = bytes ? cli_json_said(bytes, n) : NULL;
    free(bytes);
    return text;
}

/* Without the last `cut`. */
static json_t *bytes_of(srv_job *j, int token, size_t cut) {
    size_t n = 0;
    char *bytes = srv_model_token(j->model, token, &n);
    json_t *list = bytes ? json_array() : NULL;
    for (size_t i = 0; list && i + cut < n; i++)
        json_array_append_new(list, json_integer((unsigned char)bytes[i]));
    free(bytes);
    return list;
}

static json_t *entry(srv_job *j, int token, double log_p, size_t cut) {
    return json_pack("{s:o, s:o, s:o}", "token", srv_openai_token(j, token), "logprob",
                     srv_openai_log_p(log_p), "bytes", bytes_of(j, token, cut));
}

void srv_openai_log(srv_job *j, srv_choice *c, const srv_event *e) {
    json_t *row = entry(j, e->token, e->log_p, e->cut), *top = json_array();
    int n = e->top_num < j->p.log_probabilities ? e->top_num : (int)j->p.log_probabilities;
    for (int i = 0; i < n; i++)
        json_array_append_new(top, entry(j, e->top_tokens[i], e->top_log_p[i], 0));
    json_object_set_new(row, "top_logprobs", top);
    if (!row || json_array_append_new(c->logs, row))
        srv_fail(&j->call->fault, 500, "out of memory");
}
