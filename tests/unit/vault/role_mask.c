/* Requests of role_requests.c about masked objects. */
static void fill_extract_key(struct trial *t)
{
        Chsm__ExtractMaskedRequest *in = body_of(t, "extract_masked");

        in->handle = t->world->aes.ref.handle;
}

static void fill_extract_user(struct trial *t)
{
        Chsm__ExtractMaskedRequest *in = body_of(t, "extract_masked");

        in->user = t->activated ? t->world->owner.user_id : 1;
}

/* A key that its owner deleted after it was masked. */
static void fill_insert_key(struct trial *t)
{
        static struct given masked;
        Chsm__InsertMaskedRequest *in;
        struct named *key = fresh_key(t);

        masked.n = 1;
        if (t->activated) {
                assert_int_equal(mask(&t->world->owner, key->ref.handle, 0, &masked), 0);
                assert_int_equal(destroy(&t->world->owner, key), 0);
        }
        in = body_of(t, "insert_masked");
        in->masked = (ProtobufCBinaryData){ masked.n, masked.p };
}
