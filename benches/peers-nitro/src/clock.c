/* The time that a peer sees: CLOCK_MS, Unix milliseconds, standing still. Loaded before libc into
   the process that runs the peers, because several of them offer no other way to name a moment. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long moment(void) {
    const char *text = getenv("CLOCK_MS");
    return text ? atoll(text) : 0;
}

int clock_gettime(clockid_t which, struct timespec *out) {
    if (which != CLOCK_REALTIME) return (int)syscall(SYS_clock_gettime, which, out);
    out->tv_sec = moment() / 1000;
    out->tv_nsec = moment() % 1000 * 1000000;
    return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    (void)zone;
    out->tv_sec = moment() / 1000;
    out->tv_usec = moment() % 1000 * 1000;
    return 0;
}

time_t time(time_t *out) {
    time_t now = moment() / 1000;
    if (out) *out = now;
    return now;
}
