/*
 * What Channel Access threads call when something has come. A monitored number goes straight into the
 * shared columns; any other answer is copied into the cell that its request named, which is said in a
 * ring, and decoded elsewhere.
 */
#include "sink.h"

struct libca libca;
void drey_use(struct cell *(*puser)(void *), get get, put put, int (*flush)(void)) { libca = (struct libca){ puser, get, put, flush }; }

/* For memory.ts to compare with what it takes them to be. */
const uint32_t drey_sizes[] = {
    sizeof(struct lane), sizeof(struct batch), sizeof(struct cell), sizeof(struct monitor), sizeof(struct tables),
    sizeof(struct puts), sizeof(struct request), offsetof(struct request, own), sizeof(struct sweep),
    sizeof(struct run) };

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
        begin(&lane->sequence[row]);
        lane->status[row] = (uint8_t)state[0];
        lane->severity[row] = (uint8_t)state[1];
        lane->time[row] = time_of((const uint32_t *)event.value + 1);
        lane->num[row] = number(event.type % 7, (const uint8_t *)event.value + before[event.type]);
        lane->updates[row]++;
        end(&lane->sequence[row]);
        __atomic_store_n(monitor->count, *monitor->count + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(lane->busy, 0, __ATOMIC_RELEASE);
}

void drey_connection(struct connection connection) {
    struct cell *cell = libca.cell_of(connection.channel);
    begin(&cell->sequence);
    cell->status = (int32_t)connection.state;
    if (connection.state == 7) cell->count++; /* times lost */
    finish(cell);
}

void drey_access(struct access access) {
    struct cell *cell = libca.cell_of(access.channel);
    begin(&cell->sequence);
    cell->type = access.rights;
    finish(cell);
}
