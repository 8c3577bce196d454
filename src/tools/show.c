#include "tools/show.h"

/* The documented lines; what only a card in a slot has is 0. */
void tool_show_hsm(struct shell *sh, const Chsm__NodeInfoResponse *r)
{
        const Chsm__Version none = CHSM__VERSION__INIT, *firmware = r->firmware ? r->firmware : &none;

        shell_say(sh, "\tLabel                :%s\n\tModel                :%s\n", r->label, r->model);
        shell_say(sh, "\tSerial Number        :%s\n\tHSM Flags            :%u\n", r->serial, r->flags);
        shell_say(sh, "\tFIPS state           :%u\n\tManufacturer ID      :%s\n", r->fips_state,
                  r->manufacturer);
        shell_say(sh, "\tDevice ID            :0\n\tClass Code           :0\n\tSystem vendor ID     :0\n"
                      "\tSubSystem ID         :0\n");
        shell_say(sh, "\tTotal Public Memory  :%llu\n\tFree Public Memory   :%llu\n",
                  (unsigned long long)r->total_public_memory, (unsigned long long)r->free_public_memory);
        shell_say(sh, "\tTotal Private Memory :%llu\n\tFree Private Memory  :%llu\n",
                  (unsigned long long)r->total_private_memory, (unsigned long long)r->free_private_memory);
        shell_say(sh, "\tHardware Major       :0\n\tHardware Minor       :0\n");
        shell_say(sh, "\tFirmware Major       :%u\n\tFirmware Minor       :%u\n", firmware->major,
                  firmware->minor);
        shell_say(sh, "\tTemperature          :0\n\tBuild Number         :%s\n", r->build);
        shell_say(sh, "\tFirmware ID          :%s\n\tUptime               :%llu s\n", r->library,
                  (unsigned long long)r->uptime_s);
        shell_set(sh, "label", json_string(r->label));
        shell_set(sh, "model", json_string(r->model));
        shell_set(sh, "serial", json_string(r->serial));
        shell_set(sh, "manufacturer", json_string(r->manufacturer));
        shell_set(sh, "fips_state", json_integer((json_int_t)r->fips_state));
        shell_set(sh, "build", json_string(r->build));
        shell_set(sh, "library", json_string(r->library));
        shell_set(sh, "uptime_s", json_integer((json_int_t)r->uptime_s));
        shell_set(sh, "state", json_integer((json_int_t)r->state));
}

const char *tool_role_name(uint32_t role)
{
        return role == 1 ? "CU" : role == 2 ? "CO" : role == 5 ? "AU" : role == 6 ? "PRECO" : "?";
}

json_t *tool_user_json(const Chsm__User *u)
{
        return json_pack("{s:I,s:s,s:s,s:i,s:b,s:b,s:b}", "id", (json_int_t)u->id, "type",
                         tool_role_name(u->role), "name", u->name, "failures", (int)u->failures, "locked",
                         (int)u->locked, "quorum_key", (int)u->quorum_key, "second_factor",
                         (int)u->second_factor);
}
