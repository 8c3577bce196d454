/* Records of the store by name, for people, as vault_record_title has it: 'u/cu1', 'o/\00\04\00\08' (key
 * 262152). */
#ifndef CHSM_VAULT_RECORD_NAMES_H
#define CHSM_VAULT_RECORD_NAMES_H

#include "vault/vault.h"

#define RECORD_NAMES_SHOWN 3 /* of many */
#define RECORD_NAMES_SIZE  320

struct record_names {
        char text[RECORD_NAMES_SIZE];
        size_t n;
};

/* The first few of some, and at the end how many more there were. */
void record_names_add(struct record_names *, struct slice key);
void record_names_end(struct record_names *);

#endif
