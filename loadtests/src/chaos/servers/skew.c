/* Loaded before the C library by a process whose wall clock is to be off: adds SKEW_S seconds to what it reads.
 *
 * Only the wall clock: what measures how long something takes goes right on a machine whose date is wrong. The kernel is asked
 * itself, since the function that is shadowed here may not be found yet when it is first called (allocators read clocks while
 * a process is loaded; libfaketime hangs in Redis for that). */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t off_by(void) {
    static int known;
    static time_t seconds;
    if (!known) {
        const char *text = getenv("SKEW_S");
        seconds = text ? strtol(text, NULL, 10) : 0;
        known = 1;
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = (int)syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += off_by();
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    int failed = (int)syscall(SYS_gettimeofday, at, zone);
    if (!failed) at->tv_sec += off_by();
    return failed;
}

time_t time(time_t *at) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return (time_t)-1;
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
