/* One application's way to the HSM: leader and followers over one pool, and the login. */
#include "client/chsm.h"
#include "base/sec.h"
#include "client/pool.h"
#include "wire/frame.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define DEADLINE_MS 5000
#define SLOW_MS     60000
#define REACH_MS    1000 /* what chsm_reach found holds so long */
#define CLOSE_MS    1000 /* nobody waits long for the end of his program */
#define FDS_MAX     16
/* A leader asleep does not hear of work left by a partial write of another thread. */
#define POLL_MOST_MS 50
#define SPIN_MOST    8
#define ARENA_FIRST  8192
#define ARENA_MOST   (4 * (size_t)WIRE_LIMIT_HIGHEST)
#define LOGIN_ROOM   1024         /* the same before login, when there is no key and no ticket */
#define DATA_ROOM    (192 * 1024) /* what may stand beside the data: a sealed key, ticket, parameter */

struct call {
        struct call *next, *prev;
        pthread_cond_t wake;
        uint64_t ticket; /* of the pool */
        bool done;
        struct arena *arena;
        struct slice frame;
        struct err err;
};

struct chsm {
        pthread_mutex_t lock;
        struct client_pool *pool;
        struct call *calls; /* waiting, without the leader's */
        bool leading;
        unsigned spin;
        int deadline_ms;
        size_t max_frame;
        uint8_t context[WIRE_CONTEXT_SIZE];
        struct sec *ticket;
        uint64_t user_id;
        char remark[CHSM_REMARK_MAX]; /* on the login */
        _Atomic int64_t revision;
        _Atomic uint64_t stale_ms; /* longest of all answers */
        bool made_objects;         /* sealed blobs of this context are about */
        bool interrupted;
        const volatile sig_atomic_t *cancel; /* of the application; may be NULL */
        bool reached;                        /* by chsm_reach, at asked_at (0: never) */
        int64_t asked_at;
};

bool chsm_local_random(void *out, size_t n)
{
        uint8_t *p = out;

        while (n) {
                ssize_t got = getrandom(p, n, 0);

                if (got < 0)
                        return false;
                p += got;
                n -= (size_t)got;
        }
        return true;
}

void chsm_answer_clear(struct chsm_answer *answer)
{
        arena_free(&answer->arena);
        answer->response = NULL;
}

/* ---- leader and followers; all with the lock held ---- */

static void call_answered(void *arg, uint8_t *frame, size_t n, const struct err *err)
{
        struct call *call = arg;

        if (frame)
                call->frame = arena_copy(call->arena, slice_of(frame, n));
        if (!frame)
                call->err = *err;
        else if (!call->frame.p)
                err_set(&call->err, ERR_MEMORY, "no memory for an answer of %zu bytes", n);
        call->done = true;
        (void)pthread_cond_signal(&call->wake);
}

static void call_wait_add(struct chsm *c, struct call *call)
{
        call->prev = NULL;
        call->next = c->calls;
        if (c->calls)
                c->calls->prev = call;
        c->calls = call;
}

static void call_wait_remove(struct chsm *c, struct call *call)
{
        if (call->prev)
                call->prev->next = call->next;
        else
                c->calls = call->next;
        if (call->next)
                call->next->prev = call->prev;
}

/* Polls outside the lock, first a few times without sleeping when that has paid lately. */
static void lead_once(struct chsm *c)
{
        struct pollfd fds[FDS_MAX];
        int timeout, ready = 0;
        size_t n = client_pool_fds(c->pool, fds, FDS_MAX, &timeout);
        unsigned spin = c->spin;

        if (timeout < 0 || timeout > POLL_MOST_MS)
                timeout = POLL_MOST_MS;
        (void)pthread_mutex_unlock(&c->lock);
        for (unsigned i = 0; i < spin && ready == 0; i++)
                ready = poll(fds, n, 0);
        if (ready == 0)
                ready = poll(fds, n, timeout);
        else
                spin = spin < SPIN_MOST ? spin + 1 : spin;
        (void)pthread_mutex_lock(&c->lock);
        c->spin = spin;
        client_pool_step(c->pool, ready > 0 ? fds : NULL, n);
}

static bool cancelled(const struct chsm *c)
{
        return c->cancel && *c->cancel;
}

static void lead(struct chsm *c, struct call *call)
{
        c->leading = true;
        client_pool_step(c->pool, NULL, 0);
        while (!call->done && !c->interrupted && !cancelled(c))
                lead_once(c);
        c->leading = false;
        for (struct call *next = c->calls; next; next = next->next) {
                if (!next->done) {
                        (void)pthread_cond_signal(&next->wake);
                        break;
                }
        }
}

static bool interrupted(const struct chsm *c, struct err *err)
{
        if (c->interrupted)
                return err_set(err, ERR_NOT_INITIALIZED, "the application finalises the module");
        return err_set(err, ERR_CANCELLED, "cancelled; what the node had begun, it may have done");
}

static void call_wait(struct chsm *c, struct call *call)
{
        if (c->leading) {
                client_pool_flush(c->pool);
                call_wait_add(c, call);
                while (!call->done && c->leading && !c->interrupted)
                        (void)pthread_cond_wait(&call->wake, &c->lock);
                call_wait_remove(c, call);
        }
        if (!call->done)
                lead(c, call);
        if (!call->done) {
                client_pool_cancel(c->pool, call->ticket);
                interrupted(c, &call->err);
        }
}

/* ---- calls ---- */

static bool is_session_object(const Chsm__ObjectResponse *o)
{
        return o && o->sealed.len;
}

/* Does it bring session objects, which end with the login? */
static bool makes_session_objects(const Chsm__Response *r)
{
        bool any = false;

        switch (r->body_case) {
        case CHSM__RESPONSE__BODY_OBJECT:
                return is_session_object(r->object);
        case CHSM__RESPONSE__BODY_KEY_PAIR:
                return is_session_object(r->key_pair->private_key) ||
                       is_session_object(r->key_pair->public_key);
        case CHSM__RESPONSE__BODY_DERIVED:
                for (size_t i = 0; i < r->derived->n_objects; i++)
                        any = any || is_session_object(r->derived->objects[i]);
                return any;
        case CHSM__RESPONSE__BODY_ENCAPSULATED:
                return is_session_object(r->encapsulated->object);
        default:
                return false;
        }
}

static void answer_note(struct chsm *c, const Chsm__Response *r)
{
        if (r->revision > c->revision)
                c->revision = r->revision;
        if (r->stale_ms > c->stale_ms)
                c->stale_ms = r->stale_ms;
        if (makes_session_objects(r))
                c->made_objects = true;
}

/* Making an RSA key or a backup takes as long as it takes. */
static int deadline_of(const struct chsm *c, const Chsm__Request *request)
{
        bool slow = request->body_case == CHSM__REQUEST__BODY_GENERATE_KEY_PAIR ||
                    request->body_case == CHSM__REQUEST__BODY_OPEN_BACKUP ||
                    request->body_case == CHSM__REQUEST__BODY_PLAN_RESTORE ||
                    request->body_case == CHSM__REQUEST__BODY_COMMIT_RESTORE;

        return slow && c->deadline_ms < SLOW_MS ? SLOW_MS : c->deadline_ms;
}

/* With the lock held: the request in full, encoded and queued. */
static bool call_submit(struct chsm *c, Chsm__Request *request, int deadline_ms, struct call *call,
                        struct err *err)
{
        const struct wire_row *row = wire_row_find((uint32_t)request->body_case);
        struct slice ticket = c->ticket ? sec_slice(c->ticket) : SLICE_EMPTY, frame;
        uint8_t once[WIRE_IDEMPOTENCY_SIZE], copy[1024];
        struct buf out = BUF_INIT;
        bool ok = false;

        if (c->interrupted || cancelled(c))
                return interrupted(c, err);
        if (!row || ticket.n > sizeof(copy))
                return err_set(err, ERR_INTERNAL, "a request without a known body");
        if (ticket.n)
                memcpy(copy, ticket.p, ticket.n);
        request->id = 1;
        request->ticket = (ProtobufCBinaryData){ ticket.n, copy };
        request->context = (ProtobufCBinaryData){ sizeof(c->context), c->context };
        request->min_revision = c->revision;
        request->deadline_ms = (uint32_t)deadline_ms;
        request->idempotency =
            (ProtobufCBinaryData){ row->mutating || request->authorisation.len ? sizeof(once) : 0, once };
        if (!chsm_local_random(once, sizeof(once))) {
                err_set(err, ERR_RANDOM, "the system gave no random bytes");
                goto out;
        }
        if (!wire_request_encode(request, &out) || out.n > c->max_frame + WIRE_HEADER_SIZE) {
                err_set(err, ERR_DATA_LEN, "%s: a request may have %zu bytes", row->name, c->max_frame);
                goto out;
        }
        if (!ticket.n && out.n > WIRE_LIMIT_LOGIN + WIRE_HEADER_SIZE) {
                err_set(err, ERR_NOT_LOGGED_IN, "%s: before login a request may have %d bytes", row->name,
                        (int)WIRE_LIMIT_LOGIN);
                goto out;
        }
        frame = slice_of(out.p + WIRE_HEADER_SIZE, out.n - WIRE_HEADER_SIZE);
        call->ticket = client_pool_submit(c->pool, frame, 1, deadline_ms, call_answered, call, err);
        ok = call->ticket != 0;
out:
        if (out.p)
                sec_wipe(out.p, out.n);
        buf_clear(&out);
        request->ticket = request->idempotency = (ProtobufCBinaryData){ 0, NULL };
        return ok;
}

static uint32_t answer_take(struct chsm *c, struct call *call, struct chsm_answer *answer, struct err *err)
{
        Chsm__Response *r;

        if (!call->frame.p) {
                *err = call->err;
                return err_ckr(err);
        }
        r = wire_response_decode(answer->arena, call->frame, err);
        if (!r)
                return err_ckr(err);
        answer->response = r;
        (void)pthread_mutex_lock(&c->lock);
        answer_note(c, r);
        (void)pthread_mutex_unlock(&c->lock);
        if (r->status)
                err_set(err, r->reason && r->reason < ERR_COUNT ? (enum err_id)r->reason : ERR_INTERNAL, "%s",
                        r->detail);
        return r->status;
}

static uint32_t call_within(struct chsm *c, Chsm__Request *request, int deadline_ms,
                            struct chsm_answer *answer, struct err *err)
{
        struct call call = { .err = ERR_INIT };
        bool sent;

        answer->response = NULL;
        if (answer->arena)
                arena_reset(answer->arena);
        else
                answer->arena = arena_new(ARENA_FIRST, ARENA_MOST);
        if (!answer->arena) {
                err_set(err, ERR_MEMORY, "no memory for an answer");
                return err_ckr(err);
        }
        call.arena = answer->arena;
        (void)pthread_cond_init(&call.wake, NULL);
        (void)pthread_mutex_lock(&c->lock);
        sent = call_submit(c, request, deadline_ms, &call, err);
        if (sent)
                call_wait(c, &call);
        (void)pthread_mutex_unlock(&c->lock);
        (void)pthread_cond_destroy(&call.wake);
        return sent ? answer_take(c, &call, answer, err) : err_ckr(err);
}

uint32_t chsm_call(struct chsm *c, Chsm__Request *request, struct chsm_answer *answer, struct err *err)
{
        struct err local = ERR_INIT;

        return call_within(c, request, deadline_of(c, request), answer, err ? err : &local);
}

bool chsm_reach(struct chsm *c, int wait_ms)
{
        struct clock clock = clock_system();
        int64_t now = clock_mono_ms(&clock);
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__HelloRequest hello = CHSM__HELLO_REQUEST__INIT;
        Chsm__Version version = CHSM__VERSION__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct err err = ERR_INIT;
        bool known, reached;

        (void)pthread_mutex_lock(&c->lock);
        reached = c->reached;
        known = c->asked_at && now - c->asked_at < REACH_MS;
        (void)pthread_mutex_unlock(&c->lock);
        if (known)
                return reached;
        hello.version = &version;
        request.hello = &hello;
        request.body_case = CHSM__REQUEST__BODY_HELLO;
        reached = call_within(c, &request, wait_ms, &answer, &err) == 0;
        chsm_answer_clear(&answer);
        (void)pthread_mutex_lock(&c->lock);
        c->reached = reached;
        c->asked_at = clock_mono_ms(&clock);
        (void)pthread_mutex_unlock(&c->lock);
        return reached;
}

/* ---- opening and closing ---- */

static bool open_connect(struct chsm *c, int connect_ms, struct err *err)
{
        struct clock clock = clock_system();
        int64_t until = clock_mono_ms(&clock) + connect_ms;
        bool reached = false;

        (void)pthread_mutex_lock(&c->lock);
        client_pool_connect(c->pool);
        client_pool_step(c->pool, NULL, 0);
        while (!client_pool_hello(c->pool) && !client_pool_unreachable(c->pool) && !cancelled(c) &&
               clock_mono_ms(&clock) < until)
                lead_once(c);
        reached = client_pool_hello(c->pool) != NULL;
        if (!reached)
                client_pool_trouble(c->pool, err);
        (void)pthread_mutex_unlock(&c->lock);
        return reached;
}

struct chsm *chsm_open(const struct chsm_options *options, struct err *err)
{
        struct client_pool_config config = { .options = *options, .clock = clock_system() };
        struct chsm *c = calloc(1, sizeof(*c));

        if (!c || !chsm_local_random(c->context, sizeof(c->context))) {
                err_set(err, ERR_MEMORY, "no memory or no random bytes for a connection");
                free(c);
                return NULL;
        }
        (void)pthread_mutex_init(&c->lock, NULL);
        c->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : DEADLINE_MS;
        c->max_frame = options->max_frame ? options->max_frame : WIRE_LIMIT_PRESET;
        c->spin = 2;
        c->cancel = options->cancel;
        memcpy(config.context, c->context, sizeof(c->context));
        c->pool = client_pool_new(&config, err);
        if (!c->pool ||
            (!open_connect(c, options->connect_ms > 0 ? options->connect_ms : 2000, err) && !options->lazy)) {
                chsm_close(&c);
                return NULL;
        }
        c->reached = client_pool_hello(c->pool) != NULL;
        c->asked_at = clock_mono_ms(&config.clock);
        return c;
}

void chsm_close(struct chsm **cp)
{
        struct chsm *c = *cp;

        if (!c)
                return;
        c->cancel = NULL;
        if (c->pool && c->ticket && c->made_objects) {
                Chsm__Request request = CHSM__REQUEST__INIT;
                Chsm__RetireContextRequest retire = CHSM__RETIRE_CONTEXT_REQUEST__INIT;
                struct chsm_answer answer = CHSM_ANSWER_INIT;

                c->interrupted = false;
                c->deadline_ms = CLOSE_MS;
                request.body_case = CHSM__REQUEST__BODY_RETIRE_CONTEXT;
                request.retire_context = &retire;
                (void)chsm_call(c, &request, &answer, NULL); /* the context expires with its ticket anyway */
                chsm_answer_clear(&answer);
        }
        client_pool_free(&c->pool);
        (void)pthread_mutex_destroy(&c->lock);
        sec_free(&c->ticket);
        free(c);
        *cp = NULL;
}

void chsm_interrupt(struct chsm *c)
{
        (void)pthread_mutex_lock(&c->lock);
        c->interrupted = true;
        for (struct call *call = c->calls; call; call = call->next)
                (void)pthread_cond_signal(&call->wake);
        (void)pthread_mutex_unlock(&c->lock);
}

void chsm_fork_prepare(struct chsm *c)
{
        (void)pthread_mutex_lock(&c->lock);
}

void chsm_fork_parent(struct chsm *c)
{
        (void)pthread_mutex_unlock(&c->lock);
}

void chsm_abandon(struct chsm **cp)
{
        if (!*cp)
                return;
        client_pool_abandon(&(*cp)->pool);
        (void)pthread_mutex_unlock(&(*cp)->lock); /* chsm_fork_prepare has it */
        sec_free(&(*cp)->ticket);
        free(*cp);
        *cp = NULL;
}

const Chsm__HelloResponse *chsm_hello(struct chsm *c)
{
        const Chsm__HelloResponse *hello;

        (void)pthread_mutex_lock(&c->lock);
        hello = client_pool_hello(c->pool);
        (void)pthread_mutex_unlock(&c->lock);
        return hello;
}

size_t chsm_data_max(struct chsm *c)
{
        if (!chsm_logged_in(c, NULL))
                return WIRE_LIMIT_LOGIN - LOGIN_ROOM;
        return c->max_frame > 2 * DATA_ROOM ? c->max_frame - DATA_ROOM : c->max_frame / 2;
}

/* ---- the login ---- */

static void ticket_set(struct chsm *c, struct sec *ticket, uint64_t user_id, const char *remark)
{
        (void)pthread_mutex_lock(&c->lock);
        sec_free(&c->ticket);
        c->ticket = ticket;
        c->user_id = user_id;
        (void)snprintf(c->remark, sizeof(c->remark), "%s", remark);
        c->made_objects = c->made_objects && ticket;
        (void)pthread_mutex_unlock(&c->lock);
}

void chsm_login_remark(struct chsm *c, char out[CHSM_REMARK_MAX])
{
        (void)pthread_mutex_lock(&c->lock);
        memcpy(out, c->remark, CHSM_REMARK_MAX);
        (void)pthread_mutex_unlock(&c->lock);
}

uint32_t chsm_login(struct chsm *c, uint32_t role, struct slice user, struct slice password, struct err *err)
{
        return chsm_login_signed(c, role, user, password, SLICE_EMPTY, SLICE_EMPTY, err);
}

uint32_t chsm_login_signed(struct chsm *c, uint32_t role, struct slice user, struct slice password,
                           struct slice challenge, struct slice signature, struct err *err)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__LoginRequest login = CHSM__LOGIN_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        struct arena *arena = arena_new(1024, 64 * 1024);
        struct slice secret = arena ? arena_copy(arena, password) : SLICE_EMPTY;
        struct err local = ERR_INIT;
        struct sec *ticket;
        uint32_t rv;

        err = err ? err : &local;
        login.role = role;
        login.user = arena ? arena_text(arena, user) : NULL;
        if (!login.user || !secret.p) {
                arena_free(&arena);
                err_set(err, ERR_ARGUMENT, "user name or password is too long");
                return err_ckr(err);
        }
        login.password = (ProtobufCBinaryData){ secret.n, (uint8_t *)(uintptr_t)secret.p };
        login.challenge = (ProtobufCBinaryData){ challenge.n, (uint8_t *)(uintptr_t)challenge.p };
        login.signature = (ProtobufCBinaryData){ signature.n, (uint8_t *)(uintptr_t)signature.p };
        request.body_case = CHSM__REQUEST__BODY_LOGIN;
        request.login = &login;
        rv = chsm_call(c, &request, &answer, err);
        if (rv == 0 && answer.response->body_case != CHSM__RESPONSE__BODY_LOGIN) {
                err_set(err, ERR_PROTOCOL, "login was answered with something else");
                rv = err_ckr(err);
        }
        if (rv == 0) {
                const Chsm__LoginResponse *l = answer.response->login;

                ticket = sec_copy(slice_of(l->ticket.data, l->ticket.len));
                if (ticket) {
                        ticket_set(c, ticket, l->user_id, answer.response->note);
                } else if (!err_set(err, ERR_MEMORY, "no memory for the login ticket")) {
                        rv = err_ckr(err);
                }
        }
        chsm_answer_clear(&answer);
        arena_free(&arena);
        return rv;
}

uint32_t chsm_logout(struct chsm *c, struct err *err)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__LogoutRequest logout = CHSM__LOGOUT_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv;

        request.body_case = CHSM__REQUEST__BODY_LOGOUT;
        request.logout = &logout;
        rv = chsm_call(c, &request, &answer, err);
        chsm_answer_clear(&answer);
        if (rv == 0)
                chsm_forget_login(c);
        return rv;
}

bool chsm_logged_in(struct chsm *c, uint64_t *user_id)
{
        bool in;

        (void)pthread_mutex_lock(&c->lock);
        in = c->ticket != NULL;
        if (user_id)
                *user_id = c->user_id;
        (void)pthread_mutex_unlock(&c->lock);
        return in;
}

bool chsm_use_ticket(struct chsm *c, struct slice bytes, uint64_t user_id, struct err *err)
{
        struct sec *ticket = sec_copy(bytes);

        if (!ticket)
                return err_set(err, ERR_MEMORY, "no memory for the login ticket");
        ticket_set(c, ticket, user_id, "");
        return true;
}

void chsm_forget_login(struct chsm *c)
{
        ticket_set(c, NULL, 0, "");
}

int64_t chsm_revision(struct chsm *c)
{
        return c->revision;
}

uint64_t chsm_stale_ms(struct chsm *c)
{
        return c->stale_ms;
}
