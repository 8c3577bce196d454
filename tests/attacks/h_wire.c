/* Sequences of an attacker who leaves the module aside and writes messages to the daemon's socket himself. */
#include "attack.h"
#include "chsm.pb-c.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX ((size_t)2 * 1024 * 1024)

/* One connection with what its requests carry. */
struct peer {
        int fd;
        CK_BYTE ticket[1024], context[16], idempotency[16];
        size_t ticket_n;
        bool changes; /* the next request does: it carries the idempotency key */
        uint64_t id;
        Chsm__Response *answer; /* of the last request */
};

static bool transfer(int fd, void *p, size_t n, bool out)
{
        for (size_t at = 0; at < n;) {
                ssize_t got =
                    out ? write(fd, (CK_BYTE *)p + at, n - at) : read(fd, (CK_BYTE *)p + at, n - at);
                if (got <= 0)
                        return false;
                at += (size_t)got;
        }
        return true;
}

/* Sends bytes as a frame, takes the answer. False: the connection ended. */
static bool exchange(struct peer *p, const void *bytes, size_t n)
{
        uint32_t length = htonl((uint32_t)n);
        CK_BYTE *in;
        bool ok;

        if (!transfer(p->fd, &length, 4, true) || !transfer(p->fd, (void *)(uintptr_t)bytes, n, true) ||
            !transfer(p->fd, &length, 4, false) || ntohl(length) > FRAME_MAX)
                return false;
        in = malloc(ntohl(length));
        ok = in && transfer(p->fd, in, ntohl(length), false);
        chsm__response__free_unpacked(p->answer, NULL);
        p->answer = ok ? chsm__response__unpack(NULL, ntohl(length), in) : NULL;
        free(in);
        return p->answer != NULL;
}

/* The status of the answer; CKR_DEVICE_REMOVED when there was none. */
static CK_RV ask(struct peer *p, Chsm__Request *r)
{
        CK_BYTE *out;
        size_t n;
        bool ok;

        r->id = ++p->id;
        r->ticket = (ProtobufCBinaryData){ p->ticket_n, p->ticket };
        r->context = (ProtobufCBinaryData){ sizeof(p->context), p->context };
        if (p->changes)
                r->idempotency = (ProtobufCBinaryData){ sizeof(p->idempotency), p->idempotency };
        n = chsm__request__get_packed_size(r);
        out = malloc(n);
        ok = out && exchange(p, out, chsm__request__pack(r, out));
        free(out);
        p->changes = false;
        return ok ? p->answer->status : CKR_DEVICE_REMOVED;
}

static bool peer_open(struct peer *p, CK_BYTE context)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        struct timeval most = { .tv_sec = 10 };
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__HelloRequest hello = CHSM__HELLO_REQUEST__INIT;
        Chsm__Version version = CHSM__VERSION__INIT;

        *p = (struct peer){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
        memset(p->context, context, sizeof(p->context));
        memset(p->idempotency, context, sizeof(p->idempotency));
        (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", getenv("CHSM_SOCKET"));
        (void)setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
        if (connect(p->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
                return false;
        hello.version = &version;
        hello.client = (char *)(uintptr_t) "attacks";
        r.hello = &hello;
        r.body_case = CHSM__REQUEST__BODY_HELLO;
        return ask(p, &r) == CKR_OK;
}

static void peer_close(struct peer *p)
{
        chsm__response__free_unpacked(p->answer, NULL);
        (void)close(p->fd);
}

static CK_RV peer_login(struct peer *p, uint32_t role, const char *user, const char *password)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__LoginRequest login = CHSM__LOGIN_REQUEST__INIT;
        CK_RV rv;

        login.role = role;
        login.user = (char *)(uintptr_t)user;
        login.password = (ProtobufCBinaryData){ strlen(password), (CK_BYTE *)(uintptr_t)password };
        r.login = &login;
        r.body_case = CHSM__REQUEST__BODY_LOGIN;
        rv = ask(p, &r);
        if (rv == CKR_OK && p->answer->login->ticket.len <= sizeof(p->ticket)) {
                p->ticket_n = p->answer->login->ticket.len;
                memcpy(p->ticket, p->answer->login->ticket.data, p->ticket_n);
        }
        return rv;
}

static CK_RV peer_new(struct peer *p, CK_BYTE context, const char *user)
{
        return peer_open(p, context) ? peer_login(p, 1, user, getenv("CHSM_CU_PASSWORD"))
                                     : CKR_DEVICE_REMOVED;
}

/* ---- requests ---- */

static CK_RV generate(struct peer *p, bool token, Chsm__Attribute *more, size_t more_n)
{
        static CK_BYTE length[8] = { [7] = 32 }, yes[1] = { 1 }, no[1] = { 0 };
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest body = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__Attribute own[3] = { CHSM__ATTRIBUTE__INIT, CHSM__ATTRIBUTE__INIT, CHSM__ATTRIBUTE__INIT };
        Chsm__Attribute **list = calloc(3 + more_n, sizeof(Chsm__Attribute *));
        CK_RV rv;

        own[0].type = CKA_VALUE_LEN;
        own[0].value = (ProtobufCBinaryData){ 8, length };
        own[1].type = CKA_ENCRYPT;
        own[1].value = (ProtobufCBinaryData){ 1, yes };
        own[2].type = CKA_TOKEN;
        own[2].value = (ProtobufCBinaryData){ 1, token ? yes : no };
        for (size_t i = 0; list && i < 3 + more_n; i++)
                list[i] = i < 3 ? &own[i] : &more[i - 3];
        m.number = CKM_AES_KEY_GEN;
        body.mechanism = &m;
        body.template_ = list;
        body.n_template_ = 3 + more_n;
        r.generate_key = &body;
        r.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        p->idempotency[0]++;
        p->changes = true;
        rv = ask(p, &r);
        free(list);
        return rv;
}

static CK_RV encrypt(struct peer *p, uint64_t handle, const CK_BYTE *sealed, size_t n)
{
        static CK_BYTE data[16];
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__EncryptRequest body = CHSM__ENCRYPT_REQUEST__INIT;
        Chsm__Mechanism m = CHSM__MECHANISM__INIT;
        Chsm__ObjectRef ref = CHSM__OBJECT_REF__INIT;

        ref.handle = handle;
        ref.sealed = (ProtobufCBinaryData){ n, (CK_BYTE *)(uintptr_t)sealed };
        m.number = CKM_AES_ECB;
        body.key = &ref;
        body.mechanism = &m;
        body.data = (ProtobufCBinaryData){ sizeof(data), data };
        r.encrypt = &body;
        r.body_case = CHSM__REQUEST__BODY_ENCRYPT;
        return ask(p, &r);
}

static CK_RV make_blob(struct peer *p, struct blob *b)
{
        CK_RV rv = generate(p, false, NULL, 0);

        if (rv == CKR_OK) {
                b->n = p->answer->object->sealed.len;
                memcpy(b->p, p->answer->object->sealed.data, b->n);
        }
        return rv;
}

/* What a client sends at logout when it has made session objects. */
static CK_RV retire(struct peer *p)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__RetireContextRequest body = CHSM__RETIRE_CONTEXT_REQUEST__INIT;

        r.retire_context = &body;
        r.body_case = CHSM__REQUEST__BODY_RETIRE_CONTEXT;
        p->idempotency[1]++;
        p->changes = true;
        return ask(p, &r);
}

/* ---- sequences ---- */

static CK_BYTE fresh; /* no context is used twice */

static void replayed(struct attack *a)
{
        struct peer one, same_user, other_user;
        CK_BYTE context = ++fresh;
        struct blob b;

        MUST(a, peer_new(&one, context, "cu1"));
        MUST(a, peer_new(&same_user, ++fresh, "cu1"));
        MUST(a, peer_new(&other_user, ++fresh, "cu2"));
        MUST(a, make_blob(&one, &b));
        MUST(a, encrypt(&one, 0, b.p, b.n));
        CHECK(a, encrypt(&same_user, 0, b.p, b.n) == CKR_KEY_HANDLE_INVALID);
        CHECK(a, encrypt(&other_user, 0, b.p, b.n) == CKR_KEY_HANDLE_INVALID);
        /* with the other's context, which is no secret, or with the other's ticket */
        memset(other_user.context, context, sizeof(other_user.context));
        CHECK(a, encrypt(&other_user, 0, b.p, b.n) == CKR_USER_NOT_LOGGED_IN);
        memset(same_user.context, context, sizeof(same_user.context));
        CHECK(a, encrypt(&same_user, 0, b.p, b.n) == CKR_USER_NOT_LOGGED_IN);
        memcpy(other_user.ticket, one.ticket, one.ticket_n);
        memset(other_user.context, 0xee, sizeof(other_user.context));
        CHECK(a, encrypt(&other_user, 0, b.p, b.n) == CKR_USER_NOT_LOGGED_IN);
        other_user.ticket_n = 0;
        memset(other_user.context, context, sizeof(other_user.context));
        CHECK(a, encrypt(&other_user, 0, b.p, b.n) == CKR_USER_NOT_LOGGED_IN);
        peer_close(&one);
        peer_close(&same_user);
        peer_close(&other_user);
}

/* After logout the blobs are waste, for the same user in the same context too. */
static void outlived(struct attack *a)
{
        struct peer p, again;
        CK_BYTE context = ++fresh;
        struct blob b;
        CK_RV rv;

        MUST(a, peer_new(&p, context, "cu1"));
        MUST(a, make_blob(&p, &b));
        MUST(a, retire(&p));
        CHECK(a, encrypt(&p, 0, b.p, b.n) == CKR_USER_NOT_LOGGED_IN);
        if (peer_new(&again, context, "cu1") == CKR_OK) {
                rv = encrypt(&again, 0, b.p, b.n);
                CHECK(a, rv == CKR_KEY_HANDLE_INVALID || rv == CKR_USER_NOT_LOGGED_IN);
        }
        peer_close(&again);
        peer_close(&p);
}

static void tampered(struct attack *a)
{
        struct peer p;
        struct blob b, other, mixed;
        CK_BYTE kept;

        MUST(a, peer_new(&p, ++fresh, "cu1"));
        MUST(a, make_blob(&p, &b));
        MUST(a, make_blob(&p, &other));
        for (CK_ULONG i = 0; i < b.n; i++) {
                b.p[i] ^= 1;
                CHECK(a, encrypt(&p, 0, b.p, b.n) == CKR_KEY_HANDLE_INVALID);
                b.p[i] ^= 1;
        }
        for (CK_ULONG n = 1; n < b.n; n += 5)
                CHECK(a, encrypt(&p, 0, b.p, n) == CKR_KEY_HANDLE_INVALID);
        b.p[b.n] = 0;
        CHECK(a, encrypt(&p, 0, b.p, b.n + 1) == CKR_KEY_HANDLE_INVALID);
        for (CK_ULONG cut = 8; cut < b.n && cut < other.n; cut += 8) { /* two blobs joined */
                mixed = b;
                memcpy(mixed.p + cut, other.p + cut, other.n - cut);
                mixed.n = other.n;
                CHECK(a, encrypt(&p, 0, mixed.p, mixed.n) == CKR_KEY_HANDLE_INVALID);
        }
        MUST(a, encrypt(&p, 0, b.p, b.n));
        for (size_t i = 0; i < p.ticket_n; i++) { /* and the ticket */
                kept = p.ticket[i];
                p.ticket[i] ^= 0x10;
                CHECK(a, encrypt(&p, 0, b.p, b.n) == CKR_USER_NOT_LOGGED_IN);
                p.ticket[i] = kept;
        }
        MUST(a, encrypt(&p, 0, b.p, b.n));
        peer_close(&p);
}

/* Somebody repeats another's request with its idempotency key. */
static void repeated(struct attack *a)
{
        struct peer one, other;
        uint64_t handle, second = 0;

        MUST(a, peer_new(&one, ++fresh, "cu1"));
        MUST(a, peer_new(&other, ++fresh, "cu2"));
        memset(one.idempotency, 0x40 + fresh, sizeof(one.idempotency));
        memset(other.idempotency, 0x40 + fresh, sizeof(other.idempotency));
        other.idempotency[0] = one.idempotency[0];
        MUST(a, generate(&one, true, NULL, 0));
        handle = one.answer->object->handle;
        (void)attack_made(a, CKR_OK, &(CK_OBJECT_HANDLE){ handle });
        if (generate(&other, false, NULL, 0) == CKR_OK)
                second = other.answer->object->handle;
        CHECK(a, second != handle);
        CHECK(a, encrypt(&other, handle, NULL, 0) == CKR_KEY_HANDLE_INVALID);
        peer_close(&one);
        peer_close(&other);
}

/* A crypto user asks for what officers do, and an officer for what users do. */
static void roles(struct attack *a)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__CreateUserRequest user = CHSM__CREATE_USER_REQUEST__INIT;
        Chsm__SetPolicyRequest policy = CHSM__SET_POLICY_REQUEST__INIT;
        Chsm__FindAllKeysRequest all = CHSM__FIND_ALL_KEYS_REQUEST__INIT;
        struct peer p, officer;

        MUST(a, peer_new(&p, ++fresh, "cu1"));
        user.role = 2;
        user.user = (char *)(uintptr_t) "mallory";
        user.password = (ProtobufCBinaryData){ 8, (CK_BYTE *)(uintptr_t) "password" };
        r.create_user = &user;
        r.body_case = CHSM__REQUEST__BODY_CREATE_USER;
        p.changes = true;
        CHECK(a, ask(&p, &r) == CKR_FUNCTION_REJECTED);
        chsm__request__init(&r);
        policy.name = (char *)(uintptr_t) "profile";
        policy.value = (char *)(uintptr_t) "documented";
        r.set_policy = &policy;
        r.body_case = CHSM__REQUEST__BODY_SET_POLICY;
        p.changes = true;
        CHECK(a, ask(&p, &r) == CKR_FUNCTION_REJECTED);
        chsm__request__init(&r);
        r.find_all_keys = &all;
        r.body_case = CHSM__REQUEST__BODY_FIND_ALL_KEYS;
        CHECK(a, ask(&p, &r) == CKR_FUNCTION_REJECTED);
        if (peer_open(&officer, ++fresh) &&
            peer_login(&officer, 2, getenv("CHSM_CO_USER"), getenv("CHSM_CO_PASSWORD")) == CKR_OK)
                CHECK(a, generate(&officer, false, NULL, 0) == CKR_FUNCTION_REJECTED);
        CHECK(a, peer_login(&p, 2, "cu1", getenv("CHSM_CU_PASSWORD")) != CKR_OK);
        CHECK(a, peer_login(&p, 1, getenv("CHSM_CO_USER"), getenv("CHSM_CO_PASSWORD")) != CKR_OK);
        CHECK(a, peer_login(&p, 6, getenv("CHSM_CO_USER"), getenv("CHSM_CO_PASSWORD")) != CKR_OK);
        peer_close(&officer);
        peer_close(&p);
}

/* ---- values that no module would write ---- */

static CK_RV with_value(struct peer *p, uint64_t type, const void *value, size_t n)
{
        Chsm__Attribute one = CHSM__ATTRIBUTE__INIT;

        one.type = type;
        one.value = (ProtobufCBinaryData){ n, (CK_BYTE *)(uintptr_t)value };
        return generate(p, false, &one, 1);
}

/* Templates in templates, as deep as a message is long (C05 through socket and server). */
static size_t nest(CK_BYTE *out, size_t room)
{
        size_t n = 0;

        for (; n + 8 <= room; n += 8) {
                uint32_t inner = (uint32_t)(room - n - 8);
                uint32_t type = htonl(0x40000211), length = htonl(inner / 8 * 8); /* CKA_WRAP_TEMPLATE */
                memcpy(out + n, &type, 4);
                memcpy(out + n + 4, &length, 4);
        }
        return n;
}

static void values(struct attack *a)
{
        static CK_BYTE deep[60000];
        const struct {
                uint64_t type;
                const char *value;
                size_t n;
                CK_RV code;
        } wrong[] = { { CKA_SIGN, "\2", 1, CKR_ATTRIBUTE_VALUE_INVALID },
                      { CKA_SIGN, "", 0, CKR_ATTRIBUTE_VALUE_INVALID },
                      { CKA_SIGN, "\1\1", 2, CKR_ATTRIBUTE_VALUE_INVALID },
                      { CKA_KEY_TYPE, "\0\0\0\x1f", 4, CKR_ATTRIBUTE_VALUE_INVALID },
                      { CKA_ALLOWED_MECHANISMS, "\0\0\0\0\0\0\0", 7, CKR_ATTRIBUTE_VALUE_INVALID },
                      { CKA_START_DATE, "20260132", 8, CKR_ATTRIBUTE_VALUE_INVALID },
                      { CKA_START_DATE, "2026130x", 8, CKR_ATTRIBUTE_VALUE_INVALID },
                      { CKA_LOCAL, "\1", 1, CKR_ATTRIBUTE_READ_ONLY },
                      { CKA_TRUSTED, "\1", 1, CKR_ATTRIBUTE_READ_ONLY },
                      { CKA_VALUE, "0123456789abcdef", 16, CKR_ATTRIBUTE_READ_ONLY },
                      { CKA_ENCRYPT, "\0", 1, CKR_TEMPLATE_INCONSISTENT }, /* twice */
                      { CKA_MODULUS_BITS, "\0\0\0\0\0\0\x08\0", 8, CKR_TEMPLATE_INCONSISTENT },
                      { 0x40000000, "x", 1, CKR_ATTRIBUTE_TYPE_INVALID },
                      { UINT64_C(0x100000104), "\1", 1, CKR_ATTRIBUTE_TYPE_INVALID } };
        struct peer p;
        CK_RV rv;

        MUST(a, peer_new(&p, ++fresh, "cu1"));
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                rv = with_value(&p, wrong[i].type, wrong[i].value, wrong[i].n);
                if (!CHECK(a, rv == wrong[i].code))
                        printf("#   row %zu gave 0x%lx\n", i, rv);
        }
        CHECK(a, with_value(&p, CKA_WRAP_TEMPLATE, deep, nest(deep, sizeof(deep))) ==
                     CKR_ATTRIBUTE_VALUE_INVALID);
        CHECK(a, with_value(&p, CKA_WRAP_TEMPLATE, deep, nest(deep, 16000)) == CKR_ATTRIBUTE_VALUE_INVALID);
        CHECK(a, with_value(&p, CKA_UNWRAP_TEMPLATE, deep, 7) == CKR_ATTRIBUTE_VALUE_INVALID);
        memset(deep, 0xff, sizeof(deep));
        CHECK(a, with_value(&p, CKA_WRAP_TEMPLATE, deep, 64) == CKR_ATTRIBUTE_VALUE_INVALID);
        CHECK(a, generate(&p, false, NULL, 0) == CKR_OK);
        peer_close(&p);
}

/* ---- the node's own log ---- */

static unsigned records_with(const char *words)
{
        char folder[512], path[900], line[4096];
        unsigned n = 0;
        struct dirent *e;
        DIR *d;

        (void)snprintf(folder, sizeof(folder), "%s/../node1/data/audit", getenv("CHSM_CONF_DIR"));
        d = opendir(folder);
        while (d && (e = readdir(d))) {
                FILE *f;
                (void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
                f = strstr(e->d_name, ".jsonl") ? fopen(path, "re") : NULL;
                while (f && fgets(line, sizeof(line), f))
                        n +=
                            strstr(line, words) && strstr(line, "\"reason\":") && strstr(line, "\"detail\":");
                if (f)
                        (void)fclose(f);
        }
        if (d)
                (void)closedir(d);
        return n;
}

/* A refusal is one record, with reason and sentence. Records gather for some milliseconds. */
static void recorded(struct attack *a)
{
        uint64_t handle = 0x70000000u + (unsigned)getpid() % 100000 * 16 + a->token;
        char words[64];
        struct peer p;

        (void)snprintf(words, sizeof(words), "no object with handle %llu ", (unsigned long long)handle);
        MUST(a, peer_new(&p, ++fresh, "cu1"));
        CHECK(a, encrypt(&p, handle, NULL, 0) == CKR_KEY_HANDLE_INVALID);
        for (int i = 0; i < 500 && records_with(words) == 0; i++)
                (void)nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
        CHECK(a, records_with(words) == 1);
        peer_close(&p);
}

static const struct attack_row rows[] = {
        { "H01", "session objects of others", replayed },
        { "H02", "session objects after their login", outlived },
        { "H03", "session objects and tickets changed", tampered },
        { "H04", "another's request once more", repeated },
        { "H05", "what other roles do", roles },
        { "H06", "values that no module writes", values },
        { "H07", "a refusal is one record", recorded },
        { 0 },
};

const struct attack_group group_wire = { "h", rows, NULL, NULL };
