/* All public functions as rows of a table, which make_calls.py writes from the headers when the
   tests are built. */
#ifndef CAPI_CALLS_H
#define CAPI_CALLS_H

#include <stdbool.h>

enum { CAPI_MOST_PARAMETERS = 24, CAPI_SLOT = 128 };

typedef struct capi_call_row {
    const char *name, *result;
    /* Call it with *(type *)slot[i] for parameter i; what it returns is copied to result. */
    void (*call)(void *result, void **slot);
    bool status;   /* returns 0, or 1 after an error; others 0, NULL or an empty handle */
    bool succeeds; /* always */
    int n;
    struct {
        const char *type, *name;
        bool may_be_nothing; /* NULL or an empty handle means something */
        bool enumeration;    /* 99 is none of its numbers */
    } parameter[CAPI_MOST_PARAMETERS];
} capi_call_row;

extern const capi_call_row capi_calls[];
extern const int capi_calls_count;

#endif
