/* Turns of threads that compute for long (cli/serve/turns.h): so many at a time, each for a while,
 * what is new soon, and what is to stop at once. */
#include <stdatomic.h>
#include <time.h>

#include "check.h"
#include "output/output.h"
#include "serve/turns.h"

enum { LONG = 6 };

static srv_turns turns;
static atomic_int running, most, passes, ended;
static atomic_bool over;

static bool is_over(void *data) {
    (void)data;
    return over;
}

static bool never(void *data) {
    (void)data;
    return false;
}

static void enter(void) {
    int now = ++running;
    for (int was = most; was < now && !atomic_compare_exchange_weak(&most, &was, now);) {
    }
}

static void pause_for(long nanoseconds) {
    nanosleep(&(struct timespec){0, nanoseconds}, NULL);
}

/* Until it is over, passing its turn on as it goes. */
static void *compute(void *data) {
    srv_turn mine;
    bool has = srv_turns_take(&turns, &mine, is_over, NULL);
    (void)data;
    while (has && !over) {
        enter();
        pause_for(1000000);
        running--;
        has = srv_turns_pass(&turns, &mine, is_over, NULL);
        passes++;
    }
    srv_turns_give(&turns, &mine);
    ended++;
    return NULL;
}

/* One that takes little has its turns beside many that never end. */
static void short_beside_long(void) {
    pthread_t t[LONG];
    srv_turns_begin(&turns);
    int all = turns.free;
    CHECK(all >= 1);
    turns.free = 2;
    for (int i = 0; i < LONG; i++)
        CHECK(pthread_create(&t[i], NULL, compute, NULL) == 0);
    for (int i = 0; i < 20 || most < 2 || passes < LONG; i++) { // all have begun
        srv_turn mine;
        CHECK(srv_turns_take(&turns, &mine, never, NULL));
        enter();
        running--;
        CHECK(srv_turns_pass(&turns, &mine, never, NULL)); // it has taken no time
        srv_turns_give(&turns, &mine);
    }
    CHECK_EQ_INT(ended, 0);
    CHECK_EQ_INT(most, 2);
    over = true;
    for (int i = 0; i < LONG; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ_INT(ended, LONG);
    CHECK_EQ_INT(turns.free, 2); // all were given back
    CHECK(!turns.of_new.first && !turns.returned.first);
    srv_turns_end(&turns);
}

/* One that has a turn keeps it while nobody waits, and gives it back whole. */
static void alone(void) {
    srv_turn one, other, third;
    over = false;
    srv_turns_begin(&turns);
    turns.free = 1;
    CHECK(srv_turns_take(&turns, &one, never, NULL));
    one.since -= 1;
    CHECK(srv_turns_pass(&turns, &one, never, NULL)); // nobody waits
    over = true;
    CHECK(!srv_turns_take(&turns, &other, is_over, NULL)); // it is to stop
    CHECK(!other.has && !turns.of_new.first && turns.of_new.end == &turns.of_new.first);
    srv_turns_give(&turns, &other);
    srv_turns_give(&turns, &one);
    CHECK(srv_turns_take(&turns, &third, is_over, NULL)); // a free one is had at once
    srv_turns_give(&turns, &third);
    CHECK_EQ_INT(turns.free, 1);
    srv_turns_end(&turns);
}

static char had[8];
static atomic_int had_num;

/* One letter for each turn, which is given back at once. */
static void *have_one(void *letter) {
    srv_turn mine;
    CHECK(srv_turns_take(&turns, &mine, never, NULL));
    had[had_num++] = *(const char *)letter;
    srv_turns_give(&turns, &mine);
    return NULL;
}

static int new_ones(void) {
    int n = 0;
    pthread_mutex_lock(&turns.lock);
    for (const srv_turn *s = turns.of_new.first; s; s = s->next)
        n++;
    pthread_mutex_unlock(&turns.lock);
    return n;
}

/* Until it waits behind `before` others. */
static void begin_one(pthread_t *t, char *letter, int before) {
    CHECK(pthread_create(t, NULL, have_one, letter) == 0);
    while (new_ones() == before)
        pause_for(1000000);
}

/* Those that return and those that are new have turns by turns, each in the order of its line. */
static void order(void) {
    srv_turn mine;
    pthread_t a, b;
    srv_turns_begin(&turns);
    turns.free = 1;
    CHECK(srv_turns_take(&turns, &mine, never, NULL));
    begin_one(&a, &(char){'a'}, 0);
    begin_one(&b, &(char){'b'}, 1);
    mine.since -= 1; // as if it had taken long
    CHECK(srv_turns_pass(&turns, &mine, never, NULL));
    had[had_num++] = '-';
    srv_turns_give(&turns, &mine);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    CHECK_STR(had, "a-b");
    srv_turns_end(&turns);
}

int main(void) {
    RUN(short_beside_long);
    RUN(alone);
    RUN(order);
    return check_done();
}
