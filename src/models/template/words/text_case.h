/* Upper and lower case, as Python's str has it. Puts a text at the end of the output. */
#ifndef MX_TEMPLATE_TEXT_CASE_H
#define MX_TEMPLATE_TEXT_CASE_H

#include "models/template/value.h"

typedef enum tm_case { TM_UPPER, TM_LOWER, TM_TITLE, TM_CAPITAL, TM_SWAP } tm_case;

/* TM_TITLE: each word's first letter; TM_CAPITAL: the first character; the rest is lower case. */
bool tm_put_case(tm_run *r, const tm_value *text, tm_case how);
bool tm_is_upper(uint32_t c);
bool tm_is_lower(uint32_t c);

#endif
