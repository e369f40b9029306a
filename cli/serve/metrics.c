/* Counts, in the text format of Prometheus (https://prometheus.io/docs/instrumenting/
 * exposition_formats/). */
#include "serve/metrics.h"

#include <stdio.h>
#include <unistd.h>

#include "serve/serve.h"

static const double bounds[SRV_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                           1,     2.5,  5,     10,   30,  60,   300};

void srv_histogram_add(srv_histogram *h, double seconds) {
    for (int i = 0; i < SRV_BUCKETS; i++)
        if (seconds <= bounds[i]) {
            h->bucket[i]++;
            break;
        }
    h->count++;
    h->microseconds += (uint64_t)(seconds > 0 ? seconds * 1e6 : 0);
}

static void head(srv_text *out, const char *name, const char *kind, const char *help) {
    srv_text_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

void srv_histogram_write(const srv_histogram *h, const char *name, const char *help,
                         srv_text *out) {
    uint64_t sum = 0;
    head(out, name, "histogram", help);
    for (int i = 0; i < SRV_BUCKETS; i++) {
        sum += h->bucket[i];
        srv_text_print(out, "%s_bucket{le=\"%g\"} %llu\n", name, bounds[i],
                       (unsigned long long)sum);
    }
    srv_text_print(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name,
                   (unsigned long long)h->count, name, (double)h->microseconds * 1e-6, name,
                   (unsigned long long)h->count);
}

static void write_one(srv_text *out, const char *name, const char *kind, const char *help,
                      double value) {
    head(out, name, kind, help);
    srv_text_print(out, "%s %.17g\n", name, value);
}

/* Bytes of the process that are in memory (proc(5), statm). */
static double resident(void) {
    unsigned long pages = 0, all;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%lu %lu", &all, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void write_statuses(const srv_metrics *m, srv_text *out) {
    static const char *const names[] = {"cut", "1xx", "2xx", "3xx", "4xx", "5xx"};
    head(out, "mlx_requests_total", "counter", "Requests that were answered, by status.");
    for (int i = 0; i < 6; i++)
        if (i != 1 && i != 3)
            srv_text_print(out, "mlx_requests_total{status=\"%s\"} %llu\n", names[i],
                           (unsigned long long)m->by_status[i]);
}

static int64_t models_loaded(srv_engine *e) {
    int64_t n = 0;
    for (size_t i = 0; i < srv_engine_count(e); i++)
        n += srv_engine_at(e, i).loaded;
    return n;
}

static void write_counts(const srv_metrics *m, srv_text *out) {
    static const char counter[] = "counter";
    write_one(out, "mlx_prompt_tokens_total", counter, "Tokens of prompts.", (double)m->prompt);
    write_one(out, "mlx_cached_tokens_total", counter, "Tokens of prompts found in the cache.",
              (double)m->cached);
    write_one(out, "mlx_generated_tokens_total", counter, "Tokens of answers.",
              (double)m->generated);
    write_one(out, "mlx_refused_requests_total", counter, "Requests refused: too many waited.",
              (double)m->refused);
    write_one(out, "mlx_gone_clients_total", counter, "Clients that went before the end.",
              (double)m->gone);
}

bool srv_metrics_page(srv_call *c) {
    srv_metrics *m = &c->server->metrics;
    srv_state state = srv_engine_state(c->server->engine);
    static const char gauge[] = "gauge";
    write_statuses(m, &c->out);
    write_counts(m, &c->out);
    write_one(&c->out, "mlx_requests_running", gauge, "Answers being computed.",
              (double)state.running);
    write_one(&c->out, "mlx_requests_waiting", gauge, "Answers that wait.", (double)state.waiting);
    write_one(&c->out, "mlx_kv_bytes", gauge, "Keys and values in memory.", (double)state.kv_bytes);
    write_one(&c->out, "mlx_connections", gauge, "Connections.", (double)m->connections);
    write_one(&c->out, "mlx_models_loaded", gauge, "Models in memory.",
              (double)models_loaded(c->server->engine));
    write_one(&c->out, "process_resident_memory_bytes", gauge, "Memory of the process.",
              resident());
    srv_histogram_write(&m->first, "mlx_first_token_seconds", "Time to the first token.", &c->out);
    srv_histogram_write(&m->whole, "mlx_request_seconds", "Time of a request.", &c->out);
    c->status = 200;
    c->type = "text/plain; version=0.0.4; charset=utf-8";
    return !c->out.failed;
}

bool srv_health(srv_call *c) {
    bool draining = c->server->draining;
    srv_answer_json(c, json_pack("{s:s}", "status", draining ? "draining" : "ok"));
    c->status = draining ? 503 : 200;
    return true;
}
