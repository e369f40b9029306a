/* All public functions as rows of a table, which make_calls.py writes from the headers when the
   tests are built. */
#ifndef CAPI_CALLS_H
#define CAPI_CALLS_H

enum { CAPI_MOST_PARAMETERS = 24, CAPI_SLOT = 128 };

typedef struct capi_call_row {
    const char *name, *result;
    /* Call it with *(type *)slot[i] for parameter i; what it returns is copied to result. */
    void (*call)(void *result, void **slot);
    int n;
    struct {
        const char *type, *name;
    } parameter[CAPI_MOST_PARAMETERS];
} capi_call_row;

extern const capi_call_row capi_calls[];
extern const int capi_calls_count;

#endif
