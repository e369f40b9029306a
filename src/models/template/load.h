/* Variables of JSON as values. */
#ifndef MX_TEMPLATE_LOAD_H
#define MX_TEMPLATE_LOAD_H

#include "models/template/value.h"

/* How deep a document may be. */
enum { TM_MOST_JSON = 64 };

/* A JSON object as a dict; `what` is for messages. Texts without escapes stay the document's, which
   must live as long as the run. False and an error that says at which byte: it is no JSON, no
   object, no UTF-8, too deep, has a key twice, or an integer of more than 64 bits. */
bool tm_load_json(tm_run *r, const char *what, const char *json, size_t n, tm_dict **out);

#endif
