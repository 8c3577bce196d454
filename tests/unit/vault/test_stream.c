/* Multi-part operations through requests: results as of single-part ones, order, ownership, limits, and keys
 * that change while one is under way. */
#include "hsm.h"

#define SIGN   2
#define VERIFY 3
#define DIGEST 6

static int begin(void **state)
{
        *state = hsm_ready();
        return 0;
}

static int end(void **state)
{
        hsm_free(*state);
        return 0;
}

static uint32_t open_stream(struct caller *c, uint32_t operation, uint64_t mechanism, struct named *key,
                            uint64_t *id)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamOpenRequest in = CHSM__STREAM_OPEN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = mechanism;
        in.operation = operation;
        in.mechanism = &m;
        in.key = key ? &key->ref : NULL;
        r.stream_open = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_OPEN;
        response = ask(c, &r);
        *id = response->status ? 0 : response->stream_open->stream;
        return response->status;
}

struct part {
        uint64_t stream, sequence;
        const char *data;
        bool last, cancel;
        struct slice signature;
};

static uint32_t send(struct caller *c, struct part p, uint8_t *out, size_t *n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamPartRequest in = CHSM__STREAM_PART_REQUEST__INIT;
        const Chsm__Response *response;

        in.stream = p.stream;
        in.sequence = p.sequence;
        in.data = (ProtobufCBinaryData){ p.data ? strlen(p.data) : 0, (uint8_t *)(uintptr_t)p.data };
        in.last = p.last;
        in.cancel = p.cancel;
        in.signature = (ProtobufCBinaryData){ p.signature.n, (uint8_t *)(uintptr_t)p.signature.p };
        r.stream_part = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        response = ask(c, &r);
        if (response->status == 0 && response->body_case == CHSM__RESPONSE__BODY_DATA && out) {
                *n = response->data->data.len;
                memcpy(out, response->data->data.data, *n);
        }
        return response->status;
}

static void a_digest_in_parts_is_the_published_one(void **state)
{
        static const uint8_t abc[32] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                         0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                         0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
        struct caller c = caller_cu(*state, "cu1");
        uint8_t out[64];
        uint64_t id;
        size_t n = 0;

        assert_int_equal(open_stream(&c, DIGEST, CKM_SHA256, NULL, &id), 0);
        assert_int_equal(send(&c, (struct part){ id, 0, "a" }, NULL, NULL), 0);
        assert_int_equal(send(&c, (struct part){ id, 0, "a" }, NULL, NULL), 0); /* sent again: taken once */
        assert_int_equal(send(&c, (struct part){ id, 1, "b" }, NULL, NULL), 0);
        assert_int_equal(send(&c, (struct part){ id, 2, "c", .last = true }, out, &n), 0);
        assert_int_equal(n, 32);
        assert_memory_equal(out, abc, 32);
        assert_int_equal(send(&c, (struct part){ id, 3, "d" }, NULL, NULL), CKR_DEVICE_ERROR);
}

static void parts_sign_what_the_whole_verifies(void **state)
{
        static const uint64_t mechanisms[] = { CKM_SHA256_RSA_PKCS, CKM_SHA512_RSA_PKCS };
        struct caller c = caller_cu(*state, "cu1");
        struct named public_key, private_key;
        uint8_t out[512];
        uint64_t id;
        size_t n = 0;

        assert_int_equal(
            make_pair(&c, CKM_RSA_PKCS_KEY_PAIR_GEN, true, NULL, NULL, &public_key, &private_key), 0);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(open_stream(&c, SIGN, mechanisms[i], &private_key, &id), 0);
                assert_int_equal(send(&c, (struct part){ id, 0, "in " }, NULL, NULL), 0);
                assert_int_equal(send(&c, (struct part){ id, 1, "parts", .last = true }, out, &n), 0);
                assert_int_equal(open_stream(&c, VERIFY, mechanisms[i], &public_key, &id), 0);
                assert_int_equal(
                    send(&c, (struct part){ id, 0, "in parts", .last = true, .signature = slice_of(out, n) },
                         NULL, NULL),
                    0);
                assert_int_equal(open_stream(&c, VERIFY, mechanisms[i], &public_key, &id), 0);
                assert_int_equal(
                    send(&c, (struct part){ id, 0, "in harts", .last = true, .signature = slice_of(out, n) },
                         NULL, NULL),
                    CKR_SIGNATURE_INVALID);
        }
}

static void order_and_ownership_are_kept(void **state)
{
        struct caller c = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2"),
                      again = caller_cu(*state, "cu1");
        uint64_t id;

        assert_int_equal(open_stream(&c, DIGEST, CKM_SHA256, NULL, &id), 0);
        assert_int_equal(send(&c, (struct part){ id, 1, "x" }, NULL, NULL), CKR_ARGUMENTS_BAD);
        assert_int_equal(send(&other, (struct part){ id, 0, "x" }, NULL, NULL), CKR_DEVICE_ERROR);
        assert_int_equal(send(&again, (struct part){ id, 0, "x" }, NULL, NULL), CKR_DEVICE_ERROR);
        assert_int_equal(send(&c, (struct part){ id, 0, "x" }, NULL, NULL), 0);
        assert_int_equal(send(&c, (struct part){ id, .cancel = true }, NULL, NULL), 0);
        assert_int_equal(send(&c, (struct part){ id, 1, "x" }, NULL, NULL), CKR_DEVICE_ERROR);
}

static void what_needs_its_data_whole_is_refused(void **state)
{
        struct caller c = caller_cu(*state, "cu1"), nobody = caller_new(*state);
        struct named public_key, private_key;
        uint64_t id;

        assert_int_equal(make_pair(&c, CKM_EC_KEY_PAIR_GEN, true, NULL, NULL, &public_key, &private_key), 0);
        assert_int_equal(open_stream(&c, SIGN, CKM_ECDSA, &private_key, &id), CKR_DATA_LEN_RANGE);
        assert_int_equal(open_stream(&c, SIGN, CKM_SHA256_RSA_PKCS, &private_key, &id),
                         CKR_KEY_TYPE_INCONSISTENT);
        assert_int_equal(open_stream(&c, SIGN, CKM_ECDSA_SHA256, &public_key, &id),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(open_stream(&c, 0, CKM_RSA_PKCS, &private_key, &id), CKR_KEY_TYPE_INCONSISTENT);
        assert_int_equal(open_stream(&c, 4, CKM_RSA_PKCS, &private_key, &id), CKR_ARGUMENTS_BAD);
        assert_int_equal(open_stream(&c, 77, CKM_SHA256, NULL, &id), CKR_ARGUMENTS_BAD);
        assert_int_equal(open_stream(&nobody, SIGN, CKM_SHA256_RSA_PKCS, &public_key, &id),
                         CKR_USER_NOT_LOGGED_IN);
}

static void a_key_that_goes_does_not_sign_what_was_begun(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct named public_key, private_key;
        uint8_t out[512];
        uint64_t id;
        size_t n;

        assert_int_equal(make_pair(&c, CKM_EC_KEY_PAIR_GEN, true, NULL, NULL, &public_key, &private_key), 0);
        assert_int_equal(open_stream(&c, SIGN, CKM_ECDSA_SHA256, &private_key, &id), 0);
        assert_int_equal(destroy(&c, &private_key), 0);
        assert_int_equal(send(&c, (struct part){ id, 0, "x", .last = true }, out, &n),
                         CKR_KEY_HANDLE_INVALID);
}

static void a_context_has_its_share(void **state)
{
        struct caller c = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2");
        uint64_t first, id, others;

        assert_int_equal(open_stream(&other, DIGEST, CKM_SHA256, NULL, &others), 0);
        assert_int_equal(open_stream(&c, DIGEST, CKM_SHA256, NULL, &first), 0);
        for (int i = 0; i < 1024; i++)
                assert_int_equal(open_stream(&c, DIGEST, CKM_SHA256, NULL, &id), 0);
        assert_int_equal(send(&c, (struct part){ first, 0, "x" }, NULL, NULL), CKR_DEVICE_ERROR);
        assert_int_equal(send(&c, (struct part){ id, 0, "x" }, NULL, NULL), 0);
        assert_int_equal(send(&other, (struct part){ others, 0, "x" }, NULL, NULL), 0);
}

/* One user with as many contexts as fill all places does not keep others out, nor does he end theirs. */
static void a_user_with_many_contexts_leaves_room(void **state)
{
        struct caller other = caller_cu(*state, "cu2");
        uint64_t id, others;

        assert_int_equal(open_stream(&other, DIGEST, CKM_SHA256, NULL, &others), 0);
        for (int context = 0; context < 4; context++) {
                struct caller c = caller_cu(*state, "cu1");

                for (int i = 0; i < 1024; i++)
                        assert_int_equal(open_stream(&c, DIGEST, CKM_SHA256, NULL, &id), 0);
        }
        assert_int_equal(send(&other, (struct part){ others, 0, "x" }, NULL, NULL), 0);
        assert_int_equal(open_stream(&other, DIGEST, CKM_SHA256, NULL, &id), 0);
        assert_int_equal(send(&other, (struct part){ id, 0, "x" }, NULL, NULL), 0);
        assert_int_equal(send(&other, (struct part){ others, 0, "x" }, NULL, NULL), 0);
}

/* ---- ciphers ---- */

#define ENCRYPT 0
#define DECRYPT 1

/* The flat GCM parameter: an IV of 12 bytes, no additional data, a tag of 128 bits. */
static struct slice gcm_param(const uint8_t iv[12])
{
        static uint8_t flat[28];
        static const uint8_t rest[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128 };

        flat[3] = 12;
        memcpy(flat + 4, iv, 12);
        memcpy(flat + 16, rest, 12);
        return slice_of(flat, sizeof(flat));
}

static uint32_t open_cipher(struct caller *c, uint32_t operation, uint64_t mechanism, struct slice parameter,
                            struct named *key, uint64_t *id, uint8_t iv[12])
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamOpenRequest in = CHSM__STREAM_OPEN_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        const Chsm__Response *response;

        m.number = mechanism;
        m.parameter = (ProtobufCBinaryData){ parameter.n, (uint8_t *)(uintptr_t)parameter.p };
        in.operation = operation;
        in.mechanism = &m;
        in.key = &key->ref;
        r.stream_open = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_OPEN;
        response = ask(c, &r);
        *id = response->status ? 0 : response->stream_open->stream;
        if (!response->status && iv && response->stream_open->iv.len == 12)
                memcpy(iv, response->stream_open->iv.data, 12);
        return response->status;
}

static uint32_t crypt_part(struct caller *c, uint64_t id, uint64_t sequence, struct slice data, bool last,
                           struct slice receipt, uint8_t *out, size_t *n)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamPartRequest in = CHSM__STREAM_PART_REQUEST__INIT;
        const Chsm__Response *response;

        in.stream = id;
        in.sequence = sequence;
        in.last = last;
        in.data = (ProtobufCBinaryData){ data.n, (uint8_t *)(uintptr_t)data.p };
        in.signature = (ProtobufCBinaryData){ receipt.n, (uint8_t *)(uintptr_t)receipt.p };
        r.stream_part = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        response = ask(c, &r);
        *n = response->status ? 0 : response->data->data.len;
        if (*n)
                memcpy(out, response->data->data.data, *n);
        return response->status;
}

static void make_key(struct caller *c, struct named *key)
{
        struct attributes more = { .n = 0 };

        add_bool(&more, CKA_ENCRYPT, true);
        add_bool(&more, CKA_DECRYPT, true);
        assert_int_equal(make_aes(c, true, &more, key), 0);
}

static void a_cipher_answers_part_by_part(void **state)
{
        static const uint8_t iv[16] = { 7 };
        struct caller c = caller_cu(*state, "cu1");
        struct named key;
        uint8_t sealed[64], opened[64];
        size_t n, m, k;
        uint64_t id;

        make_key(&c, &key);
        assert_int_equal(open_cipher(&c, ENCRYPT, CKM_AES_CBC_PAD, slice_of(iv, 16), &key, &id, NULL), 0);
        assert_int_equal(
            crypt_part(&c, id, 0, SLICE_LIT("twenty bytes of data"), false, SLICE_EMPTY, sealed, &n), 0);
        assert_int_equal(n, 16);
        assert_int_equal(crypt_part(&c, id, 1, SLICE_LIT(", and some"), true, SLICE_EMPTY, sealed + n, &m),
                         0);
        assert_int_equal(m, 16);
        assert_int_equal(open_cipher(&c, DECRYPT, CKM_AES_CBC_PAD, slice_of(iv, 16), &key, &id, NULL), 0);
        assert_int_equal(crypt_part(&c, id, 0, slice_of(sealed, 3), false, SLICE_EMPTY, opened, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(crypt_part(&c, id, 1, slice_of(sealed + 3, 14), false, SLICE_EMPTY, opened, &m), 0);
        assert_int_equal(m, 16);
        assert_int_equal(crypt_part(&c, id, 2, slice_of(sealed + 17, 15), true, SLICE_EMPTY, opened + m, &k),
                         0);
        assert_int_equal(m + k, 30);
        assert_memory_equal(opened, "twenty bytes of data, and some", 30);
        /* a part is not answered twice, and one out of turn ends nothing */
        assert_int_equal(open_cipher(&c, ENCRYPT, CKM_AES_CBC_PAD, slice_of(iv, 16), &key, &id, NULL), 0);
        assert_int_equal(crypt_part(&c, id, 0, slice_of(sealed, 20), false, SLICE_EMPTY, opened, &n), 0);
        assert_int_equal(crypt_part(&c, id, 0, slice_of(sealed, 20), false, SLICE_EMPTY, opened, &n),
                         CKR_DEVICE_ERROR);
        assert_int_equal(crypt_part(&c, id, 2, slice_of(sealed, 20), false, SLICE_EMPTY, opened, &n),
                         CKR_ARGUMENTS_BAD);
        assert_int_equal(crypt_part(&c, id, 1, slice_of(sealed, 20), true, SLICE_EMPTY, opened, &n), 0);
}

static void seal(struct caller *c, struct named *key, uint8_t iv[12], uint8_t sealed[46])
{
        static const uint8_t zero[12];
        uint64_t id;
        size_t n, m;

        assert_int_equal(open_cipher(c, ENCRYPT, CKM_AES_GCM, gcm_param(zero), key, &id, iv), 0);
        assert_memory_not_equal(iv, zero, 12);
        assert_int_equal(
            crypt_part(c, id, 0, SLICE_LIT("twenty bytes of data"), false, SLICE_EMPTY, sealed, &n), 0);
        assert_int_equal(crypt_part(c, id, 1, SLICE_LIT(", and some"), true, SLICE_EMPTY, sealed + n, &m), 0);
        assert_int_equal(n + m, 46);
}

static void authenticated_data_passes_twice(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct named key;
        uint8_t sealed[46], receipts[2][32], iv[12] = { 0 }, opened[64];
        size_t n, m;
        uint64_t id;

        make_key(&c, &key);
        seal(&c, &key, iv, sealed);
        assert_int_equal(open_cipher(&c, DECRYPT, CKM_AES_GCM, gcm_param(iv), &key, &id, NULL), 0);
        assert_int_equal(crypt_part(&c, id, 0, slice_of(sealed, 40), false, SLICE_EMPTY, receipts[0], &n), 0);
        assert_int_equal(n, 32);
        assert_int_equal(crypt_part(&c, id, 1, slice_of(sealed + 40, 6), true, SLICE_EMPTY, receipts[1], &n),
                         0);
        assert_int_equal(n, 32);
        assert_int_equal(
            crypt_part(&c, id, 2, slice_of(sealed, 40), false, slice_of(receipts[0], 32), opened, &n), 0);
        assert_int_equal(
            crypt_part(&c, id, 3, slice_of(sealed + 40, 6), true, slice_of(receipts[1], 32), opened + n, &m),
            0);
        assert_int_equal(n + m, 30);
        assert_memory_equal(opened, "twenty bytes of data, and some", 30);
        assert_int_equal(
            crypt_part(&c, id, 4, slice_of(sealed, 6), true, slice_of(receipts[1], 32), opened, &m),
            CKR_DEVICE_ERROR);
}

/* What a caller who is after unverified data tries: each ends the operation. */
static void nothing_is_shown_that_was_not_verified(void **state)
{
        struct caller c = caller_cu(*state, "cu1");
        struct named key;
        uint8_t sealed[46], receipts[2][32], iv[12] = { 0 }, opened[64];
        size_t n;
        uint64_t id;

        make_key(&c, &key);
        seal(&c, &key, iv, sealed);
        sealed[3] ^= 1;
        assert_int_equal(open_cipher(&c, DECRYPT, CKM_AES_GCM, gcm_param(iv), &key, &id, NULL), 0);
        assert_int_equal(crypt_part(&c, id, 0, slice_of(sealed, 46), true, SLICE_EMPTY, opened, &n),
                         CKR_AEAD_DECRYPT_FAILED);
        assert_int_equal(n, 0);
        assert_int_equal(crypt_part(&c, id, 1, slice_of(sealed, 46), true, SLICE_EMPTY, opened, &n),
                         CKR_DEVICE_ERROR);
        sealed[3] ^= 1;
        for (int attempt = 0; attempt < 4; attempt++) {
                struct slice data = slice_of(sealed, 23), receipt = slice_of(receipts[0], 32);

                assert_int_equal(open_cipher(&c, DECRYPT, CKM_AES_GCM, gcm_param(iv), &key, &id, NULL), 0);
                assert_int_equal(crypt_part(&c, id, 0, data, false, SLICE_EMPTY, receipts[0], &n), 0);
                assert_int_equal(
                    crypt_part(&c, id, 1, slice_of(sealed + 23, 23), true, SLICE_EMPTY, receipts[1], &n), 0);
                if (attempt == 0)
                        receipt = SLICE_EMPTY;
                else if (attempt == 1)
                        receipt = slice_of(receipts[1], 32);
                else if (attempt == 2) /* good parts in another order */
                        data = slice_of(sealed + 23, 23), receipt = slice_of(receipts[1], 32);
                else
                        sealed[5] ^= 1;
                assert_int_equal(crypt_part(&c, id, 2, data, false, receipt, opened, &n),
                                 CKR_AEAD_DECRYPT_FAILED);
                assert_int_equal(n, 0);
                assert_int_equal(crypt_part(&c, id, 3, data, false, receipt, opened, &n), CKR_DEVICE_ERROR);
        }
}

static void a_key_that_goes_or_changes_stops_its_ciphers(void **state)
{
        static const uint8_t iv[16] = { 7 };
        struct caller c = caller_cu(*state, "cu1");
        struct attributes off = { .n = 0 };
        struct named key;
        uint8_t out[64];
        size_t n;
        uint64_t id, other;

        make_key(&c, &key);
        assert_int_equal(open_cipher(&c, ENCRYPT, CKM_AES_CBC, slice_of(iv, 16), &key, &id, NULL), 0);
        assert_int_equal(open_cipher(&c, DECRYPT, CKM_AES_CBC, slice_of(iv, 16), &key, &other, NULL), 0);
        add_bool(&off, CKA_ENCRYPT, false);
        assert_int_equal(set_attribute(&c, &key, &off), 0);
        assert_int_equal(crypt_part(&c, id, 0, slice_of(iv, 16), false, SLICE_EMPTY, out, &n),
                         CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(crypt_part(&c, other, 0, slice_of(iv, 16), false, SLICE_EMPTY, out, &n), 0);
        assert_int_equal(destroy(&c, &key), 0);
        assert_int_equal(crypt_part(&c, other, 1, slice_of(iv, 16), false, SLICE_EMPTY, out, &n),
                         CKR_KEY_HANDLE_INVALID);
}

/* ---- values of keys in digests ---- */

static uint32_t digest_key(struct caller *c, uint64_t id, uint64_t sequence, const char *data,
                           struct named *key)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamPartRequest in = CHSM__STREAM_PART_REQUEST__INIT;

        in.stream = id;
        in.sequence = sequence;
        in.data = (ProtobufCBinaryData){ strlen(data), (uint8_t *)(uintptr_t)data };
        in.key = &key->ref;
        r.stream_part = &in;
        r.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        return ask(c, &r)->status;
}

static void keys_are_digested_where_they_stand(void **state)
{
        struct caller c = caller_cu(*state, "cu1"), other = caller_cu(*state, "cu2");
        struct attributes wanted = { .n = 0 };
        struct named key, token;
        uint8_t value[32], out[32], plain[32];
        char all[80] = "before";
        uint64_t id;
        size_t n;

        add_bool(&wanted, CKA_SENSITIVE, false);
        add_bool(&wanted, CKA_EXTRACTABLE, true);
        assert_int_equal(make_aes(&c, false, &wanted, &key), 0);
        assert_int_equal(get_attribute(&c, &key, CKA_VALUE, value, 32, &n), 0);
        memcpy(all + 6, value, 32);
        assert_int_equal(open_stream(&c, DIGEST, CKM_SHA256, NULL, &id), 0);
        assert_int_equal(digest_key(&c, id, 0, "before", &key), 0);
        assert_int_equal(digest_key(&c, id, 0, "before", &key), 0); /* sent again: taken once */
        assert_int_equal(send(&c, (struct part){ id, 1, "after", .last = true }, out, &n), 0);
        memcpy(all + 38, "after", 5);
        assert_true(crypto_sha256(((struct hsm *)*state)->crypto, slice_of((uint8_t *)all, 43), plain));
        assert_memory_equal(out, plain, 32);
        /* another user's key, and one that goes before the end */
        assert_int_equal(make_aes(&c, true, NULL, &token), 0);
        assert_int_equal(open_stream(&other, DIGEST, CKM_SHA256, NULL, &id), 0);
        assert_int_equal(digest_key(&other, id, 0, "x", &token), CKR_KEY_HANDLE_INVALID);
        assert_int_equal(open_stream(&c, DIGEST, CKM_SHA256, NULL, &id), 0);
        assert_int_equal(digest_key(&c, id, 0, "x", &token), 0);
        assert_int_equal(destroy(&c, &token), 0);
        assert_int_equal(send(&c, (struct part){ id, 1, "y", .last = true }, out, &n),
                         CKR_KEY_HANDLE_INVALID);
        /* as many as there is room for, and in digests only */
        assert_int_equal(make_aes(&c, true, NULL, &token), 0);
        assert_int_equal(open_stream(&c, DIGEST, CKM_SHA256, NULL, &id), 0);
        for (uint64_t i = 0; i < 8; i++)
                assert_int_equal(digest_key(&c, id, i, "x", &token), 0);
        assert_int_not_equal(digest_key(&c, id, 8, "x", &token), 0);
        assert_int_equal(open_cipher(&c, ENCRYPT, CKM_AES_ECB, SLICE_EMPTY, &token, &id, NULL), 0);
        assert_int_not_equal(digest_key(&c, id, 0, "x", &token), 0);
}

static void digests_are_made_before_login(void **state)
{
        struct caller nobody = caller_new(*state), c = caller_cu(*state, "cu1");
        struct named key;
        uint8_t out[32];
        uint64_t id, first;
        size_t n;

        make_key(&c, &key);
        assert_int_equal(open_stream(&nobody, DIGEST, CKM_SHA256, NULL, &first), 0);
        assert_int_equal(send(&nobody, (struct part){ first, 0, "a" }, NULL, NULL), 0);
        assert_int_equal(send(&c, (struct part){ first, 1, "b" }, NULL, NULL), CKR_DEVICE_ERROR);
        assert_int_equal(send(&nobody, (struct part){ first, 1, "b", .last = true }, out, &n), 0);
        assert_int_equal(open_stream(&nobody, DIGEST, CKM_SHA256, NULL, &first), 0);
        assert_int_equal(digest_key(&nobody, first, 0, "x", &key), CKR_KEY_HANDLE_INVALID);
        /* whatever contexts they claim, all of them have one share */
        assert_int_equal(open_stream(&nobody, DIGEST, CKM_SHA256, NULL, &first), 0);
        for (int i = 0; i < 256; i++) {
                struct caller stranger = caller_new(*state);

                assert_int_equal(open_stream(&stranger, DIGEST, CKM_SHA256, NULL, &id), 0);
        }
        assert_int_equal(send(&nobody, (struct part){ first, 0, "x" }, NULL, NULL), CKR_DEVICE_ERROR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_digest_in_parts_is_the_published_one),
                TEST(parts_sign_what_the_whole_verifies),
                TEST(order_and_ownership_are_kept),
                TEST(what_needs_its_data_whole_is_refused),
                TEST(a_key_that_goes_does_not_sign_what_was_begun),
                TEST(a_context_has_its_share),
                TEST(a_user_with_many_contexts_leaves_room),
                TEST(keys_are_digested_where_they_stand),
                TEST(digests_are_made_before_login),
                TEST(a_cipher_answers_part_by_part),
                TEST(authenticated_data_passes_twice),
                TEST(nothing_is_shown_that_was_not_verified),
                TEST(a_key_that_goes_or_changes_stops_its_ciphers),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
