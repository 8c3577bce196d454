/* The way to etcd's members: gRPC over curl's HTTP/2 with mutual TLS. Each line is a connection of its own,
 * kept open; a line whose member fails goes on to the next one. */
#include "store/etcd.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CONNECT_MS 300
#define TICK_MS    100

struct line {
        struct etcd_curl *way;
        CURL *easy;
        unsigned member;
        struct buf raw, frame; /* answer as it comes; request with its frame */
        int status;            /* -1: none came */
        char words[256];
        const struct etcd_listener *listener; /* of a stream */
        struct slice ask;
        size_t sent; /* of frame */
        bool ended, malformed;
};

struct etcd_curl {
        char *members[ETCD_MEMBERS_MAX];
        unsigned count;
        char *ca, *certificate, *key;
        struct curl_slist *headers;
        struct line lines[ETCD_LINES];
        struct line probes[ETCD_MEMBERS_MAX]; /* each for one member */
};

static size_t answer_take(char *p, size_t size, size_t n, void *arg)
{
        struct line *l = arg;

        buf_put(&l->raw, p, size * n);
        return buf_ok(&l->raw) ? size * n : 0;
}

/* Trailers come here like headers. */
static size_t header_take(char *p, size_t size, size_t n, void *arg)
{
        struct line *l = arg;
        struct slice text = slice_of(p, size * n);
        static const char status[] = "grpc-status:", words[] = "grpc-message:";

        while (text.n && isspace(text.p[text.n - 1]))
                text.n--;
        if (text.n > sizeof(status) - 1 && strncasecmp(p, status, sizeof(status) - 1) == 0) {
                struct slice digits = slice_of(text.p + sizeof(status) - 1, text.n - (sizeof(status) - 1));
                l->status = 0;
                for (size_t i = 0; i < digits.n; i++) {
                        if (isdigit(digits.p[i]) && l->status < 1000)
                                l->status = l->status * 10 + (digits.p[i] - '0');
                }
                l->ended = true;
        } else if (text.n > sizeof(words) - 1 && strncasecmp(p, words, sizeof(words) - 1) == 0) {
                struct slice rest = slice_of(text.p + sizeof(words) - 1, text.n - (sizeof(words) - 1));
                while (rest.n && isspace(rest.p[0]))
                        rest = slice_of(rest.p + 1, rest.n - 1);
                etcd_status_words(rest, l->words, sizeof(l->words));
        }
        return size * n;
}

static bool line_open(struct line *l)
{
        struct etcd_curl *way = l->way;

        if (l->easy)
                return true;
        l->easy = curl_easy_init();
        if (!l->easy)
                return false;
        curl_easy_setopt(l->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(l->easy, CURLOPT_PROXY, "");
        curl_easy_setopt(l->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        curl_easy_setopt(l->easy, CURLOPT_PROTOCOLS_STR, "https");
        curl_easy_setopt(l->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        curl_easy_setopt(l->easy, CURLOPT_CAINFO, way->ca);
        curl_easy_setopt(l->easy, CURLOPT_SSLCERT, way->certificate);
        curl_easy_setopt(l->easy, CURLOPT_SSLKEY, way->key);
        curl_easy_setopt(l->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
        curl_easy_setopt(l->easy, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(l->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(l->easy, CURLOPT_HTTPHEADER, way->headers);
        curl_easy_setopt(l->easy, CURLOPT_HEADERFUNCTION, header_take);
        curl_easy_setopt(l->easy, CURLOPT_HEADERDATA, l);
        curl_easy_setopt(l->easy, CURLOPT_WRITEFUNCTION, answer_take);
        curl_easy_setopt(l->easy, CURLOPT_WRITEDATA, l);
        return true;
}

static bool line_aim(struct line *l, const char *method)
{
        char url[512];

        if (snprintf(url, sizeof(url), "%s%s", l->way->members[l->member % l->way->count], method) >=
            (int)sizeof(url))
                return false;
        buf_reset(&l->raw);
        l->status = -1;
        l->words[0] = '\0';
        l->ended = l->malformed = false;
        return curl_easy_setopt(l->easy, CURLOPT_URL, url) == CURLE_OK;
}

/* Did curl fail before anything went out? */
static bool never_sent(CURLcode rc, CURL *easy)
{
        long request = 0;

        if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST ||
            rc == CURLE_SSL_CONNECT_ERROR || rc == CURLE_PEER_FAILED_VERIFICATION ||
            rc == CURLE_SSL_CERTPROBLEM || rc == CURLE_SSL_CACERT_BADFILE)
                return true;
        return curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request) == CURLE_OK && request == 0;
}

static enum etcd_outcome line_outcome(struct line *l, CURLcode rc, struct etcd_reply *reply)
{
        long http = 0;
        enum etcd_outcome outcome;

        curl_easy_getinfo(l->easy, CURLINFO_RESPONSE_CODE, &http);
        reply->status = l->status;
        snprintf(reply->words, sizeof(reply->words), "%s", l->words);
        if (l->status >= 0)
                outcome = etcd_status_outcome(l->status);
        else if (rc != CURLE_OK) {
                snprintf(reply->words, sizeof(reply->words), "%.120s: %.120s",
                         l->way->members[l->member % l->way->count], curl_easy_strerror(rc));
                outcome = never_sent(rc, l->easy) ? ETCD_UNSENT : ETCD_LOST;
        } else {
                snprintf(reply->words, sizeof(reply->words), "answered HTTP status %ld without a gRPC one",
                         http);
                outcome = ETCD_LOST;
        }
        if (outcome == ETCD_LOST || outcome == ETCD_UNSENT)
                l->member++;
        return outcome;
}

static enum etcd_outcome line_call(struct line *l, const char *method, struct slice request, int timeout_ms,
                                   struct etcd_reply *reply)
{
        enum etcd_outcome outcome;
        struct slice message;

        buf_reset(&l->frame);
        etcd_frame_put(&l->frame, request);
        if (!line_open(l) || !buf_ok(&l->frame) || !line_aim(l, method)) {
                snprintf(reply->words, sizeof(reply->words), "no memory for the request");
                return ETCD_UNSENT;
        }
        curl_easy_setopt(l->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)l->frame.n);
        curl_easy_setopt(l->easy, CURLOPT_POSTFIELDS, (const char *)l->frame.p);
        curl_easy_setopt(l->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
        outcome = line_outcome(l, curl_easy_perform(l->easy), reply);
        if (outcome != ETCD_ANSWERED)
                return outcome;
        buf_reset(&reply->message);
        if (!etcd_frame_one(buf_slice(&l->raw), &message)) {
                snprintf(reply->words, sizeof(reply->words), "the answer is not one whole message");
                return ETCD_LOST;
        }
        buf_put_slice(&reply->message, message);
        return buf_ok(&reply->message) ? ETCD_ANSWERED : ETCD_LOST;
}

static enum etcd_outcome curl_call(void *self, unsigned number, const char *method, struct slice request,
                                   int timeout_ms, struct etcd_reply *reply)
{
        return line_call(&((struct etcd_curl *)self)->lines[number], method, request, timeout_ms, reply);
}

static enum etcd_outcome curl_ask(void *self, unsigned member, const char *method, struct slice request,
                                  int timeout_ms, struct etcd_reply *reply)
{
        struct line *l = &((struct etcd_curl *)self)->probes[member];

        l->member = member; /* after a failure too */
        return line_call(l, method, request, timeout_ms, reply);
}

/* ---- streams ---- */
static size_t stream_send(char *p, size_t size, size_t n, void *arg)
{
        struct line *l = arg;
        size_t left = l->frame.n - l->sent;

        if (left == 0)
                return CURL_READFUNC_PAUSE;
        if (left > size * n)
                left = size * n;
        memcpy(p, l->frame.p + l->sent, left);
        l->sent += left;
        return left;
}

static size_t stream_take(char *p, size_t size, size_t n, void *arg)
{
        struct line *l = arg;
        struct slice message;
        size_t at = 0, consumed = 0;
        int found;

        buf_put(&l->raw, p, size * n);
        if (!buf_ok(&l->raw))
                return 0;
        while ((found = etcd_frame_next(slice_of(l->raw.p + at, l->raw.n - at), &message, &consumed)) == 1) {
                at += consumed;
                if (!l->listener->message(l->listener->arg, message))
                        return 0;
        }
        if (found < 0) {
                l->malformed = true;
                return 0;
        }
        memmove(l->raw.p, l->raw.p + at, l->raw.n - at);
        l->raw.n -= at;
        return size * n;
}

/* Until the member ends it, or the listener. */
static CURLcode stream_run(struct line *l, CURLM *multi)
{
        CURLcode rc = CURLE_OK;
        int running = 1, left;

        while (running && !l->ended) {
                enum etcd_tick tick = l->listener->tick(l->listener->arg);

                if (tick == ETCD_END)
                        return CURLE_ABORTED_BY_CALLBACK;
                if (tick == ETCD_ASK && l->sent == l->frame.n) {
                        buf_reset(&l->frame);
                        etcd_frame_put(&l->frame, l->ask);
                        l->sent = 0;
                        curl_easy_pause(l->easy, CURLPAUSE_CONT);
                }
                if (curl_multi_perform(multi, &running) != CURLM_OK)
                        return CURLE_RECV_ERROR;
                if (running && !l->ended && curl_multi_poll(multi, NULL, 0, TICK_MS, NULL) != CURLM_OK)
                        return CURLE_RECV_ERROR;
        }
        for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
                if (m->msg == CURLMSG_DONE)
                        rc = m->data.result;
        }
        return rc;
}

static enum etcd_outcome curl_stream(void *self, const char *method, struct slice first, struct slice ask,
                                     const struct etcd_listener *listener, struct etcd_reply *reply)
{
        static _Atomic unsigned next;
        struct line l = {
                .way = self, .listener = listener, .ask = ask, .member = atomic_fetch_add(&next, 1)
        };
        CURLM *multi = curl_multi_init();
        enum etcd_outcome outcome = ETCD_UNSENT;

        reply->status = -1;
        etcd_frame_put(&l.frame, first);
        if (multi && line_open(&l) && buf_ok(&l.frame) && line_aim(&l, method)) {
                curl_easy_setopt(l.easy, CURLOPT_WRITEFUNCTION, stream_take);
                curl_easy_setopt(l.easy, CURLOPT_READFUNCTION, stream_send);
                curl_easy_setopt(l.easy, CURLOPT_READDATA, &l);
                curl_easy_setopt(l.easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
                curl_multi_add_handle(multi, l.easy);
                outcome = line_outcome(&l, stream_run(&l, multi), reply);
                if (l.malformed)
                        snprintf(reply->words, sizeof(reply->words), "the stream is malformed");
                curl_multi_remove_handle(multi, l.easy);
        }
        curl_easy_cleanup(l.easy);
        curl_multi_cleanup(multi);
        buf_clear(&l.raw);
        buf_clear(&l.frame);
        return outcome;
}

/* ---- opening ---- */
static void line_close(struct line *l)
{
        curl_easy_cleanup(l->easy);
        buf_clear(&l->raw);
        buf_clear(&l->frame);
}

static void curl_close(void *self)
{
        struct etcd_curl *way = self;

        for (unsigned i = 0; i < ETCD_LINES; i++)
                line_close(&way->lines[i]);
        for (unsigned i = 0; i < ETCD_MEMBERS_MAX; i++)
                line_close(&way->probes[i]);
        for (unsigned i = 0; i < way->count; i++)
                free(way->members[i]);
        curl_slist_free_all(way->headers);
        free(way->ca);
        free(way->certificate);
        free(way->key);
        free(way);
}

/* "https://10.0.0.1:2379,https://10.0.0.2:2379" */
static bool members_read(struct etcd_curl *way, const char *text, struct err *err)
{
        static const char scheme[] = "https://";

        while (text && *text) {
                size_t n = strcspn(text, ",");

                if (way->count == ETCD_MEMBERS_MAX)
                        return err_set(err, ERR_CONFIG, "more than %d etcd members are named",
                                       ETCD_MEMBERS_MAX);
                if (n <= sizeof(scheme) - 1 || n > 300 || strncmp(text, scheme, sizeof(scheme) - 1) != 0)
                        return err_set(err, ERR_CONFIG,
                                       "'%.*s' is no etcd member: https://HOST:PORT is, as etcd is spoken to "
                                       "over mutual TLS only",
                                       (int)(n > 80 ? 80 : n), text);
                way->members[way->count] = strndup(text, n);
                if (!way->members[way->count++])
                        return err_set(err, ERR_MEMORY, "no memory for the etcd members");
                text += n + (text[n] == ',');
        }
        return way->count > 0 || err_set(err, ERR_CONFIG, "no etcd member is named");
}

static bool curl_prepare(struct etcd_curl *way, const struct store_config *config, struct err *err)
{
        static const char *const headers[] = { "content-type: application/grpc", "te: trailers",
                                               "hasleader: true", "Expect:", "Accept:" };

        if (!members_read(way, config->members, err))
                return false;
        if (!config->ca || !config->certificate || !config->key)
                return err_set(err, ERR_CONFIG, "etcd needs a CA file, a client certificate and its key");
        way->ca = strdup(config->ca);
        way->certificate = strdup(config->certificate);
        way->key = strdup(config->key);
        for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
                struct curl_slist *longer = curl_slist_append(way->headers, headers[i]);
                if (!longer)
                        return err_set(err, ERR_MEMORY, "no memory for the way to etcd");
                way->headers = longer;
        }
        for (unsigned i = 0; i < ETCD_LINES; i++) {
                way->lines[i].way = way;
                way->lines[i].member = 0;
        }
        /* Starts and sweeps read everything: each node from another member, so that they share the work. */
        way->lines[ETCD_LINE_READS].member = config->node ? (config->node - 1) % way->count : 0;
        for (unsigned i = 0; i < ETCD_MEMBERS_MAX; i++)
                way->probes[i].way = way;
        return (way->ca && way->certificate && way->key) ||
               err_set(err, ERR_MEMORY, "no memory for the way to etcd");
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_begin(void)
{
        (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool etcd_curl_open(const struct store_config *config, struct etcd_wire *wire, struct err *err)
{
        struct etcd_curl *way = calloc(1, sizeof(*way));

        if (!way)
                return err_set(err, ERR_MEMORY, "no memory for the way to etcd");
        pthread_once(&curl_once, curl_begin);
        if (!curl_prepare(way, config, err)) {
                curl_close(way);
                return false;
        }
        *wire = (struct etcd_wire){ way, curl_call, curl_stream, curl_close, curl_ask, way->count };
        return true;
}
