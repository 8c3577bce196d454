/* Requests about masked objects and backups for the role matrix; role_requests.c includes this file. */
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

/* Asks for the manifest and names its end, so that the place is free again. */
static void fill_read_backup(struct trial *t)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__OpenBackupRequest open = CHSM__OPEN_BACKUP_REQUEST__INIT;
        Chsm__ReadBackupRequest *in;
        const Chsm__Response *response;
        uint64_t stream = 1, size = 0;

        open.manifest_only = true;
        r.open_backup = &open;
        r.body_case = CHSM__REQUEST__BODY_OPEN_BACKUP;
        response = ask(t->me, &r);
        if (response->status == 0) {
                stream = response->backup->stream;
                size = response->backup->size;
        }
        in = body_of(t, "read_backup");
        in->stream = stream;
        in->offset = size;
}

/* A file of one byte, where one is taken. */
static uint64_t sent_file(struct trial *t)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__OpenRestoreRequest open = CHSM__OPEN_RESTORE_REQUEST__INIT;
        const Chsm__Response *response;

        r.open_restore = &open;
        r.body_case = CHSM__REQUEST__BODY_OPEN_RESTORE;
        response = ask(t->me, &r);
        return response->status ? 1 : response->backup->stream;
}

static void fill_write_restore(struct trial *t)
{
        uint64_t stream = sent_file(t);
        Chsm__WriteRestoreRequest *in = body_of(t, "write_restore");

        in->stream = stream;
        in->data = bytes_of("x");
}

static void fill_plan_restore(struct trial *t)
{
        uint64_t stream = sent_file(t);

        ((Chsm__PlanRestoreRequest *)body_of(t, "plan_restore"))->stream = stream;
}

static void fill_commit_restore(struct trial *t)
{
        uint64_t stream = sent_file(t);
        Chsm__CommitRestoreRequest *in = body_of(t, "commit_restore");

        in->stream = stream;
        in->signature = bytes_of("signature");
        in->unlock = bytes_of("unlock");
}
