#include "attack.h"
#include "ck/names.h"

#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

CK_FUNCTION_LIST_PTR p11;
bool attack_separate, attack_verified, attack_strict, attack_tight;
static CK_MECHANISM_TYPE *mechanisms;
static CK_ULONG mechanism_count;
static CK_SLOT_ID slot;
static const char *pin, *log_path;
static void *library;

static const struct attack_group *const groups[] = { &group_wrap,   &group_trusted, &group_template,
                                                     &group_derive, &group_oracle,  &group_format,
                                                     &group_beyond, &group_misuse,  &group_wire,
                                                     &group_other,  &group_rights,  &group_masked,
                                                     &group_life,   &group_consent };

const char *attack_pin(void)
{
        return pin;
}

void *attack_function(const char *name)
{
        return dlsym(library, name);
}

/* ---- what is checked around each call ---- */

static const char *code_name(CK_RV rv)
{
        static char text[2][32];
        static int turn;
        const char *name = ck_name(CK_KIND_RETURN, rv);

        if (name)
                return name;
        turn = !turn;
        (void)snprintf(text[turn], sizeof(text[turn]), "0x%lx", rv);
        return text[turn];
}

static void fail(struct attack *a, int line, const char *what, const char *why)
{
        a->failed = true;
        printf("# %s line %d: %s\n#   %s\n", a->id, line, what, why);
}

bool attack_check(struct attack *a, const char *what, int line, bool truth)
{
        if (!truth)
                fail(a, line, what, "is not so");
        return truth;
}

bool attack_granted(struct attack *a, const char *what, int line, CK_RV rv)
{
        char why[64];

        if (rv == CKR_OK)
                return true;
        (void)snprintf(why, sizeof(why), "must be granted, gave %s", code_name(rv));
        fail(a, line, what, why);
        return false;
}

size_t attack_count(CK_SESSION_HANDLE session)
{
        CK_OBJECT_HANDLE page[256];
        CK_ULONG n = 0;
        size_t all = 0;

        if (p11->C_FindObjectsInit(session, NULL, 0) != CKR_OK)
                return SIZE_MAX;
        do {
                if (p11->C_FindObjects(session, page, 256, &n) != CKR_OK)
                        n = 0;
                all += n;
        } while (n);
        (void)p11->C_FindObjectsFinal(session);
        return all;
}

static long log_size(void)
{
        FILE *f = fopen(log_path, "re");
        long n = 0;

        if (f && fseek(f, 0, SEEK_END) == 0)
                n = ftell(f);
        if (f)
                (void)fclose(f);
        return n;
}

/* Records of the module's log since; each must give a reason. */
static unsigned log_records(long since, char reason[400], bool *reasons)
{
        FILE *f = fopen(log_path, "re");
        char line[1024];
        unsigned n = 0;

        *reasons = true;
        if (f && fseek(f, since, SEEK_SET) == 0) {
                while (fgets(line, sizeof(line), f)) {
                        const char *words = strstr(line, ": ");
                        words = words ? strstr(words + 2, ": ") : NULL;
                        *reasons = *reasons && words && strlen(words) > 8;
                        (void)snprintf(reason, 400, "%.399s", words ? words + 2 : "");
                        reason[strcspn(reason, "\n")] = 0;
                        n++;
                }
        }
        if (f)
                (void)fclose(f);
        return n;
}

void attack_before(struct attack *a)
{
        a->objects = attack_count(a->session);
        a->log_at = log_size();
}

static void aftermath(struct attack *a, const char *what, int line)
{
        CK_BYTE some[4];
        bool reasons;
        unsigned records = log_records(a->log_at, a->reason, &reasons);
        char why[64];

        if (records != 1 || !reasons) {
                (void)snprintf(why, sizeof(why), "left %u records in the log%s", records,
                               reasons ? "" : ", without a reason");
                fail(a, line, what, why);
        }
        if (attack_count(a->session) != a->objects)
                fail(a, line, what, "was refused, and yet an object came into being");
        if (p11->C_GenerateRandom(a->session, some, sizeof(some)) != CKR_OK)
                fail(a, line, what, "left the session unusable");
}

bool attack_refused(struct attack *a, const char *what, int line, CK_RV rv, CK_RV one, CK_RV other)
{
        char why[128];

        if (rv == one || rv == other) {
                aftermath(a, what, line);
                return true;
        }
        (void)snprintf(why, sizeof(why), "must give %s%s%s, gave %s", code_name(one),
                       one == other ? "" : " or ", one == other ? "" : code_name(other), code_name(rv));
        fail(a, line, what, why);
        return rv != CKR_OK;
}

bool attack_separated(struct attack *a, const char *what, int line, CK_RV rv, CK_RV code)
{
        if (!attack_separate)
                return attack_granted(a, what, line, rv);
        (void)attack_refused(a, what, line, rv, code, code);
        return rv == CKR_OK;
}

bool attack_exposed(struct attack *a, const char *what, int line, CK_RV rv)
{
        if (!attack_verified)
                return attack_granted(a, what, line, rv);
        (void)attack_refused(a, what, line, rv, CKR_TEMPLATE_INCONSISTENT, CKR_TEMPLATE_INCONSISTENT);
        return rv == CKR_OK;
}

/* ---- mechanisms ---- */

bool attack_offered(CK_MECHANISM_TYPE type)
{
        for (CK_ULONG i = 0; i < mechanism_count; i++) {
                if (mechanisms[i] == type)
                        return true;
        }
        return false;
}

/* Not approved, so that strict has them for nobody. */
static bool falls_away(CK_MECHANISM_TYPE type)
{
        static const CK_MECHANISM_TYPE not_approved[] = { CKM_RSA_X_509, CKM_SHA256_KEY_DERIVATION,
                                                          CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_CBC_ENCRYPT_DATA,
                                                          CKM_EC_MONTGOMERY_KEY_PAIR_GEN };

        for (size_t i = 0; attack_strict && i < sizeof(not_approved) / sizeof(not_approved[0]); i++) {
                if (type == not_approved[i])
                        return true;
        }
        return false;
}

bool attack_needs(struct attack *a, CK_MECHANISM_TYPE type)
{
        const char *name = ck_name(CK_KIND_MECHANISM, type);
        bool there = attack_offered(type);

        if (there == falls_away(type))
                fail(a, 0, name ? name : "mechanism", there ? "is offered" : "is not offered");
        return there;
}

static bool mechanisms_read(void)
{
        if (p11->C_GetMechanismList(slot, NULL, &mechanism_count) != CKR_OK)
                return false;
        mechanisms = calloc(mechanism_count + 1, sizeof(*mechanisms));
        return mechanisms && p11->C_GetMechanismList(slot, mechanisms, &mechanism_count) == CKR_OK;
}

CK_MECHANISM_TYPE attack_mechanism_at(CK_ULONG i)
{
        return i < mechanism_count ? mechanisms[i] : CK_UNAVAILABLE_INFORMATION;
}

/* ---- runs ---- */

CK_SESSION_HANDLE attack_session(void)
{
        CK_SESSION_HANDLE session = 0;

        (void)p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
        return session;
}

CK_RV attack_made(struct attack *a, CK_RV rv, const CK_OBJECT_HANDLE *key)
{
        if (rv == CKR_OK && a->made_n < ATTACK_MADE_MAX)
                a->made[a->made_n++] = *key;
        return rv;
}

static void run(const struct attack_row *row, bool token, unsigned number, unsigned *bad)
{
        struct attack a = { .id = row->id, .token = token, .session = attack_session() };
        struct timespec from, to;

        (void)clock_gettime(CLOCK_MONOTONIC, &from);
        if (a.session)
                row->run(&a);
        else
                fail(&a, 0, "C_OpenSession", "no session");
        while (a.made_n)
                (void)p11->C_DestroyObject(a.session, a.made[--a.made_n]);
        (void)p11->C_CloseSession(a.session);
        (void)clock_gettime(CLOCK_MONOTONIC, &to);
        *bad += a.failed;
        printf("%sok %u - %s %s: %s (%ld ms)\n", a.failed ? "not " : "", number, row->id,
               token ? "token keys" : "session keys", row->words,
               (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
        (void)fflush(stdout);
}

static const struct attack_group *group_named(const char *name, size_t n)
{
        for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
                if (strlen(groups[i]->name) == n && strncmp(groups[i]->name, name, n) == 0)
                        return groups[i];
        }
        return NULL;
}

/* Several groups with commas between them; CHSM_ATTACK names the sequences to run, by how their ids begin. */
static int run_groups(const char *names)
{
        const char *only = getenv("CHSM_ATTACK");
        unsigned number = 0, bad = 0;

        for (size_t n; *names; names += n, names += *names == ',') {
                const struct attack_group *group = group_named(names, n = strcspn(names, ","));

                if (!group) {
                        printf("Bail out! no group '%s'\n", names);
                        return 2;
                }
                if (group->before)
                        group->before();
                for (const struct attack_row *row = group->rows; row->id; row++) {
                        if (only && strncmp(only, row->id, strlen(only)) != 0)
                                continue;
                        run(row, false, ++number, &bad);
                        run(row, true, ++number, &bad);
                }
        }
        printf("1..%u\n", number);
        return bad != 0;
}

/* What another process was started for; its code goes to the one that did. */
static int play(const char *group_name, const char *name, char **words, int n)
{
        const struct attack_group *group = group_named(group_name, strlen(group_name));
        struct attack a = { .id = name, .token = true, .session = attack_session() };
        CK_ULONG numbers[16] = { 0 };

        for (int i = 0; i < n && i < 16; i++)
                numbers[i] = strtoul(words[i], NULL, 0);
        for (const struct attack_role *role = group ? group->roles : NULL; role && role->name; role++) {
                if (strcmp(role->name, name) == 0) {
                        printf("rv 0x%lx\n", role->run(&a, numbers));
                        return a.failed;
                }
        }
        return 2;
}

static bool module_open(const char *path)
{
        CK_C_GetFunctionList get = NULL;
        CK_ULONG n = 1;

        library = dlopen(path, RTLD_NOW);
        if (library)
                *(void **)&get = dlsym(library, "C_GetFunctionList");
        return get && get(&p11) == CKR_OK && p11->C_Initialize(NULL) == CKR_OK &&
               p11->C_GetSlotList(CK_TRUE, &slot, &n) == CKR_OK && mechanisms_read();
}

int main(int argc, char **argv)
{
        const char *profile = getenv("CHSM_PROFILE");
        CK_SESSION_HANDLE base;
        int rc;

        log_path = getenv("CHSM_LOG");
        attack_separate = profile && strcmp(profile, "documented") != 0;
        attack_tight = attack_separate && strcmp(profile, "separate") == 0;
        attack_verified = attack_separate && !attack_tight;
        attack_strict = attack_verified && strcmp(profile, "strict") == 0;
        if (argc < 4 || !log_path) {
                printf("Bail out! usage: CHSM_LOG=FILE attacks GROUPS MODULE PIN [ROLE NUMBERS...]\n");
                return 2;
        }
        pin = argv[3];
        if (!module_open(argv[2]) || !(base = attack_session()) ||
            p11->C_Login(base, CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)pin, strlen(pin)) != CKR_OK) {
                printf("Bail out! the module does not open, or nobody can log in\n");
                return 2;
        }
        rc = argc > 4 ? play(argv[1], argv[4], argv + 5, argc - 5) : run_groups(argv[1]);
        (void)p11->C_Finalize(NULL);
        free(mechanisms);
        return rc;
}
