#include "vault/quorum_token.h"

#include <string.h>
#include <time.h>

#define VERSION 1

static const struct {
        const char *name;
        bool of_keys;
} services[VAULT_SERVICES] = {
        [VAULT_SERVICE_KEY_USE] = { "KEY_USE", true },      [VAULT_SERVICE_KEY_MGMT] = { "KEY_MGMT", true },
        [VAULT_SERVICE_USER_MGMT] = { "USER_MGMT", false }, [VAULT_SERVICE_MISC_CO] = { "MISC_CO", false },
        [VAULT_SERVICE_KEY_TRUST] = { "KEY_TRUST", false }, [VAULT_SERVICE_POLICY] = { "POLICY", false },
};

const char *vault_service_name(uint32_t service)
{
        return service < VAULT_SERVICES ? services[service].name : NULL;
}

bool vault_service_is_of_keys(uint32_t service)
{
        return service < VAULT_SERVICES && services[service].of_keys;
}

/* ---- stored ---- */

void vault_token_encode(const struct vault_token *t, struct buf *out)
{
        buf_put_u8(out, VERSION);
        buf_put(out, t->id, sizeof(t->id));
        buf_put_u8(out, t->service);
        buf_put_u32(out, t->user_id);
        buf_put(out, t->login, sizeof(t->login));
        buf_put_u32(out, t->handle);
        buf_put_block(out, slice_str(t->user));
        buf_put_block(out, slice_str(t->target));
        buf_put_block(out, slice_str(t->node));
        buf_put_block(out, slice_str(t->partition));
        buf_put_u64(out, (uint64_t)t->expires_ms);
        buf_put_u32(out, t->approval_count);
        for (uint32_t i = 0; i < t->approval_count; i++) {
                buf_put_u32(out, t->approvals[i].user_id);
                buf_put(out, t->approvals[i].key, sizeof(t->approvals[i].key));
        }
}

/* A text of at most size - 1 bytes into zeroed memory. */
static void read_text(struct reader *in, char *out, size_t size)
{
        struct slice s = reader_block(in, size - 1);

        if (s.n)
                memcpy(out, s.p, s.n);
}

static void read_bytes(struct reader *in, uint8_t *out, size_t n)
{
        struct slice s = reader_bytes(in, n);

        if (s.n)
                memcpy(out, s.p, s.n);
}

bool vault_token_decode(struct slice body, struct vault_token *t)
{
        struct reader in = reader_of(body);
        bool known = reader_u8(&in) == VERSION;

        *t = (struct vault_token){ .service = 0 };
        read_bytes(&in, t->id, sizeof(t->id));
        t->service = reader_u8(&in);
        t->user_id = reader_u32(&in);
        read_bytes(&in, t->login, sizeof(t->login));
        t->handle = reader_u32(&in);
        read_text(&in, t->user, sizeof(t->user));
        read_text(&in, t->target, sizeof(t->target));
        read_text(&in, t->node, sizeof(t->node));
        read_text(&in, t->partition, sizeof(t->partition));
        t->expires_ms = (int64_t)reader_u64(&in);
        t->approval_count = reader_u32(&in);
        for (uint32_t i = 0; i < t->approval_count && i < VAULT_QUORUM_MAX; i++) {
                t->approvals[i].user_id = reader_u32(&in);
                read_bytes(&in, t->approvals[i].key, sizeof(t->approvals[i].key));
        }
        return reader_end(&in) && known && vault_service_name(t->service) &&
               t->approval_count <= VAULT_QUORUM_MAX;
}

/* ---- as text ---- */

static const char *const labels[] = {
        "chsm quorum token ", "Id: ",   "Service: ", "Node: ",        "Partition: ",
        "Key Handle: ",       "User: ", "For: ",     "Valid until: ", ""
};
#define LINES (sizeof(labels) / sizeof(labels[0]))

void vault_token_text(const struct vault_token *t, struct buf *out)
{
        time_t seconds = (time_t)(t->expires_ms / 1000);
        char until[32] = "";
        struct tm tm;

        if (gmtime_r(&seconds, &tm))
                (void)strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
        buf_printf(out, "%s%d\n%s", labels[0], VERSION, labels[1]);
        buf_put_hex(out, slice_of(t->id, sizeof(t->id)));
        buf_printf(out, "\n%s%u %s\n%s%s\n%s%s\n%s%u\n%s%s\n%s%s\n%s%s\n\n", labels[2], t->service,
                   vault_service_name(t->service), labels[3], t->node, labels[4], t->partition, labels[5],
                   t->handle, labels[6], t->user, labels[7], t->target[0] ? t->target : "anyone", labels[8],
                   until);
}

/* The next line without its end; false: there is none that ends. */
static bool next_line(struct slice *rest, struct slice *line)
{
        const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;

        if (!end)
                return false;
        *line = slice_of(rest->p, (size_t)(end - rest->p));
        *rest = slice_of(end + 1, rest->n - line->n - 1);
        return true;
}

static bool line_fits(struct slice line, const char *label)
{
        size_t n = strlen(label);

        if (line.n < n || line.n > n + 80 || memcmp(line.p, label, n) != 0 || (n == 0 && line.n))
                return false;
        for (size_t i = 0; i < line.n; i++) {
                if (line.p[i] < 0x20 || line.p[i] > 0x7e)
                        return false;
        }
        return true;
}

bool vault_token_file_check(struct slice file)
{
        struct slice line;
        size_t lines = 0;

        if (!file.n || file.n > VAULT_TOKEN_FILE_MAX)
                return false;
        while (file.n) {
                if (!next_line(&file, &line) || !line_fits(line, labels[lines++ % LINES]))
                        return false;
        }
        return lines % LINES == 0;
}

size_t vault_token_file_count(struct slice file, const char *partition)
{
        struct slice line, label = slice_str("Partition: "), wanted = slice_str(partition);
        size_t n = 0;

        while (next_line(&file, &line)) {
                n += line.n == label.n + wanted.n && memcmp(line.p, label.p, label.n) == 0 &&
                     memcmp(line.p + label.n, wanted.p, wanted.n) == 0;
        }
        return n;
}

bool vault_token_file_has(struct slice file, const struct vault_token *t)
{
        struct buf text = BUF_INIT;
        struct slice line;
        bool found = false;

        vault_token_text(t, &text);
        while (buf_ok(&text) && !found && file.n) {
                found = file.n >= text.n && memcmp(file.p, text.p, text.n) == 0;
                for (size_t i = 0; !found && i < LINES; i++) {
                        if (!next_line(&file, &line))
                                file = SLICE_EMPTY;
                }
        }
        buf_clear(&text);
        return found;
}

bool vault_token_approved_by(const struct vault_token *t, uint32_t user_id)
{
        for (uint32_t i = 0; i < t->approval_count; i++) {
                if (t->approvals[i].user_id == user_id)
                        return true;
        }
        return false;
}
