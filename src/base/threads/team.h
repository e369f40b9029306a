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
 * A job's pieces are dealt out in shares, which follow each other; who is done with its own helps
 * others. The leader has the first one.
 * Outside of a team, and within a body, mx_team_for is a loop.
 *
 * Inside lead and bodies the pool's own jobs run serially.
 */
#ifndef MX_BASE_TEAM_H
#define MX_BASE_TEAM_H

#include "base/threads/pool.h"

typedef void mx_team_lead(void *ctx);

void mx_team_run(mx_team_lead *lead, void *ctx);
void mx_team_for(int64_t n, mx_range_body *body, void *ctx);
int mx_team_size(void); /* threads that may take part in mx_team_for here; 1 outside of a team */

/* Shares of a job here, 1 outside of a team; the first piece of one of them where a job has n. */
int mx_team_shares(void);
int64_t mx_team_first(int64_t n, int number);
/* What the job behind the next one reads first, by shares: whoever waits until then asks for it, so
   that memory is not idle while the leader is alone. It need not exist. */
void mx_team_ask(const char *const *from, int shares, size_t bytes);

#endif
