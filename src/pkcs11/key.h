/* What the functions that make and move keys share: a session, memory, and the mechanism in its flat form. */
#ifndef CHSM_PKCS11_KEY_H
#define CHSM_PKCS11_KEY_H

#include "ck/mechanism_param.h"
#include "pkcs11/module.h"

struct key_work {
        struct session *session;
        struct arena *arena;
        struct chsm_answer answer;
        Chsm__Mechanism mechanism;
        CK_OBJECT_HANDLE second; /* of a second key inside the native parameter */
};

/* key_work_end in any case, also after a failure. */
CK_RV key_work_begin(struct key_work *, CK_SESSION_HANDLE, const CK_MECHANISM *);
void key_work_end(struct key_work *);

#endif
