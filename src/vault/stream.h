/* Multi-part operations whose data exceeds one message. */
#ifndef CHSM_VAULT_STREAM_H
#define CHSM_VAULT_STREAM_H

#include "vault/key_use.h"

bool vault_streams_open(struct vault *, struct err *);
void vault_streams_close(struct vault *); /* when nothing was opened: nothing */

#endif
