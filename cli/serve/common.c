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

void srv_call_id(srv_call *c) {
    srv_make_id(c->id, sizeof c->id, "req_");
}

/* How many bytes a character of UTF-8 has here; 0: it is none (RFC 3629). */
static size_t character(const unsigned char *s, size_t n) {
    size_t length = s[0] < 0x80                   ? 1
                    : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                    : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                    : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                  : 0;
    if (length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
               (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90);
    return bad ? 0 : length;
}

json_t *srv_json_text(const char *text, size_t n) {
    json_t *exact = json_stringn(n ? text : "", n);
    srv_text fixed = {0};
    if (exact)
        return exact;
    for (size_t i = 0; i < n;) {
        size_t k = character((const unsigned char *)text + i, n - i);
        srv_text_put(&fixed, k ? text + i : "\xef\xbf\xbd", k ? k : 3);
        i += k ? k : 1;
    }
    json_t *value = fixed.failed ? NULL : json_stringn(fixed.data, fixed.n);
    srv_text_free(&fixed);
    return value;
}
