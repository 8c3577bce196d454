/* What an application gets while no node can serve it. Called with MODULE PIN, told by lines what to do:
 * "use" signs with a key made before, "make" makes a token key. Answers each with the code and how long it
 * took: "0x30 4760 ms". */
#include "guest.h"

#include <time.h>

static long long now_ms(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static CK_RV make(CK_SESSION_HANDLE session)
{
        CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
        CK_ULONG size = 32;
        CK_BBOOL yes = CK_TRUE;
        CK_ATTRIBUTE template[] = { { CKA_VALUE_LEN, &size, sizeof(size) },
                                    { CKA_TOKEN, &yes, sizeof(yes) } };
        CK_OBJECT_HANDLE key;

        return F->C_GenerateKey(session, &m, template, 2, &key);
}

int main(int argc, char **argv)
{
        CK_SESSION_HANDLE session = guest_begin(argc, argv);
        CK_OBJECT_HANDLE public_key, private_key;
        char line[16];

        is("a pair is made", make_pair(session, NULL, 0, &public_key, &private_key), CKR_OK);
        is("and signs", sign(session, private_key), CKR_OK);
        puts("ready");
        (void)fflush(stdout);
        while (fgets(line, sizeof(line), stdin)) {
                long long began = now_ms();
                CK_RV rv = strcmp(line, "use\n") == 0 ? sign(session, private_key) : make(session);

                printf("0x%lx %lld ms\n", rv, now_ms() - began);
                (void)fflush(stdout);
        }
        return guest_end();
}
