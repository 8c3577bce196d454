/* A connection's bytes: frames, the relay's look into them, requests and responses; what decodes encodes
 * again. */
#include "fuzz.h"
#include "wire/frame.h"

static void message(struct arena *arena, struct slice frame)
{
        struct err err = ERR_INIT;
        struct buf again = BUF_INIT;
        struct slice ticket, context;
        uint64_t id;
        Chsm__Request *request;

        (void)wire_frame_id(frame, &id);
        (void)wire_frame_login(frame, &ticket, &context);
        (void)wire_frame_body(frame);
        (void)wire_frame_stream(frame);
        arena_reset(arena);
        request = wire_request_decode(arena, frame, &err);
        if (request && !wire_request_encode(request, &again))
                abort();
        buf_clear(&again);
        arena_reset(arena);
        (void)wire_response_decode(arena, frame, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct wire_reader *r = wire_reader_new(size % 2 ? WIRE_LIMIT_LOGIN : WIRE_LIMIT_PRESET);
        struct arena *arena = arena_new(4096, 1024 * 1024);
        struct err err = ERR_INIT;
        uint8_t *frame;
        size_t n, room;

        message(arena, slice_of(data, size));
        while (size) {
                uint8_t *at = wire_reader_space(r, &room);
                size_t k = room < size ? room : size;

                memcpy(at, data, k);
                wire_reader_filled(r, k);
                data += k;
                size -= k;
                while (wire_reader_next(r, &frame, &n, &err) == WIRE_FRAME)
                        message(arena, slice_of(frame, n));
        }
        wire_reader_free(&r);
        arena_free(&arena);
        return 0;
}
