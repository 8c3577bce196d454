/* The role matrix: every command of the dispatch table, tried as everybody, in every state of the partition,
 * and compared with roles.txt. A command without a row there, a row without a command, or an empty cell
 * fails. A refusal must change nothing. spec/semantics.md 2.1 and 3. */
#include "role_requests.c"

#include "base/text.h"
#include "vault/ticket.h"

enum who { NOBODY, PRECO, CO, OWNING, SHARING, STRANGE, AU, WHO };

static const char *const who_names[WHO] = { "nobody", "preco", "co", "owner", "sharer", "stranger", "au" };
static const char *const state_names[] = {
        [VAULT_UNOWNED] = "unowned", [VAULT_OWNED] = "owned", [VAULT_ACTIVATED] = "activated"
};

/* The columns of roles.txt. Who logged in as PRECO before the activation is somebody still after it. */
static const struct column {
        enum vault_state state;
        enum who who;
} columns[] = {
        { VAULT_UNOWNED, NOBODY },   { VAULT_UNOWNED, PRECO },     { VAULT_UNOWNED, AU },
        { VAULT_OWNED, NOBODY },     { VAULT_OWNED, PRECO },       { VAULT_OWNED, AU },
        { VAULT_ACTIVATED, NOBODY }, { VAULT_ACTIVATED, PRECO },   { VAULT_ACTIVATED, CO },
        { VAULT_ACTIVATED, OWNING }, { VAULT_ACTIVATED, SHARING }, { VAULT_ACTIVATED, STRANGE },
        { VAULT_ACTIVATED, AU },
};
#define COLUMNS  (sizeof(columns) / sizeof(columns[0]))
#define ROWS_MAX 400

static struct row {
        char name[48];
        char cells[COLUMNS][32];
} matrix[ROWS_MAX];
static size_t matrix_n;

static void matrix_line(char *line)
{
        struct row *row = &matrix[matrix_n];
        char *rest = NULL;
        size_t n = 0;

        line[strcspn(line, "#\n")] = 0;
        for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                if (strcmp(word, "|") == 0)
                        continue;
                if (n == 0)
                        snprintf(row->name, sizeof(row->name), "%s", word);
                else if (n <= COLUMNS)
                        snprintf(row->cells[n - 1], sizeof(row->cells[0]), "%s", word);
                n++;
        }
        if (n && n != COLUMNS + 1)
                fail_msg("roles.txt: '%s' has %zu cells, not %zu", row->name, n - 1, COLUMNS);
        matrix_n += n > 0;
        assert_true(matrix_n < ROWS_MAX);
}

static int matrix_read(void **state)
{
        FILE *f = fopen(TEST_SOURCE_DIR "/tests/unit/vault/roles.txt", "r");
        char line[512];

        (void)state;
        assert_non_null(f);
        while (fgets(line, sizeof(line), f))
                matrix_line(line);
        fclose(f);
        return 0;
}

static const struct row *row_of(const char *name)
{
        for (size_t i = 0; i < matrix_n; i++) {
                if (strcmp(matrix[i].name, name) == 0)
                        return &matrix[i];
        }
        return NULL;
}

/* The part before the colon is the command's name. */
static bool is_of(const char *request, const char *command)
{
        size_t n = strcspn(request, ":");

        return strlen(command) == n && memcmp(request, command, n) == 0;
}

/* ---- the HSM of a state ---- */

/* An HSM in that state, with who was PRECO on the way there. */
struct place {
        struct hsm *hsm;
        struct world world;
        enum vault_state state;
        struct caller preco;
};

static void make_world(struct place *p)
{
        struct world *w = &p->world;
        struct caller sharer;
        struct attributes usage = { .n = 0 }, asks = { .n = 0 }, pub = { .n = 0 }, priv = { .n = 0 };
        struct named unused;

        w->officer = caller_co(p->hsm);
        assert_int_equal(caller_create_user(&w->officer, 1, OWNER, PASSWORD), 0);
        assert_int_equal(caller_create_user(&w->officer, 1, SHARER, PASSWORD), 0);
        assert_int_equal(caller_create_user(&w->officer, 1, STRANGER, PASSWORD), 0);
        w->owner = caller_cu(p->hsm, OWNER);
        sharer = caller_cu(p->hsm, SHARER);
        add_bool(&usage, CKA_ENCRYPT, true);
        add_bool(&usage, CKA_DECRYPT, true);
        add_bool(&usage, CKA_WRAP, true);
        add_bool(&usage, CKA_UNWRAP, true);
        add_bool(&usage, CKA_DERIVE, true);
        assert_int_equal(make_aes(&w->owner, true, &usage, &w->aes), 0);
        add_bool(&pub, CKA_VERIFY, true);
        add_bool(&pub, CKA_VERIFY_RECOVER, true);
        add_bool(&priv, CKA_SIGN, true);
        add_bool(&priv, CKA_SIGN_RECOVER, true);
        assert_int_equal(
            make_pair(&w->owner, CKM_RSA_PKCS_KEY_PAIR_GEN, true, &pub, &priv, &w->pub, &w->priv), 0);
        add_bool(&asks, CKA_ALWAYS_AUTHENTICATE, true);
        assert_int_equal(make_pair(&w->owner, CKM_EC_KEY_PAIR_GEN, true, NULL, &asks, &unused, &w->asking),
                         0);
        assert_int_equal(share_object(&w->owner, &w->aes, sharer.user_id, true), 0);
        assert_int_equal(share_object(&w->owner, &w->priv, sharer.user_id, true), 0);
        assert_int_equal(share_object(&w->owner, &w->asking, sharer.user_id, true), 0);
        assert_int_equal(make_aes(&w->owner, false, NULL, &unused), 0);
        assert_int_equal(use_wrap(&w->owner, &w->aes, &unused, &w->wrapped), 0);
        assert_int_equal(use_sign(&w->owner, &w->priv, CKM_SHA256_RSA_PKCS, &w->signature), 0);
        assert_int_equal(use_sign(&w->owner, &w->priv, CKM_RSA_PKCS, &w->recoverable), 0);
}

static struct place *place_new(enum vault_state state)
{
        struct place *p = calloc(1, sizeof(*p));
        struct named *none[] = { &p->world.aes, &p->world.pub, &p->world.priv, &p->world.asking };

        p->hsm = hsm_new();
        p->state = state;
        p->world.partition_certificate = BUF_INIT;
        for (size_t i = 0; i < 4; i++) {
                chsm__object_ref__init(&none[i]->ref);
                none[i]->ref.handle = 1;
        }
        hsm_issue(p->hsm, &p->world.partition_certificate);
        p->world.owner_certificate = p->hsm->owner;
        p->preco = caller_new(p->hsm);
        assert_int_equal(caller_login(&p->preco, 6, "admin", "tenantadmin"), 0);
        if (state == VAULT_UNOWNED)
                return p;
        assert_int_equal(caller_store_cert(&p->preco, 4, buf_slice(&p->world.owner_certificate)), 0);
        assert_int_equal(caller_store_cert(&p->preco, 8, buf_slice(&p->world.partition_certificate)), 0);
        if (state == VAULT_OWNED)
                return p;
        assert_int_equal(caller_login(&p->preco, 6, "admin", "tenantadmin"), 0);
        hsm_activate(&p->preco);
        make_world(p);
        return p;
}

static void place_free(struct place *p)
{
        buf_clear(&p->world.partition_certificate);
        hsm_free(p->hsm);
        free(p);
}

/* ---- somebody ---- */

/* Nothing logs in as app_user: his ticket is made in the vault. */
static void become_service(struct caller *c)
{
        struct hsm *h = c->hsm;
        struct vault_user_view user;
        struct vault_call call = { .vault = h->vault, .peer = &h->peer, .arena = h->arena };
        struct slice ticket;
        int64_t expires;

        arena_reset(h->arena);
        memcpy(call.context, c->context, sizeof(call.context));
        assert_true(vault_user_find(h->vault, SLICE_LIT("app_user"), &user));
        assert_true(vault_ticket_make(&call, &user, &ticket, &expires));
        memcpy(c->ticket, ticket.p, ticket.n);
        c->ticket_n = ticket.n;
        c->user_id = user.id;
}

static struct caller somebody(struct place *p, enum who who, const char **name)
{
        static const char *const crypto_users[WHO] = {
                [OWNING] = OWNER, [SHARING] = SHARER, [STRANGE] = STRANGER
        };
        struct caller c = caller_new(p->hsm);

        *name = crypto_users[who] ? crypto_users[who] : who == AU ? "app_user" : who == NOBODY ? "" : "admin";
        if (crypto_users[who])
                assert_int_equal(caller_login(&c, 1, *name, PASSWORD), 0);
        else if (who == CO)
                assert_int_equal(caller_login(&c, 2, *name, "admin1234"), 0);
        else if (who == PRECO && p->state != VAULT_ACTIVATED)
                assert_int_equal(caller_login(&c, 6, *name, "tenantadmin"), 0);
        else if (who == PRECO)
                c = p->preco;
        else if (who == AU)
                become_service(&c);
        return c;
}

/* ---- trials ---- */

static bool try(struct place *p, const struct role_request *request, enum who who, const char *expected)
{
        struct caller me;
        struct trial t = { .hsm = p->hsm, .world = &p->world, .me = &me };
        const Chsm__Response *response;
        struct vault_metrics before;
        const char *was;

        me = somebody(p, who, &t.user);
        t.activated = p->state == VAULT_ACTIVATED;
        chsm__request__init(&t.request);
        if (request->fill)
                request->fill(&t);
        else
                (void)body_of(&t, request->name);
        vault_metrics(p->hsm->vault, &before);
        response = ask(&me, &t.request);
        was = response->reason ? err_row((enum err_id)response->reason)->name : "yes";
        if (response->reason && response->revision != before.revision)
                print_error("%s, %s, %s: refused (%s), and the store changed\n", request->name,
                            state_names[p->state], who_names[who], was);
        else if (strcmp(was, expected) == 0)
                return true;
        else
                print_error("%s, %s, %s: %s, but roles.txt says %s. %s\n", request->name,
                            state_names[p->state], who_names[who], was, expected, response->detail);
        return false;
}

static bool try_cell(struct place *shared, const struct role_request *request, size_t column)
{
        const struct row *row = row_of(request->name);
        const char *expected = row ? row->cells[column] : "nothing";
        bool alone = request->alone && strcmp(expected, "yes") == 0;
        struct place *p = alone ? place_new(shared->state) : shared;
        bool ok = try(p, request, columns[column].who, expected);

        if (alone)
                place_free(p);
        return ok;
}

static void as_in_the_matrix(void **state, enum vault_state phase)
{
        struct place *p = place_new(phase);
        size_t wrong = 0;

        (void)state;
        for (size_t i = 0; i < ROLE_REQUESTS; i++) {
                for (size_t column = 0; column < COLUMNS; column++) {
                        if (columns[column].state == phase)
                                wrong += !try_cell(p, &role_requests[i], column);
                }
        }
        place_free(p);
        if (wrong)
                fail_msg("%zu cells are not as roles.txt says", wrong);
}

static void before_an_owner(void **state)
{
        as_in_the_matrix(state, VAULT_UNOWNED);
}

static void before_the_activation(void **state)
{
        as_in_the_matrix(state, VAULT_OWNED);
}

static void in_service(void **state)
{
        as_in_the_matrix(state, VAULT_ACTIVATED);
}

static void every_command_has_its_rows(void **state)
{
        const struct vault_command *command;
        size_t missing = 0;

        (void)state;
        for (size_t i = 0; (command = vault_command_at(i)); i++) {
                size_t n = 0;
                for (size_t k = 0; k < ROLE_REQUESTS; k++)
                        n += is_of(role_requests[k].name, command->name);
                if (!n) {
                        print_error("'%s' needs a request in role_requests.c and a row in roles.txt\n",
                                    command->name);
                        missing++;
                }
        }
        for (size_t k = 0; k < ROLE_REQUESTS; k++) {
                if (!row_of(role_requests[k].name)) {
                        print_error("'%s' needs a row in roles.txt\n", role_requests[k].name);
                        missing++;
                }
        }
        assert_int_equal(missing, 0);
}

static void every_row_has_its_command(void **state)
{
        (void)state;
        for (size_t i = 0; i < matrix_n; i++) {
                size_t requests = 0, commands = 0;
                const struct vault_command *command;

                for (size_t k = 0; k < ROLE_REQUESTS; k++)
                        requests += strcmp(role_requests[k].name, matrix[i].name) == 0;
                for (size_t k = 0; (command = vault_command_at(k)); k++)
                        commands += is_of(matrix[i].name, command->name);
                if (requests != 1 || commands != 1 || row_of(matrix[i].name) != &matrix[i])
                        fail_msg("roles.txt: '%s' is not of one command and one request, or stands twice",
                                 matrix[i].name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_command_has_its_rows),
                cmocka_unit_test(every_row_has_its_command),
                cmocka_unit_test(before_an_owner),
                cmocka_unit_test(before_the_activation),
                cmocka_unit_test(in_service),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, matrix_read, NULL);
}
