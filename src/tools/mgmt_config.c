/* chsm-mgmt: numbers of the partition, and the documented commands for which there is nothing to do here. */
#include "base/text.h"
#include "tools/mgmt.h"

#include <stdio.h>

/* ---- setHSMConfig ---- */

static void config_show(struct shell *sh, const struct mgmt_server *s, size_t index,
                        const Chsm__ConfigResponse *r)
{
        json_t *list = json_array();

        shell_say(sh, "HSM config on server %zu(%s):\n", index, s->host);
        for (size_t i = 0; i < r->n_numbers; i++) {
                const Chsm__ConfigNumber *n = r->numbers[i];

                shell_say(sh, "    %-14s %-5u %s (%u to %u)\n", n->name, n->value, n->help, n->least,
                          n->most);
                (void)json_array_append_new(list, json_pack("{s:s,s:i,s:s}", "name", n->name, "value",
                                                            (int)n->value, "help", n->help));
        }
        shell_set(sh, "config", list);
}

static uint32_t config_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        Chsm__Request request = CHSM__REQUEST__INIT;
        Chsm__GetConfigRequest get = CHSM__GET_CONFIG_REQUEST__INIT;
        Chsm__SetConfigRequest set = CHSM__SET_CONFIG_REQUEST__INIT;
        struct chsm_answer answer = CHSM_ANSWER_INIT;
        uint64_t value = 0;
        uint32_t rv;

        if (argc == 1) {
                request.get_config = &get;
                request.body_case = CHSM__REQUEST__BODY_GET_CONFIG;
        } else {
                if (!text_number(argv[2], 0, UINT32_MAX, &value))
                        return shell_fail(sh, ERR_USAGE, "'%s' is no number", argv[2]);
                set.name = argv[1];
                set.value = (uint32_t)value;
                request.set_config = &set;
                request.body_case = CHSM__REQUEST__BODY_SET_CONFIG;
        }
        rv = chsm_call(s->chsm, &request, &answer, &sh->err);
        if (rv == 0)
                config_show(sh, s, index, answer.response->config);
        chsm_answer_clear(&answer);
        return rv;
}

static uint32_t set_hsm_config(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "setHSMConfig", config_one, argc, argv);
}

static uint32_t get_hsm_config(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, NULL, config_one, argc, argv);
}

/* ---- the pre-generated key cache: there is none, which is size 0 ---- */

static uint32_t cache_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        shell_say(sh,
                  "Pre-generated key cache on server %zu(%s): 0; every key is made when it is asked for\n",
                  index, s->host);
        shell_set(sh, "size", json_integer(0));
        return 0;
}

static uint32_t get_cache_size(struct shell *sh, int argc, char **argv)
{
        const struct shell_command *c = shell_find(sh, argv[0]);

        return mgmt_each(sh, c ? c->name : NULL, cache_one, argc, argv);
}

static uint32_t set_cache_size(struct shell *sh, int argc, char **argv)
{
        uint64_t size;

        if (!text_number(argv[1], 0, UINT32_MAX, &size))
                return shell_fail(sh, ERR_USAGE, "'%s' is no number", argv[1]);
        if (size)
                return shell_fail(
                    sh, ERR_UNSUPPORTED,
                    "keys are made when they are asked for, so that none lies ready before it has an "
                    "owner and attributes; the only size of the cache is 0");
        return mgmt_each(sh, "setConfigPreGenCacheSize", cache_one, argc, argv);
}

/* ---- keys of the HSM itself ---- */

static uint32_t slots_one(struct shell *sh, struct mgmt_server *s, size_t index, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        shell_say(sh,
                  "KBK slots on server %zu(%s):\n    Slot  Primary  Key\n"
                  "    0     yes      derived inside from the partition's master key\n",
                  index, s->host);
        shell_set(sh, "slots",
                  json_pack("[{s:i,s:b,s:s}]", "slot", 0, "primary", 1, "key",
                            "derived inside from the partition's master key"));
        return 0;
}

static uint32_t list_kbk_slots(struct shell *sh, int argc, char **argv)
{
        return mgmt_each(sh, "listKBKSlots", slots_one, argc, argv);
}

static uint32_t set_kbk_primary(struct shell *sh, int argc, char **argv)
{
        uint64_t slot;

        if (!text_number(argv[1], 0, UINT32_MAX, &slot))
                return shell_fail(sh, ERR_USAGE, "'%s' is no slot; see: listKBKSlots", argv[1]);
        if (slot)
                return shell_fail(
                    sh, ERR_UNSUPPORTED,
                    "there is no slot %s: backups are sealed under the one key in slot 0, derived "
                    "inside from the partition's master key",
                    argv[1]);
        return mgmt_each(sh, "setKBKPrimary", slots_one, argc, argv);
}

/* ---- what is refused, and why ---- */

static const struct refused {
        const char *name, *why;
} refused[] = {
        { "storeFixedKey",
          "no key of the HSM's own comes from outside: the partition's master key is made inside when "
          "the partition is initialised, and only backups carry it, sealed" },
        { "generateKEK",
          "the partition has its key-encryption key since it was initialised, and everything in it is "
          "sealed under keys derived from that one; nobody makes another" },
        { "SAFE_STATE",
          "a node goes out of service by itself when a self-test or its store fails, and comes back when "
          "it is restarted; nobody sends it there. See: getHSMInfo" },
        { "smAppCtrl", "functionality modules are not supported: only chsm's own code runs in the HSM" },
        { "smAppDelete", "functionality modules are not supported, so there is none to delete" },
        { "smAppDiagInfo", "functionality modules are not supported, so there is none to describe" },
        { "smAppUpdate",
          "functionality modules are not supported; the HSM's own code is updated with its package" },
};

static uint32_t refuse(struct shell *sh, int argc, char **argv)
{
        const struct shell_command *c = shell_find(sh, argv[0]);

        (void)argc;
        for (size_t i = 0; c && i < sizeof(refused) / sizeof(refused[0]); i++) {
                if (strcmp(refused[i].name, c->name) == 0)
                        return shell_fail(sh, ERR_UNSUPPORTED, "%s", refused[i].why);
        }
        return shell_fail(sh, ERR_UNSUPPORTED, "this command is not offered");
}

const struct shell_command mgmt_config_rows[] = {
        { "setHSMConfig", "NUMBER VALUE", "change a number of the partition", 2, 2, true, set_hsm_config,
          "setHSMConfig lock_after 3", SHELL_ANYWHERE },
        { "getHSMConfig", "", "list the numbers of the partition", 0, 0, false, get_hsm_config,
          "getHSMConfig", SHELL_ANYWHERE },
        { "setConfigPreGenCacheSize", "SIZE", "size of the cache of keys made beforehand: 0 only", 1, 1,
          false, set_cache_size, "setConfigPreGenCacheSize 0", SHELL_ANYWHERE },
        { "getConfigPreGenCacheSize", "", "size that was set for that cache", 0, 0, false, get_cache_size,
          "getConfigPreGenCacheSize", SHELL_ANYWHERE },
        { "getPreGenCacheSize", "", "size that this cache has now", 0, 0, false, get_cache_size,
          "getPreGenCacheSize", SHELL_ANYWHERE },
        { "listKBKSlots", "",
          "list the keys under which backups are sealed: one, see backupPartition and docs/backup.md", 0, 0,
          false, list_kbk_slots, "listKBKSlots", SHELL_ANYWHERE },
        { "setKBKPrimary", "SLOT", "choose the key for backups: slot 0 only, see docs/backup.md", 1, 1, false,
          set_kbk_primary, "setKBKPrimary 0", SHELL_ANYWHERE },
        { "storeFixedKey", "[ARGUMENT...]", "refused: no key of the HSM's own comes from outside", 0, 63,
          false, refuse, "storeFixedKey", SHELL_ANYWHERE },
        { "generateKEK", "", "refused: the partition has its key-encryption key", 0, 63, false, refuse,
          "generateKEK", SHELL_SERVER },
        { "SAFE_STATE", "", "refused: a node leaves service by itself only", 0, 63, false, refuse,
          "SAFE_STATE", SHELL_ANYWHERE },
        { "smAppCtrl", "[ARGUMENT...]", "refused: modules are not supported", 0, 63, false, refuse,
          "smAppCtrl", SHELL_ANYWHERE },
        { "smAppDelete", "[ARGUMENT...]", "refused: modules are not supported", 0, 63, false, refuse,
          "smAppDelete", SHELL_ANYWHERE },
        { "smAppDiagInfo", "[ARGUMENT...]", "refused: modules are not supported", 0, 63, false, refuse,
          "smAppDiagInfo", SHELL_ANYWHERE },
        { "smAppUpdate", "[ARGUMENT...]", "refused: modules are not supported", 0, 63, false, refuse,
          "smAppUpdate", SHELL_ANYWHERE },
        { 0 },
};
