/* Loaded before a program (LD_PRELOAD), shows it another time of day: as many seconds off as the file
 * $CLOCK_SHIFT_FILE says, from the moment it says so. The time that only passes is left alone, as it is when
 * somebody sets a machine's clock. Time namespaces do not cover the time of day. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int clock_gettime(clockid_t, struct timespec *);
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict, void *restrict);
__attribute__((visibility("default"))) time_t time(time_t *);

static long shift(void)
{
        const char *path = getenv("CLOCK_SHIFT_FILE");
        char text[24] = "0";
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

        if (fd >= 0)
                (void)close(fd);
        if (n >= 0)
                text[n] = 0;
        return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
        int rc = (int)syscall(SYS_clock_gettime, clock, t);

        if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                t->tv_sec += shift();
        return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
        struct timespec now;

        (void)zone;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        t->tv_sec = now.tv_sec;
        t->tv_usec = now.tv_nsec / 1000;
        return 0;
}

time_t time(time_t *out)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        if (out)
                *out = now.tv_sec;
        return now.tv_sec;
}
