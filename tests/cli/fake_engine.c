/* An engine without models, for tests of the server (serve/engine.h). A token is a character; what
 * a model answers is told by its name:
 *
 *     echo...   the last message, or the prompt, as it is. "echo-hermes" has the chat template of
 *               that style of calls
 *     slow      the same, 20 ms a token          endless    "go on " until it is stopped
 *     fails     three tokens, then an error      params     what the engine was asked, as JSON
 *     ...held   as echo; held to a schema it answers a call of its own
 *     vectors   an encoder: the count of each letter of a text, of length 1
 *     broken    cannot be loaded
 *
 * It is linked into a program that is `mlx` otherwise.
 */
#include "serve/serve.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer/answer.h"

typedef struct running {
    struct running *next;
    int64_t id;
    bool cancelled, waits;
    srv_queue *to;
    int choice, tops;
    int64_t most, prompt;
    char *answer, *stops[16];
    size_t answer_num;
    size_t stop_num;
    bool echo;
    int *tokens;
    size_t token_num;
    srv_model *model;
    pthread_t thread;
} running;

struct srv_model {
    srv_about about;
    char template[256];
    int64_t holders, loads;
    bool loaded;
    double last, keep;
    srv_engine *engine;
};

struct srv_engine {
    srv_engine_options o;
    srv_model models[64];
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t fewer;
    running *first;
    int64_t ids, live, computing;
};

static void pause_for(double seconds) {
    struct timespec t = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
    nanosleep(&t, NULL);
}

/* --- models ----------------------------------------------------------------------------------- */

static void set_template(srv_model *m) {
    static const struct {
        const char *name, *words;
    } rows[] = {{"hermes", "<tool_call> <think>"}, {"llama3", "<|python_tag|>"},
                {"mistral", "[TOOL_CALLS]"},       {"deepseek", "<｜tool▁calls▁begin｜> think>"},
                {"gpt-oss", "<|channel|>"},        {"command-r", "<|START_ACTION|>"},
                {"functionary", "<function="},     {"functionary-v3.2", ">>>all"},
                {"qwen3-coder", "<parameter="},    {"glm-4", "<|observation|>"},
                {"glm-4.5", "<arg_key>"},          {"command-r-action", "Action: ```json"},
                {"granite", "<|start_of_role|>"},  {"phi-4", "<|/tool|> message['tools']"},
                {"lfm2", "<|tool_list_start|>"}};
    snprintf(m->template, sizeof m->template, "plain tools reasoning_effort");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(m->about.id, rows[i].name))
            snprintf(m->template, sizeof m->template, "%s tools", rows[i].words);
    m->about.chat =
        strstr(m->about.id, "vectors") || strstr(m->about.id, "bare") ? NULL : m->template;
}

srv_engine *srv_engine_open(const srv_engine_options *o, srv_fault *f) {
    srv_engine *e = calloc(1, sizeof *e);
    if (!e)
        return srv_fail(f, 500, "out of memory"), NULL;
    e->o = *o;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->fewer, NULL);
    for (size_t i = 0; i < o->model_count && i < 64; i++) {
        srv_model *m = &e->models[e->count++];
        m->engine = e;
        m->about = (srv_about){.id = o->models[i].name,
                               .family = "fake",
                               .context = o->context ? o->context : 4096,
                               .vocabulary = 0x110000,
                               .hidden = 26,
                               .vector = 26,
                               .layers = 1,
                               .parameters = 1,
                               .bytes = 1};
        m->about.encoder = strstr(m->about.id, "vectors") != NULL;
        set_template(m);
    }
    return e;
}

static void reap(srv_engine *e, bool all);

void srv_engine_close(srv_engine *e) {
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    for (running *r = e->first; r; r = r->next)
        r->cancelled = true;
    pthread_cond_broadcast(&e->fewer);
    pthread_mutex_unlock(&e->lock);
    reap(e, true);
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->fewer);
    free(e);
}

size_t srv_engine_count(const srv_engine *e) {
    return e->count;
}

srv_listed srv_engine_at(srv_engine *e, size_t i) {
    const srv_model *m = &e->models[i];
    pthread_mutex_lock(&e->lock);
    bool loaded = m->loaded;
    pthread_mutex_unlock(&e->lock);
    return (srv_listed){m->about.id, 1700000000, 1, loaded};
}

int64_t srv_engine_find(const srv_engine *e, const char *name) {
    size_t n = name ? strlen(name) : 0;
    if (n == 0)
        return e->count ? 0 : -1;
    if (n > 7 && strcmp(name + n - 7, ":latest") == 0)
        n -= 7;
    for (size_t i = 0; i < e->count; i++)
        if (strncmp(e->models[i].about.id, name, n) == 0 && !e->models[i].about.id[n])
            return (int64_t)i;
    return -1;
}

srv_model *srv_engine_take(srv_engine *e, size_t i, srv_fault *f) {
    srv_model *m = &e->models[i];
    if (strstr(m->about.id, "broken"))
        return srv_fail(f, 500, "the model '%s' cannot be loaded: it is broken", m->about.id), NULL;
    pthread_mutex_lock(&e->lock);
    m->loads += !m->loaded;
    m->loaded = true;
    m->holders++;
    pthread_mutex_unlock(&e->lock);
    return m;
}

void srv_engine_give(srv_engine *e, srv_model *m, double keep) {
    pthread_mutex_lock(&e->lock);
    m->holders--;
    m->last = cli_seconds();
    m->keep = keep >= 0 ? keep : e->o.idle > 0 ? e->o.idle : INFINITY;
    pthread_mutex_unlock(&e->lock);
}

void srv_engine_tick(srv_engine *e) {
    reap(e, false);
    pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < e->count; i++) {
        srv_model *m = &e->models[i];
        if (m->loaded && !m->holders && cli_seconds() - m->last > m->keep)
            m->loaded = false;
    }
    pthread_mutex_unlock(&e->lock);
}

srv_state srv_engine_state(srv_engine *e) {
    pthread_mutex_lock(&e->lock);
    srv_state s = {e->computing, e->live - e->computing, 0};
    pthread_mutex_unlock(&e->lock);
    return s;
}

const srv_about *srv_model_about(const srv_model *m) {
    return &m->about;
}

/* --- tokens: characters ----------------------------------------------------------------------- */

static size_t length_of(unsigned char c) {
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static int character(const char *at, size_t n) {
    int code = n == 1 ? at[0] & 0x7f : at[0] & (0x7f >> n);
    for (size_t i = 1; i < n; i++)
        code = code << 6 | (at[i] & 0x3f);
    return code;
}

static size_t write_character(char *to, int code) {
    static const int first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (n == 1) {
        *to = (char)code;
        return 1;
    }
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)(first[n] | code);
    return n;
}

int *srv_model_encode(srv_model *m, const char *text, size_t n, bool special, size_t *count,
                      srv_fault *f) {
    int *tokens = malloc((n + 1) * sizeof *tokens);
    (void)m, (void)special;
    *count = 0;
    if (!tokens)
        return srv_fail(f, 500, "out of memory"), NULL;
    for (size_t i = 0; i < n;) {
        size_t k = length_of((unsigned char)text[i]);
        tokens[(*count)++] = character(text + i, k);
        i += k;
    }
    return tokens;
}

char *srv_model_token(srv_model *m, int token, size_t *n) {
    char *text = malloc(5);
    (void)m;
    if (text)
        *n = write_character(text, token);
    if (text)
        text[*n] = 0;
    return text;
}

char *srv_model_decode(srv_model *m, const int *tokens, size_t count, size_t *n, srv_fault *f) {
    char *text = malloc(count * 4 + 1);
    *n = 0;
    for (size_t i = 0; text && i < count; i++) {
        if (tokens[i] < 0 || tokens[i] >= m->about.vocabulary) {
            free(text);
            return srv_fail(f, 400, "%d is no token", tokens[i]), NULL;
        }
        *n += write_character(text + *n, tokens[i]);
    }
    if (text)
        text[*n] = 0;
    return text;
}

/* A line for the tools and the variables, and a part for each message: "\x02role\x03content". What
   is answered is what follows the last \x03. */
char *srv_model_chat(srv_model *m, const json_t *messages, const json_t *tools,
                     const json_t *variables, size_t *n, srv_fault *f) {
    srv_text out = {0};
    const json_t *message;
    size_t i;
    (void)m;
    json_array_foreach(messages, i, message) {
        const char *role = json_string_value(json_object_get(message, "role"));
        const json_t *content = json_object_get(message, "content");
        if (strcmp(role, "tool") == 0 && strstr(json_string_value(content), "refuse")) {
            srv_text_free(&out);
            return srv_fail(f, 400, "the chat template says: no"), NULL;
        }
        const char *text = json_string_value(json_object_get(message, "tools"));
        srv_text_print(&out, "\x02%s\x03", role);
        srv_text_add(&out, text ? text : "");
        if (json_object_get(message, "tool_calls"))
            srv_text_json(&out, json_incref(json_object_get(message, "tool_calls")));
        srv_text_put(&out, json_string_value(content), json_string_length(content));
    }
    // said in front, where it is in nobody's way
    srv_text head = {0};
    if (tools)
        srv_text_json(&head, json_incref((json_t *)tools));
    if (variables)
        srv_text_json(&head, json_incref((json_t *)variables));
    srv_text_put(&head, out.data, out.n);
    srv_text_free(&out);
    *n = head.n;
    return head.data;
}

char *srv_model_mark(srv_model *m, const char *text, size_t n, size_t *marked, srv_fault *f) {
    char *copy = malloc(n + 1);
    (void)m;
    *marked = n;
    if (!copy)
        return srv_fail(f, 500, "out of memory"), NULL;
    memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}

static void embed_one(float *v, const int *tokens, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (tokens[i] >= 'a' && tokens[i] <= 'z')
            v[tokens[i] - 'a']++;
    for (int i = 0; i < 26; i++)
        sum += (double)v[i] * (double)v[i];
    for (int i = 0; i < 26; i++)
        v[i] = sum > 0 ? (float)(v[i] / sqrt(sum)) : 0;
}

float *srv_model_embed(srv_model *m, const int *tokens, const size_t *ends, size_t count,
                       srv_fault *f) {
    float *v = calloc(26 * count + 1, sizeof *v);
    (void)m;
    if (!v)
        return srv_fail(f, 500, "out of memory"), NULL;
    for (size_t i = 0, first = 0; i < count; first = ends[i++])
        embed_one(v + 26 * i, tokens + first, ends[i] - first);
    return v;
}

/* No model of these has classes. */
float *srv_model_classify(srv_model *m, const char *text, size_t n, const char *const *others,
                          const size_t *lengths, size_t count, size_t *tokens, srv_fault *f) {
    (void)m, (void)text, (void)n, (void)others, (void)lengths, (void)count, (void)tokens;
    return srv_fail(f, 500, "there is no classifier"), NULL;
}

/* --- answers ---------------------------------------------------------------------------------- */

static json_t *stop_list(const srv_ask *ask) {
    json_t *list = json_array();
    for (size_t i = 0; i < ask->stop_num; i++)
        json_array_append_new(list, json_string(ask->stop[i]));
    return list;
}

static json_t *bias_object(const mlx_sampler_options *o) {
    json_t *object = json_object();
    char key[24];
    for (size_t i = 0; i < o->bias_count; i++) {
        snprintf(key, sizeof key, "%d", o->bias_tokens[i]);
        json_object_set_new(object, key,
                            isinf(o->bias[i]) ? json_string("-inf") : json_real(o->bias[i]));
    }
    return object;
}

static char *params_text(const srv_model *m, const srv_ask *a, const char *prompt) {
    const mlx_sampler_options *o = &a->sampling;
    json_t *doc = json_pack(
        "{s:I, s:I, s:f, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:b, s:i, s:b, s:i, s:s, s:b}",
        "most", (json_int_t)a->most, "seed", (json_int_t)o->seed, "temperature", o->temperature,
        "top_k", o->top_k, "top_p", o->top_p, "min_p", o->min_p, "typical_p", o->typical_p,
        "repetition_penalty", o->repetition_penalty, "presence_penalty", o->presence_penalty,
        "frequency_penalty", o->frequency_penalty, "stop", stop_list(a), "bias", bias_object(o),
        "ignore_end", a->ignore_end, "log_probabilities", a->log_probabilities, "echo", a->echo,
        "structure", a->structure, "structure_text", a->structure_text ? a->structure_text : "",
        "markers", a->markers);
    json_object_update_new(doc, json_pack("{s:s, s:f, s:f, s:f, s:f, s:i, s:i, s:i, s:f, s:f}",
                                          "prompt", prompt, "dry_multiplier", o->dry_multiplier,
                                          "dry_base", o->dry_base, "xtc_probability",
                                          o->xtc_probability, "xtc_threshold", o->xtc_threshold,
                                          "dry_allowed", o->dry_allowed, "dry_last", o->dry_last,
                                          "penalty_last", o->penalty_last, "mirostat_tau",
                                          o->mirostat_tau, "mirostat_eta", o->mirostat_eta));
    char *text = json_dumps(doc, JSON_COMPACT | JSON_ENSURE_ASCII);
    srv_text out = {0};
    (void)m;
    for (const char *at = text; at && *at; at++) // no markers of calls
        srv_text_put(&out, *at == '<' ? "\\u003c" : at, *at == '<' ? 6 : 1);
    free(text);
    json_decref(doc);
    return out.data;
}

/* A call as each kind of schema has it. */
static const char *held_text(const char *schema) {
    if (!strstr(schema, "\"const\""))
        return "{\"city\":\"held\"}";
    return strstr(schema, "\"items\"")
               ? "[{\"name\":\"weather\",\"arguments\":{\"city\":\"held\"}}]"
           : strstr(schema, "\"arguments\"")
               ? "{\"name\":\"weather\",\"arguments\":{\"city\":\"held\"}}"
               : "{\"name\":\"weather\",\"parameters\":{\"city\":\"held\"}}";
}

static char *answer_text(srv_model *m, const srv_ask *a, size_t *size, srv_fault *f) {
    size_t n;
    char *prompt = srv_model_decode(m, a->tokens, a->token_num, &n, f);
    if (!prompt)
        return NULL;
    char *made = NULL;
    if (a->structure == SRV_SCHEMA && strstr(m->about.id, "held"))
        made = strdup(held_text(a->structure_text));
    else if (strstr(m->about.id, "params"))
        made = params_text(m, a, prompt);
    else if (strstr(m->about.id, "endless")) {
        made = malloc(60001);
        for (size_t i = 0; made && i < 10000; i++)
            memcpy(made + 6 * i, "go on ", 7);
    } else { // what follows the last mark
        const char *last = memrchr(prompt, 3, n);
        *size = last ? n - (size_t)(last + 1 - prompt) : n;
        memmove(prompt, prompt + n - *size, *size + 1);
        return prompt;
    }
    *size = made ? strlen(made) : 0;
    free(prompt);
    return made;
}

static void put(running *r, const srv_event *e) {
    srv_queue_put(r->to, srv_event_copy(e));
}

static void put_token(running *r, srv_event_kind kind, const char *text, size_t n, int64_t done) {
    int tops[3] = {character(text, n), 'x', 'y'};
    float logs[3] = {-0.5f, -1.5f, -2.5f};
    put(r, &(srv_event){.kind = kind,
                        .choice = r->choice,
                        .token = tops[0],
                        .log_p = -0.5,
                        .top_num = r->tops < 3 ? r->tops : 3,
                        .top_tokens = tops,
                        .top_log_p = logs,
                        .text = text,
                        .text_num = n,
                        .prompt = r->prompt,
                        .cached = r->prompt / 2,
                        .generated = done});
}

/* Which stop text ends in the first n bytes; -1: none does. */
static int stopped(const running *r, size_t n, size_t *shown) {
    for (size_t i = 0; i < r->stop_num; i++) {
        size_t k = strlen(r->stops[i]);
        if (k <= n && memcmp(r->answer + n - k, r->stops[i], k) == 0) {
            *shown = n - k;
            return (int)i;
        }
    }
    return -1;
}

static bool is_cancelled(running *r) {
    srv_engine *e = r->model->engine;
    pthread_mutex_lock(&e->lock);
    bool is = r->cancelled;
    pthread_mutex_unlock(&e->lock);
    return is;
}

/* What can be shown without what may become a stop text: here the longest of them is held back. */
static srv_finish talk(running *r, int *stop, int64_t *done) {
    size_t n = r->answer_num, at = 0, shown = 0, hold = 0;
    bool slow = strstr(r->model->about.id, "slow"), fails = strstr(r->model->about.id, "fails");
    for (size_t i = 0; i < r->stop_num; i++)
        hold = strlen(r->stops[i]) > hold ? strlen(r->stops[i]) : hold;
    while (at < n) {
        if (is_cancelled(r))
            return SRV_CANCELLED;
        if (r->most && *done == r->most)
            return SRV_LENGTH;
        if (slow)
            pause_for(0.02);
        if (fails && *done == 3)
            return SRV_FAILED;
        at += length_of((unsigned char)r->answer[at]);
        ++*done;
        size_t end = at;
        if ((*stop = stopped(r, at, &end)) >= 0) {
            for (; shown < end; shown += length_of((unsigned char)r->answer[shown]))
                put_token(r, SRV_TOKEN, r->answer + shown,
                          length_of((unsigned char)r->answer[shown]), *done);
            return SRV_STOPPED;
        }
        for (; shown + hold < at || (at == n && shown < n);
             shown += length_of((unsigned char)r->answer[shown]))
            put_token(r, SRV_TOKEN, r->answer + shown, length_of((unsigned char)r->answer[shown]),
                      *done);
    }
    return SRV_ENDED;
}

static void echo(running *r) {
    char text[5];
    for (size_t i = 0; r->echo && i < r->token_num; i++)
        put_token(r, SRV_PROMPT_TOKEN, text, write_character(text, r->tokens[i]), 0);
}

static void wait_for_place(running *r) {
    srv_engine *e = r->model->engine;
    pthread_mutex_lock(&e->lock);
    while (e->computing >= e->o.parallel && !r->cancelled)
        pthread_cond_wait(&e->fewer, &e->lock);
    e->computing++;
    pthread_mutex_unlock(&e->lock);
}

static void *compute(void *data) {
    running *r = data;
    srv_engine *e = r->model->engine;
    int stop = -1;
    int64_t done = 0;
    wait_for_place(r);
    echo(r);
    srv_finish finish = talk(r, &stop, &done);
    static const char why[] = "the fake model has failed";
    pthread_mutex_lock(&e->lock);
    r->waits = true; // for reap
    e->live--;
    e->computing--;
    pthread_cond_broadcast(&e->fewer);
    pthread_mutex_unlock(&e->lock);
    put(r, &(srv_event){.kind = SRV_END,
                        .choice = r->choice,
                        .token = -1,
                        .finish = finish,
                        .stop = stop,
                        .text = finish == SRV_FAILED ? why : "",
                        .text_num = finish == SRV_FAILED ? sizeof why - 1 : 0,
                        .prompt = r->prompt,
                        .cached = r->prompt / 2,
                        .generated = done});
    return NULL;
}

static void free_running(running *r) {
    srv_queue_release(r->to);
    for (size_t i = 0; i < r->stop_num; i++)
        free(r->stops[i]);
    free(r->answer);
    free(r->tokens);
    free(r);
}

/* Those whose threads have ended, or are about to. */
static void reap(srv_engine *e, bool all) {
    pthread_mutex_lock(&e->lock);
    for (running **at = &e->first; *at;) {
        running *r = *at;
        if (!r->waits && !all) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        pthread_mutex_unlock(&e->lock);
        pthread_join(r->thread, NULL);
        free_running(r);
        pthread_mutex_lock(&e->lock);
        at = &e->first;
    }
    pthread_mutex_unlock(&e->lock);
}

bool srv_model_can_hold(srv_model *m, const srv_ask *a, srv_fault *f) {
    (void)m;
    if (!a->structure_text || !strstr(a->structure_text, "impossible"))
        return true;
    f->code = "invalid_structure";
    return srv_fail(f, 400, "[structure] 'impossible' cannot be enforced");
}

static bool check(srv_model *m, const srv_ask *a, srv_fault *f) {
    srv_engine *e = m->engine;
    if (!srv_model_can_hold(m, a, f))
        return false;
    pthread_mutex_lock(&e->lock);
    bool full = e->live >= e->o.queue + e->o.parallel;
    pthread_mutex_unlock(&e->lock);
    if (!full)
        return true;
    f->retry = 3;
    return srv_fail(f, 429, "too many requests wait");
}

int64_t srv_model_submit(srv_model *m, const srv_ask *a, srv_fault *f) {
    srv_engine *e = m->engine;
    running *r = calloc(1, sizeof *r);
    if (!r || !check(m, a, f) || !(r->answer = answer_text(m, a, &r->answer_num, f)))
        return free(r), 0;
    r->model = m;
    r->to = srv_queue_hold(a->to);
    r->choice = a->choice;
    r->tops = a->log_probabilities > 0 ? a->log_probabilities : 0;
    r->most = a->most ? a->most : m->about.context - (int64_t)a->token_num;
    r->prompt = (int64_t)a->token_num;
    r->echo = a->echo;
    r->tokens = malloc((a->token_num + 1) * sizeof *r->tokens);
    memcpy(r->tokens, a->tokens, a->token_num * sizeof *r->tokens);
    r->token_num = a->token_num;
    for (r->stop_num = 0; r->stop_num < a->stop_num; r->stop_num++)
        r->stops[r->stop_num] = strdup(a->stop[r->stop_num]);
    pthread_mutex_lock(&e->lock);
    int64_t id = r->id = ++e->ids;
    e->live++;
    r->next = e->first;
    e->first = r;
    pthread_create(&r->thread, NULL, compute, r);
    pthread_mutex_unlock(&e->lock);
    return id;
}

void srv_model_cancel(srv_model *m, int64_t id) {
    srv_engine *e = m->engine;
    pthread_mutex_lock(&e->lock);
    for (running *r = e->first; r; r = r->next)
        if (r->id == id)
            r->cancelled = true;
    pthread_cond_broadcast(&e->fewer);
    pthread_mutex_unlock(&e->lock);
}
