/* Messages to a real vault, before a login and after it: whatever decodes is run as nobody, as a crypto user
 * or as an officer. The first byte says as whom; the rest is the message. The vault must answer, one way or
 * the other, and still answer a known request afterwards. */
#include "fuzz.h"
#include "hsm.h"
#include "wire/frame.h"

enum { RUNS_MOST = 20000 };

static struct hsm *hsm;
static struct caller callers[3];

static void stop(void)
{
        if (hsm)
                hsm_free(hsm);
        hsm = NULL;
}

static void start(void)
{
        static bool before;

        if (!before)
                setenv("TMPDIR", "/dev/shm", 0); /* nothing here needs a disk */
        stop();
        hsm = hsm_ready();
        if (!before)
                (void)atexit(stop); /* behind OpenSSL's own, so that it comes before it */
        before = true;
        callers[0] = caller_new(hsm);
        callers[1] = caller_cu(hsm, "cu1");
        callers[2] = caller_co(hsm);
}

/* Slow by design, and not what is looked for here: RSA keys are made by other tests. */
static bool too_slow(const Chsm__Request *r)
{
        return r->body_case == CHSM__REQUEST__BODY_GENERATE_KEY_PAIR &&
               r->generate_key_pair->mechanism->number == CKM_RSA_PKCS_KEY_PAIR_GEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static unsigned runs;
        Chsm__Request alive = CHSM__REQUEST__INIT;
        Chsm__NodeInfoRequest info = CHSM__NODE_INFO_REQUEST__INIT;
        struct err err = ERR_INIT;
        struct arena *arena;
        Chsm__Request *request;

        if (size < 2)
                return 0;
        if (runs++ % RUNS_MOST == 0)
                start();
        arena = arena_new(4096, 4 * 1024 * 1024);
        request = wire_request_decode(arena, slice_of(data + 1, size - 1), &err);
        if (request && !too_slow(request))
                (void)ask(&callers[data[0] % 3], request);
        alive.node_info = &info;
        alive.body_case = CHSM__REQUEST__BODY_NODE_INFO;
        if (ask(&callers[0], &alive)->status != 0)
                abort();
        arena_free(&arena);
        return 0;
}
