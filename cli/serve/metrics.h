/* What the server counts, as Prometheus reads it. */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "serve/text.h"

enum { SRV_BUCKETS = 14 };

typedef struct srv_histogram {
    _Atomic uint64_t bucket[SRV_BUCKETS], count, microseconds;
} srv_histogram;

typedef struct srv_metrics {
    _Atomic uint64_t by_status[6]; /* 0: cut off; 1xx ... 5xx */
    _Atomic uint64_t prompt, cached, generated, refused, gone;
    _Atomic int64_t connections;
    srv_histogram first, whole; /* seconds to the first token; of a request */
} srv_metrics;

void srv_histogram_add(srv_histogram *h, double seconds);
void srv_histogram_write(const srv_histogram *h, const char *name, const char *help, srv_text *out);

#endif
