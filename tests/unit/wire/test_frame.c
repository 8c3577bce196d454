#include "test.h"
#include "wire/frame.h"

static struct buf encoded(Chsm__Request *request)
{
        struct buf out = BUF_INIT;

        assert_true(wire_request_encode(request, &out));
        return out;
}

static struct slice body_of(const struct buf *frame)
{
        return slice_of(frame->p + WIRE_HEADER_SIZE, frame->n - WIRE_HEADER_SIZE);
}

static void request_init(Chsm__Request *request, uint64_t id)
{
        chsm__request__init(request);
        request->id = id;
}

static struct buf sign_frame(void)
{
        Chsm__Request request;
        Chsm__SignRequest sign = CHSM__SIGN_REQUEST__INIT;
        Chsm__ObjectRef key = CHSM__OBJECT_REF__INIT;
        Chsm__Mechanism mechanism = CHSM__MECHANISM__INIT;
        uint8_t ticket[300] = { 7 }, context[WIRE_CONTEXT_SIZE] = { 9 };

        request_init(&request, 42);
        request.ticket = (ProtobufCBinaryData){ sizeof(ticket), ticket };
        request.context = (ProtobufCBinaryData){ sizeof(context), context };
        request.body_case = CHSM__REQUEST__BODY_SIGN;
        request.sign = &sign;
        key.handle = 262150;
        mechanism.number = 0x40;
        sign.key = &key;
        sign.mechanism = &mechanism;
        sign.data = (ProtobufCBinaryData){ 5, (uint8_t *)"hello" };
        return encoded(&request);
}

static void feed(struct wire_reader *r, const uint8_t *p, size_t n)
{
        while (n) {
                size_t room, k;
                uint8_t *at = wire_reader_space(r, &room);

                assert_non_null(at);
                k = room < n ? room : n;
                assert_true(k > 0);
                memcpy(at, p, k);
                wire_reader_filled(r, k);
                p += k;
                n -= k;
        }
}

static void frames_come_whole_at_every_split(void **state)
{
        struct buf frame = sign_frame(), two = BUF_INIT;
        struct err err = ERR_INIT;

        (void)state;
        buf_put_slice(&two, buf_slice(&frame));
        buf_put_slice(&two, buf_slice(&frame));
        for (size_t split = 0; split <= two.n; split++) {
                struct wire_reader *r = wire_reader_new(WIRE_LIMIT_LOGIN);
                unsigned frames = 0;
                uint8_t *p;
                size_t n;

                for (int half = 0; half < 2; half++) {
                        feed(r, half ? two.p + split : two.p, half ? two.n - split : split);
                        while (wire_reader_next(r, &p, &n, &err) == WIRE_FRAME) {
                                assert_int_equal(n, frame.n - WIRE_HEADER_SIZE);
                                assert_memory_equal(p, frame.p + WIRE_HEADER_SIZE, n);
                                frames++;
                        }
                }
                assert_int_equal(frames, 2);
                wire_reader_free(&r);
        }
        buf_clear(&frame);
        buf_clear(&two);
}

static void lengths_beyond_the_limit_are_refused_at_once(void **state)
{
        static const uint8_t zero[] = { 0, 0, 0, 0 }, edge[] = { 0, 0, 0x10, 0 }, over[] = { 0, 0, 0x10, 1 },
                             huge[] = { 0xff, 0xff, 0xff, 0xff };
        const uint8_t *const heads[] = { zero, over, huge };
        struct err err = ERR_INIT;
        struct wire_reader *r;
        uint8_t *p;
        size_t n;

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                r = wire_reader_new(WIRE_LIMIT_LOGIN);
                feed(r, heads[i], 4);
                assert_int_equal(wire_reader_next(r, &p, &n, &err), WIRE_BAD);
                assert_int_equal(err.id, ERR_FRAME);
                wire_reader_free(&r);
        }
        r = wire_reader_new(WIRE_LIMIT_LOGIN);
        feed(r, edge, 4);
        assert_int_equal(wire_reader_next(r, &p, &n, &err), WIRE_MORE);
        wire_reader_limit(r, 100);
        assert_int_equal(wire_reader_next(r, &p, &n, &err), WIRE_BAD);
        wire_reader_free(&r);
}

static void a_relay_sees_id_ticket_and_body(void **state)
{
        struct buf frame = sign_frame();
        struct slice ticket, context;
        uint64_t id;

        (void)state;
        assert_true(wire_frame_id(body_of(&frame), &id));
        assert_int_equal(id, 42);
        assert_true(
            wire_frame_set_id(frame.p + WIRE_HEADER_SIZE, frame.n - WIRE_HEADER_SIZE, 0x1122334455667788));
        assert_true(wire_frame_id(body_of(&frame), &id));
        assert_int_equal(id, 0x1122334455667788);
        assert_true(wire_frame_login(body_of(&frame), &ticket, &context));
        assert_int_equal(ticket.n, 300);
        assert_int_equal(ticket.p[0], 7);
        assert_int_equal(context.n, WIRE_CONTEXT_SIZE);
        assert_int_equal(context.p[0], 9);
        assert_int_equal(wire_frame_body(body_of(&frame)), CHSM__REQUEST__BODY_SIGN);
        assert_false(wire_frame_login(slice_of(frame.p + WIRE_HEADER_SIZE, 100), &ticket, &context));
        buf_clear(&frame);
}

static void a_relay_raises_the_revision_a_request_wants_to_see(void **state)
{
        static const int64_t revisions[] = { 1, 127, 128, 300, INT64_MAX };
        Chsm__Request request;
        Chsm__ListUsersRequest body = CHSM__LIST_USERS_REQUEST__INIT;
        Chsm__Response response = CHSM__RESPONSE__INIT;
        struct buf frame = BUF_INIT;

        (void)state;
        response.id = 7;
        assert_true(wire_response_encode(&response, &frame));
        assert_int_equal(wire_frame_revision(body_of(&frame)), 0);
        for (size_t i = 0; i < sizeof(revisions) / sizeof(revisions[0]); i++) {
                struct err err = ERR_INIT;
                struct arena *arena = arena_new(1024, 65536);
                struct buf raised = BUF_INIT;
                Chsm__Request *again;

                request_init(&request, 7);
                request.body_case = CHSM__REQUEST__BODY_LIST_USERS;
                request.list_users = &body;
                request.min_revision = 5;
                buf_reset(&frame);
                assert_true(wire_request_encode(&request, &frame));
                assert_int_equal(wire_frame_min_revision(body_of(&frame)), 5);
                buf_put_slice(&raised, body_of(&frame));
                wire_frame_put_min_revision(&raised, revisions[i]);
                again = wire_request_decode(arena, buf_slice(&raised), &err);
                assert_non_null(again);
                assert_int_equal(again->min_revision, revisions[i]);
                assert_int_equal(again->body_case, request.body_case);
                buf_clear(&raised);
                arena_free(&arena);
                response.revision = revisions[i];
                buf_reset(&frame);
                assert_true(wire_response_encode(&response, &frame));
                assert_int_equal(wire_frame_revision(body_of(&frame)), revisions[i]);
        }
        assert_int_equal(wire_frame_revision(SLICE_EMPTY), 0);
        assert_int_equal(wire_frame_revision(slice_of((const uint8_t *)"\x28\xff", 2)), 0);
        buf_clear(&frame);
}

static void parts_of_streams_are_known(void **state)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__StreamPartRequest part = CHSM__STREAM_PART_REQUEST__INIT;
        struct buf frame = BUF_INIT;
        uint8_t ticket[200] = { 1 };

        (void)state;
        r.id = 1;
        r.ticket = (ProtobufCBinaryData){ sizeof(ticket), ticket };
        r.min_revision = 77;
        part.stream = UINT64_C(0x0300000000001001);
        part.sequence = 9;
        r.stream_part = &part;
        r.body_case = CHSM__REQUEST__BODY_STREAM_PART;
        assert_true(wire_request_encode(&r, &frame));
        assert_true(wire_frame_stream(body_of(&frame)) == part.stream);
        /* Cut anywhere, it is none, or the same. */
        for (size_t n = 0; n + WIRE_HEADER_SIZE < frame.n; n++) {
                uint64_t stream = wire_frame_stream(slice_of(frame.p + WIRE_HEADER_SIZE, n));

                assert_true(stream == 0 || stream == part.stream);
        }
        buf_clear(&frame);
        frame = sign_frame();
        assert_int_equal(wire_frame_stream(body_of(&frame)), 0);
        buf_clear(&frame);
}

/* Which requests two nodes may do at once, and how long they wait: seen without decoding, also cut anywhere.
 */
static void uses_and_deadlines_are_seen(void **state)
{
        Chsm__Request r = CHSM__REQUEST__INIT;
        Chsm__SignRequest sign = CHSM__SIGN_REQUEST__INIT;
        Chsm__LoginRequest login = CHSM__LOGIN_REQUEST__INIT;
        struct buf frame = BUF_INIT;
        uint8_t once[WIRE_IDEMPOTENCY_SIZE] = { 1 };

        (void)state;
        r.id = 1;
        r.deadline_ms = 4750;
        r.sign = &sign;
        r.body_case = CHSM__REQUEST__BODY_SIGN;
        assert_true(wire_request_encode(&r, &frame));
        assert_true(wire_frame_use(body_of(&frame)));
        assert_int_equal(wire_frame_deadline_ms(body_of(&frame)), 4750);
        for (size_t n = 0; n + WIRE_HEADER_SIZE < frame.n; n++) {
                int64_t ms = wire_frame_deadline_ms(slice_of(frame.p + WIRE_HEADER_SIZE, n));

                assert_true(ms == 0 || ms == 4750);
        }
        r.idempotency = (ProtobufCBinaryData){ sizeof(once), once }; /* it spends an authorisation */
        buf_reset(&frame);
        assert_true(wire_request_encode(&r, &frame));
        assert_false(wire_frame_use(body_of(&frame)));
        r.idempotency = (ProtobufCBinaryData){ 0, NULL };
        r.deadline_ms = 0;
        r.login = &login;
        r.body_case = CHSM__REQUEST__BODY_LOGIN;
        buf_reset(&frame);
        assert_true(wire_request_encode(&r, &frame));
        assert_false(wire_frame_use(body_of(&frame)));
        assert_int_equal(wire_frame_deadline_ms(body_of(&frame)), 0);
        assert_false(wire_frame_use(SLICE_EMPTY));
        buf_clear(&frame);
        for (size_t i = 0; wire_row_at(i); i++)
                assert_false(wire_row_at(i)->use && wire_row_at(i)->mutating);
}

static void truncated_and_flipped_messages_never_pass_half(void **state)
{
        struct buf frame = sign_frame();
        struct arena *arena = arena_new(4096, 65536);
        struct err err = ERR_INIT;
        Chsm__Request *request = wire_request_decode(arena, body_of(&frame), &err);

        (void)state;
        assert_non_null(request);
        assert_int_equal(request->sign->key->handle, 262150);
        for (size_t n = 0; n < frame.n - WIRE_HEADER_SIZE; n++) {
                arena_reset(arena);
                request = wire_request_decode(arena, slice_of(frame.p + WIRE_HEADER_SIZE, n), &err);
                assert_null(request);
                assert_int_equal(err.id, ERR_FRAME);
        }
        for (size_t bit = 0; bit < (frame.n - WIRE_HEADER_SIZE) * 8; bit++) {
                arena_reset(arena);
                frame.p[WIRE_HEADER_SIZE + bit / 8] ^= (uint8_t)(1u << bit % 8);
                request = wire_request_decode(arena, body_of(&frame), &err);
                assert_true(!request || wire_row_find((uint32_t)request->body_case));
                frame.p[WIRE_HEADER_SIZE + bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        arena_free(&arena);
        buf_clear(&frame);
}

static void every_body_has_its_row(void **state)
{
        const ProtobufCMessageDescriptor *d = &chsm__request__descriptor;
        size_t bodies = 0, rows = 0;

        (void)state;
        for (unsigned i = 0; i < d->n_fields; i++) {
                if (!(d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
                        continue;
                bodies++;
                if (!wire_row_find(d->fields[i].id))
                        fail_msg("no row for '%s' in wire_rows.c", d->fields[i].name);
                assert_string_equal(wire_row_find(d->fields[i].id)->name, d->fields[i].name);
        }
        while (wire_row_at(rows)) {
                assert_true(rows == 0 || wire_row_at(rows)->body > wire_row_at(rows - 1)->body);
                rows++;
        }
        assert_int_equal(rows, bodies);
}

static void refuse(Chsm__Request *request, const char *words)
{
        struct buf frame = encoded(request);
        struct arena *arena = arena_new(4096, 4 * 1024 * 1024);
        struct err err = ERR_INIT;

        assert_null(wire_request_decode(arena, body_of(&frame), &err));
        assert_int_equal(err.id, ERR_FRAME);
        if (!strstr(err.detail, words))
                fail_msg("'%s' does not say '%s'", err.detail, words);
        arena_free(&arena);
        buf_clear(&frame);
}

static void fields_out_of_range_are_named(void **state)
{
        Chsm__Request request;
        Chsm__LoginRequest login = CHSM__LOGIN_REQUEST__INIT;
        Chsm__RandomRequest rnd = CHSM__RANDOM_REQUEST__INIT;
        Chsm__DestroyObjectRequest destroy = CHSM__DESTROY_OBJECT_REQUEST__INIT;
        Chsm__ObjectRef both = CHSM__OBJECT_REF__INIT;
        uint8_t bytes[2000] = { 0 };
        char name[66];

        (void)state;
        request_init(&request, 0);
        request.body_case = CHSM__REQUEST__BODY_LOGIN;
        request.login = &login;
        refuse(&request, "without an id");
        request.id = 1;
        memset(name, 'a', 65);
        name[65] = '\0';
        login.user = name;
        refuse(&request, "user");
        login.user = "a\nb";
        refuse(&request, "control character");
        login.user = "cu1";
        login.password = (ProtobufCBinaryData){ 257, bytes };
        refuse(&request, "password");
        login.password.len = 0;
        request.context = (ProtobufCBinaryData){ 15, bytes };
        refuse(&request, "context");
        request.context.len = 0;
        request.ticket = (ProtobufCBinaryData){ 1025, bytes };
        refuse(&request, "ticket");
        request.ticket.len = 0;
        request.body_case = CHSM__REQUEST__BODY_RANDOM;
        request.random = &rnd;
        rnd.length = 1024 * 1024 + 1;
        refuse(&request, "random bytes");
        request.body_case = CHSM__REQUEST__BODY_DESTROY_OBJECT;
        request.destroy_object = &destroy;
        refuse(&request, "object");
        destroy.object = &both;
        both.handle = 7;
        both.sealed = (ProtobufCBinaryData){ 10, bytes };
        refuse(&request, "one object");
        request.body_case = CHSM__REQUEST__BODY__NOT_SET;
        refuse(&request, "not known");
}

/* Thousands of empty submessages in few bytes must not take more memory than the arena allows. */
static void repeated_fields_cannot_exhaust_memory(void **state)
{
        struct buf body = BUF_INIT, message = BUF_INIT;
        struct arena *arena = arena_new(4096, 64 * 1024);
        struct err err = ERR_INIT;

        (void)state;
        for (int i = 0; i < 100000; i++)
                buf_put(&body, "\x0a\x00", 2);                   /* CreateObjectRequest.template, empty */
        buf_put(&message, "\x09\x01\0\0\0\0\0\0\0\x82\x02", 11); /* id 1, field 32 */
        buf_put(&message, "\xc0\x9a\x0c", 3);                    /* 200,000 bytes */
        buf_put_slice(&message, buf_slice(&body));
        assert_int_equal(wire_frame_body(buf_slice(&message)), CHSM__REQUEST__BODY_CREATE_OBJECT);
        assert_null(wire_request_decode(arena, buf_slice(&message), &err));
        assert_true(arena_used(arena) <= 64 * 1024);
        arena_free(&arena);
        buf_clear(&body);
        buf_clear(&message);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(frames_come_whole_at_every_split),
                cmocka_unit_test(lengths_beyond_the_limit_are_refused_at_once),
                cmocka_unit_test(a_relay_sees_id_ticket_and_body),
                cmocka_unit_test(a_relay_raises_the_revision_a_request_wants_to_see),
                cmocka_unit_test(parts_of_streams_are_known),
                cmocka_unit_test(uses_and_deadlines_are_seen),
                cmocka_unit_test(truncated_and_flipped_messages_never_pass_half),
                cmocka_unit_test(every_body_has_its_row),
                cmocka_unit_test(fields_out_of_range_are_named),
                cmocka_unit_test(repeated_fields_cannot_exhaust_memory),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
