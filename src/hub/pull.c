/* Files that the cache lacks, several at a time.
 *
 *     blobs/<id>.incomplete   what has come of a file, to be gone on with
 *     blobs/<id>              all of it, and its SHA-256 is right
 *     snapshots/<commit>/...  a link to it
 *     refs/<revision>         the commit, when all files are there
 *
 * Workers take one file after the other and record no errors; the calling thread waits for them,
 * tells how far they are, and asks whether to stop. Two processes may pull one model: a lock on
 * <cache>/.locks/models--org--model/<id>.lock, as Hugging Face's programs hold it, is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/signals.h"
#include "base/status.h"
#include "base/text.h"
#include "hub/http.h"
#include "hub/hub.h"

enum { MOST_WORKERS = 32, TRIES = 5, TICK_MS = 50 };

typedef struct pull {
    mx_hub_settings settings;
    mx_hub_listing listing;
    const char *model, *revision;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    size_t next, files_done, working;
    uint64_t bytes_done;
    const char *file;
    bool stop;
    char failed[512]; /* the first failure of a worker; "": none */
} pull;

/* --- under the lock -------------------------------------------------------------------------- */

static void fail(pull *p, const char *what, const char *name) {
    pthread_mutex_lock(&p->mutex);
    if (!*p->failed)
        snprintf(p->failed, sizeof p->failed, "'%.150s': %.300s", name, what);
    p->stop = true;
    pthread_mutex_unlock(&p->mutex);
}

static bool is_stopped(pull *p) {
    pthread_mutex_lock(&p->mutex);
    bool stop = p->stop;
    pthread_mutex_unlock(&p->mutex);
    return stop;
}

static void count(pull *p, int64_t bytes) {
    pthread_mutex_lock(&p->mutex);
    p->bytes_done += (uint64_t)bytes;
    pthread_mutex_unlock(&p->mutex);
}

/* --- one file --------------------------------------------------------------------------------- */

typedef struct transfer {
    pull *p;
    const mx_hub_file *file;
    int fd;
    uint64_t have; /* bytes that were written */
    bool begun;    /* some of them came with this answer */
    char failed[256];
} transfer;

static bool fail_errno(transfer *t, const char *what) {
    char room[128];
    snprintf(t->failed, sizeof t->failed, "%s: %s", what, mx_errno_text(errno, room, sizeof room));
    return false;
}

/* Begin anew: what is there is of no use. */
static bool empty(transfer *t) {
    count(t->p, -(int64_t)t->have);
    t->have = 0;
    return ftruncate(t->fd, 0) == 0 || fail_errno(t, "cannot be written");
}

static bool write_all(transfer *t, const char *bytes, size_t n) {
    while (n) {
        ssize_t some = pwrite(t->fd, bytes, n, (off_t)t->have);
        if (some < 0 && errno == EINTR)
            continue;
        if (some <= 0)
            return fail_errno(t, "cannot be written");
        bytes += some, n -= (size_t)some, t->have += (uint64_t)some;
        count(t->p, some);
    }
    return true;
}

/* 200 is all of it, whatever part was asked for. */
static bool take(void *to, int status, const void *bytes, size_t n) {
    transfer *t = to;
    if (status == 200 && t->have && !t->begun && !empty(t))
        return false;
    t->begun = true;
    if (t->have + n > t->file->size) {
        snprintf(t->failed, sizeof t->failed, "the hub sends more bytes than it says");
        return false;
    }
    return write_all(t, bytes, n);
}

static bool transfer_stops(void *to) {
    return is_stopped(((transfer *)to)->p);
}

static char *address(const pull *p, const mx_hub_file *f) {
    mx_text t = {0};
    mx_text_add(&t, "%s/%s/resolve/%s/", p->settings.endpoint, p->model, p->listing.commit);
    for (const unsigned char *c = (const unsigned char *)f->name; *c; c++)
        if ((*c | 32) >= 'a' && (*c | 32) <= 'z')
            mx_text_char(&t, (char)*c);
        else
            mx_text_add(&t, (*c >= '-' && *c <= '9') || *c == '_' ? "%c" : "%%%02X", *c);
    return mx_text_take(&t);
}

/* One request, from where the file ends. */
static mx_http_answer request(transfer *t, const char *url) {
    t->begun = false;
    return mx_http_get(&(mx_http_request){.url = url,
                                          .token = t->p->settings.token,
                                          .from = t->have,
                                          .body = take,
                                          .stop = transfer_stops,
                                          .to = t});
}

/* Not all of it came. What did stays, which helps where the connection was lost. */
static bool fail_short(transfer *t, const char *text, bool lost) {
    snprintf(t->failed, sizeof t->failed, "%.180s%s",
             *text ? text : "the hub sends fewer bytes than it says",
             lost ? "; pull again to go on from there" : "");
    return false;
}

/* Until it is all there; a connection that breaks is tried again. */
static bool fetch(transfer *t, const char *url) {
    uint64_t furthest = t->have;
    for (int i = 0; t->have < t->file->size; i++) {
        mx_http_answer a = request(t, url);
        if (*t->failed || is_stopped(t->p))
            return false;
        if (a.status == 416) { // what is there is not the beginning of what the hub has
            if (i >= TRIES)
                return fail_short(t, "", false);
            if (!empty(t))
                return false;
            continue;
        }
        if (!*a.text && a.status / 100 == 2 && t->have == t->file->size)
            return true;
        if (t->have > furthest)
            furthest = t->have, i = 0; // it goes on
        if ((!a.again && *a.text) || i >= TRIES)
            return fail_short(t, a.text, a.again);
    }
    return true;
}

static bool hashing_stops(void *ctx, uint64_t bytes) {
    (void)bytes;
    return !is_stopped(ctx);
}

/* Bytes that are others than promised are thrown away. */
static bool check(transfer *t, const char *path) {
    char found[MX_HUB_HEX];
    if (!*t->file->sha256)
        return true;
    if (!mx_sha256_file(found, path, hashing_stops, t->p, t->failed))
        return false;
    if (strcmp(found, t->file->sha256) == 0)
        return true;
    unlink(path);
    snprintf(t->failed, sizeof t->failed, "what came has another SHA-256 than the hub says");
    return false;
}

static bool fetch_into(transfer *t, const char *path) {
    struct stat s;
    char *url = address(t->p, t->file);
    t->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool ok = url && (t->fd >= 0 || fail_errno(t, "cannot be written"));
    ok = ok && (fstat(t->fd, &s) == 0 || fail_errno(t, "cannot be read"));
    if (ok) {
        t->have = (uint64_t)s.st_size;
        count(t->p, s.st_size);
        ok = t->have <= t->file->size || empty(t);
    }
    ok = ok && fetch(t, url) && (fsync(t->fd) == 0 || fail_errno(t, "cannot be written"));
    if (t->fd >= 0)
        close(t->fd);
    mx_free(url);
    return ok && check(t, path);
}

/* The lock of a blob, -1: none. Nobody is waited for for ever: who stops lets go. */
static int lock(transfer *t) {
    mx_text text = {0};
    mx_text_add(&text, "%s/.locks/", t->p->settings.cache);
    char *folder = mx_hub_path(&t->p->settings, t->p->model, "/%s.lock", t->file->id);
    mx_text_str(&text, folder ? folder + strlen(t->p->settings.cache) + 1 : "");
    char *path = mx_text_take(&text);
    int fd = folder && path && mx_hub_make_folders(path)
                 ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666)
                 : -1;
    mx_free(folder);
    mx_free(path);
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK && !is_stopped(t->p))
        nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
    return fd;
}

static bool is_whole(const char *path, uint64_t size) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && (uint64_t)s.st_size == size;
}

/* The blob, if it is not there. */
static bool get_blob(transfer *t) {
    char *blob = mx_hub_path(&t->p->settings, t->p->model, "/blobs/%s", t->file->id);
    char *part = mx_hub_path(&t->p->settings, t->p->model, "/blobs/%s.incomplete", t->file->id);
    int held = blob && part && mx_hub_make_folders(blob) ? lock(t) : -1;
    bool ok = blob && part && !mx_failed() && !is_stopped(t->p);
    if (ok && is_whole(blob, t->file->size))
        count(t->p, (int64_t)t->file->size);
    else if (ok)
        ok = fetch_into(t, part) &&
             (rename(part, blob) == 0 || fail_errno(t, "cannot get its name"));
    if (held >= 0)
        close(held); // and with it the lock
    mx_free(blob);
    mx_free(part);
    return ok;
}

static bool get_link(transfer *t) {
    char *path = mx_hub_path(&t->p->settings, t->p->model, "/snapshots/%s/%s", t->p->listing.commit,
                             t->file->name);
    bool ok =
        path && (is_whole(path, t->file->size) || mx_hub_link(path, t->file->name, t->file->id));
    mx_free(path);
    return ok;
}

/* What a worker failed of; its thread's error is no one's. */
static const char *why(const transfer *t) {
    const char *text = mx_error_message();
    if (*t->failed)
        return t->failed;
    return strncmp(text, "[hub] ", 6) ? *text ? text : "stopped" : text + 6;
}

static void get(pull *p, const mx_hub_file *file) {
    transfer t = {.p = p, .file = file, .fd = -1};
    mx_error_clear();
    if (!get_blob(&t) || !get_link(&t))
        fail(p, why(&t), file->name);
    mx_error_clear();
}

/* --- all of them ---------------------------------------------------------------------------- */

/* The next file, under the lock; NULL: no more. */
static const mx_hub_file *next_file(pull *p) {
    if (p->stop || p->next == p->listing.count)
        return NULL;
    const mx_hub_file *f = &p->listing.file[p->next++];
    p->file = f->name;
    return f;
}

static void *work(void *argument) {
    pull *p = argument;
    pthread_mutex_lock(&p->mutex);
    for (const mx_hub_file *f; (f = next_file(p));) {
        pthread_mutex_unlock(&p->mutex);
        get(p, f);
        pthread_mutex_lock(&p->mutex);
        p->files_done++;
    }
    p->working--;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* Signals are for the host's threads. */
static size_t start(pull *p, pthread_t *id, size_t wanted) {
    sigset_t former;
    size_t n = 0;
    mx_signals_hold(&former);
    p->working = wanted;
    while (n < wanted && pthread_create(&id[n], NULL, work, p) == 0)
        n++;
    mx_signals_give(&former);
    pthread_mutex_lock(&p->mutex);
    p->working -= wanted - n;
    pthread_mutex_unlock(&p->mutex);
    return n;
}

static uint64_t all_bytes(const mx_hub_listing *l) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < l->count; i++)
        bytes += l->file[i].size;
    return bytes;
}

static void wait_a_little(pull *p) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    if (p->working)
        pthread_cond_timedwait(&p->changed, &p->mutex, &until);
}

/* Until no worker is left; false: the host wants to stop, or the callback. */
static bool wait_for_all(pull *p, mx_hub_watch *watch, void *payload) {
    uint64_t bytes = all_bytes(&p->listing);
    bool wanted = true, left = true;
    while (left) {
        pthread_mutex_lock(&p->mutex);
        wait_a_little(p);
        mx_hub_progress now = {p->file, p->files_done, p->listing.count, p->bytes_done, bytes};
        left = p->working > 0;
        pthread_mutex_unlock(&p->mutex);
        wanted = wanted && !mx_interrupted() && (!watch || watch(payload, &now));
        pthread_mutex_lock(&p->mutex);
        p->stop = p->stop || !wanted;
        pthread_mutex_unlock(&p->mutex);
    }
    return wanted;
}

static bool get_all(pull *p, int connections, mx_hub_watch *watch, void *payload) {
    pthread_t id[MOST_WORKERS];
    size_t wanted = connections <= 0 ? 4 : (size_t)connections;
    wanted = wanted > MOST_WORKERS ? MOST_WORKERS : wanted;
    wanted = wanted > p->listing.count ? p->listing.count : wanted;
    size_t n = start(p, id, wanted);
    bool ok = wait_for_all(p, watch, payload);
    for (size_t i = 0; i < n; i++)
        pthread_join(id[i], NULL);
    if (n == 0 && wanted)
        return mx_fail(MX_NOMEM, "[hub] no thread can be started");
    if (!ok)
        return mx_fail(MX_INTERRUPTED, "[hub] stopped; pull again to go on from there");
    return !*p->failed || mx_fail(MX_IO, "[hub] %s", p->failed);
}

/* What a branch or tag stands for; a commit stands for itself. */
static bool write_ref(const pull *p) {
    if (strcmp(p->revision, p->listing.commit) == 0)
        return true;
    char *path = mx_hub_path(&p->settings, p->model, "/refs/%s", p->revision);
    mx_writer *w = path && mx_hub_make_folders(path) ? mx_writer_open("hub", path) : NULL;
    bool ok = w && mx_writer_put(w, p->listing.commit, strlen(p->listing.commit));
    if (ok)
        ok = mx_writer_commit(w);
    else
        mx_writer_abandon(w);
    mx_free(path);
    return ok;
}

/* The folder is there also of a model without files. */
static char *finish(const pull *p) {
    char *marker = mx_hub_path(&p->settings, p->model, "/snapshots/%s/", p->listing.commit);
    bool ok = marker && mx_hub_make_folders(marker) && write_ref(p);
    mx_free(marker);
    return ok ? mx_hub_path(&p->settings, p->model, "/snapshots/%s", p->listing.commit) : NULL;
}

static bool fail_offline(const pull *p) {
    return mx_fail(MX_IO, "[hub] HF_HUB_OFFLINE is set, and the cache has no '%s'", p->model);
}

static char *pull_all(pull *p, const char *const *patterns, size_t pattern_count, int connections,
                      mx_hub_watch *watch, void *payload) {
    char *there = mx_hub_snapshot(&p->settings, p->model, p->revision); // checks the names, too
    if (p->settings.offline && !there && !mx_failed())
        fail_offline(p);
    if (p->settings.offline || mx_failed())
        return there;
    mx_free(there);
    bool ok = mx_http_load() && mx_hub_list(&p->listing, &p->settings, p->model, p->revision,
                                            patterns, pattern_count);
    if (ok && p->listing.count == 0 && pattern_count)
        ok = mx_fail(MX_INVALID, "[hub] '%s' has no file of these names", p->model);
    ok = ok && get_all(p, connections, watch, payload);
    return ok ? finish(p) : NULL;
}

char *mx_hub_pull(const char *model, const char *revision, const char *const *patterns,
                  size_t pattern_count, int connections, mx_hub_watch *watch, void *payload) {
    pull p = {.model = model, .revision = revision ? revision : "main"};
    pthread_mutex_init(&p.mutex, NULL);
    pthread_cond_init(&p.changed, NULL);
    char *folder = NULL;
    if (mx_hub_settings_read(&p.settings))
        folder = pull_all(&p, patterns, pattern_count, connections, watch, payload);
    mx_hub_listing_free(&p.listing);
    mx_hub_settings_free(&p.settings);
    pthread_cond_destroy(&p.changed);
    pthread_mutex_destroy(&p.mutex);
    return folder;
}
