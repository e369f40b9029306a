/* Between the files of Anthropic's interface. */
#ifndef SERVE_ANTHROPIC_H
#define SERVE_ANTHROPIC_H

#include "serve/job.h"

/* System text and messages as a conversation; tools. False: a fault. */
bool srv_anthropic_conversation(srv_params *p, const json_t *system, const json_t *messages,
                                srv_fault *f);
bool srv_anthropic_tools(srv_params *p, const json_t *tools, const json_t *choice, srv_fault *f);
/* How answers are said. */
extern const srv_face srv_anthropic_face;

#endif
