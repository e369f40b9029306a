/* Between the files of Ollama's interface. */
#ifndef SERVE_OLLAMA_H
#define SERVE_OLLAMA_H

#include "serve/job.h"

extern const srv_face srv_ollama_chat_face, srv_ollama_generate_face;

/* Seconds of Unix as RFC 3339 has them, with nanoseconds, into room for 64. */
void srv_ollama_time(char *out, int64_t seconds, long nanoseconds);
json_int_t srv_ollama_nanoseconds(double seconds);
/* "5m", "300s", "1h30m", "-1", or a number of seconds; below zero: for ever. False: a fault. */
bool srv_ollama_seconds(const json_t *keep_alive, double *seconds, srv_fault *f);
/* What answers a request that asks for nothing. */
json_t *srv_ollama_empty(const srv_about *about, bool chat, const char *reason);

#endif
