/* What is done through the tools, and by other processes. */
#include "attack.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

char attack_said[16384];

/* Runs a program with the text on its standard input; keeps what it prints. */
static int run(char *const argv[], const char *text)
{
        int in[2], out[2], status = -1;
        size_t n = 0;
        ssize_t got;
        pid_t pid;

        if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
                return -1;
        pid = fork();
        if (pid == 0) {
                (void)dup2(in[0], 0);
                (void)dup2(out[1], 1);
                (void)dup2(out[1], 2);
                (void)execvp(argv[0], argv);
                _exit(127);
        }
        (void)close(in[0]);
        (void)close(out[1]);
        if (write(in[1], text, strlen(text)) < 0)
                status = -1;
        (void)close(in[1]);
        while (n < sizeof(attack_said) - 1 &&
               (got = read(out[0], attack_said + n, sizeof(attack_said) - 1 - n)) > 0)
                n += (size_t)got;
        attack_said[n] = 0;
        (void)close(out[0]);
        if (pid > 0)
                (void)waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool management(const char *login, const char *user, const char *password, const char *commands)
{
        char conf[512], text[8192];
        char *argv[] = { (char *)(uintptr_t) "chsm-mgmt", (char *)(uintptr_t) "--yes",
                         (char *)(uintptr_t) "-c", conf, NULL };

        (void)snprintf(conf, sizeof(conf), "%s/chsm-mgmt.conf", getenv("CHSM_CONF_DIR"));
        (void)snprintf(text, sizeof(text), "loginHSM %s %s %s\n%s\n", login, user, password, commands);
        return run(argv, text) == 0;
}

bool attack_officer(const char *format, ...)
{
        char commands[7000];
        va_list list;

        va_start(list, format);
        (void)vsnprintf(commands, sizeof(commands), format, list);
        va_end(list);
        return management("CO", getenv("CHSM_CO_USER"), getenv("CHSM_CO_PASSWORD"), commands);
}

bool attack_user(const char *format, ...)
{
        char commands[7000];
        va_list list;

        va_start(list, format);
        (void)vsnprintf(commands, sizeof(commands), format, list);
        va_end(list);
        return management("CU", getenv("CHSM_CU_USER"), getenv("CHSM_CU_PASSWORD"), commands);
}

static bool util_as(const char *user, const char *command)
{
        char line[3000];
        char *argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", line, NULL };

        (void)snprintf(line, sizeof(line),
                       "exec chsm-util singlecmd loginHSM -u CU -s \"%s\" -p \"$CHSM_CU_PASSWORD\" %s", user,
                       command);
        return run(argv, "") == 0;
}

bool attack_util(const char *format, ...)
{
        char command[2048];
        va_list list;

        va_start(list, format);
        (void)vsnprintf(command, sizeof(command), format, list);
        va_end(list);
        return util_as(getenv("CHSM_CU_USER"), command);
}

bool attack_util_cu2(const char *format, ...)
{
        char command[2048];
        va_list list;

        va_start(list, format);
        (void)vsnprintf(command, sizeof(command), format, list);
        va_end(list);
        return util_as("cu2", command);
}

CK_RV attack_trust(CK_OBJECT_HANDLE key, bool trusted)
{
        return attack_officer("setAttribute %lu 134 %d", key, trusted) ? CKR_OK : CKR_FUNCTION_REJECTED;
}

CK_RV attack_other(const char *group, const char *user, const char *role, const CK_ULONG *numbers, size_t n)
{
        char self[512] = "", pin[80], words[16][24];
        char *argv[24] = { self, (char *)(uintptr_t)group, getenv("CHSM_MODULE"), pin,
                           (char *)(uintptr_t)role };
        const char *code;
        size_t k = 5;

        if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
                return CK_UNAVAILABLE_INFORMATION;
        (void)snprintf(pin, sizeof(pin), "%s:%s", user, getenv("CHSM_CU_PASSWORD"));
        for (size_t i = 0; i < n && i < 16; i++) {
                (void)snprintf(words[i], sizeof(words[i]), "%lu", numbers[i]);
                argv[k++] = words[i];
        }
        if (run(argv, "") != 0 || !(code = strstr(attack_said, "rv "))) {
                printf("# the other process said: %.3000s\n", attack_said);
                return CK_UNAVAILABLE_INFORMATION;
        }
        return strtoul(code + 3, NULL, 0);
}

unsigned long attack_user_id(const char *name)
{
        char *line, *rest = NULL;
        unsigned long id = 0;

        if (!attack_officer("listUsers"))
                return 0;
        for (line = strtok_r(attack_said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                unsigned long number = 0;
                char type[16], user[40];

                if (sscanf(line, " %lu %15s %39s", &number, type, user) == 3 && strcmp(user, name) == 0)
                        id = number;
        }
        return id;
}

const char *attack_exposure(CK_OBJECT_HANDLE key)
{
        char *line, *rest = NULL, *end;

        if (!attack_officer("auditKeys"))
                return "";
        for (line = strtok_r(attack_said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                if (strtoul(line, &end, 10) == key && end != line && *line != ' ')
                        return line;
        }
        return "";
}

bool attack_is_listed(const struct attack *a, CK_OBJECT_HANDLE key, const char *exposure)
{
        const char *line = a->token ? attack_exposure(key) : exposure;

        if (!strstr(line, exposure))
                printf("# auditKeys says '%s'\n", line);
        return strstr(line, exposure) != NULL;
}

/* The line of the key, the path to it, the note. */
bool attack_is_noted(CK_OBJECT_HANDLE key, const char *words)
{
        const char *line = attack_exposure(key), *note = *line ? line + strlen(line) + 1 : "";

        note += strcspn(note, "\n");
        note += strspn(note, "\n ");
        return strncmp(note, "note:", 5) == 0 && strstr(note, words) &&
               strstr(note, words) < note + strcspn(note, "\n");
}
