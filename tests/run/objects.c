/* Usage: objects MODULE PIN FOLDER|defaults. Prints TAP without a plan. Run by objects.sh, which puts a
 * certificate and its subject into the folder and compares the fields this program leaves there. */
#include "guest.h"

#include <dlfcn.h>

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS certificate_class = CKO_CERTIFICATE, data_class = CKO_DATA,
                       secret_class = CKO_SECRET_KEY, profile_class = CKO_PROFILE;
static CK_CERTIFICATE_TYPE x509 = CKC_X_509;
static CK_KEY_TYPE aes = CKK_AES;

#define NUMBER(type, variable)                                                                               \
        {                                                                                                    \
                type, &(variable), sizeof(variable)                                                          \
        }
#define BYTES(type, text)                                                                                    \
        {                                                                                                    \
                type, (CK_BYTE_PTR)(uintptr_t)(text), sizeof(text) - 1                                       \
        }
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- helpers ---- */

static CK_ULONG file_read(const char *folder, const char *name, CK_BYTE *out, CK_ULONG cap)
{
        char path[512];
        FILE *f;
        CK_ULONG n;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "rb");
        n = f ? fread(out, 1, cap, f) : 0;
        if (f)
                (void)fclose(f);
        return n;
}

static void file_write(const char *folder, const char *name, const CK_BYTE *p, CK_ULONG n)
{
        char path[512];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/got.%s", folder, name);
        f = fopen(path, "wb");
        if (f) {
                (void)fwrite(p, 1, n, f);
                (void)fclose(f);
        }
}

static CK_ULONG count_found(CK_SESSION_HANDLE s, CK_ATTRIBUTE *wanted, CK_ULONG wanted_n,
                            CK_OBJECT_HANDLE *last)
{
        CK_OBJECT_HANDLE page[16];
        CK_ULONG n = 0, total = 0;

        if (F->C_FindObjectsInit(s, wanted, wanted_n) != CKR_OK)
                return CK_UNAVAILABLE_INFORMATION;
        do {
                if (F->C_FindObjects(s, page, COUNT(page), &n) != CKR_OK)
                        return CK_UNAVAILABLE_INFORMATION;
                if (n && last)
                        *last = page[n - 1];
                total += n;
        } while (n);
        (void)F->C_FindObjectsFinal(s);
        return total;
}

/* Refused with that code, and nothing came of it. */
static void refused(const char *name, CK_SESSION_HANDLE s, CK_ATTRIBUTE *list, CK_ULONG n, CK_RV wanted)
{
        CK_OBJECT_HANDLE made = 0;
        CK_ULONG before = count_found(s, NULL, 0, NULL);

        is(name, F->C_CreateObject(s, list, n, &made), wanted);
        (void)same("  and nothing was made", count_found(s, NULL, 0, NULL), before);
}

static CK_RV get(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, CK_BYTE *out, CK_ULONG *n)
{
        CK_ATTRIBUTE a = { type, out, *n };
        CK_RV rv = F->C_GetAttributeValue(s, o, &a, 1);

        *n = a.ulValueLen;
        return rv;
}

static CK_RV set(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, const void *value,
                 CK_ULONG n)
{
        CK_ATTRIBUTE a = { type, (CK_VOID_PTR)(uintptr_t)value, n };

        return F->C_SetAttributeValue(s, o, &a, 1);
}

/* ---- topics ---- */

static void certificates(CK_SESSION_HANDLE s, const char *folder)
{
        static const struct {
                CK_ATTRIBUTE_TYPE type;
                const char *name;
        } fields[] = { { CKA_SERIAL_NUMBER, "serial" }, { CKA_ISSUER, "issuer" },
                       { CKA_SUBJECT, "subject" },      { CKA_PUBLIC_KEY_INFO, "public" },
                       { CKA_START_DATE, "start" },     { CKA_END_DATE, "end" },
                       { CKA_CHECK_VALUE, "check" } };
        static CK_BYTE value[8192], subject[1024], out[8192];
        CK_ULONG value_n = file_read(folder, "cert.der", value, sizeof(value)), n;
        CK_ULONG subject_n = file_read(folder, "want.subject", subject, sizeof(subject));
        CK_ATTRIBUTE list[] = { NUMBER(CKA_CLASS, certificate_class),
                                NUMBER(CKA_CERTIFICATE_TYPE, x509),
                                { CKA_SUBJECT, subject, subject_n },
                                { CKA_VALUE, value, value_n },
                                NUMBER(CKA_TOKEN, yes) };
        CK_ATTRIBUTE junk[] = { NUMBER(CKA_CLASS, certificate_class), NUMBER(CKA_CERTIFICATE_TYPE, x509),
                                BYTES(CKA_SUBJECT, "any"), BYTES(CKA_VALUE, "8 bytes."),
                                BYTES(CKA_CHECK_VALUE, "no!") };
        CK_OBJECT_HANDLE o = 0, session = 0;

        is("a certificate is stored", F->C_CreateObject(s, list, COUNT(list), &o), CKR_OK);
        for (size_t i = 0; i < COUNT(fields); i++) {
                n = sizeof(out);
                if (same(fields[i].name, get(s, o, fields[i].type, out, &n), CKR_OK))
                        file_write(folder, fields[i].name, out, n);
        }
        n = 1;
        is("it is public unless one says otherwise", get(s, o, CKA_PRIVATE, out, &n) || out[0], CKR_OK);
        is("its label is set", set(s, o, CKA_LABEL, "web", 3), CKR_OK);
        is("its id", set(s, o, CKA_ID, "\1", 1), CKR_OK);
        is("its value, to another", set(s, o, CKA_VALUE, "8 bytes.", 8), CKR_OK);
        n = sizeof(out);
        is("what the old value said is gone", get(s, o, CKA_ISSUER, out, &n) || n, CKR_OK);
        is("a check value of something else is refused", set(s, o, CKA_CHECK_VALUE, "no!", 3),
           CKR_ATTRIBUTE_VALUE_INVALID);
        is("its class stays", set(s, o, CKA_CLASS, &data_class, sizeof(data_class)), CKR_ATTRIBUTE_READ_ONLY);
        is("it goes", F->C_DestroyObject(s, o), CKR_OK);
        refused("junk with a wrong check value", s, junk, 5, CKR_ATTRIBUTE_VALUE_INVALID);
        is("junk without", F->C_CreateObject(s, junk, 4, &session), CKR_OK);
        refused("no subject", s, junk, 2, CKR_TEMPLATE_INCOMPLETE);
        junk[1] = (CK_ATTRIBUTE)NUMBER(CKA_CLASS, certificate_class);
        refused("its class twice", s, junk, 4, CKR_TEMPLATE_INCONSISTENT);
}

static void data_objects(CK_SESSION_HANDLE s)
{
        CK_ATTRIBUTE list[] = {
                NUMBER(CKA_CLASS, data_class),      NUMBER(CKA_TOKEN, yes),
                NUMBER(CKA_PRIVATE, yes),           BYTES(CKA_LABEL, "DATA_OBJECT_SUPPORTED_IDEN"),
                BYTES(CKA_APPLICATION, "database"), BYTES(CKA_VALUE, "one")
        };
        CK_ATTRIBUTE by_application[] = { BYTES(CKA_APPLICATION, "database") };
        CK_OBJECT_HANDLE o = 0;
        CK_BYTE out[16];
        CK_ULONG n = sizeof(out);

        is("data is stored", F->C_CreateObject(s, list, COUNT(list), &o), CKR_OK);
        is("and found by application", count_found(s, by_application, 1, NULL), 1);
        is("it changes", set(s, o, CKA_VALUE, "other", 5), CKR_OK);
        is("and is read", get(s, o, CKA_VALUE, out, &n) || n != 5 || memcmp(out, "other", 5) != 0, CKR_OK);
        n = sizeof(out);
        is("data is no key", get(s, o, CKA_SENSITIVE, out, &n), CKR_ATTRIBUTE_TYPE_INVALID);
        is("it goes", F->C_DestroyObject(s, o), CKR_OK);
        is("and is gone", get(s, o, CKA_VALUE, out, &n), CKR_OBJECT_HANDLE_INVALID);
}

/* Whatever happens to one attribute, the others are treated. */
static void reading(CK_SESSION_HANDLE s)
{
        CK_OBJECT_HANDLE key = make_aes(s);
        CK_BYTE value[64], small[1];
        CK_BBOOL sensitive = CK_FALSE;
        CK_ULONG length = 0;
        CK_ATTRIBUTE list[] = { { CKA_VALUE, value, sizeof(value) },
                                { CKA_SENSITIVE, &sensitive, 1 },
                                { CKA_MODULUS, value, sizeof(value) },
                                { CKA_CHECK_VALUE, small, 1 },
                                { CKA_VALUE_LEN, &length, sizeof(length) },
                                { 0x7fff1234, value, sizeof(value) },
                                { CKA_UNIQUE_ID, NULL, 0 } };

        is("a secret value is sensitive", F->C_GetAttributeValue(s, key, list, 1), CKR_ATTRIBUTE_SENSITIVE);
        is("and has no length", list[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        list[0].ulValueLen = sizeof(value);
        is("a small buffer", F->C_GetAttributeValue(s, key, &list[3], 1), CKR_BUFFER_TOO_SMALL);
        is("has no length either", list[3].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        list[3].ulValueLen = 1;
        is("what the key has not", F->C_GetAttributeValue(s, key, &list[2], 1), CKR_ATTRIBUTE_TYPE_INVALID);
        is("nor has a length", list[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        list[2].ulValueLen = sizeof(value);
        is("all at once", F->C_GetAttributeValue(s, key, list, COUNT(list)), CKR_ATTRIBUTE_SENSITIVE);
        is("sensitive is read", sensitive, CK_TRUE);
        is("the length is read", length, 32);
        is("the small one not", list[3].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        is("the unknown one not", list[5].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        is("a length is told", list[6].ulValueLen, 32);
        is("no key value matches a search",
           count_found(s, (CK_ATTRIBUTE[]){ BYTES(CKA_PRIME_1, "\3") }, 1, NULL), 0);
        is("an unknown attribute finds nothing",
           count_found(s, (CK_ATTRIBUTE[]){ { 0x7fff1234, &yes, 1 } }, 1, NULL), 0);
        (void)F->C_DestroyObject(s, key);
}

/* C_SetAttributeValue(CKA_TOKEN): the handle goes on. */
static void becoming_a_token_object(CK_SESSION_HANDLE s)
{
        CK_SESSION_HANDLE other = open_session(true), reader = open_session(false);
        CK_OBJECT_HANDLE key = make_aes(other), found = 0;
        CK_ATTRIBUTE by_label[] = { BYTES(CKA_LABEL, "promoted") };
        CK_MECHANISM ecb = { CKM_AES_ECB, NULL, 0 };
        CK_BYTE block[16] = { 0 }, out[16];
        CK_ULONG n = sizeof(out), size = 0;

        is("a label", set(other, key, CKA_LABEL, "promoted", 8), CKR_OK);
        is("not from a session that only reads", set(reader, key, CKA_TOKEN, &yes, 1), CKR_SESSION_READ_ONLY);
        is("a session object becomes a token object", set(other, key, CKA_TOKEN, &yes, 1), CKR_OK);
        is("never back", set(other, key, CKA_TOKEN, &no, 1), CKR_ATTRIBUTE_READ_ONLY);
        is("its session closes", F->C_CloseSession(other), CKR_OK);
        is("the handle works", F->C_EncryptInit(s, &ecb, key), CKR_OK);
        is("as before", F->C_Encrypt(s, block, sizeof(block), out, &n), CKR_OK);
        is("it is found once", count_found(s, by_label, 1, &found), 1);
        is("it has a size", F->C_GetObjectSize(s, found, &size) || size < 32, CKR_OK);
        is("it is renamed by its old handle", set(s, key, CKA_LABEL, "renamed", 7), CKR_OK);
        is("not found any more", count_found(s, by_label, 1, NULL), 0);
        is("it goes by its old handle", F->C_DestroyObject(s, key), CKR_OK);
        is("and is gone", F->C_GetObjectSize(s, found, &size), CKR_OBJECT_HANDLE_INVALID);
        (void)F->C_CloseSession(reader);
}

/* As Java's key store does. */
static void copying(CK_SESSION_HANDLE s)
{
        CK_OBJECT_HANDLE key = make_aes(s), copy = 0, again = 0;
        CK_ATTRIBUTE keep[] = { NUMBER(CKA_TOKEN, yes), BYTES(CKA_ID, "alias") };
        CK_ATTRIBUTE cache[] = { NUMBER(CKA_TOKEN, no) };
        CK_ATTRIBUTE looser[] = { NUMBER(CKA_SENSITIVE, no) };
        CK_BYTE out[8];
        CK_ULONG n = sizeof(out), before = count_found(s, NULL, 0, NULL);

        is("a copy that is looser", F->C_CopyObject(s, key, looser, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
        is("was not made", count_found(s, NULL, 0, NULL), before);
        is("a copy on the token", F->C_CopyObject(s, key, keep, 2, &copy), CKR_OK);
        is("found by its id", count_found(s, &keep[1], 1, NULL), 1);
        is("and one back in the session", F->C_CopyObject(s, copy, cache, 1, &again), CKR_OK);
        is("with the id", get(s, again, CKA_ID, out, &n) || n != 5, CKR_OK);
        (void)F->C_DestroyObject(s, copy);
        (void)F->C_DestroyObject(s, again);
        (void)F->C_DestroyObject(s, key);
}

static void hostile_templates(CK_SESSION_HANDLE s)
{
        CK_ATTRIBUTE list[] = { NUMBER(CKA_CLASS, secret_class),
                                NUMBER(CKA_KEY_TYPE, aes),
                                BYTES(CKA_VALUE, "sixteen bytes..."),
                                { CKA_LABEL, NULL, 3 } };
        CK_ATTRIBUTE loop[1] = { { CKA_WRAP_TEMPLATE, NULL, sizeof(CK_ATTRIBUTE) } };
        static CK_ATTRIBUTE deep[10000];

        refused("a missing pointer", s, list, 4, CKR_ATTRIBUTE_VALUE_INVALID);
        list[3] = (CK_ATTRIBUTE){ CKA_LABEL, &yes, CK_UNAVAILABLE_INFORMATION };
        refused("an impossible length", s, list, 4, CKR_ATTRIBUTE_VALUE_INVALID);
        list[3] = (CK_ATTRIBUTE){ 0x7fff1234, &yes, 1 };
        refused("an unknown attribute", s, list, 4, CKR_ATTRIBUTE_TYPE_INVALID);
        list[3] = (CK_ATTRIBUTE){ CKA_PRIME, &yes, 1 };
        refused("one of other systems", s, list, 4, CKR_TEMPLATE_INCONSISTENT);
        loop[0].pValue = loop;
        list[3] = loop[0];
        refused("a template that holds itself", s, list, 4, CKR_ATTRIBUTE_VALUE_INVALID);
        for (size_t i = 0; i < COUNT(deep); i++)
                deep[i] = (CK_ATTRIBUTE){ CKA_WRAP_TEMPLATE, i + 1 < COUNT(deep) ? &deep[i + 1] : NULL,
                                          i + 1 < COUNT(deep) ? sizeof(CK_ATTRIBUTE) : 0 };
        list[3] = deep[0];
        refused("ten thousand templates, one in the other", s, list, 4, CKR_ATTRIBUTE_VALUE_INVALID);
        list[0] = (CK_ATTRIBUTE)NUMBER(CKA_CLASS, profile_class);
        refused("a profile object", s, list, 1, CKR_ATTRIBUTE_VALUE_INVALID);
        refused("nothing at all", s, list, 0, CKR_TEMPLATE_INCOMPLETE);
}

/* Before login, in a process that has not logged in. */
static void before_login(CK_SESSION_HANDLE s)
{
        CK_ATTRIBUTE open[] = { NUMBER(CKA_CLASS, data_class), NUMBER(CKA_TOKEN, yes),
                                NUMBER(CKA_PRIVATE, no), BYTES(CKA_LABEL, "open"),
                                BYTES(CKA_VALUE, "for all") };
        CK_ATTRIBUTE closed[] = { NUMBER(CKA_CLASS, data_class), NUMBER(CKA_TOKEN, yes),
                                  NUMBER(CKA_PRIVATE, yes), BYTES(CKA_LABEL, "closed") };
        CK_OBJECT_HANDLE one = 0, two = 0, found = 0;
        CK_BYTE out[16];
        CK_ULONG n = sizeof(out);

        is("a public object", F->C_CreateObject(s, open, COUNT(open), &one), CKR_OK);
        is("a private one", F->C_CreateObject(s, closed, COUNT(closed), &two), CKR_OK);
        leave();
        is("once more", F->C_Initialize(NULL), CKR_OK);
        s = open_session(true);
        is("the public one is found before login", count_found(s, &open[3], 1, &found), 1);
        is("and read", get(s, found, CKA_VALUE, out, &n) || n != 7, CKR_OK);
        n = sizeof(out);
        is("the private one is not found", count_found(s, &closed[3], 1, NULL), 0);
        is("nor read", get(s, two, CKA_LABEL, out, &n), CKR_OBJECT_HANDLE_INVALID);
        is("nothing is made", F->C_CreateObject(s, open, COUNT(open), &found), CKR_USER_NOT_LOGGED_IN);
        is("nothing is changed", set(s, one, CKA_LABEL, "x", 1), CKR_USER_NOT_LOGGED_IN);
        is("nothing is deleted", F->C_DestroyObject(s, one), CKR_USER_NOT_LOGGED_IN);
        is("its owner comes", login(s, guest.pin), CKR_OK);
        is("and sees both", count_found(s, &open[0], 1, NULL), 2);
        (void)F->C_DestroyObject(s, one);
        (void)F->C_DestroyObject(s, two);
}

/* In a process whose application configuration says DEFAULT_EXTRACTABLE=0. */
static void configured_defaults(CK_SESSION_HANDLE s)
{
        CK_ATTRIBUTE list[] = { NUMBER(CKA_CLASS, secret_class), NUMBER(CKA_KEY_TYPE, aes),
                                BYTES(CKA_VALUE, "sixteen bytes..."), NUMBER(CKA_EXTRACTABLE, yes) };
        CK_OBJECT_HANDLE key = make_aes(s), pub, priv, created;
        CK_BYTE value = 9;
        CK_ULONG n = 1;

        is("a silent template gets a key that stays", get(s, key, CKA_EXTRACTABLE, &value, &n) || value,
           CKR_OK);
        is("a pair", make_pair(s, NULL, 0, &pub, &priv), CKR_OK);
        is("its private half stays too", get(s, priv, CKA_EXTRACTABLE, &value, &n) || value, CKR_OK);
        is("an imported key", F->C_CreateObject(s, list, 3, &created), CKR_OK);
        is("stays", get(s, created, CKA_EXTRACTABLE, &value, &n) || value, CKR_OK);
        is("one that says otherwise", F->C_CreateObject(s, list, 4, &created), CKR_OK);
        is("does not", get(s, created, CKA_EXTRACTABLE, &value, &n) || !value, CKR_OK);
        is("it leaves under any key", get(s, created, CKA_WRAP_WITH_TRUSTED, &value, &n) || value, CKR_OK);
}

int main(int argc, char **argv)
{
        CK_SESSION_HANDLE s = guest_begin(argc, argv);

        if (argc != 4) {
                printf("Bail out! usage: objects MODULE PIN FOLDER\n");
                return 1;
        }
        if (strcmp(argv[3], "defaults") == 0) {
                configured_defaults(s);
                return guest_end();
        }
        certificates(s, argv[3]);
        data_objects(s);
        reading(s);
        becoming_a_token_object(s);
        copying(s);
        hostile_templates(s);
        before_login(s);
        return guest_end();
}
