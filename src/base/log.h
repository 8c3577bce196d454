/* Log lines for people and machines: stderr, syslog/journald or a file; text or JSON Lines.
 *
 * Never give a secret to it. One line a call; repeated lines from one call site are limited to 20 a second,
 * with a count of what was left out. Thread-safe. */
#ifndef CHSM_BASE_LOG_H
#define CHSM_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* program: shown on each line. target: "stderr", "syslog", "none" or a path. */
bool log_open(const char *program, const char *target, enum log_level, struct err *);
void log_close(void);
bool log_enabled(enum log_level);

void log_line(enum log_level, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __FILE__, __LINE__, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __FILE__, __LINE__, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __FILE__, __LINE__, __VA_ARGS__)
#define log_debug(...)                                                                                       \
        do {                                                                                                 \
                if (log_enabled(LOG_LEVEL_DEBUG))                                                            \
                        log_line(LOG_LEVEL_DEBUG, __FILE__, __LINE__, __VA_ARGS__);                          \
        } while (0)

#endif
