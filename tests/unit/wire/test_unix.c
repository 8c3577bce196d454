#include "test.h"
#include "wire/conn.h"

#include <sys/socket.h>
#include <sys/un.h>

static void absent_socket_is_named(void **state)
{
        struct wire_dialer dialer = wire_unix_dialer();
        struct err err = ERR_INIT;
        char longest[300];

        (void)state;
        assert_null(dialer.dial(dialer.arg, "/nonexistent/chsm.sock", 0, &err));
        assert_int_equal(err.id, ERR_CONNECT);
        assert_non_null(strstr(err.detail, "/nonexistent/chsm.sock"));
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        assert_null(dialer.dial(dialer.arg, longest, 0, &err));
        assert_int_equal(err.id, ERR_CONFIG);
}

static void bytes_and_credentials_cross(void **state)
{
        char *folder = scratch_make(), text[WIRE_PEER_TEXT], byte;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct wire_dialer dialer = wire_unix_dialer();
        int listener = socket(AF_UNIX, SOCK_STREAM, 0);
        struct wire_conn *a, *b;
        struct err err = ERR_INIT;
        uint8_t print[WIRE_FINGERPRINT_SIZE];
        size_t n;
        uid_t uid;
        gid_t gid;
        pid_t pid;

        (void)state;
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 1), 0);
        a = dialer.dial(dialer.arg, address.sun_path, 0, &err);
        assert_non_null(a);
        b = wire_unix_accept(accept(listener, NULL, NULL), &err);
        assert_non_null(b);
        assert_int_equal(a->ops->handshake(a, &err), WIRE_IO_OK);
        assert_int_equal(b->ops->read(b, &byte, 1, &n, &err), WIRE_IO_WANT_READ);
        assert_int_equal(a->ops->write(a, "x", 1, &n, &err), WIRE_IO_OK);
        assert_int_equal(b->ops->read(b, &byte, 1, &n, &err), WIRE_IO_OK);
        assert_int_equal(byte, 'x');
        assert_true(wire_unix_peer(b, &uid, &gid, &pid));
        assert_int_equal(uid, getuid());
        assert_int_equal(pid, getpid());
        b->ops->describe(b, text);
        assert_non_null(strstr(text, "uid"));
        b->ops->fingerprint(b, print);
        a->ops->close(a);
        assert_int_equal(b->ops->read(b, &byte, 1, &n, &err), WIRE_IO_CLOSED);
        b->ops->close(b);
        close(listener);
        scratch_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(absent_socket_is_named),
                cmocka_unit_test(bytes_and_credentials_cross),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
