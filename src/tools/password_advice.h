/* Advice on a password that the rules allow. It is said where the password is typed and travels nowhere: the
 * node's rules are the documented ones, a length and four characters. */
#ifndef CHSM_TOOLS_PASSWORD_ADVICE_H
#define CHSM_TOOLS_PASSWORD_ADVICE_H

#include "base/buf.h"

#define PASSWORD_ADVICE_MAX 160

/* A sentence without the password; false: nothing to remark. */
bool password_advice(struct slice password, const char *user, char out[PASSWORD_ADVICE_MAX]);

/* password_advice_rows.c: words that guessing begins with, lower case. NULL past the end. */
const char *password_common(size_t i);

#endif
