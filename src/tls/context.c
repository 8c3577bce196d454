/* Contexts: who we are, and whom we believe. */
#include "base/file.h"
#include "tls/internal.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)1024 * 1024)

/* One library context for the life of the process: threads that did TLS keep pointers into it until they end,
 * so it must not go with a context that is replaced while they live. */
static OSSL_LIB_CTX *library;
static int verdict_index = -1;

static void make_once(void)
{
        library = OSSL_LIB_CTX_new();
        verdict_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int tls_verdict_index(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        (void)pthread_once(&once, make_once);
        return verdict_index;
}

const char *tls_words(void)
{
        unsigned long code = ERR_peek_last_error();
        const char *words = code ? ERR_reason_error_string(code) : NULL;

        ERR_clear_error();
        return words ? words : "no reason given";
}

#define READ_MOST ((size_t)64 * 1024) /* bytes that one system call reads; given back when used up */

static struct tls_context *context_new(bool server, struct err *err)
{
        struct tls_context *t = calloc(1, sizeof(*t));

        if (t) {
                atomic_init(&t->references, 1);
                t->server = server;
                (void)tls_verdict_index(); /* makes the library context too */
                t->library = library;
                t->ssl = t->library ? SSL_CTX_new_ex(t->library, NULL,
                                                     server ? TLS_server_method() : TLS_client_method())
                                    : NULL;
                t->sha256 = t->ssl ? EVP_MD_fetch(t->library, "SHA256", NULL) : NULL;
        }
        if (!t || !t->sha256 || SSL_CTX_set_min_proto_version(t->ssl, TLS1_3_VERSION) != 1 ||
            SSL_CTX_set_max_proto_version(t->ssl, TLS1_3_VERSION) != 1) {
                err_set(err, ERR_TLS, "no TLS context can be made: %s", tls_words());
                tls_context_free(&t);
                return NULL;
        }
        SSL_CTX_set_session_cache_mode(t->ssl, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(t->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
        SSL_CTX_set_mode(t->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                     SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_read_ahead(t->ssl, 1); /* one read for a record and those behind it, not two for each */
        SSL_CTX_set_default_read_buffer_len(t->ssl, READ_MOST);
        return t;
}

struct tls_context *tls_context_ref(struct tls_context *t)
{
        atomic_fetch_add(&t->references, 1);
        return t;
}

void tls_context_free(struct tls_context **tp)
{
        struct tls_context *t = *tp;

        *tp = NULL;
        if (!t || atomic_fetch_sub(&t->references, 1) != 1)
                return;
        SSL_CTX_free(t->ssl);
        EVP_MD_free(t->sha256);
        free(t);
}

/* ---- certificates that are believed ---- */

/* All certificates of a PEM file. */
static bool trust_file(struct tls_context *t, const char *path, struct err *err)
{
        struct buf bytes = BUF_INIT;
        BIO *bio = NULL;
        X509 *x = NULL;
        int n = 0;

        if (file_read(path, FILE_MAX, &bytes, err)) {
                bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
                x = X509_new_ex(t->library, NULL);
                while (bio && x && PEM_read_bio_X509(bio, &x, NULL, NULL)) {
                        n += X509_STORE_add_cert(SSL_CTX_get_cert_store(t->ssl), x);
                        X509_free(x);
                        x = X509_new_ex(t->library, NULL);
                }
                ERR_clear_error();
                if (!n)
                        err_set(err, ERR_TLS, "file '%s' holds no PEM certificate", path);
        }
        X509_free(x);
        BIO_free(bio);
        buf_clear(&bytes);
        return n > 0;
}

static bool is_certificate_name(const char *name)
{
        size_t n = strlen(name);

        return n > 4 && name[0] != '.' &&
               (strcmp(name + n - 4, ".pem") == 0 || strcmp(name + n - 4, ".crt") == 0);
}

static bool trust_folder(struct tls_context *t, const char *folder, struct err *err)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        char path[4096];
        bool ok = true;

        if (!dir)
                return err_set(err, ERR_FILE, "the folder of client certificates '%s' cannot be opened",
                               folder);
        while (ok && (entry = readdir(dir))) {
                if (!is_certificate_name(entry->d_name))
                        continue;
                (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
                ok = trust_file(t, path, err);
        }
        (void)closedir(dir);
        return ok;
}

/* What stands in the store is believed itself, a CA or not. */
static void believe_leaves(struct tls_context *t)
{
        X509_VERIFY_PARAM *param = SSL_CTX_get0_param(t->ssl);

        (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        (void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
}

/* ---- server ---- */

static bool own_certificate(struct tls_context *t, const struct tls_server_config *c, struct err *err)
{
        const unsigned char *at = c->chain.p, *end = c->chain.p + c->chain.n;
        BIO *bio = BIO_new_mem_buf(c->private_key_pem.p, (int)c->private_key_pem.n);
        EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, t->library, NULL) : NULL;
        bool ok = key && SSL_CTX_use_certificate_ASN1(t->ssl, (int)c->certificate.n, c->certificate.p) == 1 &&
                  SSL_CTX_use_PrivateKey(t->ssl, key) == 1 && SSL_CTX_check_private_key(t->ssl) == 1;

        while (ok && at < end) {
                X509 *x = d2i_X509(NULL, &at, end - at);
                ok = x && SSL_CTX_add1_chain_cert(t->ssl, x) == 1;
                X509_free(x);
        }
        EVP_PKEY_free(key);
        BIO_free(bio);
        return ok || err_set(err, ERR_TLS, "the node's certificate and key cannot be used: %s", tls_words());
}

struct tls_context *tls_server_context(const struct tls_server_config *c, struct err *err)
{
        struct tls_context *t = context_new(true, err);

        if (!t)
                return NULL;
        (void)SSL_CTX_set_num_tickets(t->ssl, 0);
        believe_leaves(t);
        SSL_CTX_set_verify(t->ssl, SSL_VERIFY_PEER | (c->demand_client ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           NULL);
        if (!own_certificate(t, c, err) || (c->client_trust && !trust_folder(t, c->client_trust, err)))
                tls_context_free(&t);
        return t;
}

/* ---- client ---- */

/* Instead of libssl's question on the terminal. */
static int no_passphrase(char *out, int cap, int writing, void *arg)
{
        (void)out;
        (void)cap;
        (void)writing;
        (void)arg;
        return 0;
}

/* Lets a node pass that PO.crt does not vouch for, and remembers it. */
static int note_and_pass(int ok, X509_STORE_CTX *store)
{
        SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        struct tls_verdict *verdict = SSL_get_ex_data(ssl, tls_verdict_index());

        if (ok)
                return 1;
        verdict->unverified = true;
        return 1;
}

static bool key_is_private(const char *path, struct err *err)
{
        struct stat st;

        if (stat(path, &st) != 0)
                return err_set(err, ERR_FILE, "the client's private key '%s' cannot be found", path);
        return !(st.st_mode & 077) ||
               err_set(err, ERR_FILE,
                       "the client's private key '%s' can be read by others; run: chmod 600 %s", path, path);
}

static bool client_certificate(struct tls_context *t, const struct tls_client_config *c, struct err *err)
{
        if (!c->certificate)
                return true;
        if (!c->private_key)
                return err_set(err, ERR_CONFIG, "a client certificate is set, but no private key");
        if (!key_is_private(c->private_key, err))
                return false;
        SSL_CTX_set_default_passwd_cb(t->ssl, no_passphrase);
        if (SSL_CTX_use_certificate_chain_file(t->ssl, c->certificate) != 1)
                return err_set(err, ERR_TLS, "the client certificate '%s' cannot be used: %s", c->certificate,
                               tls_words());
        if (SSL_CTX_use_PrivateKey_file(t->ssl, c->private_key, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(t->ssl) != 1)
                return err_set(err, ERR_TLS, "the private key '%s' does not belong to certificate '%s': %s",
                               c->private_key, c->certificate, tls_words());
        t->has_certificate = true;
        return true;
}

struct tls_context *tls_client_context(const struct tls_client_config *c, struct err *err)
{
        struct tls_context *t = context_new(false, err);
        struct stat st;

        if (!t)
                return NULL;
        t->has_owner = c->owner_certificate && stat(c->owner_certificate, &st) == 0;
        t->allow_unowned = c->allow_unowned;
        believe_leaves(t);
        SSL_CTX_set_verify(t->ssl, SSL_VERIFY_PEER, t->allow_unowned ? note_and_pass : NULL);
        if (!t->has_owner && !t->allow_unowned) {
                err_set(
                    err, ERR_CONFIG,
                    "the owner's certificate '%s' is not there; copy PO.crt of the partition's owner to it",
                    c->owner_certificate ? c->owner_certificate : "PO.crt");
                tls_context_free(&t);
        } else if ((t->has_owner && !trust_file(t, c->owner_certificate, err)) ||
                   !client_certificate(t, c, err)) {
                tls_context_free(&t);
        }
        return t;
}
