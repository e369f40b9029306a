/* What the hub says of a model:
 *
 *     GET <endpoint>/api/models/org/model/revision/main?blobs=true
 *     {"sha": "<commit>", "siblings": [{"rfilename": "model.safetensors", "size": 1234,
 *      "blobId": "<id of git>", "lfs": {"sha256": "<64 digits>", "size": 1234}}, ...]}
 *
 * The name of a file's blob is the SHA-256 where it has "lfs", else git's id (the ETag that the
 * hub gives when the file is asked for).
 */
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "hub/http.h"
#include "hub/hub.h"

/* --- the answer ------------------------------------------------------------------------------ */

typedef struct answer {
    mx_text text;
    bool too_long;
} answer;

static bool take(void *to, int status, const void *bytes, size_t n) {
    answer *a = to;
    (void)status;
    a->too_long = a->text.len + n > MX_HUB_MOST_ANSWER;
    if (!a->too_long)
        mx_text_put(&a->text, bytes, n);
    return !a->too_long && !a->text.failed;
}

static bool is_stopped(void *to) {
    (void)to;
    return mx_interrupted(); // on the thread of the caller
}

/* A slash within a revision is no slash of the path. */
static char *address(const mx_hub_settings *s, const char *model, const char *revision) {
    mx_text t = {0};
    mx_text_add(&t, "%s/api/models/%s/revision/", s->endpoint, model);
    for (; *revision; revision++)
        mx_text_str(&t, *revision == '/' ? "%2F" : (char[]){*revision, 0});
    mx_text_str(&t, "?blobs=true");
    return mx_text_take(&t);
}

static bool fail_status(const mx_hub_settings *s, const char *model, const char *revision,
                        const mx_http_answer *a) {
    if (a->status == 401 || a->status == 403)
        return mx_fail(MX_IO, "[hub] %s does not show '%s' to %s (HTTP %d)", s->endpoint, model,
                       s->token ? "this token" : "who gives no token: set HF_TOKEN", a->status);
    if (a->status == 404)
        return mx_fail(MX_IO, "[hub] %s has no model '%s' with a revision '%s'", s->endpoint, model,
                       revision);
    if (a->status >= 300)
        return mx_fail(MX_IO, "[hub] %s answers HTTP %d for '%s'", s->endpoint, a->status, model);
    return mx_fail(MX_IO, "[hub] cannot reach %s: %s", s->endpoint, a->text);
}

/* The text of the answer, for mx_free. */
static char *ask(const mx_hub_settings *s, const char *model, const char *revision) {
    answer to = {0};
    char *url = address(s, model, revision);
    if (!url)
        return NULL;
    mx_http_answer a = mx_http_get(&(mx_http_request){
        .url = url, .token = s->token, .body = take, .stop = is_stopped, .to = &to});
    mx_free(url);
    if (to.too_long)
        mx_fail(MX_FORMAT, "[hub] the list of files of '%s' is too long", model);
    else if (!mx_failed() && (*a.text || a.status / 100 != 2))
        fail_status(s, model, revision, &a);
    char *text = mx_text_take(&to.text);
    if (!mx_failed())
        return text;
    mx_free(text);
    return NULL;
}

/* --- what it says --------------------------------------------------------------------------- */

static bool fail_answer(const char *model, const char *what) {
    return mx_fail(MX_FORMAT, "[hub] the list of files of '%s': %s", model, what);
}

/* A name stays inside of its folder: no part is empty, "." or "..", and no character is a control
   one. */
static bool is_inside(const char *name) {
    size_t n = name ? strlen(name) : 0;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == '\\' || name[i] == 127)
            return false;
    for (const char *part = name; part && n; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        if (length == 0 || (length <= 2 && strncmp(part, "..", length) == 0))
            return false;
    }
    return n > 0 && n < 1024 && *name != '/';
}

static bool is_wanted(const char *name, const char *const *patterns, size_t count) {
    bool wanted = count == 0;
    for (size_t i = 0; i < count && !wanted; i++)
        wanted = fnmatch(patterns[i], name, 0) == 0;
    return wanted;
}

static bool add(mx_hub_listing *l, const char *model, const json_t *row) {
    const json_t *lfs = json_object_get(row, "lfs");
    const json_t *size = json_object_get(lfs ? lfs : row, "size");
    const char *id = json_string_value(json_object_get(row, "blobId"));
    const char *sha256 = json_string_value(json_object_get(lfs, "sha256"));
    if (lfs && !mx_hub_is_hex(sha256, 64, 64))
        return fail_answer(model, "a SHA-256 is none");
    if (!lfs && !mx_hub_is_hex(id, 40, 64))
        return fail_answer(model, "a file has no id (is this a hub?)");
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return fail_answer(model, "a file has no size");
    mx_hub_file *f = &l->file[l->count];
    *f = (mx_hub_file){.size = (uint64_t)json_integer_value(size)};
    snprintf(f->id, sizeof f->id, "%s", lfs ? sha256 : id);
    snprintf(f->sha256, sizeof f->sha256, "%s", lfs ? sha256 : "");
    f->name = mx_strdup(json_string_value(json_object_get(row, "rfilename")));
    l->count += f->name != NULL;
    return f->name;
}

static bool add_all(mx_hub_listing *l, const char *model, const json_t *files,
                    const char *const *patterns, size_t count) {
    size_t n = json_array_size(files);
    if (n > MX_HUB_MOST_FILES)
        return fail_answer(model, "there are too many");
    l->file = mx_calloc(n + 1, sizeof *l->file);
    bool ok = l->file;
    for (size_t i = 0; ok && i < n; i++) {
        const json_t *row = json_array_get(files, i);
        const char *name = json_string_value(json_object_get(row, "rfilename"));
        if (!is_inside(name))
            ok = fail_answer(model, "a name leads out of its folder");
        else if (is_wanted(name, patterns, count))
            ok = add(l, model, row);
    }
    return ok;
}

bool mx_hub_list(mx_hub_listing *out, const mx_hub_settings *s, const char *model,
                 const char *revision, const char *const *patterns, size_t pattern_count) {
    *out = (mx_hub_listing){0};
    char *text = ask(s, model, revision);
    json_t *root = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *commit = json_string_value(json_object_get(root, "sha"));
    const json_t *files = json_object_get(root, "siblings");
    bool ok = text;
    if (ok && (!mx_hub_is_hex(commit, 40, 64) || !json_is_array(files)))
        ok = fail_answer(model, "the answer is no such list (is this a hub?)");
    if (ok)
        snprintf(out->commit, sizeof out->commit, "%s", commit);
    ok = ok && add_all(out, model, files, patterns, pattern_count);
    json_decref(root);
    mx_free(text);
    return ok;
}

void mx_hub_listing_free(mx_hub_listing *l) {
    for (size_t i = 0; i < l->count; i++)
        mx_free(l->file[i].name);
    mx_free(l->file);
    *l = (mx_hub_listing){0};
}
