/* Between the files of Ollama's interface. */
#ifndef SERVE_OLLAMA_H
#define SERVE_OLLAMA_H

#include "serve/job.h"

extern const srv_face srv_ollama_chat_face, srv_ollama_generate_face;

/* Seconds of Unix as RFC 3339 has them, with nanoseconds, into room for 64. */
void srv_ollama_time(char *out, int64_t seconds, long nanoseconds);

#endif
