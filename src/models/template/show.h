/* Values as texts: Python's str and repr, and JSON. */
#ifndef MX_TEMPLATE_SHOW_H
#define MX_TEMPLATE_SHOW_H

#include "models/template/value.h"

/* Puts str(v), or repr(v), at the end of the output. False and an error: it has no text. */
bool tm_show(tm_run *r, const tm_value *v);
bool tm_repr(tm_run *r, const tm_value *v);
/* str(v) as a value: v itself where it is one. */
bool tm_to_str(tm_run *r, const tm_value *v, tm_value *out);

/* How json.dumps writes. */
typedef struct tm_json {
    bool ascii, sorted;
    tm_value indent;    /* of a level; missing: all in one line */
    tm_value item, key; /* separators */
} tm_json;
bool tm_put_json(tm_run *r, const tm_value *v, const tm_json *how);

#endif
