#include "vault/setting.h"
#include "base/text.h"

static const char *const profiles[] = { "documented", "verified", "strict" };

const char *vault_profile_name(enum vault_profile profile)
{
        return (unsigned)profile < VAULT_PROFILES ? profiles[profile] : "unknown";
}

struct vault_settings vault_settings_of(enum vault_profile profile)
{
        struct vault_settings s = { .profile = (uint8_t)profile };

        for (int i = 0; i < VAULT_SETTINGS; i++)
                s.value[i] = vault_setting_row((enum vault_setting)i)->preset[profile];
        return s;
}

/* True: a is less strict than b. */
static bool looser(const struct vault_setting_row *row, uint8_t a, uint8_t b)
{
        return row->more_is_tighter ? a < b : a > b;
}

static bool change_profile(struct vault_settings *s, const char *value, bool settled, struct err *err)
{
        struct vault_settings wanted;
        int profile = 0;

        while (profile < VAULT_PROFILES && strcmp(profiles[profile], value) != 0)
                profile++;
        if (profile == VAULT_PROFILES)
                return err_set(err, ERR_ARGUMENT,
                               "there is no profile '%s'; profiles are documented, verified and strict",
                               value);
        if (settled && profile < s->profile)
                return err_set(
                    err, ERR_LIFE_CYCLE,
                    "profile '%s' is looser than '%s'; the owner chooses it before the activation, and "
                    "nobody loosens it afterwards",
                    value, vault_profile_name((enum vault_profile)s->profile));
        wanted = vault_settings_of((enum vault_profile)profile);
        for (int i = 0; settled && i < VAULT_SETTINGS; i++) {
                if (looser(vault_setting_row((enum vault_setting)i), wanted.value[i], s->value[i]))
                        wanted.value[i] = s->value[i];
        }
        *s = wanted;
        return true;
}

static bool change_one(struct vault_settings *s, enum vault_setting setting, const char *value, bool settled,
                       struct err *err)
{
        const struct vault_setting_row *row = vault_setting_row(setting);
        uint64_t number;

        if (!text_number(value, 0, row->most, &number))
                return err_set(err, ERR_ARGUMENT, "'%s' takes a number from 0 to %u: %s", row->name,
                               row->most, row->help);
        if (number > row->honoured)
                return err_set(err, ERR_UNSUPPORTED, "this version cannot keep '%s' at more than %u",
                               row->name, row->honoured);
        if (looser(row, (uint8_t)number, row->loosest[s->profile]))
                return err_set(err, ERR_LIFE_CYCLE, "profile '%s' does not allow '%s' to be %llu",
                               vault_profile_name((enum vault_profile)s->profile), row->name,
                               (unsigned long long)number);
        if (settled && looser(row, (uint8_t)number, s->value[setting]))
                return err_set(
                    err, ERR_LIFE_CYCLE,
                    "'%s' is %u; the owner could loosen it before the activation, nobody can afterwards",
                    row->name, s->value[setting]);
        s->value[setting] = (uint8_t)number;
        return true;
}

bool vault_settings_change(struct vault_settings *s, const char *name, const char *value, bool settled,
                           struct err *err)
{
        if (strcmp(name, "profile") == 0)
                return change_profile(s, value, settled, err);
        for (int i = 0; i < VAULT_SETTINGS; i++) {
                if (strcmp(vault_setting_row((enum vault_setting)i)->name, name) == 0)
                        return change_one(s, (enum vault_setting)i, value, settled, err);
        }
        return err_set(err, ERR_ARGUMENT, "there is no setting '%s'; see: getPolicy", name);
}

void vault_settings_encode(const struct vault_settings *s, struct buf *out)
{
        buf_put_u8(out, s->profile);
        buf_put_u8(out, VAULT_SETTINGS);
        buf_put(out, s->value, VAULT_SETTINGS);
}

/* A record of an older version is shorter; what it lacks is as its profile begins. */
bool vault_settings_decode(struct slice body, struct vault_settings *s)
{
        struct reader in = reader_of(body);
        uint8_t profile = reader_u8(&in), n = reader_u8(&in);
        struct slice values = reader_bytes(&in, n);

        if (!reader_end(&in) || profile >= VAULT_PROFILES || n > VAULT_SETTINGS)
                return false;
        *s = vault_settings_of((enum vault_profile)profile);
        for (uint8_t i = 0; i < n; i++) {
                if (values.p[i] > vault_setting_row((enum vault_setting)i)->most)
                        return false;
                s->value[i] = values.p[i];
        }
        return true;
}
