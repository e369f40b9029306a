/* Formats of strings as regular expressions, after the standards that the draft names. */
#include <string.h>

#include "models/structure/schema/schema_parts.h"

/* RFC 3339, section 5.6. Years begin with 1; no leap seconds. */
#define YEAR      "(?:000[1-9]|00[1-9]\\d|0[1-9]\\d\\d|[1-9]\\d{3})"
#define LEAP_YEAR "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
#define DATE                                                     \
    "(?:" YEAR "-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])" \
    "|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|" LEAP_YEAR "-02-29)"
#define TIME \
    "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)"

/* RFC 3339, appendix A. */
#define DURATION_TIME "T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)"
#define DURATION                                                                     \
    "P(?:\\d+W|(?:\\d+Y(?:\\d+M(?:\\d+D)?)?|\\d+M(?:\\d+D)?|\\d+D)(?:" DURATION_TIME \
    ")?|" DURATION_TIME ")"

/* RFC 1123: labels of 63 letters at most; of a name 253, so that of long labels there are few. */
#define LABEL     "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define LABEL_30  "[A-Za-z0-9](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
#define HOST_NAME "(?:" LABEL "(?:\\." LABEL "){0,2}|" LABEL_30 "(?:\\." LABEL_30 "){0,7})"

/* RFC 2673, section 3.2, and RFC 4291, section 2.2. */
#define BYTE "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define IPV4 BYTE "(?:\\." BYTE "){3}"
#define H16  "[0-9a-fA-F]{1,4}"
#define LS32 "(?:" H16 ":" H16 "|" IPV4 ")"
#define IPV6                                                                                     \
    "(?:(?:" H16 ":){6}" LS32 "|::(?:" H16 ":){5}" LS32 "|(?:" H16 ")?::(?:" H16 ":){4}" LS32    \
    "|(?:(?:" H16 ":){0,1}" H16 ")?::(?:" H16 ":){3}" LS32 "|(?:(?:" H16 ":){0,2}" H16           \
    ")?::(?:" H16 ":){2}" LS32 "|(?:(?:" H16 ":){0,3}" H16 ")?::" H16 ":" LS32 "|(?:(?:" H16     \
    ":){0,4}" H16 ")?::" LS32 "|(?:(?:" H16 ":){0,5}" H16 ")?::" H16 "|(?:(?:" H16 ":){0,6}" H16 \
    ")?::)"

/* RFC 5321, section 4.1.2, without quoted names and addresses in brackets. */
#define ATOM  "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
#define EMAIL "(?:" ATOM "{1,20}(?:\\." ATOM "{1,20}){0,2}|" ATOM "{1,64})@" HOST_NAME

/* RFC 3986, appendix A; hosts are names or IPv4 addresses. */
#define PCT       "%[0-9A-Fa-f]{2}"
#define UNRES     "A-Za-z0-9._~-"
#define SUB       "!$&'()*+,;="
#define PCHAR     "(?:[:@" SUB UNRES "]|" PCT ")"
#define AUTHORITY "(?:(?:[:" SUB UNRES "]|" PCT ")*@)?(?:[" SUB UNRES "]|" PCT ")*(?::\\d*)?"
#define ABEMPTY   "(?:/" PCHAR "*)*"
#define ABSOLUTE  "/(?:" PCHAR "+(?:/" PCHAR "*)*)?"
#define TAIL      "(?:\\?(?:[/?]|" PCHAR ")*)?(?:#(?:[/?]|" PCHAR ")*)?"
#define ROOTLESS  PCHAR "+(?:/" PCHAR "*)*"
#define NOSCHEME  "(?:[@" SUB UNRES "]|" PCT ")+(?:/" PCHAR "*)*"
#define URI       "[A-Za-z][A-Za-z0-9+.-]*:(?://" AUTHORITY ABEMPTY "|" ABSOLUTE "|" ROOTLESS "|)" TAIL
#define RELATIVE  "(?://" AUTHORITY ABEMPTY "|" ABSOLUTE "|" NOSCHEME "|)" TAIL

/* RFC 6901 */
#define POINTER "(?:/(?:[^/~]|~[01])*)*"

/* Of numbers, which OpenAPI's registry names (bounds are in schema_number.c), and of texts. */
static const struct {
    const char *name;
    unsigned kinds;
} number_formats[] = {{"int8", SG_INTEGER},   {"int16", SG_INTEGER},  {"int32", SG_INTEGER},
                      {"int64", SG_INTEGER},  {"uint8", SG_INTEGER},  {"uint16", SG_INTEGER},
                      {"uint32", SG_INTEGER}, {"uint64", SG_INTEGER}, {"float", SG_NUMBER},
                      {"double", SG_NUMBER}};

static const struct {
    const char *name, *pattern;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "T" TIME},
    {"duration", DURATION},
    {"email", EMAIL},
    {"hostname", HOST_NAME},
    {"ipv4", IPV4},
    {"ipv6", IPV6},
    {"uuid", "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"},
    {"uri", URI},
    {"uri-reference", URI "|" RELATIVE},
    {"json-pointer", POINTER},
    {"relative-json-pointer", "(?:0|[1-9][0-9]*)(?:#|" POINTER ")"},
};

const char *sg_format(const char *name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i].name, name))
            return formats[i].pattern;
    return NULL;
}

unsigned sg_format_kinds(const char *name) {
    for (size_t i = 0; i < sizeof number_formats / sizeof *number_formats; i++)
        if (!strcmp(number_formats[i].name, name))
            return number_formats[i].kinds;
    return sg_format(name) ? SG_STRING : 0;
}
