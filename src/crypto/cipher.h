/* Running encryptions and decryptions, in one piece or many. What cannot be answered yet (a part of a unit,
 * what may be padding or a tag) is held back here, so that a family sees whole units only. */
#ifndef CHSM_CRYPTO_CIPHER_H
#define CHSM_CRYPTO_CIPHER_H

#include "ck/mechanism_size.h"
#include "crypto/mechanism_internal.h"

/* Key bytes and name of the cipher as libcrypto wants them. */
struct slice crypto_cipher_key(const struct crypto_key *, uint8_t expanded[24]);
void crypto_cipher_name(const struct crypto_key *, const char *mode, char name[32]);

/* CBC-MAC (FIPS 113, and inside of CCM): bytes in, one block out. */
struct crypto_cbc_mac {
        EVP_CIPHER_CTX *context; /* CBC encryption, no padding, IV zero */
        size_t block, used;      /* used: bytes of an unfinished block */
        uint8_t last[16];
};
bool crypto_cbc_mac_add(struct crypto_cbc_mac *, struct slice);
/* Fills the last block up with zeros. */
bool crypto_cbc_mac_end(struct crypto_cbc_mac *);

/* A MAC in the making: HMAC, CMAC, GMAC or CBC-MAC by the mechanism's row. */
struct crypto_mac {
        EVP_MAC_CTX *evp;
        struct crypto_cbc_mac cbc; /* when evp is NULL */
        size_t block;
        bool any; /* data came */
};
bool crypto_mac_begin(struct crypto_mac *, struct crypto *, const struct crypto_mechanism *,
                      const struct crypto_key *, const struct ck_mech_param *);
bool crypto_mac_add(struct crypto_mac *, struct slice in);
bool crypto_mac_end(struct crypto_mac *, uint8_t full[CRYPTO_BLOCK_MAX], size_t *n);
void crypto_mac_clear(struct crypto_mac *); /* also after a begin that failed */

struct crypto_cipher {
        struct crypto *crypto;
        const struct crypto_mechanism *mechanism;
        const struct ck_mech_size *size;
        const struct ck_mech_param *param; /* lent */
        struct crypto_key *key;            /* lent */
        bool encrypts;
        bool started;  /* the family's start ran */
        bool shown;    /* the prefix came out */
        uint64_t room; /* bytes that may still come in; families set it in start */
        uint8_t held[64];
        size_t held_n;
        uint8_t iv[16]; /* made here, or found before the encrypted data */
        size_t iv_n;
        struct crypto_cached *main, *other; /* contexts, from the key's cache */
        uint8_t
            chain[16]; /* CTS: the last cipher block; XTS: the tweak; CCM: the first block of key stream */
        struct crypto_cbc_mac mac; /* CCM; its context is that of other */
};

#define CRYPTO_AEAD_REFUSED "the data was altered, or key, IV or additional data are others"

/* What a mode does. A family of crypto_family points to one. */
struct crypto_mode {
        bool (*start)(struct crypto_cipher *, struct err *);
        /* Whole units; as many bytes come out. */
        bool (*take)(struct crypto_cipher *, struct slice in, uint8_t *out);
        /* The rest: what was held back. *n: bytes written. Sets err when the data is at fault. */
        bool (*end)(struct crypto_cipher *, struct slice rest, uint8_t *out, size_t *n, struct err *);
};

/* key, param and what param points to must outlive the cipher. After false: crypto_cipher_clear as well. */
bool crypto_cipher_begin(struct crypto_cipher *, const struct crypto_run *, struct err *);
/* out has room for all that was held, in and the prefix. */
bool crypto_cipher_update(struct crypto_cipher *, struct slice in, uint8_t *out, size_t *n, struct err *);
bool crypto_cipher_end(struct crypto_cipher *, uint8_t *out, size_t *n, struct err *);
void crypto_cipher_clear(struct crypto_cipher *);

/* ERR_DATA_LEN or ERR_ENCRYPTED_DATA_LEN: the data has a length that the mode cannot take. Always false. */
bool crypto_cipher_bad_length(const struct crypto_cipher *, struct err *);
/* A context for the cipher's key from the cache, or new. No mode: ECB with half number which of an XTS key.
 * which tells the contexts of one row apart: 0, 1 ... */
struct crypto_cached *crypto_cipher_take_context(struct crypto_cipher *, const char *mode, bool encrypt,
                                                 unsigned which);

/* A family's functions: one piece through a running cipher. */
size_t crypto_cipher_output_max(const struct crypto_run *);
bool crypto_cipher_encrypt(struct crypto_run *, struct err *);
bool crypto_cipher_decrypt(struct crypto_run *, struct err *);

#endif
