/* A secret key in several shares, any `threshold` of which give it back. spec/tools.md 7.3 (splitKey).
 *
 * Shares are keys: as protected as what was split, made of it as a derivation makes keys (spec/key-rules.md
 * rule 5), with the roles it had, so that neither wrapping a share nor joining loosens anything. What is
 * joined is as protected as its most protected share. Value of a share: 'S', version, number, threshold, 4
 * bytes that all shares of one splitting have, then a share of the key and of a check over it. */
#include "crypto/shamir.h"
#include "vault/key_move.h"
#include "vault/object_rules.h"
#include "vault/policy_model.h"
#include "vault/policy_words.h"
#include "vault/uses.h"
#include "vault/wish.h"

#define VAULT_SHARES_MAX 8 /* changes of one transaction are few */
#define HEAD             8
#define CHECK            8
#define VERSION          1
#define KEY_MIN          16 /* bytes: as of derivation */
#define KEY_MAX          3000
#define ROLES                                                                                                \
        (VAULT_HISTORY_ROLE_WRAP | VAULT_HISTORY_ROLE_CIPHER | VAULT_HISTORY_ROLE_SIGN |                     \
         VAULT_HISTORY_ROLE_DERIVE)

/* First bytes of SHA-256 over the key: tells a good joining from a bad one. It is shared as the key is, so
 * that a share tells nothing of it. */
static bool check_of(struct vault_call *call, struct slice key, uint8_t out[CHECK])
{
        uint8_t digest[32];
        size_t n = sizeof(digest);
        bool ok = crypto_digest(call->vault->deps.crypto, crypto_mechanism_find(CKM_SHA256), key, digest, &n,
                                &call->err);

        memcpy(out, digest, CHECK);
        sec_wipe(digest, sizeof(digest));
        return ok;
}

/* May this key be split, or be joined with others? */
static bool may_move(struct vault_call *call, struct vault_object *o, const char *what)
{
        struct vault_key_facts facts = vault_policy_facts(o);
        enum vault_rule rule;

        if (!vault_policy_owns(call, o, what))
                return false;
        if (o->object_class != CKO_SECRET_KEY)
                return err_set(&call->err, ERR_KEY_TYPE, "key %u is no secret key, and only these are split",
                               o->handle);
        rule = vault_model_split(&facts);
        if (rule != VAULT_ALLOWED)
                return vault_words_of(call, rule, o);
        return vault_policy_date(call, o, CRYPTO_DERIVE);
}

/* What comes of o is no looser than o, and remembers what o was. */
static bool inherit(struct vault_call *call, const struct vault_object *o, struct vault_template *t,
                    struct vault_origin *origin)
{
        struct vault_key_facts facts = vault_policy_facts(o);
        const struct vault_parent parent = { .how = VAULT_DERIVED, .key = &facts };

        origin->history |= vault_model_birth_marks(&parent, VAULT_TOKEN) | (facts.history & ROLES);
        return vault_policy_inherit(call, &parent, t);
}

/* ---- splitting ---- */

struct split {
        struct vault_object *key;
        struct sec *secret; /* the key and its check */
        struct sec *values[VAULT_SHARES_MAX];
        struct vault_object *objects[VAULT_SHARES_MAX];
        size_t n;
};

static bool split_value(struct vault_call *call, struct split *s, unsigned threshold)
{
        struct crypto_share shares[VAULT_SHARES_MAX];
        struct crypto_key *key = vault_object_key(call->vault, s->key, &call->err);
        struct sec *value = key ? crypto_key_material(key, &call->err) : NULL;
        size_t n = value ? sec_size(value) : 0;
        uint8_t set[4];
        bool ok = value && (s->secret = sec_new(n + CHECK)) != NULL;

        if (ok && (n < KEY_MIN || n > KEY_MAX))
                ok = err_set(&call->err, ERR_KEY_SIZE, "keys of %d to %d bytes are split, not of %zu",
                             KEY_MIN, KEY_MAX, n);
        for (size_t i = 0; ok && i < s->n; i++) {
                ok = (s->values[i] = sec_new(HEAD + n + CHECK)) != NULL;
                if (ok)
                        shares[i].y = sec_bytes(s->values[i]) + HEAD;
        }
        if (ok)
                memcpy(sec_bytes(s->secret), sec_slice(value).p, n);
        ok = ok && check_of(call, sec_slice(value), sec_bytes(s->secret) + n) &&
             crypto_random(call->vault->deps.crypto, set, sizeof(set), &call->err) &&
             crypto_shamir_split(call->vault->deps.crypto, sec_slice(s->secret), threshold, shares, s->n,
                                 &call->err);
        for (size_t i = 0; ok && i < s->n; i++) {
                const uint8_t head[HEAD] = { 'S',    VERSION, shares[i].x, (uint8_t)threshold,
                                             set[0], set[1],  set[2],      set[3] };

                memcpy(sec_bytes(s->values[i]), head, HEAD);
        }
        sec_free(&value);
        if (!ok && !call->err.id)
                err_set(&call->err, ERR_MEMORY, "no memory to split a key");
        return ok;
}

/* A share does nothing: it is wrapped, and joined. */
static bool share_template(struct vault_call *call, const struct vault_template *given, size_t i,
                           struct vault_template *t)
{
        static const uint64_t off[] = { CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,  CKA_UNWRAP,
                                        CKA_SIGN,    CKA_VERIFY,  CKA_DERIVE };
        struct slice label = vault_template_get(given, CKA_LABEL);
        char *text = arena_printf(call->arena, "%.*s-%zu", (int)label.n, (const char *)label.p, i + 1);

        *t = *given;
        if (vault_template_has(given, CKA_ID))
                return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                               "shares have no CKA_ID: it would be one for all");
        for (size_t k = 0; k < sizeof(off) / sizeof(off[0]); k++) {
                if (vault_template_has(t, off[k]))
                        return err_set(&call->err, ERR_TEMPLATE_INCONSISTENT,
                                       "a share is wrapped and joined, and has no usage");
                if (!vault_template_set_bool(call, t, off[k], false))
                        return false;
        }
        if (!text)
                return err_set(&call->err, ERR_MEMORY, "no memory for a share's label");
        return vault_template_set(call, t, CKA_LABEL, slice_str(text)) &&
               vault_template_set_number(call, t, CKA_CLASS, CKO_SECRET_KEY) &&
               vault_template_set_number(call, t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
}

static bool make_shares(struct vault_call *call, struct split *s)
{
        const Chsm__SplitKeyRequest *in = call->request->split_key;
        struct vault_template *given = arena_alloc(call->arena, sizeof(*given) * 2), *t = given + 1;

        if (!given)
                return err_set(&call->err, ERR_MEMORY, "no memory for a template");
        if (!vault_template_read(call, in->template_, in->n_template_, CK_IN_DERIVE, given))
                return false;
        for (size_t i = 0; i < s->n; i++) {
                struct vault_origin origin = { .mode = CK_IN_DERIVE,
                                               .mechanism = CK_UNAVAILABLE_INFORMATION };
                struct crypto_key *key = NULL;
                bool ok = share_template(call, given, i, t) && inherit(call, s->key, t, &origin) &&
                          vault_policy_template(call, t, CKO_SECRET_KEY) &&
                          crypto_key_open(call->vault->deps.crypto, CRYPTO_SECRET, CKK_GENERIC_SECRET,
                                          sec_slice(s->values[i]), &key, &call->err) &&
                          vault_object_make(call, t, key, &origin, NULL, 0, &s->objects[i]);

                crypto_key_unref(&key);
                if (!ok)
                        return false;
        }
        return true;
}

static bool split_reply(struct vault_call *call, struct split *s)
{
        Chsm__DerivedResponse *r = arena_alloc(call->arena, sizeof(*r));
        Chsm__ObjectResponse **list = arena_alloc(call->arena, s->n * sizeof(*list));

        if (!r || !list)
                return err_set(&call->err, ERR_MEMORY, "no memory for the answer");
        chsm__derived_response__init(r);
        for (size_t i = 0; i < s->n; i++) {
                list[i] = vault_object_answer(call, s->objects[i]);
                if (!list[i])
                        return false;
        }
        r->objects = list;
        r->n_objects = s->n;
        call->object = s->key->handle;
        call->second_object = s->objects[0]->handle;
        call->response->derived = r;
        call->response->body_case = CHSM__RESPONSE__BODY_DERIVED;
        return true;
}

bool vault_split_key(struct vault_call *call)
{
        const Chsm__SplitKeyRequest *in = call->request->split_key;
        struct split s = { .key = vault_object_of(call, in->key, ERR_KEY_HANDLE), .n = in->shares };
        bool ok = s.key && may_move(call, s.key, "split");

        if (ok && (in->threshold < 2 || in->threshold > in->shares || in->shares > VAULT_SHARES_MAX))
                ok = err_set(&call->err, ERR_ARGUMENT,
                             "a key is split into 2 to %d shares, of which 2 to all are needed, not %u of %u",
                             VAULT_SHARES_MAX, in->threshold, in->shares);
        ok = ok && split_value(call, &s, in->threshold) && make_shares(call, &s) &&
             vault_use_remember(call, s.key, vault_model_use_marks(CRYPTO_DERIVE)) && split_reply(call, &s);
        if (ok)
                vault_uses_note(call, s.key);
        for (size_t i = 0; i < VAULT_SHARES_MAX; i++) {
                vault_object_unref(&s.objects[i]);
                sec_free(&s.values[i]);
        }
        sec_free(&s.secret);
        vault_object_unref(&s.key);
        return ok;
}

/* ---- joining ---- */

struct join {
        struct vault_object *objects[VAULT_SHARES_MAX];
        struct sec *values[VAULT_SHARES_MAX];
        size_t n;
        struct vault_template t;
        struct vault_origin origin;
};

static bool take_shares(struct vault_call *call, struct join *j)
{
        const Chsm__JoinKeyRequest *in = call->request->join_key;

        if (in->n_shares < 2 || in->n_shares > VAULT_SHARES_MAX)
                return err_set(&call->err, ERR_ARGUMENT, "2 to %d shares are joined", VAULT_SHARES_MAX);
        for (j->n = 0; j->n < in->n_shares; j->n++) {
                struct vault_object *o = j->objects[j->n] =
                    vault_object_of(call, in->shares[j->n], ERR_KEY_HANDLE);
                struct crypto_key *key;

                if (!o || !may_move(call, o, "join") || !inherit(call, o, &j->t, &j->origin))
                        return false;
                key = vault_object_key(call->vault, o, &call->err);
                j->values[j->n] = key ? crypto_key_material(key, &call->err) : NULL;
                if (!j->values[j->n])
                        return false;
        }
        return true;
}

/* One sentence for all that does not fit: which share is wrong cannot be known. */
static bool unfit(struct vault_call *call)
{
        return err_set(
            &call->err, ERR_WRAPPED_KEY,
            "these are no shares of one key, or a share stands twice, or there are too few of them");
}

static bool same_set(struct slice a, struct slice b)
{
        return b.n == a.n && b.n > HEAD + CHECK && b.p[0] == 'S' && b.p[1] == VERSION && b.p[3] == a.p[3] &&
               memcmp(a.p + 4, b.p + 4, 4) == 0;
}

static bool join_value(struct vault_call *call, struct join *j, struct sec **out)
{
        struct crypto_share shares[VAULT_SHARES_MAX];
        struct slice first = sec_slice(j->values[0]);
        uint8_t check[CHECK];
        bool ok = true;

        for (size_t i = 0; i < j->n; i++) {
                struct slice value = sec_slice(j->values[i]);

                if (!same_set(first, value))
                        return unfit(call);
                shares[i] = (struct crypto_share){ value.p[2], sec_bytes(j->values[i]) + HEAD };
        }
        if (j->n < first.p[3])
                return unfit(call);
        *out = sec_new(first.n - HEAD);
        if (!*out)
                return err_set(&call->err, ERR_MEMORY, "no memory to join a key");
        ok = crypto_shamir_join(shares, j->n, sec_bytes(*out), sec_size(*out));
        if (ok && !check_of(call, slice_of(sec_slice(*out).p, sec_size(*out) - CHECK), check))
                return false;
        if (!ok ||
            !sec_equal(slice_of(check, CHECK), slice_of(sec_slice(*out).p + sec_size(*out) - CHECK, CHECK)))
                return unfit(call);
        sec_shrink(*out, sec_size(*out) - CHECK);
        return true;
}

bool vault_join_key(struct vault_call *call)
{
        const Chsm__JoinKeyRequest *in = call->request->join_key;
        struct join *j = arena_alloc(call->arena, sizeof(*j));
        struct crypto_key *key = NULL;
        struct vault_object *o = NULL;
        struct sec *value = NULL;
        bool ok;

        if (!j)
                return err_set(&call->err, ERR_MEMORY, "no memory to join a key");
        j->origin = (struct vault_origin){ .mode = CK_IN_DERIVE, .mechanism = CK_UNAVAILABLE_INFORMATION };
        ok = vault_template_read(call, in->template_, in->n_template_, CK_IN_DERIVE, &j->t) &&
             take_shares(call, j) && vault_policy_template(call, &j->t, CKO_SECRET_KEY) &&
             (!in->unique_id || vault_wish_id_free(call, &j->t)) && join_value(call, j, &value) &&
             crypto_key_open(call->vault->deps.crypto, CRYPTO_SECRET,
                             vault_template_number(&j->t, CKA_KEY_TYPE, CKK_GENERIC_SECRET), sec_slice(value),
                             &key, &call->err) &&
             vault_object_make(call, &j->t, key, &j->origin, NULL, 0, &o) && vault_object_reply(call, o);
        for (size_t i = 0; i < VAULT_SHARES_MAX; i++) {
                vault_object_unref(&j->objects[i]);
                sec_free(&j->values[i]);
        }
        vault_object_unref(&o);
        crypto_key_unref(&key);
        sec_free(&value);
        return ok;
}
