/* Between the endpoints of OpenAI's interface. */
#ifndef SERVE_OPENAI_H
#define SERVE_OPENAI_H

#include "serve/job.h"

/* {prompt_tokens, completion_tokens, ...} */
json_t *srv_openai_usage(const srv_job *j);
/* {token, logprob, bytes, top_logprobs} of a token, for the lists of chat: the bytes of all are the
   text's. */
void srv_openai_log(srv_job *j, srv_choice *c, const srv_event *e);
/* The text of a token; NULL: no memory. */
json_t *srv_openai_token(srv_job *j, int token);
/* -Infinity, which JSON lacks, as the API has it. */
json_t *srv_openai_log_p(double log_p);
/* Tools and the choice among them, checked by their fields; what they say lies in the member `key`
   of each, NULL: in themselves. False: a fault. */
bool srv_openai_tools(srv_params *p, const json_t *tools, const srv_field *tool_fields,
                      const json_t *choice, const srv_field *choice_fields, const char *key,
                      srv_fault *f);

#endif
