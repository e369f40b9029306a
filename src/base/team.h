/* Threads that stand by while one of them leads: for work that is a long chain of short jobs.
 *
 *     mx_team_run    lead(ctx) runs on the calling thread; meanwhile the pool's idle threads
 *                    wait, awake, for what it gives them
 *     mx_team_for    body(ctx, i, i + 1) for all i < n, on whoever of the team is free. Returns
 *                    when all is done
 *
 * A job costs a fraction of a microsecond, where one of the pool (pool.h) costs some of them.
 * Nobody waits for a thread that has not begun: where the pool has none to spare the leader does
 * the work.
 * Outside of a team, and within a body, mx_team_for is a loop.
 *
 * Inside lead and bodies the pool's own jobs run serially.
 */
#ifndef MX_BASE_TEAM_H
#define MX_BASE_TEAM_H

#include "base/pool.h"

typedef void mx_team_lead(void *ctx);

void mx_team_run(mx_team_lead *lead, void *ctx);
void mx_team_for(int64_t n, mx_range_body *body, void *ctx);
int mx_team_size(void); /* threads that may take part in mx_team_for here; 1 outside of a team */

#endif
