/* The environment, as Hugging Face's programs read it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "hub/hub.h"

/* NULL: not set, or empty. */
static const char *variable(const char *name) {
    const char *value = secure_getenv(name);
    return value && *value ? value : NULL;
}

static char *joined(const char *folder, const char *rest) {
    mx_text t = {0};
    mx_text_str(&t, folder);
    mx_text_str(&t, rest);
    return mx_text_take(&t);
}

/* $HF_HOME, or what stands for it. */
static char *home(void) {
    const char *own = variable("HF_HOME"), *caches = variable("XDG_CACHE_HOME");
    if (own)
        return joined(own, "");
    if (caches)
        return joined(caches, "/huggingface");
    const char *user = variable("HOME");
    return user ? joined(user, "/.cache/huggingface")
                : mx_fail(MX_INVALID, "[hub] there is no place for the cache: set HF_HOME");
}

static bool is_true(const char *text) {
    static const char *const words[] = {"1", "true", "yes", "on"};
    for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* The first line of the file in which `huggingface-cli login` leaves it; NULL: there is none. */
static char *token_of_file(const char *folder) {
    const char *named = variable("HF_TOKEN_PATH");
    char line[4096], *path = named ? mx_strdup(named) : joined(folder, "/token");
    FILE *f = path ? fopen(path, "re") : NULL;
    bool read = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    mx_free(path);
    if (!read)
        return NULL;
    line[strcspn(line, " \t\r\n")] = 0;
    return *line ? mx_strdup(line) : NULL;
}

/* A token that is no word would become other lines of the request. */
static bool check_token(const char *token) {
    for (; token && *token; token++)
        if ((unsigned char)*token <= ' ' || (unsigned char)*token > '~')
            return mx_fail(MX_INVALID, "[hub] the token has characters that tokens do not have");
    return true;
}

static char *without_slash(const char *url) {
    char *copy = mx_strdup(url);
    for (size_t n = copy ? strlen(copy) : 0; n && copy[n - 1] == '/'; n--)
        copy[n - 1] = 0;
    return copy;
}

static bool check_endpoint(const char *url) {
    if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
        return true;
    return mx_fail(MX_INVALID, "[hub] HF_ENDPOINT is '%.200s', which is no address of HTTP", url);
}

bool mx_hub_settings_read(mx_hub_settings *s) {
    const char *endpoint = variable("HF_ENDPOINT"), *cache = variable("HF_HUB_CACHE");
    const char *token = variable("HF_TOKEN");
    char *folder = home();
    *s = (mx_hub_settings){.offline = is_true(variable("HF_HUB_OFFLINE"))};
    s->endpoint = without_slash(endpoint ? endpoint : "https://huggingface.co");
    if (folder) {
        s->token = token ? mx_strdup(token) : token_of_file(folder);
        s->cache = cache ? mx_strdup(cache) : joined(folder, "/hub");
    }
    mx_free(folder);
    return s->endpoint && s->cache && check_endpoint(s->endpoint) && check_token(s->token);
}

void mx_hub_settings_free(mx_hub_settings *s) {
    mx_free(s->endpoint);
    mx_free(s->token);
    mx_free(s->cache);
    *s = (mx_hub_settings){0};
}
