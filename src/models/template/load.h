/* Variables of JSON as values. */
#ifndef MX_TEMPLATE_LOAD_H
#define MX_TEMPLATE_LOAD_H

#include <jansson.h>

#include "models/template/value.h"

/* Texts stay the document's, which must live as long as the run. */
bool tm_load_json(tm_run *r, const json_t *j, tm_value *out);

#endif
