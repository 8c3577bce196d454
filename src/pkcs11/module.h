/* Inside the PKCS#11 module: its one state, sessions, objects and operations.
 *
 * The module holds no keys and decides nothing about them. It turns native structures into requests, keeps
 * what a session is doing, and keeps the sealed blobs of session objects. spec/interfaces.md section 1. */
#ifndef CHSM_PKCS11_MODULE_H
#define CHSM_PKCS11_MODULE_H

#include "base/buf.h"
#include "base/map.h"
#include "base/sec.h"
#include "ck/cryptoki.h"
#include "client/application_conf.h"
#include "client/chsm.h"
#include "client/helper.h"
#include <pthread.h>
#include <stdatomic.h>

#define MODULE_SLOT 1 /* as the documented samples expect */

/* An object that exists in this application only. */
struct local_object {
        CK_OBJECT_HANDLE handle;
        CK_SESSION_HANDLE session; /* goes with it */
        CK_OBJECT_HANDLE token;    /* the token object it became by CKA_TOKEN=TRUE, or 0 */
        struct buf sealed;
        struct buf attributes; /* template encoding of ck/encoding.h: what may be shown */
};

/* A mechanism as the node offers it. */
struct mechanism {
        CK_MECHANISM_TYPE type;
        CK_MECHANISM_INFO info;
        CK_KEY_TYPE key_types[8]; /* of the keys it works with */
        size_t key_type_count;    /* 0: any, as far as is known here */
};

/* What is known of a key and never changes, and its usage as last seen. */
#define FACTS_ALLOWED 16
struct key_facts {
        CK_OBJECT_CLASS object_class;
        CK_KEY_TYPE key_type;
        size_t bytes;   /* RSA modulus, EC field, or 0 */
        uint32_t usage; /* bits 1u << enum op_kind */
        bool always_authenticate, trusted;
        size_t
            allowed_n; /* of CKA_ALLOWED_MECHANISMS; 0: any, or more than are kept, then the node says no */
        CK_MECHANISM_TYPE allowed[FACTS_ALLOWED];
};

enum op_kind {
        OP_NONE,
        OP_ENCRYPT,
        OP_DECRYPT,
        OP_SIGN,
        OP_SIGN_RECOVER,
        OP_VERIFY,
        OP_VERIFY_RECOVER,
        OP_DIGEST,
        OP_FIND,
        OP_MESSAGE_ENCRYPT,
        OP_MESSAGE_DECRYPT,
        OP_MESSAGE_SIGN,
        OP_MESSAGE_SIGN_ONE, /* the message under way */
        OP_MESSAGE_VERIFY,
        OP_MESSAGE_VERIFY_ONE,
        OP_VERIFY_SIGNATURE, /* the signature comes first */
        OP_KINDS,
};

/* What an application may do next with an operation: op_order of op.c says when. */
enum op_step {
        STEP_WHOLE, /* all data at once */
        STEP_PART,
        STEP_END,
};

/* One operation of a session. */
struct op {
        bool active;
        bool multi;               /* an update came, or its end */
        bool ready;               /* result waits for a large enough buffer */
        struct buf authorisation; /* of a context-specific login, for one request */
        CK_MECHANISM_TYPE mechanism;
        CK_OBJECT_HANDLE key;
        struct key_facts facts;
        struct buf parameter; /* flat */
        CK_BYTE_PTR iv_out;   /* the caller's IV, for the one the HSM makes */
        CK_ULONG iv_out_n;
        struct buf data; /* input gathered so far; of a result that waits: what it was made from */
        uint64_t stream; /* what was gathered before went to the node under this number; 0: nothing yet */
        uint64_t part;   /* parts sent */
        bool shown;      /* ciphers: something came out */
        size_t behind;   /* bytes that the node has and did not answer yet */
        uint8_t *sealed; /* authenticated data that waits for its tag: plain memory, of any size */
        size_t sealed_n, sealed_room;
        struct buf result;
        struct buf aside; /* what belongs to the data: of a message its AAD, the signature that came first */
        CK_BYTE base[16]; /* what a counter of IVs is mixed into */
        CK_BYTE counter[16];
        CK_ULONG counter_n;    /* bytes; 0: it has not begun */
        uint64_t messages;     /* IVs that were counted */
        struct search *search; /* find.c */
};

struct session {
        CK_SESSION_HANDLE handle;
        unsigned references;  /* under the module's lock */
        pthread_mutex_t lock; /* one call at a time works in a session */
        bool read_write;
        atomic_bool made_objects; /* that may have to go with it */
        struct op ops[OP_KINDS];
};

enum module_state {
        MODULE_OFF,
        MODULE_OPENING, /* C_Initialize is connecting */
        MODULE_ON,
        MODULE_CLOSING, /* C_Finalize waits for the calls that are inside */
};

struct module {
        struct application_conf conf; /* as it was at C_Initialize */
        pthread_mutex_t lock;         /* all below; never held while the HSM is asked */
        pthread_cond_t moved;         /* the state changed, or the last guest left */
        enum module_state state;
        size_t guests;        /* calls inside */
        struct chsm *chsm;    /* set while there may be guests */
        struct map *sessions; /* 8 bytes of the handle -> struct session */
        struct map *objects;  /* 8 bytes of the handle -> struct local_object */
        struct map *facts;    /* 8 bytes of a token key's handle -> struct key_facts */
        CK_ULONG next_handle;
        pthread_mutex_t login_lock;   /* one login, logout or change of password at a time; before `lock` */
        char user[64];                /* who is logged in; under login_lock */
        struct mechanism *mechanisms; /* as the node told them */
        CK_ULONG mechanism_count;
        int64_t mechanism_revision; /* of the partition, when they were asked for */
};
extern struct module module;

/* ---- module.c ---- */
/* Every C_ function that uses the module's state is a guest from module_enter (CKR_CRYPTOKI_NOT_INITIALIZED
 * before C_Initialize, in a forked child, and while C_Finalize waits) to module_leave. Sessions do both. */
CK_RV module_enter(void);
void module_leave(void);
/* With the lock held. */
bool module_enter_locked(void);
void module_leave_locked(void);
/* Whether module_enter would succeed: for functions that then use nothing. */
CK_RV module_check(void);
/* Sends and waits. What is refused goes to the log. CKR_DEVICE_REMOVED: no node can be reached. A use of a
 * key that others must approve is sent again when APPROVAL_COMMAND has brought their approvals. */
CK_RV module_call(Chsm__Request *, struct chsm_answer *);
/* C_Finalize waits for the calls that are inside. */
bool module_closing(void);
void module_log(const char *where, const struct err *);
/* The CKR_ of err, logged. */
CK_RV module_err(const struct err *);
/* What the module refuses by itself is logged too: the reason's CKR_. */
CK_RV module_refuse(enum err_id, const char *why);

/* ---- session.c ---- */
/* With a reference and its lock held, and the caller a guest; CKR_SESSION_HANDLE_INVALID otherwise. */
CK_RV session_get(CK_SESSION_HANDLE, struct session **);
void session_put(struct session *); /* NULL-safe */
void sessions_close_all(void);
size_t sessions_count(CK_ULONG *read_write);

/* ---- login.c ---- */
/* Logs out when no session is left: PKCS#11 3.1, 5.6. */
void login_end_with_sessions(void);

/* ---- approve.c ---- */
/* The request was refused for want of approvals: true when this login has a token with them now. */
bool approval_get(const Chsm__Request *);

/* ---- object.c ---- */
#define LOCAL_HANDLE (UINT64_C(1) << 40) /* handles of local objects are above */
/* Fills the reference; blob bytes are copied into the arena. CKR_OBJECT_HANDLE_INVALID when there is none. */
CK_RV object_ref(CK_OBJECT_HANDLE, struct arena *, Chsm__ObjectRef *);
/* Takes an answered object in: the node's handle, or a new local one of the session. */
CK_RV object_take(struct session *, const Chsm__ObjectResponse *, CK_OBJECT_HANDLE *);
void objects_drop_session(CK_SESSION_HANDLE); /* 0: all */
/* Facts of a key, asked for once. refresh: asks again. */
CK_RV object_facts(CK_OBJECT_HANDLE, bool refresh, struct key_facts *);
/* The object was changed: its new blob, or facts to be asked for again. */
CK_RV object_changed(CK_OBJECT_HANDLE, const Chsm__ObjectResponse *);
void object_forget(CK_OBJECT_HANDLE); /* it was destroyed */
void facts_forget_key(CK_OBJECT_HANDLE);
void facts_forget(void); /* of all keys */
/* Local objects that have all of the template, appended to the list. */
CK_RV objects_match(CK_ATTRIBUTE_PTR, CK_ULONG, CK_OBJECT_HANDLE **list, size_t *n);

/* ---- find.c ---- */
void search_free(struct search **); /* NULL-safe */

/* ---- template.c ---- */
/* The same for a new object of a class (CK_UNAVAILABLE_INFORMATION: the template says which), with what the
 * options of this application add to it or refuse. */
CK_RV template_encode_new(struct arena *, CK_OBJECT_CLASS, CK_ATTRIBUTE_PTR, CK_ULONG, Chsm__Attribute ***,
                          size_t *);
/* A native template as wire attributes in the arena. */
CK_RV template_encode(struct arena *, CK_ATTRIBUTE_PTR, CK_ULONG, Chsm__Attribute ***, size_t *);
/* Token objects are made in read-write sessions only: CKR_SESSION_READ_ONLY. */
CK_RV template_writable(const struct session *, CK_ATTRIBUTE_PTR, CK_ULONG);
/* The value of one attribute in an encoded list; NULL pointer when absent. */
struct slice template_find(const struct buf *encoded, CK_ATTRIBUTE_TYPE);

/* ---- op.c ---- */
void op_clear(struct op *);
void ops_clear(struct session *);
/* C_*Init: checks state, mechanism, key and usage. key 0: digests. */
CK_RV op_begin(struct session *, enum op_kind, CK_MECHANISM_PTR, CK_OBJECT_HANDLE key,
               CK_FLAGS mechanism_flag);
/* A whole C_*Init of a session. */
CK_RV op_init(CK_SESSION_HANDLE, enum op_kind, CK_MECHANISM_PTR, CK_OBJECT_HANDLE key,
              CK_FLAGS mechanism_flag);
/* What op_enter below says of the order of calls. */
CK_RV op_may(const struct op *, enum op_step);
/* Ends the operation here and on the node. */
void op_end(struct op *);
/* The session's operation, when `step` may come now. CKR_OK: op_leave is due. */
CK_RV op_enter(CK_SESSION_HANDLE, enum op_kind, enum op_step, struct session **, struct op **);
/* Gives the session back. An operation whose step failed has ended; one that lacks room only goes on. Returns
 * rv. */
CK_RV op_leave(struct session *, struct op *, CK_RV rv);
/* A whole C_SignUpdate, C_VerifyUpdate or C_DigestUpdate. */
CK_RV op_part(CK_SESSION_HANDLE, enum op_kind, CK_BYTE_PTR, CK_ULONG);
/* A result that waits was made from this data (see op_deliver). One made from other data is forgotten. */
bool op_waits(struct op *, struct slice data);
/* Puts the operation's authorisation into the request that uses the key, and forgets it. Keys that want none:
 * CKR_OK. CKR_USER_NOT_LOGGED_IN without one: the node would refuse too. */
CK_RV op_authorise(struct op *, enum op_kind, Chsm__Request *, struct arena *);
/* The kind that a kind of message-based operation uses keys for; others are their own. */
enum op_kind op_base(enum op_kind);
/* The number of enum crypto_op that messages have for a kind of operation. */
uint32_t op_number(enum op_kind);
/* The wire mechanism of an operation, lent. */
Chsm__Mechanism op_mechanism(struct op *);
CK_RV op_gather(struct op *, CK_BYTE_PTR, CK_ULONG);
/* op_cipher.c: a part of an encryption or decryption; *out_len becomes what came out of it. Without room
 * (CKR_BUFFER_TOO_SMALL, or out NULL) nothing is taken in. */
CK_RV op_update(struct op *, enum op_kind, struct slice part, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
/* All data at once, or what is left of the parts; the result is in op. */
CK_RV op_crypt(struct op *, enum op_kind, struct slice data);
/* op_sign.c: the same for signatures, which are handed over too. */
CK_RV op_sign(struct op *, enum op_step, struct slice data, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV op_verify(struct op *, struct slice data, struct slice signature);
/* op_message.c: whether messages can be encrypted one by one with it. */
bool op_has_messages(CK_MECHANISM_TYPE);
/* op_cipher_bulk.c: any amount of data through a cipher on the node, straight into out, which may be where
 * data is. first stands before data. last: ends it. *n: room in out, then bytes written. */
CK_RV op_bulk(struct op *, enum op_kind, struct slice first, struct slice data, bool last, CK_BYTE_PTR out,
              size_t *n);
/* The same for authenticated data, whole, which is not shown before its tag was seen. */
CK_RV op_bulk_open(struct op *, struct slice data, CK_BYTE_PTR out, size_t *n);
/* op_stream.c: data larger than a message. op_feed takes a part of a multi-part operation and sends on what
 * has become too much; op_stream_whole ends such an operation, or does one from large data; its result is in
 * op. */
bool op_is_large(const struct op *, struct slice data);
CK_RV op_feed(struct op *, enum op_kind, struct slice data);
CK_RV op_stream_whole(struct op *, enum op_kind, struct slice data, struct slice signature);
CK_RV op_stream_open(struct op *, enum op_kind);
/* The key's value follows what a digest was given. */
CK_RV op_stream_key(struct op *, CK_OBJECT_HANDLE key);
/* One part of a cipher. *n: room in out, then bytes written. */
CK_RV op_stream_crypt(struct op *, struct slice data, bool last, struct slice receipt, CK_BYTE_PTR out,
                      size_t *n);
/* Lets the node forget what was begun. */
void op_stream_cancel(struct op *);
/* Hands the result over under PKCS#11's length rules; ends the operation when it was taken. Otherwise result
 * and the data it was made from are kept: the same call with more room gets it without a second use of the
 * key. */
CK_RV op_deliver(struct op *, enum op_step, struct slice data, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV op_result(struct op *, const Chsm__DataResponse *);
/* The end of an operation whose result has `size` bytes (0: only the HSM knows): a question for the length is
 * answered without work; with room, run makes the result of the data, unless it waits already. */
CK_RV op_finish(struct op *, enum op_step, size_t size, struct slice data,
                CK_RV (*run)(struct op *, struct slice), CK_BYTE_PTR out, CK_ULONG_PTR out_len);
/* Writes an IV that the HSM made where the application's zeros were. */
void op_take_iv(struct op *, ProtobufCBinaryData);
/* Bytes of a signature, MAC or digest, or 0 when only the HSM knows. */
size_t op_signature_size(const struct op *);

/* ---- slot.c ---- */
bool slot_has_token(void); /* asks at most once a second; of guests only */
/* CKR_MECHANISM_INVALID when it is not offered. */
CK_RV mechanism_find(CK_MECHANISM_TYPE, struct mechanism *);
bool mechanism_takes(const struct mechanism *, CK_KEY_TYPE);
void mechanisms_clear(void);
/* Random bytes of the HSM's, in as many requests as they need. */
CK_RV module_random(CK_BYTE_PTR out, CK_ULONG n);

#endif
