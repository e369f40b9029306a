/* Between the files of /v1/responses. */
#ifndef SERVE_OPENAI_RESPONSES_H
#define SERVE_OPENAI_RESPONSES_H

#include "serve/job.h"

/* Instructions and input items as a conversation. False: a fault. */
bool srv_responses_messages(srv_params *p, const char *instructions, const json_t *input,
                            srv_fault *f);
bool srv_responses_tools(srv_params *p, const json_t *tools, const json_t *choice, srv_fault *f);
/* How answers are said. */
extern const srv_face srv_responses_face;

#endif
