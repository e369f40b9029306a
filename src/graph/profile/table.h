/* What a stopped profile shows: its events, and their table by operation. */
#ifndef MX_GRAPH_PROFILE_TABLE_H
#define MX_GRAPH_PROFILE_TABLE_H

#include "graph/profile/profile.h"

bool mx_table_make(mx_profile *p);
void mx_table_free(mx_profile *p);

#endif
