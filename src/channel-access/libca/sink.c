/*
 * What Channel Access threads call when something has come: the only native code here. A monitored
 * number goes straight into the shared columns; any other answer is copied into the cell that its
 * request named, which is said in a ring, and decoded elsewhere. On libca's threads it calls nothing of
 * libca or of Node, so it can neither block nor deadlock. The callbacks of one context never run at the
 * same time, so a lane has one writer.
 *
 * A reader looks at `sequence` before and after: odd or changed means that it has to read again.
 * Layouts are described once more in memory.ts; change both together.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct lane {
    uint32_t head, mask; int32_t armed, wake; uint32_t *ring;
    /* Whether the columns have passed to somebody else, and whether they are being written here. */
    const int32_t *ended; int32_t *busy;
    int64_t *time; double *num; uint32_t *sequence, *updates; uint8_t *severity, *status;
};
struct batch { int32_t left; uint32_t token; };
struct cell {
    uint32_t sequence; int32_t status; uint32_t count, type, calls, queued, room, token;
    uint8_t *data; struct batch *batch; struct lane *lane;
};
/* A monitored number: its row, or -1 once it is given up, and where its IOC's updates are counted. */
struct monitor { struct lane *lane; uint32_t *count; int32_t row; };

/* As libca passes them, by value. */
struct event { void *user; void *channel; long type, count; const void *value; int status; };
struct connection { void *channel; long state; };
struct access { void *channel; unsigned rights; };

/* Bytes before the first element, by DBR type, and bytes of an element, by native type. */
static const uint16_t before[35] = {
    0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 5, 4, 8, 12, 14, 12, 14, 15, 12, 16, 4, 24, 40, 422, 19, 36, 64, 4, 28, 48, 422, 21, 44, 80 };
static const uint8_t element[7] = { 40, 2, 4, 2, 1, 4, 8 };

/* ca_puser: a connection names its channel only. */
static struct cell *(*cell_of)(void *channel);
void drey_cell_of(struct cell *(*with)(void *)) { cell_of = with; }

static void push(struct lane *lane, uint32_t token) {
    lane->ring[lane->head & lane->mask] = token;
    __atomic_store_n(&lane->head, lane->head + 1, __ATOMIC_RELEASE);
}

static void rouse(struct lane *lane) {
    if (__atomic_exchange_n(&lane->armed, 0, __ATOMIC_ACQ_REL) && write(lane->wake, "", 1) < 0) lane->armed = 1;
}

static void begin(uint32_t *sequence) {
    __atomic_store_n(sequence, *sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end(uint32_t *sequence) { __atomic_store_n(sequence, *sequence + 1, __ATOMIC_RELEASE); }

static void finish(struct cell *cell) {
    struct batch *batch = cell->batch;
    cell->calls++;
    end(&cell->sequence);
    /* A cell waits in the ring once, however often it is written: so the ring cannot overflow. */
    if (cell->token && !__atomic_exchange_n(&cell->queued, 1, __ATOMIC_ACQ_REL)) push(cell->lane, cell->token);
    if (!batch) return;
    int32_t left = __atomic_sub_fetch(&batch->left, 1, __ATOMIC_ACQ_REL);
    if (left == 0 && batch->token) push(cell->lane, batch->token);
    if (left <= 0) rouse(cell->lane);
}

void drey_event(struct event event) {
    struct cell *cell = event.user;
    size_t size = 0;
    if (event.status == 1 && event.value && event.type >= 0 && event.type < 35)
        size = before[event.type] + (size_t)event.count * element[event.type % 7];
    begin(&cell->sequence);
    cell->status = event.status;
    cell->type = (uint32_t)event.type;
    cell->count = (uint32_t)event.count;
    if (size > 0) memcpy(cell->data, event.value, size < cell->room ? size : cell->room);
    finish(cell);
}

static double number(long native, const void *value) {
    switch (native) {
    case 1: return *(const int16_t *)value;
    case 2: return *(const float *)value;
    case 3: return *(const uint16_t *)value;
    case 4: return *(const uint8_t *)value;
    case 5: return *(const int32_t *)value;
    default: return *(const double *)value;
    }
}

/* A monitored number. No access, a record that could not be read, no element: what was seen before stands. */
void drey_update(struct event event) {
    const struct monitor *monitor = event.user;
    const struct lane *lane = monitor->lane;
    if (event.status != 1 || event.count < 1 || event.type < 15 || event.type > 20) return;
    /* Said before looking: whoever takes the row away does so first and then waits for an end of this. */
    __atomic_store_n(lane->busy, 1, __ATOMIC_SEQ_CST);
    int32_t row = __atomic_load_n(&monitor->row, __ATOMIC_SEQ_CST);
    if (row >= 0 && !__atomic_load_n(lane->ended, __ATOMIC_SEQ_CST)) {
        const int16_t *state = event.value;
        const uint32_t *stamp = (const uint32_t *)event.value + 1;
        begin(&lane->sequence[row]);
        lane->status[row] = (uint8_t)state[0];
        lane->severity[row] = (uint8_t)state[1];
        lane->time[row] = stamp[0] || stamp[1] ? ((int64_t)stamp[0] + 631152000) * 1000000000 + stamp[1] : 0;
        lane->num[row] = number(event.type % 7, (const uint8_t *)event.value + before[event.type]);
        lane->updates[row]++;
        end(&lane->sequence[row]);
        __atomic_store_n(monitor->count, *monitor->count + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(lane->busy, 0, __ATOMIC_RELEASE);
}

/* Asks for the values of many channels: a call from JavaScript for each would cost as much as the call itself. */
struct ask { void *channel; int32_t type; uint32_t count; };
typedef int (*get)(long, unsigned long, void *, void (*)(struct event), void *);

uint32_t drey_get(get get, uint32_t length, const uint32_t *slots, const struct ask *asks, uint8_t *cells, uint32_t stride) {
    uint32_t asked = 0;
    for (uint32_t i = 0; i < length; i++) {
        const struct ask *ask = &asks[slots[i]];
        struct cell *cell = (struct cell *)(cells + (size_t)slots[i] * stride);
        cell->status = -1; /* no answer yet */
        int status = get(ask->type, ask->count, ask->channel, drey_event, cell);
        if (status == 1) asked++;
        else cell->status = status;
    }
    return asked;
}

void drey_connection(struct connection connection) {
    struct cell *cell = cell_of(connection.channel);
    begin(&cell->sequence);
    cell->status = (int32_t)connection.state;
    if (connection.state == 7) cell->count++; /* times lost */
    finish(cell);
}

void drey_access(struct access access) {
    struct cell *cell = cell_of(access.channel);
    begin(&cell->sequence);
    cell->type = access.rights;
    finish(cell);
}
