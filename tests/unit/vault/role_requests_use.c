/* Requests of key use, for role_requests.c, which includes this file. */

static void fill_sign(struct trial *t)
{
        Chsm__SignRequest *in = body_of(t, "sign");

        in->key = &t->world->priv.ref;
        in->mechanism = mechanism_of(t, CKM_SHA256_RSA_PKCS);
        in->data = bytes_of("sixteen bytes...");
}

static void fill_verify(struct trial *t)
{
        Chsm__VerifyRequest *in = body_of(t, "verify");

        in->key = &t->world->pub.ref;
        in->mechanism = mechanism_of(t, CKM_SHA256_RSA_PKCS);
        in->data = bytes_of("sixteen bytes...");
        in->signature = (ProtobufCBinaryData){ t->world->signature.n, t->world->signature.p };
}

static void fill_sign_recover(struct trial *t)
{
        Chsm__SignRecoverRequest *in = body_of(t, "sign_recover");

        in->key = &t->world->priv.ref;
        in->mechanism = mechanism_of(t, CKM_RSA_PKCS);
        in->data = bytes_of("sixteen bytes...");
}

static void fill_verify_recover(struct trial *t)
{
        Chsm__VerifyRecoverRequest *in = body_of(t, "verify_recover");

        in->key = &t->world->pub.ref;
        in->mechanism = mechanism_of(t, CKM_RSA_PKCS);
        in->signature = (ProtobufCBinaryData){ t->world->recoverable.n, t->world->recoverable.p };
}

static void fill_encrypt(struct trial *t)
{
        Chsm__EncryptRequest *in = body_of(t, "encrypt");

        in->key = &t->world->aes.ref;
        in->mechanism = mechanism_of(t, CKM_AES_ECB);
        in->data = bytes_of("sixteen bytes...");
}

static void fill_decrypt(struct trial *t)
{
        Chsm__DecryptRequest *in = body_of(t, "decrypt");

        in->key = &t->world->aes.ref;
        in->mechanism = mechanism_of(t, CKM_AES_ECB);
        in->data = bytes_of("sixteen bytes...");
}

static void fill_digest(struct trial *t)
{
        Chsm__DigestRequest *in = body_of(t, "digest");

        in->mechanism = mechanism_of(t, CKM_SHA256);
        in->data = bytes_of("sixteen bytes...");
}

/* The owner's key, under a key that the sharer may use as well. */
static void fill_wrap_key(struct trial *t)
{
        Chsm__WrapKeyRequest *in = body_of(t, "wrap_key");

        in->wrapping_key = &t->world->aes.ref;
        in->mechanism = mechanism_of(t, CKM_AES_KEY_WRAP);
        in->key = &fresh_key(t)->ref;
}

/* The caller's own key, under the owner's. */
static void fill_wrap_own_key(struct trial *t)
{
        Chsm__WrapKeyRequest *in = body_of(t, "wrap_key");

        in->wrapping_key = &t->world->aes.ref;
        in->mechanism = mechanism_of(t, CKM_AES_KEY_WRAP);
        in->key = &t->world->aes.ref;
        if (strncmp(t->user, "cu", 2) == 0) {
                assert_int_equal(make_aes(t->me, false, NULL, &t->fresh), 0);
                in->key = &t->fresh.ref;
        }
}

static void fill_unwrap_key(struct trial *t)
{
        Chsm__UnwrapKeyRequest *in = body_of(t, "unwrap_key");

        in->unwrapping_key = &t->world->aes.ref;
        in->mechanism = mechanism_of(t, CKM_AES_KEY_WRAP);
        in->wrapped = (ProtobufCBinaryData){ t->world->wrapped.n, t->world->wrapped.p };
        add_number(&t->attributes, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&t->attributes, CKA_KEY_TYPE, CKK_AES);
        attributes_lend(&t->attributes, &in->template_, &in->n_template_);
}

/* Under a key of the owner that the officer has made a user KEK. */
static void fill_import_key(struct trial *t)
{
        Chsm__ImportKeyRequest *in = body_of(t, "import_key");

        in->kek = &fresh_key(t)->ref;
        if (t->activated)
                assert_int_equal(set_bool(&t->world->officer, &t->fresh, CKA_TRUSTED, true), 0);
        in->value = bytes_of("sixteen bytes of");
        add_number(&t->attributes, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&t->attributes, CKA_KEY_TYPE, CKK_AES);
        attributes_lend(&t->attributes, &in->template_, &in->n_template_);
}

static void split(struct trial *t, Chsm__SplitKeyRequest *in)
{
        in->key = &fresh_key(t)->ref;
        in->threshold = in->shares = 2;
        add_bool(&t->attributes, CKA_TOKEN, true);
        add_bytes(&t->attributes, CKA_LABEL, slice_str("share"));
        attributes_lend(&t->attributes, &in->template_, &in->n_template_);
}

static void fill_split_key(struct trial *t)
{
        split(t, body_of(t, "split_key"));
}

/* Shares of the owner's. */
static void fill_join_key(struct trial *t)
{
        static Chsm__ObjectRef refs[2], *list[2] = { &refs[0], &refs[1] };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__SplitKeyRequest cut = CHSM__SPLIT_KEY_REQUEST__INIT;
        Chsm__JoinKeyRequest *in;
        const Chsm__Response *r = NULL;

        split(t, &cut);
        request.split_key = &cut;
        request.body_case = CHSM__REQUEST__BODY_SPLIT_KEY;
        if (t->activated)
                r = ask(&t->world->owner, &request);
        for (size_t i = 0; i < 2; i++) {
                chsm__object_ref__init(&refs[i]);
                refs[i].handle = r ? r->derived->objects[i]->handle : 1;
        }
        in = body_of(t, "join_key");
        in->shares = list;
        in->n_shares = 2;
        t->attributes.n = 0;
        add_number(&t->attributes, CKA_KEY_TYPE, CKK_AES);
        attributes_lend(&t->attributes, &in->template_, &in->n_template_);
}

static void fill_derive_key(struct trial *t)
{
        Chsm__DeriveKeyRequest *in = body_of(t, "derive_key");

        in->base_key = &t->world->aes.ref;
        in->mechanism = mechanism_of(t, CKM_SHA256_KEY_DERIVATION);
        add_number(&t->attributes, CKA_CLASS, CKO_SECRET_KEY);
        add_number(&t->attributes, CKA_KEY_TYPE, CKK_AES);
        add_number(&t->attributes, CKA_VALUE_LEN, 32);
        attributes_lend(&t->attributes, &in->template_, &in->n_template_);
}

/* With a mechanism that does not encapsulate, so that a libcrypto without ML-KEM answers the same. */
static void fill_encapsulate_key(struct trial *t)
{
        Chsm__EncapsulateKeyRequest *in = body_of(t, "encapsulate_key");

        in->public_key = &t->world->aes.ref;
        in->mechanism = mechanism_of(t, CKM_AES_KEY_WRAP);
}

static void fill_decapsulate_key(struct trial *t)
{
        Chsm__DecapsulateKeyRequest *in = body_of(t, "decapsulate_key");

        in->private_key = &t->world->aes.ref;
        in->mechanism = mechanism_of(t, CKM_AES_KEY_WRAP);
}

static void fill_random(struct trial *t)
{
        ((Chsm__RandomRequest *)body_of(t, "random"))->length = 16;
}

static void fill_seed_random(struct trial *t)
{
        ((Chsm__SeedRandomRequest *)body_of(t, "seed_random"))->seed = bytes_of("sixteen bytes...");
}

static void fill_stream_digest(struct trial *t)
{
        Chsm__StreamOpenRequest *in = body_of(t, "stream_open");

        in->operation = 6;
        in->mechanism = mechanism_of(t, CKM_SHA256);
}

static void fill_stream_sign(struct trial *t)
{
        Chsm__StreamOpenRequest *in = body_of(t, "stream_open");

        in->operation = 2;
        in->key = &t->world->priv.ref;
        in->mechanism = mechanism_of(t, CKM_SHA256_RSA_PKCS);
}

/* Of the caller's own stream, where he may have one. */
static void fill_stream_part(struct trial *t)
{
        const Chsm__Response *opened;
        Chsm__StreamPartRequest *in;
        uint64_t stream;

        fill_stream_digest(t);
        opened = ask(t->me, &t->request);
        stream = opened->status ? 1 : opened->stream_open->stream;
        chsm__request__init(&t->request);
        in = body_of(t, "stream_part");
        in->stream = stream;
        in->data = bytes_of("sixteen bytes...");
}
