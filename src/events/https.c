/* Batches to an HTTPS endpoint, in the shape of an Event Hub message: {"records":[...]}. What was not
 * answered with 2xx is sent again; RecordId tells a repeated record. */
#include "base/file.h"
#include "events/internal.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MOST  ((size_t)192 * 1024) /* lines of one request; an Event Hub takes 256 KiB */
#define CONNECT_MS 5000L
#define WHOLE_MS   20000L

struct https_sink {
        CURL *curl;
        struct curl_slist *headers;
        struct buf body, resource;
        unsigned batch;
        const _Atomic bool *closing;
        char words[CURL_ERROR_SIZE];
};

static size_t ignore(char *p, size_t size, size_t n, void *arg)
{
        (void)p;
        (void)arg;
        return size * n;
}

static int progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
        const struct https_sink *s = arg;

        (void)a, (void)b, (void)c, (void)d;
        return atomic_load(s->closing);
}

static void put_field(struct buf *out, const char *name, struct slice value)
{
        buf_put_text(out, name);
        buf_put_text(out, "\"");
        buf_put_slice(out, value);
        buf_put_text(out, "\"");
}

static void record_put(const struct https_sink *s, struct slice line, struct buf *out)
{
        put_field(out, "{\"time\":", events_line_field(line, "TimeGenerated"));
        buf_put_text(out, ",\"resourceId\":");
        buf_put_slice(out, buf_slice(&s->resource));
        buf_put_text(out, ",\"category\":\"HsmServiceOperations\"");
        put_field(out, ",\"operationName\":", events_line_field(line, "OperationName"));
        put_field(out, ",\"callerIpAddress\":", events_line_field(line, "CallerIpAddress"));
        put_field(out, ",\"resultType\":", events_line_field(line, "ResultType"));
        buf_put_text(out, ",\"properties\":");
        buf_put_slice(out, line);
        buf_put_text(out, "}");
}

/* The bytes of lines that the body holds. */
static size_t body_make(struct https_sink *s, struct slice lines)
{
        size_t used = 0;

        buf_reset(&s->body);
        buf_put_text(&s->body, "{\"records\":[");
        for (unsigned i = 0; i < s->batch && used < lines.n && s->body.n < BODY_MOST; i++) {
                const uint8_t *at = lines.p + used, *end = memchr(at, '\n', lines.n - used);
                size_t n = end ? (size_t)(end - at) : lines.n - used;

                buf_put_text(&s->body, i ? "," : "");
                record_put(s, slice_of(at, n), &s->body);
                used += n + (end ? 1 : 0);
        }
        buf_put_text(&s->body, "]}");
        return used;
}

static bool post(struct https_sink *s, struct err *err)
{
        long status = 0;
        CURLcode rc;

        s->words[0] = '\0';
        (void)curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, s->body.p);
        (void)curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->body.n);
        rc = curl_easy_perform(s->curl);
        if (rc != CURLE_OK)
                return err_set(err, ERR_CONNECT, "%s", s->words[0] ? s->words : curl_easy_strerror(rc));
        (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
        return (status >= 200 && status < 300) ||
               err_set(err, ERR_CONNECT, "the endpoint answered with status %ld", status);
}

static bool https_send(void *arg, struct slice lines, size_t *sent, struct err *err)
{
        struct https_sink *s = arg;

        *sent = 0;
        while (*sent < lines.n) {
                size_t used = body_make(s, slice_of(lines.p + *sent, lines.n - *sent));

                if (!buf_ok(&s->body))
                        return err_set(err, ERR_MEMORY, "no memory for a batch of events");
                if (!post(s, err))
                        return false;
                *sent += used;
        }
        return true;
}

static void https_close(void *arg)
{
        struct https_sink *s = arg;

        curl_slist_free_all(s->headers);
        curl_easy_cleanup(s->curl);
        buf_clear(&s->body);
        buf_clear(&s->resource);
        free(s);
}

static bool header_add(struct https_sink *s, const char *text)
{
        struct curl_slist *more = curl_slist_append(s->headers, text);

        if (more)
                s->headers = more;
        return more != NULL;
}

/* The first line of the file, which only the node may read. */
static bool authorise(struct https_sink *s, const char *path, struct err *err)
{
        static const char name[] = "Authorization: ";
        struct sec *secret = file_read_secret(path, 4096, false, err);
        char text[sizeof(name) + 4096];
        size_t n;
        bool ok;

        if (!secret)
                return false;
        n = sec_slice(secret).n;
        memcpy(text, name, sizeof(name) - 1);
        memcpy(text + sizeof(name) - 1, sec_slice(secret).p, n);
        text[sizeof(name) - 1 + n] = '\0';
        text[strcspn(text, "\r\n")] = '\0';
        ok = header_add(s, text) || err_set(err, ERR_MEMORY, "no memory for a destination of events");
        sec_wipe(text, sizeof(text));
        sec_free(&secret);
        return ok;
}

#define SET(option, value) (curl_easy_setopt(s->curl, option, value) == CURLE_OK)

static bool options_set(struct https_sink *s, const struct events_config *c)
{
        return SET(CURLOPT_URL, c->url) && SET(CURLOPT_PROTOCOLS_STR, "https") && SET(CURLOPT_POST, 1L) &&
               SET(CURLOPT_HTTPHEADER, s->headers) && SET(CURLOPT_NOSIGNAL, 1L) &&
               SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) && SET(CURLOPT_TIMEOUT_MS, WHOLE_MS) &&
               SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) && SET(CURLOPT_SSL_VERIFYPEER, 1L) &&
               SET(CURLOPT_SSL_VERIFYHOST, 2L) && SET(CURLOPT_ERRORBUFFER, s->words) &&
               SET(CURLOPT_WRITEFUNCTION, ignore) && SET(CURLOPT_NOPROGRESS, 0L) &&
               SET(CURLOPT_XFERINFOFUNCTION, progress) && SET(CURLOPT_XFERINFODATA, s) &&
               SET(CURLOPT_USERAGENT, "chsm-server/" CHSM_VERSION) && SET(CURLOPT_PROXY, "") &&
               (!c->ca[0] || (SET(CURLOPT_CAINFO, c->ca) && SET(CURLOPT_CAPATH, NULL))) &&
               (!c->certificate[0] || SET(CURLOPT_SSLCERT, c->certificate)) &&
               (!c->key[0] || SET(CURLOPT_SSLKEY, c->key));
}

static bool config_check(const struct events_config *c, struct err *err)
{
        const char *const files[] = { c->ca, c->certificate, c->key };

        if (strncasecmp(c->url, "https://", 8) != 0)
                return err_set(err, ERR_CONFIG, "events_url '%s' does not begin with https://", c->url);
        for (size_t i = 0; i < 3; i++) {
                if (files[i][0] && !file_exists(files[i]))
                        return err_set(err, ERR_CONFIG, "'%s' for events_url is not there", files[i]);
        }
        return !c->certificate[0] == !c->key[0] ||
               err_set(err, ERR_CONFIG, "events_certificate and events_key go together");
}

bool events_https_open(struct events_sink *sink, const struct events_config *c, const _Atomic bool *closing,
                       struct err *err)
{
        struct https_sink *s;
        bool ok;

        if (!config_check(c, err))
                return false;
        s = calloc(1, sizeof(*s));
        if (!s || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(s->curl = curl_easy_init())) {
                free(s);
                return err_set(err, ERR_MEMORY, "no memory for a destination of events");
        }
        s->closing = closing;
        s->batch = c->batch;
        buf_put_json(&s->resource, slice_str(c->resource));
        ok = buf_ok(&s->resource) && header_add(s, "Content-Type: application/json; charset=utf-8") &&
             header_add(s, "Expect:");
        if (!ok)
                err_set(err, ERR_MEMORY, "no memory for a destination of events");
        ok = ok && (!c->authorization[0] || authorise(s, c->authorization, err));
        if (ok && !options_set(s, c))
                ok = err_set(err, ERR_CONFIG, "events_url '%s' cannot be used", c->url);
        if (!ok) {
                https_close(s);
                return false;
        }
        *sink = (struct events_sink){ "https", BODY_MOST, https_send, https_close, s };
        return true;
}
