/* Texts that a terminal shows and does not obey. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/output.h"

/* The code point at text, of *bytes bytes; -1, and 1 byte, where there is no valid UTF-8 (RFC
   3629: neither surrogates nor longer forms than needed). */
static long code_point(const unsigned char *text, size_t left, int *bytes) {
    static const long least[] = {0, 0, 0x80, 0x800, 0x10000};
    int n = *text < 0x80 ? 1 : *text < 0xC2 ? 0 : *text < 0xE0 ? 2 : *text < 0xF0 ? 3 : 4;
    *bytes = 1;
    if (n == 1)
        return *text;
    if (n == 0 || *text > 0xF4 || left < (size_t)n)
        return -1;
    long code = *text & (0x7F >> n);
    for (int i = 1; i < n; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return -1;
        code = code << 6 | (text[i] & 0x3F);
    }
    if (code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return -1;
    *bytes = n;
    return code;
}

/* Controls, and what hides or reorders other characters: zero width, direction, separators. */
static bool is_obeyed(long code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF ||
           (code >= 0xFFF9 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE007F);
}

/* Writes how a code point is shown; at most 10 bytes. Returns how many. */
static int shown(char *out, const unsigned char *text, long code, int bytes) {
    static const char letters[] = "\n\t\r\\", names[] = "ntr\\";
    const char *at = code > 0 && code < 0x80 ? strchr(letters, (int)code) : NULL;
    if (at)
        return sprintf(out, "\\%c", names[at - letters]);
    if (code < 0)
        return sprintf(out, "\\x%02x", *text);
    if (is_obeyed(code))
        return sprintf(out,
                       code < 0x80     ? "\\x%02lx"
                       : code > 0xFFFF ? "\\U%08lx"
                                       : "\\u%04lx",
                       (unsigned long)code);
    memcpy(out, text, (size_t)bytes);
    return bytes;
}

char *cli_escape(const char *text, size_t length) {
    char *out = malloc(10 * length + 16), *to = out; // "\U000e0001" is the longest
    const unsigned char *at = (const unsigned char *)text;
    for (size_t i = 0; out && i < length;) {
        int bytes;
        long code = code_point(at + i, length - i, &bytes);
        to += shown(to, at + i, code, bytes);
        i += (size_t)bytes;
    }
    if (out)
        *to = 0;
    return out;
}

char *cli_mended(const char *text, size_t length, size_t *n) {
    char *out = malloc(3 * length + 1), *to = out;
    const unsigned char *at = (const unsigned char *)text;
    for (size_t i = 0; out && i < length;) {
        int bytes;
        bool valid = code_point(at + i, length - i, &bytes) >= 0;
        size_t k = valid ? (size_t)bytes : 3;
        memcpy(to, valid ? text + i : "\xEF\xBF\xBD", k);
        to += k;
        i += (size_t)bytes;
    }
    if (out)
        *n = (size_t)(to - out);
    return out;
}

/* Bytes at text that go to a terminal as they are although cli_escape would not have it so. */
static size_t plain_at(const char *text, size_t left) {
    if (*text == '\n' || *text == '\t' || *text == '\\')
        return 1;
    bool joins =
        left >= 3 && (!memcmp(text, "\xE2\x80\x8C", 3) || !memcmp(text, "\xE2\x80\x8D", 3));
    return joins ? 3 : 0;
}

static void say_to_terminal(const char *text, size_t length) {
    for (size_t i = 0, n; i < length; i += n) {
        n = plain_at(text + i, length - i);
        if (n) {
            fwrite(text + i, 1, n, stdout);
            continue;
        }
        while (i + ++n < length && !plain_at(text + i + n, length - i - n))
            ;
        char *shown = cli_escape(text + i, n);
        fputs(shown ? shown : "", stdout);
        free(shown);
    }
}

static int unsaid;

void cli_unsaid(void) {
    if (!unsaid)
        unsaid = errno;
}

void cli_flush(void) {
    if (fflush(stdout))
        cli_unsaid();
}

void cli_say(const char *text, size_t length) {
    bool terminal = isatty(fileno(stdout)); // before: it sets errno
    errno = 0;
    if (terminal)
        say_to_terminal(text, length);
    else
        fwrite(text, 1, length, stdout);
    if (fflush(stdout) || ferror(stdout))
        cli_unsaid();
}

int cli_say_error(void) {
    return unsaid;
}

/* Of East Asian scripts and emoji, which take two columns: the large blocks (UAX 11). */
static bool is_wide(long code) {
    return (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
           (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
           (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
           (code >= 0x1F300 && code <= 0x1FAFF) || (code >= 0x20000 && code <= 0x3FFFD);
}

size_t cli_width(const char *text) {
    size_t width = 0, left = strlen(text);
    while (left) {
        int bytes;
        long code = code_point((const unsigned char *)text, left, &bytes);
        bool combines = code >= 0x300 && code < 0x370;
        width += combines ? 0 : is_wide(code) ? 2 : 1;
        text += bytes, left -= (size_t)bytes;
    }
    return width;
}

void cli_print(const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (vprintf(format, args) < 0)
        cli_unsaid();
    va_end(args);
}
