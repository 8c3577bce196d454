/* chsm-util: keys that are parked in files under a parking key: an AES key of this HSM that never leaves and
 * only wraps. What its policy does not let leave under such a key stays. */
#include "base/file.h"
#include "tools/util_move.h"

#include <stdlib.h>

/* The parking key: born to wrap, not extractable, of the HSM's own making. */
static uint32_t parking_key(struct shell *sh, int argc, char **argv)
{
        struct util_making m = { .role = "wrap", .not_extractable = "-nex" };
        const struct util_option rows[] = { { "-l", &m.label, false, true }, { "-id", &m.id, false, false } };
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GenerateKeyRequest body = CHSM__GENERATE_KEY_REQUEST__INIT;
        Chsm__Mechanism mechanism = CHSM__MECHANISM__INIT;
        struct ask_attributes a = { .n = 0 };
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_options(sh, argc, argv, rows, 2);

        if (rv == 0)
                rv = util_making(sh, &m, true, &a);
        if (rv == 0)
                rv = util_role(sh, &m, CKO_SECRET_KEY, &a);
        if (rv)
                return rv;
        ask_number(&a, CKA_VALUE_LEN, 32);
        mechanism.number = CKM_AES_KEY_GEN;
        body.mechanism = &mechanism;
        body.template_ = a.list;
        body.n_template_ = a.n;
        body.unique_id = true;
        request.generate_key = &body;
        request.body_case = CHSM__REQUEST__BODY_GENERATE_KEY;
        rv = util_result(sh, "Cfm3GenerateParkingKey", chsm_call(util_chsm(sh), &request, &answer, &sh->err));
        if (rv == 0) {
                uint64_t handle = util_made(sh, answer.response->object);

                shell_say(sh, "\n\tParking Key Created.  Key Handle: %llu\n", (unsigned long long)handle);
                shell_set(sh, "handle", json_integer((json_int_t)handle));
                util_cluster_status(sh);
        }
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t destroy(struct shell *sh, const char *key)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__DestroyObjectRequest body = CHSM__DESTROY_OBJECT_REQUEST__INIT;
        Chsm__ObjectRef ref;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint32_t rv = util_ref(sh, "-k", key, &ref);

        if (rv == 0) {
                body.object = &ref;
                request.destroy_object = &body;
                request.body_case = CHSM__REQUEST__BODY_DESTROY_OBJECT;
                rv = chsm_call(util_chsm(sh), &request, &answer, &sh->err);
        }
        chsm_answer_clear(&answer);
        return rv;
}

/* The file is whole before the key goes: whatever happens, the key is inside, in the file, or both. */
static uint32_t park(struct shell *sh, int argc, char **argv)
{
        const char *key = NULL, *with = NULL, *file = NULL;
        const struct util_option rows[] = { { "-k", &key, false, true },
                                            { "-w", &with, false, true },
                                            { "-out", &file, false, true } };
        uint32_t rv = util_options(sh, argc, argv, rows, 3);

        if (rv == 0 && file_exists(file))
                rv = shell_fail(sh, ERR_FILE, "'%s' is there already; it may hold a key", file);
        if (rv == 0)
                rv = util_wrap_file(sh, key, with, file);
        if (rv == 0)
                rv = destroy(sh, key);
        rv = util_result(sh, "Cfm3ParkObject", rv);
        if (rv == 0) {
                shell_say(sh, "\n\tObject was parked and written to file \"%s\"\n", file);
                shell_set(sh, "file", json_string(file));
                util_cluster_status(sh);
        }
        return rv;
}

static uint32_t unpark(struct shell *sh, int argc, char **argv)
{
        const char *with = NULL, *file = NULL;
        const struct util_option rows[] = { { "-f", &file, false, true }, { "-w", &with, false, true } };
        uint64_t handle = 0;
        uint32_t rv = util_options(sh, argc, argv, rows, 2);

        if (rv == 0)
                rv = util_unwrap_file(sh, file, with, &handle);
        rv = util_result(sh, "Cfm3UnparkObject", rv);
        if (rv == 0) {
                shell_say(sh, "\n\tObject was unparked.  New Key Handle: %llu\n", (unsigned long long)handle);
                shell_set(sh, "handle", json_integer((json_int_t)handle));
                util_cluster_status(sh);
        }
        return rv;
}

const struct shell_command util_park_rows[] = {
        { "genParkingKey", "-l LABEL [-id ID]",
          "make a parking key: an AES key that only wraps and never leaves", 0, 4, false, parking_key,
          "genParkingKey -l parking" },
        { "parkObject", "-k HANDLE -w PARKING_HANDLE -out FILE",
          "move a key out of the HSM into a file under a parking key", 0, 6, false, park,
          "parkObject -k 262151 -w 262150 -out archive.parked" },
        { "unparkObject", "-f FILE -w PARKING_HANDLE",
          "bring a parked key back, with its label, id and usage", 0, 4, false, unpark,
          "unparkObject -f archive.parked -w 262150" },
        { 0 },
};
