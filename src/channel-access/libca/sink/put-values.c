/*
 * Puts as passes over columns: the values of a job into requests, and what became of them back. Only our
 * own thread is ever here. What is rare, or does not fit, is left to put-value.ts.
 */
#include "sink.h"
#include <math.h>

/* Codes of contracts/values.ts and port.ts. */
enum { TEXT = 1, INT8, INT16, INT32, ENUM_INDEX, SINGLE, WIDE };
enum { PENDING, WRITTEN, GONE = 3, NO_ACCESS, LOST, REFUSED_ROW, DOES_NOT_FIT };
/* Whatever EPICS_CA_MAX_ARRAY_BYTES says: it is never less. */
enum { MOST_BYTES = 16 * 1024 };
static const uint8_t kind_of[7] = { TEXT, INT16, SINGLE, ENUM_INDEX, INT8, INT32, WIDE };

static int is_within(double value, double least, double most) { return trunc(value) == value && value >= least && value <= most; }

/* Whether a number can be held by a native type: `fits` of encode-put.ts. */
int drey_fits(int native, double value) {
    switch (native) {
    case DOUBLE: return 1;
    case FLOAT: return !isfinite(value) || isfinite((float)value);
    case LONG: return is_within(value, INT32_MIN, INT32_MAX);
    case SHORT: return is_within(value, INT16_MIN, INT16_MAX);
    case ENUM: return is_within(value, 0, UINT16_MAX);
    case CHAR: return is_within(value, 0, UINT8_MAX);
    default: return 0;
    }
}

static void write_number(int native, double value, void *to) {
    switch (native) {
    case DOUBLE: *(double *)to = value; return;
    case FLOAT: *(float *)to = (float)value; return;
    case LONG: *(int32_t *)to = (int32_t)value; return;
    case SHORT: *(int16_t *)to = (int16_t)value; return;
    case ENUM: *(uint16_t *)to = (uint16_t)value; return;
    default: *(uint8_t *)to = (uint8_t)value;
    }
}

/* The value of row `i` into a request; 0 when that is not for here. */
static int write_value(const struct run *run, uint32_t i, int native, uint32_t elements, int is_long_text, struct request *request) {
    uint8_t kind = run->kind[i];
    const uint8_t *from = run->beside + run->start[i];
    uint32_t size = (uint32_t)run->size[i];
    request->value = request->own;
    request->count = 1;
    request->bytes = element[native];
    if (is_long_text || run->size[i] < -1) return 0;
    if (run->size[i] == -1) { /* nothing beside the number */
        if (native == STRING || kind < INT8 || kind > WIDE || !drey_fits(native, run->num[i])) return 0;
        write_number(native, run->num[i], request->own);
        return 1;
    }
    if (kind != kind_of[native]) return 0;
    if (native == STRING) {
        if (size >= 40 || memchr(from, 0, size)) return 0;
        memcpy(request->own, from, size);
        memset(request->own + size, 0, 40 - size);
        return 1;
    }
    request->count = size / element[native];
    request->bytes = (int32_t)size;
    if (size == 0 || size % element[native] || size > MOST_BYTES || request->count > (elements > 1 ? elements : 1)) return 0;
    if (size > sizeof request->own && !(request->value = malloc(size))) return 0;
    memcpy(request->value, from, size);
    return 1;
}

/* Makes requests of the rows from `next` on and lists their slots, up to `most` and to the first one that is not for here. Returns how many. */
uint32_t drey_fill(struct run *run, const struct tables *tables, uint32_t next, uint32_t *list, uint32_t most) {
    uint32_t taken = 0;
    for (; taken < most && next + taken < run->rows; taken++) {
        uint32_t i = next + taken, row = (uint32_t)run->row[i];
        if (row >= tables->rows || tables->row_state[row] != CONNECTED) break;
        int32_t slot = tables->slot_of[row] - 1;
        if (slot < 0 || !tables->put_live[slot] || !(tables->access[slot] & WRITABLE)) break;
        struct request *request = &tables->requests[slot];
        if (__atomic_load_n(&request->state, __ATOMIC_ACQUIRE) != FREE) break;
        if (!write_value(run, i, tables->native[slot], tables->elements[slot], tables->flags[slot] & LONG_TEXT, request)) break;
        request->batch = run->batch;
        request->channel = (void *)(uintptr_t)tables->put_channel[slot];
        request->type = tables->native[slot];
        request->window = run->window;
        request->state = QUEUED;
        list[taken] = (uint32_t)slot;
        run->slot[run->length] = slot;
        run->index[run->length++] = (int32_t)i;
    }
    return taken;
}

/* Why a put was not done, by libca's status: of one that was sent, or was refused at once. */
static uint8_t fault(int32_t state, int32_t status) {
    if (state == DONE) return status == DISCONNECTED ? LOST : REFUSED_ROW;
    switch (status) {
    case DISCONNECTED: return GONE;
    case NO_WRITE_ACCESS: return NO_ACCESS;
    case BAD_COUNT: case TOO_LARGE: return DOES_NOT_FIT;
    default: return REFUSED_ROW;
    }
}

/* Notes what was sent, and the outcome of what has completed. Returns for how many. */
uint32_t drey_look(struct run *run, const struct tables *tables) {
    uint32_t settled = 0;
    for (; run->noted < run->length; run->noted++) {
        const struct request *request = &tables->requests[run->slot[run->noted]];
        int32_t i = run->index[run->noted];
        if (__atomic_load_n(&request->state, __ATOMIC_ACQUIRE) == QUEUED) break;
        if (run->outcome[i] != PENDING) continue;
        run->sent_at[i] = request->sent_at;
        run->order[run->sent++] = i;
    }
    uint32_t open = run->noted;
    for (uint32_t k = run->noted; k-- > run->open;) {
        int32_t i = run->index[k];
        if (run->outcome[i] != PENDING) continue;
        struct request *request = &tables->requests[run->slot[k]];
        int32_t state = __atomic_load_n(&request->state, __ATOMIC_ACQUIRE);
        if (state != DONE && state != REFUSED) {
            open = k;
            continue;
        }
        run->outcome[i] = state == DONE && request->status == NORMAL ? WRITTEN : fault(state, request->status);
        if (run->outcome[i] == REFUSED_ROW) run->code[i] = (uint16_t)request->status;
        settled++;
        __atomic_store_n(&request->state, FREE, __ATOMIC_RELEASE);
    }
    run->open = open;
    return settled;
}
