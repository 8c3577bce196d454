/* Calls of operations: begun, fed, ended, in any order, with any buffers. */
#include "differential.h"

static const CK_ULONG lengths[] = { 0,  1,   15,  16,  17,  31,  32,  33,   48,
                                    64, 100, 245, 246, 255, 256, 257, 1000, 4096 };
static CK_BYTE input[4096];

/* Functions of one kind of operation. */
enum family { ENCRYPT, DECRYPT, SIGN, VERIFY, DIGEST, FAMILIES };
static const struct family_row {
        const char *name;
        CK_FLAGS flag;
} family_rows[FAMILIES] = {
        { "Encrypt", CKF_ENCRYPT }, { "Decrypt", CKF_DECRYPT }, { "Sign", CKF_SIGN },
        { "Verify", CKF_VERIFY },   { "Digest", CKF_DIGEST },
};

static CK_ULONG any_length(struct world *w)
{
        return lengths[random_below(w, sizeof lengths / sizeof *lengths)];
}

/* SoftHSM2 2.6 leaves the process by exit() when raw RSA gets more than the modulus. */
static CK_ULONG survivable(const struct mechanism_row *row, CK_ULONG n)
{
        return row && row->mechanism == CKM_RSA_X_509 && n > 256 ? 256 : n;
}

static const struct mechanism_row *begun[SESSIONS_MAX][FAMILIES];

static const struct mechanism_row *any_mechanism(struct world *w, CK_FLAGS flag)
{
        const struct mechanism_row *row;

        do
                row = &mechanism_rows[random_below(w, (uint32_t)mechanism_rows_n)];
        while (flag && !(row->functions & flag));
        return row;
}

static CK_RV init(struct side *s, CK_SESSION_HANDLE session, enum family family, CK_MECHANISM *m,
                  CK_OBJECT_HANDLE key)
{
        switch (family) {
        case ENCRYPT:
                return s->f->C_EncryptInit(session, m, key);
        case DECRYPT:
                return s->f->C_DecryptInit(session, m, key);
        case SIGN:
                return s->f->C_SignInit(session, m, key);
        case VERIFY:
                return s->f->C_VerifyInit(session, m, key);
        default:
                return s->f->C_DigestInit(session, m);
        }
}

static CK_RV update(struct side *s, CK_SESSION_HANDLE session, enum family family, CK_ULONG n)
{
        switch (family) {
        case ENCRYPT:
                return s->f->C_EncryptUpdate(session, input, n, s->result, &s->result_n);
        case DECRYPT:
                return s->f->C_DecryptUpdate(session, input, n, s->result, &s->result_n);
        case SIGN:
                return s->f->C_SignUpdate(session, input, n);
        case VERIFY:
                return s->f->C_VerifyUpdate(session, input, n);
        default:
                return s->f->C_DigestUpdate(session, input, n);
        }
}

static CK_RV final(struct side *s, CK_SESSION_HANDLE session, enum family family, CK_ULONG n)
{
        switch (family) {
        case ENCRYPT:
                return s->f->C_EncryptFinal(session, s->result, &s->result_n);
        case DECRYPT:
                return s->f->C_DecryptFinal(session, s->result, &s->result_n);
        case SIGN:
                return s->f->C_SignFinal(session, s->result, &s->result_n);
        case VERIFY:
                return s->f->C_VerifyFinal(session, input, n);
        default:
                return s->f->C_DigestFinal(session, s->result, &s->result_n);
        }
}

static CK_RV single(struct side *s, CK_SESSION_HANDLE session, enum family family, CK_ULONG n)
{
        switch (family) {
        case ENCRYPT:
                return s->f->C_Encrypt(session, input, n, s->result, &s->result_n);
        case DECRYPT:
                return s->f->C_Decrypt(session, input, n, s->result, &s->result_n);
        case SIGN:
                return s->f->C_Sign(session, input, n, s->result, &s->result_n);
        case VERIFY:
                return s->f->C_Verify(session, input, n, input, 256);
        default:
                return s->f->C_Digest(session, input, n, s->result, &s->result_n);
        }
}

/* Begins something, most often with a key that fits; now and then while something else is going on. */
static const struct mechanism_row *begin(struct world *w, int session, enum family family)
{
        const struct mechanism_row *row =
            any_mechanism(w, random_below(w, 12) ? family_rows[family].flag : 0);
        enum kind kind = family == ENCRYPT || family == VERIFY ? row->public : row->secret;
        struct object *key = kind == KINDS || random_below(w, 12) == 0 ? object_any(w) : object_of(w, kind);
        CK_MECHANISM m = mechanism_make(w, row);
        char function[40];
        CK_RV rv[SIDES];

        trail(w, "\n#   C_%sInit(session %d, mechanism 0x%lx, kind %d%s)", family_rows[family].name, session,
              row->mechanism, key->kind, key->gone ? " gone" : "");
        w->session_at = session;
        w->row = begun[session][family] = row;
        for (int i = 0; i < SIDES; i++)
                rv[i] = init(&w->side[i], w->side[i].session[session], family, &m, key->handle[i]);
        (void)snprintf(function, sizeof function, "C_%sInit", family_rows[family].name);
        return compare(w, function, rv) ? row : NULL;
}

static void run_step(struct world *w, int session, enum family family, const char *step,
                     CK_RV (*call)(struct side *, CK_SESSION_HANDLE, enum family, CK_ULONG), CK_ULONG n,
                     CK_ULONG room, bool random)
{
        char function[40];
        CK_RV rv[SIDES];

        w->session_at = session;
        w->row = begun[session][family];
        n = survivable(begun[session][family], n);
        trail(w, "\n#   C_%s%s(session %d, %lu bytes, room %lu)", family_rows[family].name, step, session, n,
              room);
        for (int i = 0; i < SIDES; i++) {
                w->side[i].result_n = room;
                rv[i] = call(&w->side[i], w->side[i].session[session], family, n);
        }
        (void)snprintf(function, sizeof function, "C_%s%s", family_rows[family].name, step);
        if (compare(w, function, rv) && !random && family != VERIFY)
                compare_results(w, function);
}

/* A whole operation, single or multi-part, as an application means it. */
static void operation(struct world *w)
{
        enum family family = (enum family)random_below(w, FAMILIES);
        int session = (int)random_below(w, SESSIONS_MAX);
        const struct mechanism_row *row = begin(w, session, family);
        bool random;

        if (!row)
                return;
        random = row->random & family_rows[family].flag;
        random_bytes(w, input, sizeof input);
        if (random_below(w, 2)) {
                run_step(w, session, family, "", single, any_length(w), RESULT_MAX, random);
                return;
        }
        /* How much comes out at each step is the module's choice; the whole is compared elsewhere. */
        for (uint32_t parts = random_below(w, 4); parts > 0 && !w->over && !w->apart; parts--)
                run_step(w, session, family, "Update", update, 16 * (1 + random_below(w, 8)), RESULT_MAX,
                         family == ENCRYPT || family == DECRYPT || family == SIGN || family == DIGEST);
        if (!w->over && !w->apart)
                run_step(w, session, family, "Final", final, 256, RESULT_MAX,
                         random || family == ENCRYPT || family == DECRYPT);
}

/* Any call in any state. */
static void stray(struct world *w)
{
        enum family family = (enum family)random_below(w, FAMILIES);
        int session = (int)random_below(w, SESSIONS_MAX);

        switch (random_below(w, 4)) {
        case 0:
                (void)begin(w, session, family);
                break;
        case 1:
                run_step(w, session, family, "Update", update, any_length(w), RESULT_MAX, true);
                break;
        case 2:
                run_step(w, session, family, "Final", final, any_length(w), RESULT_MAX, true);
                break;
        default:
                run_step(w, session, family, "", single, any_length(w), RESULT_MAX, true);
        }
}

/* ---- what one module made, both take ---- */

struct made {
        CK_BYTE bytes[RESULT_MAX];
        CK_ULONG n;
};

/* All of a multi-part encryption, in parts of any size. */
static CK_RV in_parts(struct side *s, CK_SESSION_HANDLE session, CK_ULONG n, CK_ULONG part, struct made *out)
{
        CK_ULONG at = 0;
        CK_RV rv = CKR_OK;

        out->n = 0;
        while (rv == CKR_OK && at < n) {
                CK_ULONG step = part < n - at ? part : n - at, room = sizeof out->bytes - out->n;

                rv = s->f->C_EncryptUpdate(session, input + at, step, out->bytes + out->n, &room);
                at += step;
                out->n += rv == CKR_OK ? room : 0;
        }
        if (rv == CKR_OK) {
                CK_ULONG room = sizeof out->bytes - out->n;

                rv = s->f->C_EncryptFinal(session, out->bytes + out->n, &room);
                out->n += rv == CKR_OK ? room : 0;
        }
        return rv;
}

static bool make(struct world *w, const struct mechanism_row *row, bool sign,
                 const CK_OBJECT_HANDLE key[SIDES], CK_MECHANISM *m, CK_ULONG n, struct made made[SIDES])
{
        CK_ULONG part = random_below(w, 3) ? n + 1 : 1 + random_below(w, 40);
        CK_RV rv[SIDES];

        for (int i = 0; i < SIDES; i++)
                rv[i] = init(&w->side[i], w->side[i].session[2], sign ? SIGN : ENCRYPT, m, key[i]);
        if (!compare(w, sign ? "C_SignInit" : "C_EncryptInit", rv))
                return false;
        for (int i = 0; i < SIDES; i++) {
                struct side *s = &w->side[i];

                made[i].n = sizeof made[i].bytes;
                if (sign)
                        rv[i] = s->f->C_Sign(s->session[2], input, n, made[i].bytes, &made[i].n);
                else if (part > n)
                        rv[i] = s->f->C_Encrypt(s->session[2], input, n, made[i].bytes, &made[i].n);
                else
                        rv[i] = in_parts(s, s->session[2], n, part, &made[i]);
        }
        if (!compare(w, sign ? "making a signature" : "making a ciphertext", rv))
                return false;
        if (!row->random && (made[OURS].n != made[THEIRS].n ||
                             memcmp(made[OURS].bytes, made[THEIRS].bytes, made[OURS].n) != 0))
                finding(w, sign ? "the signatures differ" : "the ciphertexts differ");
        return !w->over && !w->apart;
}

static void take(struct world *w, bool sign, const CK_OBJECT_HANDLE key[SIDES], CK_MECHANISM *m, CK_ULONG n,
                 struct made *one)
{
        CK_RV rv[SIDES];

        for (int i = 0; i < SIDES; i++)
                rv[i] = init(&w->side[i], w->side[i].session[2], sign ? VERIFY : DECRYPT, m, key[i]);
        if (!compare(w, sign ? "C_VerifyInit" : "C_DecryptInit", rv))
                return;
        for (int i = 0; i < SIDES; i++) {
                struct side *s = &w->side[i];

                s->result_n = sizeof s->result;
                rv[i] = sign ? s->f->C_Verify(s->session[2], input, n, one->bytes, one->n)
                             : s->f->C_Decrypt(s->session[2], one->bytes, one->n, s->result, &s->result_n);
        }
        if (compare(w, sign ? "taking a signature" : "taking a ciphertext", rv) && !sign)
                compare_results(w, "taking a ciphertext");
}

static void cross(struct world *w)
{
        static struct made made[SIDES];
        bool sign = random_below(w, 2);
        const struct mechanism_row *row = any_mechanism(w, sign ? CKF_SIGN : CKF_ENCRYPT);
        const struct object *maker, *taker;
        CK_MECHANISM m = mechanism_make(w, row);
        CK_ULONG n = survivable(row, any_length(w));
        int from = (int)random_below(w, SIDES);

        w->session_at = 2;
        w->row = row;
        maker = object_of(w, sign ? row->secret : row->public);
        taker = row->secret == row->public ? maker : object_of(w, sign ? row->public : row->secret);
        random_bytes(w, input, sizeof input);
        trail(w, "\n#   made and taken: mechanism 0x%lx, kinds %d and %d, %lu bytes, from side %d",
              row->mechanism, maker->kind, taker->kind, n, from);
        if (w->over || !make(w, row, sign, maker->handle, &m, n, made) || made[from].n == 0)
                return;
        if (random_below(w, 4) == 0) {
                made[from].bytes[random_below(w, (uint32_t)made[from].n)] ^= 1;
                trail(w, " (altered)");
        }
        take(w, sign, taker->handle, &m, n, &made[from]);
}

const struct call_row call_rows[] = {
        { "operation", 20, operation },     { "stray", 10, stray },           { "cross", 20, cross },
        { "create", 6, object_create_any }, { "destroy", 2, object_destroy }, { "get", 14, object_get },
        { "set", 8, object_set },           { "copy", 4, object_copy },       { "find", 6, object_find },
};
const size_t call_rows_n = sizeof call_rows / sizeof *call_rows;
