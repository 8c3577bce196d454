/* Parameters of mechanisms: native structures with pointers on the application's side, one flat run of bytes
 * on the wire, plain fields on the node's side.
 *
 * Which parameter a mechanism takes is one row in mechanism_param_rows.c. The flat form is the fields of the
 * struct below in their order: numbers of mechanisms as u64, other numbers as u32, flags as u8, bytes as u32
 * length and bytes. No bytes at all stand for "no parameter", where the mechanism allows that. Object handles
 * inside native structures (HKDF salt key, CKM_CONCATENATE_BASE_AND_KEY) do not travel here but beside it.
 * Whether values suit key and policy is the business of the crypto room. A PBKDF2
 * password stands in the flat form: who holds that wipes it. Functions keep no state: any thread.
 */
#ifndef CHSM_CK_MECHANISM_PARAM_H
#define CHSM_CK_MECHANISM_PARAM_H

#include "base/buf.h"
#include "base/err.h"
#include "ck/cryptoki.h"

/* Longest flat parameter, bytes; longer ones are refused on both sides. */
#define CK_MECH_PARAM_MAX 65536u
/* Pieces of an SP 800-108 input. */
#define CK_KDF_PIECES_MAX 32u

enum ck_param_kind {
        CK_PARAM_NONE,
        CK_PARAM_IV,     /* bytes: the IV; flat form is the bytes alone */
        CK_PARAM_NUMBER, /* number: length of a MAC, or first bit to extract */
        CK_PARAM_CTR,
        CK_PARAM_GCM,
        CK_PARAM_CCM,
        CK_PARAM_CHACHA,      /* CKM_CHACHA20 */
        CK_PARAM_CHACHA_POLY, /* CKM_CHACHA20_POLY1305 */
        CK_PARAM_PSS,
        CK_PARAM_OAEP,
        CK_PARAM_RSA_AES_WRAP,
        CK_PARAM_ECDH,
        CK_PARAM_EDDSA,
        CK_PARAM_CONTEXT,      /* ML-DSA, SLH-DSA */
        CK_PARAM_CONTEXT_HASH, /* the same with a digest of the caller's choice */
        CK_PARAM_STRING,       /* bytes: data to append, prepend, xor or encrypt */
        CK_PARAM_CBC_DATA_AES, /* IV of 16 bytes and data */
        CK_PARAM_CBC_DATA_DES, /* IV of 8 bytes and data */
        CK_PARAM_KEY,          /* handle of a second key, beside the flat form, which is empty */
        CK_PARAM_HKDF,
        CK_PARAM_PBKDF2,
        CK_PARAM_KDF108, /* counter and double pipeline */
        CK_PARAM_KDF108_FEEDBACK,
        CK_PARAM_TLS_MASTER,   /* randoms, and whether the version is to be told */
        CK_PARAM_TLS_EXTENDED, /* hash of the handshake, and the same */
        CK_PARAM_TLS_KEYS,     /* sizes of a key block, and randoms */
        CK_PARAM_TLS_KDF,      /* label, randoms, perhaps context */
        CK_PARAM_TLS_MAC,      /* of a Finished message */
        CK_PARAM_VERSION,      /* of TLS, two bytes */
};

struct ck_mech_oaep {
        uint64_t hash;   /* CKM_ of a digest */
        uint32_t mgf;    /* CKG_MGF1_ */
        uint32_t source; /* CKZ_DATA_SPECIFIED, or 0 with an empty label */
        struct slice label;
};

/* One piece of an SP 800-108 input. */
struct ck_kdf_piece {
        uint32_t type;  /* CK_SP800_108_ */
        bool formatted; /* counter and length pieces: the next three fields hold */
        bool little_endian;
        uint32_t width;     /* bits */
        uint32_t method;    /* CK_SP800_108_DKM_LENGTH_SUM_OF_, for length pieces */
        struct slice bytes; /* CK_SP800_108_BYTE_ARRAY */
};

/* A decoded parameter. Slices point into the flat form it was read from. */
struct ck_mech_param {
        enum ck_param_kind kind;
        bool present; /* false: the caller gave none, all fields are zero */
        union {
                struct slice bytes; /* CK_PARAM_IV, CK_PARAM_STRING */
                uint32_t number;    /* CK_PARAM_NUMBER */
                struct {
                        uint32_t bits; /* width of the counter */
                        uint8_t block[16];
                } ctr;
                struct {
                        struct slice iv;
                        uint32_t iv_bits; /* as the caller gave it; often 0 */
                        struct slice aad;
                        uint32_t tag_bits;
                } gcm;
                struct {
                        uint32_t data_len;
                        struct slice nonce;
                        struct slice aad;
                        uint32_t mac_len; /* bytes */
                } ccm;
                struct {
                        struct slice counter; /* 4 or 8 bytes, little-endian as the cipher wants it */
                        struct slice nonce;
                } chacha;
                struct {
                        struct slice nonce;
                        struct slice aad;
                } chacha_poly;
                struct {
                        uint64_t hash;
                        uint32_t mgf;
                        uint32_t salt_len; /* bytes */
                } pss;
                struct ck_mech_oaep oaep;
                struct {
                        uint32_t aes_bits;
                        struct ck_mech_oaep oaep;
                } rsa_aes;
                struct {
                        uint32_t kdf; /* CKD_ */
                        struct slice shared;
                        struct slice public_data; /* point, raw or in an OCTET STRING */
                } ecdh;
                struct {
                        bool prehash;
                        struct slice context;
                } eddsa;
                struct {
                        uint32_t hedge; /* CKH_ */
                        struct slice context;
                        uint64_t hash; /* CK_PARAM_CONTEXT_HASH only */
                } context;
                struct {
                        struct slice iv;
                        struct slice data;
                } cbc_data;
                struct {
                        bool extract;
                        bool expand;
                        uint64_t hash;
                        uint32_t salt_type; /* CKF_HKDF_SALT_ */
                        struct slice salt;
                        struct slice info;
                } hkdf;
                struct {
                        uint32_t prf; /* CKP_PKCS5_PBKD2_ */
                        uint32_t iterations;
                        struct slice salt;
                        struct slice password;
                } pbkdf2;
                struct {
                        uint64_t prf;        /* CKM_ of an HMAC or CMAC */
                        struct slice iv;     /* feedback only */
                        uint32_t n;          /* pieces */
                        struct slice pieces; /* read with ck_kdf_piece_next */
                } kdf108;
                struct {
                        uint64_t hash;        /* CKM_ of the digest in the pseudorandom function */
                        struct slice client;  /* random */
                        struct slice server;  /* random */
                        struct slice label;   /* CK_PARAM_TLS_KDF; the hash of CK_PARAM_TLS_EXTENDED */
                        struct slice context; /* CK_PARAM_TLS_KDF */
                        bool with;            /* the context counts; the version is to be told */
                        uint32_t mac_bits, key_bits, iv_bits; /* CK_PARAM_TLS_KEYS */
                } tls;
                struct {
                        uint64_t hash;
                        uint32_t length; /* bytes */
                        uint32_t who;    /* 1 server, 2 client */
                } tls_mac;
                uint8_t version[2]; /* major, minor */
        } u;
};

/* What a mechanism takes: the row's kind; false when the mechanism has no row. *optional (may be NULL): it
 * also works without one. */
bool ck_mech_param_kind(uint64_t mechanism, enum ck_param_kind *, bool *optional);

/* Appends the flat form of a native mechanism's parameter to out. *second receives the object handle inside
 * the native structure, or CK_INVALID_HANDLE. Without a row: ERR_MECHANISM; anything malformed:
 * ERR_MECHANISM_PARAM; then out is as before. */
bool ck_mech_param_encode(const CK_MECHANISM *, struct buf *out, CK_OBJECT_HANDLE *second, struct err *);

/* Most further keys of one derivation. */
#define CK_DERIVED_MORE_MAX 7
/* Further keys that a native SP 800-108 parameter asks for, copied into more[CK_DERIVED_MORE_MAX]; *n is 0
 * for other mechanisms. False: too many of them, or a pointer is missing. */
bool ck_mech_param_more(const CK_MECHANISM *, CK_DERIVED_KEY *more, size_t *n);

/* Reads a flat parameter; errors as above. */
bool ck_mech_param_decode(uint64_t mechanism, struct slice flat, struct ck_mech_param *out, struct err *);

/* The next piece of an SP 800-108 input; false at the end. Start with reader_of(u.kdf108.pieces), which
 * ck_mech_param_decode has checked. */
bool ck_kdf_piece_next(struct reader *, struct ck_kdf_piece *);

#endif
