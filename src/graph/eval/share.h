/* What a stream gets of the machine: how many threads may compute for it at a time. */
#ifndef MX_GRAPH_SHARE_H
#define MX_GRAPH_SHARE_H

#include "graph/eval/stream.h"

enum { MX_SHARE_MOST = 1024 };

int mx_stream_threads(mx_stream s);                /* 0 unless set: all */
bool mx_stream_set_threads(mx_stream s, int most); /* false and an error: out of range */

#endif
