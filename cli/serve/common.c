/* Names, times and texts of answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "serve/job.h"

int64_t srv_now(void) {
    return (int64_t)time(NULL);
}

void srv_make_id(char *out, size_t room, const char *prefix) {
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint8_t any[24];
    char name[25];
    if (getrandom(any, sizeof any, 0) != (ssize_t)sizeof any)
        memset(any, 0, sizeof any); // never so for so few bytes
    for (size_t i = 0; i < sizeof any; i++)
        name[i] = letters[any[i] % (sizeof letters - 1)];
    name[24] = 0;
    snprintf(out, room, "%s%s", prefix, name);
}

const json_t *srv_last_call(const srv_choice *c) {
    size_t n = json_array_size(c->calls);
    return n ? json_array_get(c->calls, n - 1) : NULL;
}

void srv_call_id(srv_call *c) {
    srv_make_id(c->id, sizeof c->id, "req_");
}
