/* How often each token key was used, and when last.
 *
 * A tally is shared by all snapshots of one object, so that a use costs an addition: no lock, no allocation,
 * no change of the object. What was used since goes into the store in batches, y/<u32 handle>, so that a node
 * that is killed loses the uses of the last VAULT_USES_WINDOW_MS at most. docs/key-life.md */
#ifndef CHSM_VAULT_USES_H
#define CHSM_VAULT_USES_H

#include "vault/object.h"

struct vault_uses {
        uint64_t count;
        int64_t last_ms; /* 0: never, as far as is known */
};

/* objects.c: gives a token object that enters the table the tally of the one it replaces, or a fresh one. */
bool vault_uses_attach(struct vault_object *fresh, const struct vault_object *gone);
void vault_tally_unref(struct vault_tally **); /* NULL-safe */
/* The call uses this key: it is counted when the call has succeeded. Session objects are not. */
void vault_uses_note(struct vault_call *, struct vault_object *);
/* dispatch.c: the call has ended; counts what was noted. */
void vault_uses_settle(struct vault_call *, bool succeeded);
struct vault_uses vault_uses_of(const struct vault_object *);
/* Deletes the record of a key that is deleted, in the call's transaction. */
bool vault_uses_forget(struct vault_call *, const struct vault_object *);
/* vault_close: drops what waits to be stored. */
void vault_uses_close(struct vault *);

#endif
